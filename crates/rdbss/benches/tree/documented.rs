//! The documented structures of RDBSS for 64-bit machines, as far as their members are documented: what a mini-redirector sees
//! of each (`MRX_…`). What RDBSS keeps beside that, and names, are not in here, so the true ones are larger.

use crate::world::Kind;
use std::ffi::c_void;

type Pointer = *const c_void;
/// NodeTypeCode, NodeByteSize, NodeReferenceCount.
type Header = (u16, u16, u32);
/// UNICODE_STRING: two lengths and a pointer.
type Counted = (u32, Pointer);

#[repr(C)]
struct MrxSrvCall {
    header: Header,
    contexts: [Pointer; 2],
    device_object: Pointer,
    names: [Pointer; 3],
    flags: u32,
    maximum_number_of_close_delayed_files: u32,
    status: i32,
}

#[repr(C)]
struct MrxNetRoot {
    header: Header,
    srv_call: Pointer,
    contexts: [Pointer; 2],
    flags: u32,
    number_of_fcbs: u32,
    number_of_srv_opens: u32,
    kind: u8,
    device_type: u32,
    net_root_name: Pointer,
    inner_name_prefix: Counted,
}

#[repr(C)]
struct MrxVNetRoot {
    header: Header,
    net_root: Pointer,
    contexts: [Pointer; 2],
    flags: u32,
    number_of_opens: u32,
    number_of_fobxs: u32,
    logon_id: u64,
    credentials: [Pointer; 3],
    session_id: u32,
    construction_status: i32,
    is_explicit_connection: u8,
}

/// With the FSRTL_ADVANCED_FCB_HEADER of Windows Vista, 0x58 bytes; the resources that it points to are not in here.
#[repr(C)]
struct MrxFcb {
    header: [u64; 11],
    net_root: Pointer,
    contexts: [Pointer; 2],
    reference_count: u32,
    fcb_state: u32,
    unclean_count: u32,
    uncached_unclean_count: u32,
    open_count: u32,
    srv_open_list: [Pointer; 2],
}

#[repr(C)]
struct MrxSrvOpen {
    header: Header,
    fcb: Pointer,
    v_net_root: Pointer,
    contexts: [Pointer; 2],
    flags: u32,
    unclean_fobx_count: u32,
    open_count: u32,
    desired_access: u32,
    share_access: u32,
    links: [Pointer; 2],
}

#[repr(C)]
struct MrxFobx {
    header: Header,
    srv_open: Pointer,
    associated_file_object: Pointer,
    contexts: [Pointer; 2],
    flags: u32,
    query_template: Counted,
}

/// The part of RX_CONTEXT that all requests have.
#[repr(C)]
struct RxContext {
    header: Header,
    context_links: [Pointer; 2],
    functions: [u8; 2],
    irp: Pointer,
    fcb: Pointer,
    fobx: Pointer,
    flags: u32,
    serial_number: u32,
    status: [u64; 2],
    mrx_context: [Pointer; 4],
    sync_event: [u64; 3],
    block_links: [Pointer; 2],
    cancel_routine: Pointer,
}

pub(crate) fn size(kind: Kind) -> usize {
    match kind {
        Kind::SrvCall => size_of::<MrxSrvCall>(),
        Kind::NetRoot => size_of::<MrxNetRoot>(),
        Kind::VNetRoot => size_of::<MrxVNetRoot>(),
        Kind::Fcb => size_of::<MrxFcb>(),
        Kind::SrvOpen => size_of::<MrxSrvOpen>(),
        Kind::Fobx => size_of::<MrxFobx>(),
        Kind::Context => size_of::<RxContext>(),
    }
}
