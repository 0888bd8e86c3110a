//! The mini-redirector: NT file semantics over 9P2000.L.
#![no_std]
