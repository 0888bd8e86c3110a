//! 9P2000.L: wire format and a sans-IO client session.
#![no_std]
