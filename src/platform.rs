//! What the mini-redirector stands on in the kernel.

use executive::mem::AllocError;

use crate::fcb::FcbHeader;
use crate::wsk::Wsk;

/// The kernel: WSK sockets below, NT's FCB headers above.
pub(crate) struct PlatformKernel;

impl minirdr::Platform for PlatformKernel {
    type Transport = Wsk;
    type FcbHeader = FcbHeader;

    fn new_fcb_header() -> Result<FcbHeader, AllocError> {
        FcbHeader::new()
    }
}

/// The mini-redirector as this driver runs it.
pub(crate) type Redirector = minirdr::MiniRedirector<PlatformKernel>;

/// What a handle to a file refers to.
pub(crate) type OpenFile = minirdr::OpenFile<PlatformKernel>;
