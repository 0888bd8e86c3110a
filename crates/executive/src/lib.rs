//! What the NT executive gives a driver, behind one API: memory, locks, events, time, tasks.
#![no_std]
