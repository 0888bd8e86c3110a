//! Compile-time proof that the bindings describe the kernel's structures as documented for 64-bit Windows 10 and 11.
//!
//! The headers that the bindings come from may not be Microsoft's own. A field that moved would not fail the build, it
//! would corrupt memory, so every structure this driver reads or writes is checked here: sizes where the driver
//! allocates the structure, offsets of the fields it touches.

use core::mem::{offset_of, size_of};

use wdk_sys::{
    ACCESS_STATE, DEVICE_OBJECT, DRIVER_OBJECT, ERESOURCE, FAST_MUTEX, FILE_OBJECT, FSRTL_COMMON_FCB_HEADER,
    IO_SECURITY_CONTEXT, IO_STACK_LOCATION, IO_STATUS_BLOCK, IRP, KEVENT, KEY_VALUE_PARTIAL_INFORMATION,
    LARGE_INTEGER, LUID, MDL, OBJECT_ATTRIBUTES, SECTION_OBJECT_POINTERS, SECURITY_SUBJECT_CONTEXT,
    UNICODE_STRING,
};

use crate::fcb::AdvancedFcbHeader;

/// `offsets! { TYPE { field.path = offset, … } }` asserts each offset at compile time.
macro_rules! offsets {
    ($($type:ty { $($($field:ident).+ = $offset:literal),+ $(,)? })+) => {
        $($(const _: () = assert!(
            offset_of!($type, $($field).+) == $offset,
            concat!(stringify!($type), ".", stringify!($($field).+), " is not where the documentation puts it"),
        );)+)+
    };
}

/// `sizes! { TYPE = bytes, … }` asserts each size at compile time.
macro_rules! sizes {
    ($($type:ty = $size:literal),+ $(,)?) => {
        $(const _: () = assert!(
            size_of::<$type>() == $size,
            concat!(stringify!($type), " does not have its documented size"),
        );)+
    };
}

sizes! {
    ERESOURCE = 0x68,
    FAST_MUTEX = 0x38,
    FILE_OBJECT = 0xD8,
    FSRTL_COMMON_FCB_HEADER = 0x30,
    IO_STACK_LOCATION = 0x48,
    IO_STATUS_BLOCK = 0x10,
    IRP = 0xD0,
    KEVENT = 0x18,
    LARGE_INTEGER = 8,
    LUID = 8,
    MDL = 0x30,
    OBJECT_ATTRIBUTES = 0x30,
    SECTION_OBJECT_POINTERS = 0x18,
    SECURITY_SUBJECT_CONTEXT = 0x20,
    UNICODE_STRING = 0x10,
    AdvancedFcbHeader = 0x58,
}

offsets! {
    IRP {
        MdlAddress = 0x08,
        Flags = 0x10,
        AssociatedIrp = 0x18,
        IoStatus = 0x30,
        RequestorMode = 0x40,
        Cancel = 0x44,
        CancelIrql = 0x45,
        CancelRoutine = 0x68,
        UserBuffer = 0x70,
        Tail = 0x78,
    }
    IO_STACK_LOCATION {
        MajorFunction = 0x00,
        MinorFunction = 0x01,
        Flags = 0x02,
        Control = 0x03,
        Parameters = 0x08,
        Parameters.Create.SecurityContext = 0x08,
        Parameters.Create.Options = 0x10,
        Parameters.Create.FileAttributes = 0x18,
        Parameters.Create.ShareAccess = 0x1A,
        Parameters.Read.Length = 0x08,
        Parameters.Read.Key = 0x10,
        Parameters.Read.ByteOffset = 0x18,
        Parameters.Write.Length = 0x08,
        Parameters.Write.ByteOffset = 0x18,
        Parameters.Write.Key = 0x10,
        Parameters.LockControl.Length = 0x08,
        Parameters.LockControl.Key = 0x10,
        Parameters.LockControl.ByteOffset = 0x18,
        Parameters.NotifyDirectory.Length = 0x08,
        Parameters.NotifyDirectory.CompletionFilter = 0x10,
        Parameters.QueryDirectory.Length = 0x08,
        Parameters.QueryDirectory.FileName = 0x10,
        Parameters.QueryDirectory.FileInformationClass = 0x18,
        Parameters.QueryDirectory.FileIndex = 0x20,
        Parameters.QueryFile.Length = 0x08,
        Parameters.QueryFile.FileInformationClass = 0x10,
        Parameters.SetFile.Length = 0x08,
        Parameters.SetFile.FileInformationClass = 0x10,
        Parameters.SetFile.FileObject = 0x18,
        Parameters.QueryVolume.Length = 0x08,
        Parameters.QueryVolume.FsInformationClass = 0x10,
        Parameters.DeviceIoControl.OutputBufferLength = 0x08,
        Parameters.DeviceIoControl.InputBufferLength = 0x10,
        Parameters.DeviceIoControl.IoControlCode = 0x18,
        DeviceObject = 0x28,
        FileObject = 0x30,
    }
    FILE_OBJECT {
        Type = 0x00,
        DeviceObject = 0x08,
        FsContext = 0x18,
        FsContext2 = 0x20,
        SectionObjectPointer = 0x28,
        PrivateCacheMap = 0x30,
        RelatedFileObject = 0x40,
        Flags = 0x50,
        FileName = 0x58,
        CurrentByteOffset = 0x68,
        Lock = 0x80,
        Event = 0x98,
    }
    DEVICE_OBJECT {
        Type = 0x00,
        ReferenceCount = 0x04,
        DriverObject = 0x08,
        Flags = 0x30,
        Characteristics = 0x34,
        DeviceExtension = 0x40,
        DeviceType = 0x48,
        StackSize = 0x4C,
    }
    DRIVER_OBJECT {
        DeviceObject = 0x08,
        DriverName = 0x38,
        FastIoDispatch = 0x50,
        DriverStartIo = 0x60,
        DriverUnload = 0x68,
        MajorFunction = 0x70,
    }
    MDL {
        Next = 0x00,
        MdlFlags = 0x0A,
        MappedSystemVa = 0x18,
        StartVa = 0x20,
        ByteCount = 0x28,
        ByteOffset = 0x2C,
    }
    UNICODE_STRING {
        Length = 0x00,
        MaximumLength = 0x02,
        Buffer = 0x08,
    }
    IO_SECURITY_CONTEXT {
        AccessState = 0x08,
        DesiredAccess = 0x10,
    }
    ACCESS_STATE {
        SubjectSecurityContext = 0x20,
    }
    SECURITY_SUBJECT_CONTEXT {
        ClientToken = 0x00,
        ImpersonationLevel = 0x08,
        PrimaryToken = 0x10,
    }
    KEY_VALUE_PARTIAL_INFORMATION {
        Type = 0x04,
        DataLength = 0x08,
        Data = 0x0C,
    }
}

/// The header that heads every FCB of ours is declared in this crate; its common part must be the kernel's.
macro_rules! same_offset {
    ($($ours:ident = $theirs:ident),+ $(,)?) => {
        $(const _: () = assert!(offset_of!(AdvancedFcbHeader, $ours) == offset_of!(FSRTL_COMMON_FCB_HEADER, $theirs));)+
    };
}

same_offset! {
    node_type_code = NodeTypeCode,
    node_byte_size = NodeByteSize,
    flags = Flags,
    is_fast_io_possible = IsFastIoPossible,
    flags2 = Flags2,
    resource = Resource,
    paging_io_resource = PagingIoResource,
    allocation_size = AllocationSize,
    file_size = FileSize,
    valid_data_length = ValidDataLength,
}

offsets! {
    AdvancedFcbHeader {
        fast_mutex = 0x30,
        filter_contexts = 0x38,
        push_lock = 0x48,
        file_context_support_pointer = 0x50,
    }
}
