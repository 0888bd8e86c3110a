//! The mrx9p driver.
#![no_std]
