//! The result codes of a network provider, and how the driver's statuses become one.

use nt::{Status, Win32Error};

/// A result of an `NP*` function: a `WN_*` code, which is a Win32 error by another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wn(pub(crate) u32);

impl Wn {
    pub(crate) const SUCCESS: Self = Self(0);
    pub(crate) const OUT_OF_MEMORY: Self = Self(8);
    pub(crate) const NOT_SUPPORTED: Self = Self(50);
    /// "Not mine": the router asks the next provider.
    pub(crate) const BAD_NETNAME: Self = Self(67);
    pub(crate) const ALREADY_CONNECTED: Self = Self(85);
    pub(crate) const BAD_VALUE: Self = Self(87);
    pub(crate) const MORE_DATA: Self = Self(234);
    pub(crate) const NO_MORE_ENTRIES: Self = Self(259);
    pub(crate) const BAD_POINTER: Self = Self(487);
    pub(crate) const BAD_LOCALNAME: Self = Self(1200);
    pub(crate) const NO_NETWORK: Self = Self(1222);
    pub(crate) const BAD_USER: Self = Self(2202);
    pub(crate) const NOT_CONNECTED: Self = Self(2250);
    pub(crate) const OPEN_FILES: Self = Self(2401);
    /// `WN_BAD_HANDLE`.
    pub(crate) const BAD_HANDLE: Self = Self(6);
    /// A defect of this DLL (`ERROR_INTERNAL_ERROR`).
    pub(crate) const INTERNAL: Self = Self(1359);
}

/// What a refused connect is for the router. `surely_ours` says that the name could belong to nobody else: then a
/// server that cannot be reached is an error of its own; otherwise another provider may know the name.
pub(crate) fn from_add(status: Status, surely_ours: bool) -> Wn {
    match status {
        Status::BAD_NETWORK_NAME | Status::OBJECT_NAME_INVALID | Status::OBJECT_PATH_INVALID => {
            Wn::BAD_NETNAME
        }
        Status::OBJECT_PATH_SYNTAX_BAD => Wn::BAD_NETNAME,
        Status::BAD_NETWORK_PATH if !surely_ours => Wn::BAD_NETNAME,
        Status::CONNECTION_ACTIVE | Status::OBJECT_NAME_COLLISION => Wn::ALREADY_CONNECTED,
        other => from_status(other),
    }
}

/// What any other refusal of the driver is for the router.
pub(crate) fn from_status(status: Status) -> Wn {
    match status {
        Status::SUCCESS => Wn::SUCCESS,
        Status::FILES_OPEN => Wn::OPEN_FILES,
        Status::NOT_FOUND => Wn::NOT_CONNECTED,
        // The device is not there, or it is there and was never started: there is no network of ours.
        Status::OBJECT_NAME_NOT_FOUND | Status::OBJECT_PATH_NOT_FOUND | Status::REDIRECTOR_NOT_STARTED => {
            Wn::NO_NETWORK
        }
        Status::INSUFFICIENT_RESOURCES | Status::NO_MEMORY => Wn::OUT_OF_MEMORY,
        other => Wn(Win32Error::from(other).0),
    }
}
