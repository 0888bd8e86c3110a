//! The server's side of an open: CreateDisposition × CreateOptions as walks, opens and creates.

use ninep::wire::{Mode, OpenFlags, SetAttrMask, Tlcreate, Tlopen, Tmkdir, Tsetattr};
use nt::{AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, Status};

use crate::attributes::Attributes;
use crate::client::OwnedFid;
use crate::names::ServerPath;

/// What an open wants of the server.
pub(crate) struct Wanted {
    /// Specific rights; generic ones have been mapped.
    pub(crate) access: AccessMask,
    /// What to do if the file exists, and if it does not.
    pub(crate) disposition: CreateDisposition,
    /// `FILE_*` create options.
    pub(crate) options: CreateOptions,
    /// Attributes of a file that is made.
    pub(crate) file_attributes: FileAttributes,
    /// Group of a file that is made.
    pub(crate) gid: u32,
}

/// An open as the server made it.
pub(crate) struct OnServer {
    /// The file, open if data is wanted.
    pub(crate) file: OwnedFid,
    /// How it is open, creation and truncation aside; `None`: the fid was only walked to.
    pub(crate) flags: Option<OpenFlags>,
    /// What it is.
    pub(crate) attributes: Attributes,
    /// What was done.
    pub(crate) action: CreateAction,
    /// The rights of the handle: those wanted, with MAXIMUM_ALLOWED replaced by what was allowed.
    pub(crate) granted: AccessMask,
}

/// Permission bits of a new file and a new directory.
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;
/// The rights that need a file open for writing.
const WRITES: AccessMask = AccessMask::WRITE_DATA.union(AccessMask::APPEND_DATA);
/// The write permissions that FILE_ATTRIBUTE_READONLY takes away.
const WRITE_BITS: u32 = 0o222;

/// How often an open starts again because the file came or went between two of its messages.
const ATTEMPTS: usize = 3;

/// Opens or makes `path` below `root`.
///
/// # Errors
/// See [`crate::MiniRedirector::create`].
pub(crate) async fn open_on_server(
    root: &OwnedFid,
    path: &ServerPath,
    wanted: &Wanted,
) -> nt::Result<OnServer> {
    for _ in 0..ATTEMPTS {
        match root.walk(path.components()).await {
            Ok(file) => return open_existing(file, path, wanted).await,
            Err(Status::OBJECT_NAME_NOT_FOUND) if wanted.disposition.may_create() => {}
            Err(status) => return Err(status),
        }
        match make(root, path, wanted).await {
            // Somebody made it since we looked.
            Err(Status::OBJECT_NAME_COLLISION) if wanted.disposition != CreateDisposition::CREATE => {}
            made => return made,
        }
    }
    Err(Status::SHARING_VIOLATION)
}

async fn open_existing(file: OwnedFid, path: &ServerPath, wanted: &Wanted) -> nt::Result<OnServer> {
    let attributes = attributes(&file, path).await?;
    check_existing(&attributes, wanted)?;
    if wanted.disposition.truncates() {
        let request = Tsetattr {
            valid: SetAttrMask::SIZE,
            ..Tsetattr::new(file.fid())
        };
        file.client().call(&request, |_| ()).await?;
    }
    let (granted, flags) = open_for_data(&file, &attributes, wanted.access).await?;
    let (attributes, action) = if wanted.disposition.truncates() {
        let action = match wanted.disposition {
            CreateDisposition::SUPERSEDE => CreateAction::SUPERSEDED,
            _ => CreateAction::OVERWRITTEN,
        };
        (self::attributes(&file, path).await?, action)
    } else {
        (attributes, CreateAction::OPENED)
    };
    Ok(OnServer {
        file,
        flags,
        attributes,
        action,
        granted,
    })
}

/// Whether an existing file may be opened as wanted, as far as NT's rules say so; rights are the server's business.
fn check_existing(attributes: &Attributes, wanted: &Wanted) -> nt::Result {
    let is_directory = attributes.is_directory();
    if wanted.disposition == CreateDisposition::CREATE {
        return Err(Status::OBJECT_NAME_COLLISION);
    }
    if attributes.mode.is_symlink() && !wanted.options.contains(CreateOptions::OPEN_REPARSE_POINT) {
        return Err(Status::IO_REPARSE_TAG_NOT_HANDLED);
    }
    if is_directory && wanted.options.contains(CreateOptions::NON_DIRECTORY_FILE) {
        return Err(Status::FILE_IS_A_DIRECTORY);
    }
    if !is_directory && wanted.options.contains(CreateOptions::DIRECTORY_FILE) {
        return Err(Status::NOT_A_DIRECTORY);
    }
    if wanted.disposition.truncates() {
        if is_directory {
            return Err(Status::OBJECT_NAME_COLLISION);
        }
        if attributes.file_attributes.contains(FileAttributes::READONLY) || !attributes.is_openable() {
            return Err(Status::ACCESS_DENIED);
        }
    }
    // A FIFO, socket or device could block the server for good: it may be looked at, not opened.
    if !attributes.is_openable() && open_flags(wanted.access, false).is_some() {
        return Err(Status::ACCESS_DENIED);
    }
    if attributes.file_attributes.contains(FileAttributes::READONLY) {
        if wanted.access.intersects(WRITES) {
            return Err(Status::ACCESS_DENIED);
        }
        if wanted.options.contains(CreateOptions::DELETE_ON_CLOSE) {
            return Err(Status::CANNOT_DELETE);
        }
    }
    Ok(())
}

async fn make(root: &OwnedFid, path: &ServerPath, wanted: &Wanted) -> nt::Result<OnServer> {
    let (directory, name) = path.split_last().ok_or(Status::OBJECT_NAME_COLLISION)?;
    let parent = root.walk_to_parent(ServerPath::components_of(directory)).await?;
    let (file, flags) = if wanted.options.contains(CreateOptions::DIRECTORY_FILE) {
        let request = Tmkdir {
            dfid: parent.fid(),
            name,
            mode: Mode(DIRECTORY_MODE),
            gid: wanted.gid,
        };
        parent.client().call(&request, |_| ()).await?;
        let made = parent.walk(core::iter::once(name)).await?;
        let attributes = self::attributes(&made, path).await?;
        let (_, flags) = open_for_data(&made, &attributes, wanted.access).await?;
        (made, flags)
    } else {
        let read_only = wanted.file_attributes.contains(FileAttributes::READONLY);
        let mode = if read_only {
            FILE_MODE & !WRITE_BITS
        } else {
            FILE_MODE
        };
        let flags = open_flags(wanted.access, false).unwrap_or_default();
        let request = Tlcreate {
            fid: parent.fid(),
            name,
            flags: flags | OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
            mode: Mode(mode),
            gid: wanted.gid,
        };
        // The parent's fid has become the file's.
        parent.client().call(&request, |_| ()).await?;
        (parent, Some(flags))
    };
    let attributes = attributes(&file, path).await?;
    Ok(OnServer {
        file,
        flags,
        attributes,
        action: CreateAction::CREATED,
        granted: granted(wanted.access, AccessMask::FILE_ALL_ACCESS),
    })
}

async fn attributes(file: &OwnedFid, path: &ServerPath) -> nt::Result<Attributes> {
    let name = path.split_last().map_or(&b""[..], |(_, name)| name);
    let reply = file.client().getattr(file.fid()).await?;
    Ok(Attributes::new(&reply, name))
}

/// Opens an existing file for the data that `access` wants, if any; the result is what is granted, and how it is open. Who
/// asks for all that is allowed gets reading where writing is refused.
async fn open_for_data(
    file: &OwnedFid,
    attributes: &Attributes,
    access: AccessMask,
) -> nt::Result<(AccessMask, Option<OpenFlags>)> {
    let fid = file.fid();
    let is_directory = attributes.is_directory();
    let Some(flags) = open_flags(access, is_directory) else {
        return Ok((granted(access, AccessMask::FILE_ALL_ACCESS), None));
    };
    let as_allowed = access.contains(AccessMask::MAXIMUM_ALLOWED) && !is_directory;
    let read_only = attributes.file_attributes.contains(FileAttributes::READONLY);
    if !(as_allowed && read_only) {
        match file.client().call(&Tlopen { fid, flags }, |_| ()).await {
            Err(Status::ACCESS_DENIED | Status::MEDIA_WRITE_PROTECTED) if as_allowed => {}
            opened => return opened.map(|()| (granted(access, AccessMask::FILE_ALL_ACCESS), Some(flags))),
        }
    }
    if access.intersects(WRITES) {
        return Err(Status::ACCESS_DENIED);
    }
    let flags = flags - OpenFlags::READ_WRITE;
    file.client().call(&Tlopen { fid, flags }, |_| ()).await?;
    Ok((granted(access, AccessMask::FILE_ALL_ACCESS - WRITES), Some(flags)))
}

/// `access` with MAXIMUM_ALLOWED replaced by `allowed`.
fn granted(access: AccessMask, allowed: AccessMask) -> AccessMask {
    if access.contains(AccessMask::MAXIMUM_ALLOWED) {
        (access - AccessMask::MAXIMUM_ALLOWED) | allowed
    } else {
        access
    }
}

/// How to open for `access`; `None` when no right to data is wanted, so that the file need not be opened at all.
fn open_flags(access: AccessMask, is_directory: bool) -> Option<OpenFlags> {
    let reads = access.intersects(AccessMask::READ_DATA | AccessMask::EXECUTE);
    let writes = access.intersects(AccessMask::WRITE_DATA | AccessMask::APPEND_DATA);
    if is_directory {
        // The same bits mean listing a directory and adding to it; only listing needs an open fid.
        let lists = reads || access.contains(AccessMask::MAXIMUM_ALLOWED);
        return lists.then_some(OpenFlags::DIRECTORY);
    }
    if access.contains(AccessMask::MAXIMUM_ALLOWED) {
        return Some(OpenFlags::READ_WRITE);
    }
    match (reads, writes) {
        (true, true) => Some(OpenFlags::READ_WRITE),
        (false, true) => Some(OpenFlags::WRITE_ONLY),
        (true, false) => Some(OpenFlags::empty()),
        (false, false) => None,
    }
}
