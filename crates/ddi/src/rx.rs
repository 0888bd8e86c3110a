//! The routines of the object tree: creation, references and finalisation of SRV_CALL, NET_ROOT, V_NET_ROOT, FCB, SRV_OPEN
//! and FOBX, and RX_CONTEXTs to do so on behalf of.
//!
//! C callers get opaque pointers, which are numbers: there is no memory behind them to be looked at, and a stale one is
//! refused. Behind them stands one [`rdbss::Tree`] for the process, under one lock, which is held for the length of a call;
//! that takes the place of the locks that RDBSS wants its callers to hold.

mod create;
mod door;
mod finalize;
mod reference;

pub use create::{
    RxCreateNetFcb, RxCreateNetFobx, RxCreateNetRoot, RxCreateSrvCall, RxCreateSrvOpen, RxCreateVNetRoot,
};
pub use door::{CancelRoutine, start, stop};
pub use finalize::{
    RxFinalizeConnection, RxFinalizeNetFcb, RxFinalizeNetFobx, RxFinalizeNetRoot, RxFinalizeSrvCall,
    RxFinalizeSrvOpen, RxFinalizeVNetRoot, RxForceFinalizeAllVNetRoots,
};
pub use reference::{
    RxCreateRxContext, RxDereference, RxDereferenceAndDeleteRxContext, RxReference,
    RxSetMinirdrCancelRoutine, RxSetSrvCallDomainName, RxpDereferenceAndFinalizeNetFcb, RxpDereferenceNetFcb,
    RxpReferenceNetFcb,
};

#[cfg(feature = "host")]
pub(crate) use create::read_name;
#[cfg(feature = "host")]
pub(crate) use door::{Handle, with};
#[cfg(feature = "host")]
pub(crate) use reference::begin;

use core::ffi::c_void;

/// Any object of the tree, as C has it. Never followed.
pub type Object = *mut c_void;

/// The number that `object` is.
pub(crate) fn number(object: Object) -> usize {
    object.addr()
}

/// A number as the pointer that C has.
pub(crate) fn opaque(number: usize) -> Object {
    core::ptr::without_provenance_mut(number)
}
