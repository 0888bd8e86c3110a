//! What the mini-redirector stands on in the kernel.

use executive::mem::AllocError;
use minirdr::{HeldHeader, MappedOpen};

use crate::fcb::FcbHeader;
use crate::work_item::elsewhere;
use crate::wsk::Wsk;

/// The kernel: WSK sockets below, NT's FCB headers above.
pub(crate) struct PlatformKernel;

impl minirdr::Platform for PlatformKernel {
    type Transport = Wsk;
    type FcbHeader = FcbHeader;

    fn new_fcb_header() -> Result<FcbHeader, AllocError> {
        FcbHeader::new()
    }

    async fn views_allow(file: HeldHeader<Self>, open: MappedOpen) -> nt::Result {
        if !file.sections().exist() {
            return Ok(());
        }
        // The memory manager may wait for paging I/O, which tasks answer.
        elsewhere(move || file.sections().allow(open)).await?
    }
}

/// The mini-redirector as this driver runs it.
pub(crate) type Redirector = minirdr::MiniRedirector<PlatformKernel>;

/// What a handle to a file refers to.
pub(crate) type OpenFile = minirdr::OpenFile<PlatformKernel>;
