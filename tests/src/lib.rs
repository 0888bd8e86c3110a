//! Drives the real driver, provider and programs.
