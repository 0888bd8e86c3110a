//! The control interface of mrx9p.sys: codes and records shared by both sides.
#![no_std]
