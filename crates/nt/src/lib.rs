//! NT vocabulary: Status, counted UTF-16 names, FileTime, access masks.
#![no_std]
