//! Test driver.
#![no_std]
