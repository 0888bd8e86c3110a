//! Flags of the requests: bits that are passed on to the I/O stack location or to the IRP.

bitflags::bitflags! {
    /// Flags of a scan of directory entries or extended attributes (`SL_*` of the I/O stack location).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ScanFlags: u32 {
        /// Start at the first entry again.
        const RESTART_SCAN = 0x1;
        /// Return one entry only.
        const RETURN_SINGLE_ENTRY = 0x2;
        /// Start at a given index.
        const INDEX_SPECIFIED = 0x4;
        const _ = !0;
    }

    /// Flags of a change notification (`SL_*` of the I/O stack location).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct WatchFlags: u32 {
        /// The directories below, too.
        const WATCH_TREE = 0x1;
        const _ = !0;
    }

    /// Flags of a lock (`SL_*` of the I/O stack location).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LockFlags: u32 {
        /// Do not wait for the range.
        const FAIL_IMMEDIATELY = 0x1;
        /// For one owner alone.
        const EXCLUSIVE = 0x2;
        const _ = !0;
    }

    /// How a read or a write is made (`IRP_*` of the IRP's flags, and in the second byte the minor function).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TransferFlags: u32 {
        /// `IRP_NOCACHE`.
        const NO_CACHE = 0x1;
        /// `IRP_PAGING_IO`: as the memory manager asks, for the file rather than for the handle.
        const PAGING = 0x2;
        /// After its cleanup the file is closed in the thread that ends its last IRP, as the I/O manager does where that IRP
        /// holds the last reference to the file object. If that thread waits for too long, the IRP's outcome is DEVICE_BUSY.
        const CLOSES = 0x4;
        /// The buffer is a user's, and named by its address alone, as where the device says nothing of how it wants buffers.
        const AS_USER = 0x8;
        /// `IRP_MN_DPC`.
        const MINOR_DPC = 0x100;
        /// `IRP_MN_MDL`.
        const MINOR_MDL = 0x200;
        /// `IRP_MN_COMPLETE`.
        const MINOR_COMPLETE = 0x400;
        const _ = !0;
    }

    /// How a control request is made.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ControlFlags: u32 {
        /// The requestor's mode is UserMode, although the buffers are the kernel's.
        const AS_USER = 0x1;
        /// The minor function is `IRP_MN_KERNEL_CALL` rather than `IRP_MN_USER_FS_REQUEST`.
        const KERNEL_CALL = 0x2;
        /// `IOCTL_REDIR_QUERY_PATH_EX` rather than `IOCTL_REDIR_QUERY_PATH`.
        const EXTENDED = 0x4;
        /// The IRP is cancelled before it is sent.
        const CANCELLED = 0x8;
        const _ = !0;
    }

    /// Flags of an open (`SL_*` of the I/O stack location).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OpenFlags: u32 {
        /// The name is that of a paging file.
        const PAGING_FILE = 0x2;
        /// Open the directory that the name is in.
        const TARGET_DIRECTORY = 0x4;
        /// Answer a symbolic link with STATUS_STOPPED_ON_SYMLINK.
        const STOP_ON_SYMLINK = 0x8;
        /// Names that differ in case differ.
        const CASE_SENSITIVE = 0x80;
        /// None of `SL_*`: while the IRP is under way, the driver object says that an unload has begun.
        const UNLOAD_BEGUN = 0x100;
        const _ = !0;
    }
}
