//! The stack location of each kind of IRP.

use super::{Lock, Parameters};
use core::ptr;
use ioctl::irp::{ControlFlags, TransferFlags};
use wdk_sys::{
    IO_STACK_LOCATION, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL,
    IRP_MJ_DIRECTORY_CONTROL, IRP_MJ_FILE_SYSTEM_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_LOCK_CONTROL,
    IRP_MJ_QUERY_EA, IRP_MJ_QUERY_INFORMATION, IRP_MJ_QUERY_SECURITY, IRP_MJ_QUERY_VOLUME_INFORMATION,
    IRP_MJ_READ, IRP_MJ_SET_EA, IRP_MJ_SET_INFORMATION, IRP_MJ_SET_SECURITY, IRP_MJ_SET_VOLUME_INFORMATION,
    IRP_MJ_WRITE, IRP_MN_KERNEL_CALL, IRP_MN_NOTIFY_CHANGE_DIRECTORY, IRP_MN_QUERY_DIRECTORY,
};

impl Parameters {
    /// Fills in the stack location, which is zeroed; `len` is the length of the buffer.
    pub(crate) fn fill(&self, location: &mut IO_STACK_LOCATION, len: u32) {
        // CAST: the major functions are small numbers.
        location.MajorFunction = self.major() as u8;
        match self {
            Self::Read { .. } | Self::Write { .. } | Self::Lock(_) => self.fill_data(location, len),
            Self::QueryInformation(_)
            | Self::SetInformation { .. }
            | Self::QueryVolume(_)
            | Self::SetVolume(_) => self.fill_information(location, len),
            Self::QueryDirectory { .. } | Self::NotifyChange { .. } => self.fill_directory(location, len),
            Self::QueryEa { .. } | Self::SetEa | Self::QuerySecurity(_) | Self::SetSecurity { .. } => {
                self.fill_attributes(location, len);
            }
            Self::Control(_) | Self::QueryPath(_) => self.fill_control(location, len),
            Self::Create(create) => {
                location.Flags = create.flags;
                let parameters = &mut location.Parameters;
                parameters.Create.SecurityContext = create.security();
                parameters.Create.Options = create.options;
                parameters.Create.FileAttributes = create.attributes;
                parameters.Create.ShareAccess = create.share;
                parameters.Create.EaLength = create.ea_len();
            }
            Self::Cleanup | Self::Close | Self::Flush => {}
        }
    }

    fn fill_data(&self, location: &mut IO_STACK_LOCATION, len: u32) {
        match self {
            Self::Read { offset, key, flags } => {
                location.MinorFunction = minor(*flags);
                let parameters = &mut location.Parameters;
                parameters.Read.Length = len;
                parameters.Read.Key = *key;
                parameters.Read.ByteOffset.QuadPart = offset.cast_signed();
            }
            Self::Write { offset, key, flags } => {
                location.MinorFunction = minor(*flags);
                let parameters = &mut location.Parameters;
                parameters.Write.Length = len;
                parameters.Write.Key = *key;
                parameters.Write.ByteOffset.QuadPart = offset.cast_signed();
            }
            Self::Lock(lock) => fill_lock(lock, location),
            _ => {}
        }
    }

    fn fill_information(&self, location: &mut IO_STACK_LOCATION, len: u32) {
        let parameters = &mut location.Parameters;
        match self {
            Self::QueryInformation(class) => {
                parameters.QueryFile.Length = len;
                parameters.QueryFile.FileInformationClass = class.0 as _;
            }
            Self::SetInformation {
                class,
                target,
                replace,
            } => {
                parameters.SetFile.Length = len;
                parameters.SetFile.FileInformationClass = class.0 as _;
                parameters.SetFile.FileObject = target.as_ref().map_or(ptr::null_mut(), |file| file.object());
                parameters
                    .SetFile
                    .__bindgen_anon_1
                    .__bindgen_anon_1
                    .ReplaceIfExists = u8::from(*replace);
            }
            Self::QueryVolume(class) => {
                parameters.QueryVolume.Length = len;
                parameters.QueryVolume.FsInformationClass = class.0 as _;
            }
            Self::SetVolume(class) => {
                parameters.SetVolume.Length = len;
                parameters.SetVolume.FsInformationClass = class.0 as _;
            }
            _ => {}
        }
    }

    fn fill_directory(&self, location: &mut IO_STACK_LOCATION, len: u32) {
        match self {
            Self::QueryDirectory {
                class,
                flags,
                index,
                pattern,
            } => {
                // CAST: the minor functions are small numbers, and the flags bits of a byte.
                location.MinorFunction = IRP_MN_QUERY_DIRECTORY as u8;
                location.Flags = flags.bits() as u8;
                let parameters = &mut location.Parameters;
                parameters.QueryDirectory.Length = len;
                parameters.QueryDirectory.FileInformationClass = class.0 as _;
                parameters.QueryDirectory.FileIndex = *index;
                parameters.QueryDirectory.FileName = pattern
                    .as_ref()
                    .map_or(ptr::null_mut(), |pattern| pattern.counted.get());
            }
            Self::NotifyChange { filter, flags } => {
                // CAST: as above.
                location.MinorFunction = IRP_MN_NOTIFY_CHANGE_DIRECTORY as u8;
                location.Flags = flags.bits() as u8;
                location.Parameters.NotifyDirectory.Length = len;
                location.Parameters.NotifyDirectory.CompletionFilter = *filter;
            }
            _ => {}
        }
    }

    fn fill_attributes(&self, location: &mut IO_STACK_LOCATION, len: u32) {
        let parameters = &mut location.Parameters;
        match self {
            Self::QueryEa { flags, index, list } => {
                parameters.QueryEa.Length = len;
                if !list.is_empty() {
                    parameters.QueryEa.EaList = list.as_ptr().cast_mut().cast();
                    // CAST: requests are bounded when they are parsed.
                    parameters.QueryEa.EaListLength = list.len() as u32;
                }
                parameters.QueryEa.EaIndex = *index;
                // CAST: the flags are bits of a byte.
                location.Flags = flags.bits() as u8;
            }
            Self::SetEa => parameters.SetEa.Length = len,
            Self::QuerySecurity(information) => {
                parameters.QuerySecurity.SecurityInformation = *information;
                parameters.QuerySecurity.Length = len;
            }
            Self::SetSecurity {
                information,
                descriptor,
            } => {
                parameters.SetSecurity.SecurityInformation = *information;
                parameters.SetSecurity.SecurityDescriptor = descriptor.as_ptr().cast_mut().cast();
            }
            _ => {}
        }
    }

    fn fill_control(&self, location: &mut IO_STACK_LOCATION, len: u32) {
        let parameters = &mut location.Parameters;
        match self {
            Self::Control(control) if control.file_system => {
                // CAST: the minor functions are small numbers.
                if control.flags.contains(ControlFlags::KERNEL_CALL) {
                    location.MinorFunction = IRP_MN_KERNEL_CALL as u8;
                }
                parameters.FileSystemControl.OutputBufferLength = control.output_len;
                parameters.FileSystemControl.InputBufferLength = control.input_len;
                parameters.FileSystemControl.FsControlCode = control.code;
                parameters.FileSystemControl.Type3InputBuffer = control.own_input().cast();
            }
            Self::Control(control) => {
                parameters.DeviceIoControl.OutputBufferLength = control.output_len;
                parameters.DeviceIoControl.InputBufferLength = control.input_len;
                parameters.DeviceIoControl.IoControlCode = control.code;
                parameters.DeviceIoControl.Type3InputBuffer = control.own_input().cast();
            }
            Self::QueryPath(query) => {
                let (input, input_len) = query.input();
                parameters.DeviceIoControl.OutputBufferLength = len;
                parameters.DeviceIoControl.InputBufferLength = input_len;
                parameters.DeviceIoControl.IoControlCode = query.code();
                parameters.DeviceIoControl.Type3InputBuffer = input.cast();
            }
            _ => {}
        }
    }

    fn major(&self) -> u32 {
        match self {
            Self::Create(_) => IRP_MJ_CREATE,
            Self::Cleanup => IRP_MJ_CLEANUP,
            Self::Close => IRP_MJ_CLOSE,
            Self::Read { .. } => IRP_MJ_READ,
            Self::Write { .. } => IRP_MJ_WRITE,
            Self::QueryInformation(_) => IRP_MJ_QUERY_INFORMATION,
            Self::SetInformation { .. } => IRP_MJ_SET_INFORMATION,
            Self::QueryDirectory { .. } | Self::NotifyChange { .. } => IRP_MJ_DIRECTORY_CONTROL,
            Self::Flush => IRP_MJ_FLUSH_BUFFERS,
            Self::QueryVolume(_) => IRP_MJ_QUERY_VOLUME_INFORMATION,
            Self::SetVolume(_) => IRP_MJ_SET_VOLUME_INFORMATION,
            Self::Lock(_) => IRP_MJ_LOCK_CONTROL,
            Self::QueryEa { .. } => IRP_MJ_QUERY_EA,
            Self::SetEa => IRP_MJ_SET_EA,
            Self::QuerySecurity(_) => IRP_MJ_QUERY_SECURITY,
            Self::SetSecurity { .. } => IRP_MJ_SET_SECURITY,
            Self::Control(control) if control.file_system => IRP_MJ_FILE_SYSTEM_CONTROL,
            Self::Control(_) | Self::QueryPath(_) => IRP_MJ_DEVICE_CONTROL,
        }
    }
}

fn fill_lock(lock: &Lock, location: &mut IO_STACK_LOCATION) {
    // CAST: the minor functions are small numbers, and the flags bits of a byte.
    location.MinorFunction = lock.function.0 as u8;
    location.Flags = lock.flags.bits() as u8;
    let parameters = &mut location.Parameters;
    parameters.LockControl.Length = lock.span.get();
    parameters.LockControl.Key = lock.key;
    parameters.LockControl.ByteOffset.QuadPart = lock.offset.cast_signed();
}

/// The minor function of a read or a write.
fn minor(flags: TransferFlags) -> u8 {
    // CAST: one byte of the flags.
    (flags.bits() >> 8) as u8
}
