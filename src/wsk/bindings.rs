//! wsk.h as bindgen reads it (see build.rs): the names are the kit's.
#![expect(
    clippy::all,
    clippy::allow_attributes,
    clippy::ptr_as_ptr,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    dead_code,
    unreachable_pub,
    reason = "generated from the kit's header"
)]

use wdk_sys::*;

include!(concat!(env!("OUT_DIR"), "/wsk.rs"));
