//! The server's side of an open: CreateDisposition × CreateOptions as walks, opens and creates.

use alloc::vec::Vec;

use executive::task::apart;
use ninep::session::Need;
use ninep::wire::{Mode, OpenFlags, Rgetattr, SetAttrMask, Tlcreate, Tlopen, Tmkdir, Tsetattr};
use nt::{AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, Status};

use crate::create::access::{self, WRITES};
use crate::create::folded_names::Folded;
use crate::create::lookup::{Found, Lookup, open_found};
use crate::create::symlink::read_link;
use crate::dialect::look_up;
use crate::dormant::FileIdentity;
use crate::ea::xattr::{self, Names};
use crate::information::attributes::{ANY_WRITE, Attributes};
use crate::information::dos_attributes;
use crate::names::ServerPath;
use crate::objects::View;
use crate::server::client::{OwnedFid, after_change, identifying_attributes};

/// What an open wants of the server.
pub(crate) struct Wanted {
    /// Specific rights; generic ones have been mapped and MAXIMUM_ALLOWED has been replaced.
    pub(crate) access: AccessMask,
    /// What to do if the file exists, and if it does not.
    pub(crate) disposition: CreateDisposition,
    /// `FILE_*` create options.
    pub(crate) options: CreateOptions,
    /// Attributes of a file that is made.
    pub(crate) file_attributes: FileAttributes,
    /// Whether those of them that Unix has no place for are kept.
    pub(crate) dos_attributes: bool,
    /// Permissions that what is made does not get.
    pub(crate) umask: u32,
    /// Only the name as it is written is meant.
    pub(crate) case_sensitive: bool,
    /// The path is not spelled as it was asked for, but as a file that was there a moment ago.
    pub(crate) is_respelled: bool,
    /// The only file that may be opened, of an open by file id.
    pub(crate) file_id: Option<u64>,
}

/// An open as the server made it.
pub(crate) struct OnServer {
    /// The file, open if data is wanted.
    pub(crate) file: OwnedFid,
    /// How it is open, creation and truncation aside; `None`: the fid was only walked to.
    pub(crate) flags: Option<OpenFlags>,
    /// Which file it is.
    pub(crate) identity: FileIdentity,
    /// What it is.
    pub(crate) attributes: Attributes,
    /// What was done.
    pub(crate) action: CreateAction,
}

/// What came of an open.
pub(crate) enum Outcome<T> {
    /// This.
    Here(T),
    /// The file that is meant is called otherwise.
    At(ServerPath),
    /// The component of this index is a symbolic link that says this.
    Link(usize, Vec<u8>),
}

/// Permission bits of a new file and a new directory, before the umask.
const FILE_MODE: u32 = 0o666;
const DIRECTORY_MODE: u32 = 0o777;

/// How often an open starts again because the file came or went between two of its messages.
const ATTEMPTS: usize = 3;

/// Opens or makes `path` below `root`, the root of `view`.
///
/// # Errors
/// `RETRY` where the spelling that the path has taken is nobody's any more; otherwise see
/// [`crate::MiniRedirector::create`].
pub(crate) async fn open_on_server(
    view: &View,
    root: &OwnedFid,
    path: &ServerPath,
    wanted: &Wanted,
) -> nt::Result<Outcome<OnServer>> {
    for _ in 0..ATTEMPTS {
        let ahead = ahead_flags(view, path, wanted);
        let missing = match look_up(root, path, ahead).await? {
            Lookup::Found(found) => return apart(open_existing(view, found, path, wanted, ahead)).await,
            Lookup::Link(at) => return apart(link_at(root, path, at)).await,
            Lookup::Missing(at) => at,
        };
        if let Some(other) = apart(spelt_otherwise(view, root, path, missing, wanted)).await? {
            return Ok(Outcome::At(other));
        }
        if !wanted.disposition.may_create() {
            return Err(Status::OBJECT_NAME_NOT_FOUND);
        }
        if wanted.options.contains(CreateOptions::DELETE_ON_CLOSE)
            && wanted.file_attributes.contains(FileAttributes::READONLY)
        {
            return Err(Status::CANNOT_DELETE);
        }
        let made = apart(make(view, root, path, wanted)).await;
        // A directory may be there although what came behind its making has failed.
        if made.is_err() {
            view.doubtful(path);
        }
        match made {
            // Somebody made it since we looked.
            Err(Status::OBJECT_NAME_COLLISION) if wanted.disposition != CreateDisposition::CREATE => {}
            Ok(mut made) => {
                apart(keep_of_new(view, path, &mut made, wanted)).await;
                return Ok(Outcome::Here(made));
            }
            Err(status) => return Err(status),
        }
    }
    Err(Status::SHARING_VIOLATION)
}

/// What is at `path`, opened in no way: for an open that must know more before it begins, and for questions of existence.
/// `None` where nothing is. A symbolic link at the end is what is there, if `wanted` says so. Errors as
/// [`open_on_server`].
pub(crate) async fn look_at(
    view: &View,
    root: &OwnedFid,
    path: &ServerPath,
    wanted: &Wanted,
) -> nt::Result<Outcome<Option<Found>>> {
    let missing = match look_up(root, path, None).await? {
        Lookup::Found(found) if found.reply.mode.is_symlink() && wanted.follows() => {
            let text = read_link(&found.file).await?;
            return Ok(Outcome::Link(path.len().saturating_sub(1), text));
        }
        Lookup::Found(found) => return Ok(Outcome::Here(Some(found))),
        Lookup::Link(at) => return link_at(root, path, at).await,
        Lookup::Missing(at) => at,
    };
    let other = spelt_otherwise(view, root, path, missing, wanted).await?;
    Ok(other.map_or(Outcome::Here(None), Outcome::At))
}

/// Where `path` leads if case does not matter, when its component `missing` is not there as it is written.
///
/// # Errors
/// `OBJECT_PATH_NOT_FOUND` where that is a directory on the way; otherwise as [`open_on_server`].
async fn spelt_otherwise(
    view: &View,
    root: &OwnedFid,
    path: &ServerPath,
    missing: usize,
    wanted: &Wanted,
) -> nt::Result<Option<ServerPath>> {
    if !wanted.case_sensitive
        && let Some(other) = folded(view, root, path, missing, wanted.is_respelled).await?
    {
        return Ok(Some(other));
    }
    if missing.saturating_add(1) < path.len() {
        return Err(Status::OBJECT_PATH_NOT_FOUND);
    }
    Ok(None)
}

/// Where `path` is not there as it is written: the file that differs only in the case of its last name. Errors as
/// [`open_on_server`].
pub(crate) async fn other_spelling(
    view: &View,
    root: &OwnedFid,
    path: &ServerPath,
) -> nt::Result<Outcome<()>> {
    match look_up(root, path, None).await? {
        Lookup::Missing(at) if at.saturating_add(1) == path.len() => {
            let other = folded(view, root, path, at, false).await?;
            Ok(other.map_or(Outcome::Here(()), Outcome::At))
        }
        // Which directories lead there is settled by now.
        Lookup::Missing(_) => Err(Status::OBJECT_PATH_NOT_FOUND),
        Lookup::Found(_) | Lookup::Link(_) => Ok(Outcome::Here(())),
    }
}

impl Wanted {
    fn follows(&self) -> bool {
        !self.options.contains(CreateOptions::OPEN_REPARSE_POINT)
    }

    /// The attributes that a file or directory called `name` is to keep in an extended one.
    fn to_keep(&self, name: &[u8], is_directory: bool) -> FileAttributes {
        if self.dos_attributes {
            dos_attributes::to_keep(self.file_attributes, name, is_directory)
        } else {
            FileAttributes::empty()
        }
    }
}

/// How to open the file without waiting to hear what it is, where that can do no harm: as a directory, which the server
/// refuses of anything else, or as the regular file that it was a moment ago. A FIFO or device that has taken its place
/// since is not waited for (O_NONBLOCK).
fn ahead_flags(view: &View, path: &ServerPath, wanted: &Wanted) -> Option<OpenFlags> {
    if wanted.disposition == CreateDisposition::CREATE || !wanted.follows() {
        return None;
    }
    if wanted.options.contains(CreateOptions::DIRECTORY_FILE) {
        return Some(open_flags(wanted.access, true)? | OpenFlags::NO_FOLLOW);
    }
    let flags = open_flags(wanted.access, false)?;
    // What it is emptied by is got from the fid before that is open.
    let is_cut_apart = wanted.disposition.truncates() && !wanted.access.intersects(WRITES);
    let regular = view.known_files.is_regular(path);
    (regular && !is_cut_apart).then_some(flags | OpenFlags::NO_FOLLOW | OpenFlags::NON_BLOCK)
}

/// `path` with its component `at` spelled as the one file that it means is, if there is one. `is_respelled`: it is spelled as
/// one that was there a moment ago.
///
/// # Errors
/// `RETRY` where that one is not there any more, nor another; otherwise as [`open_on_server`].
async fn folded(
    view: &View,
    root: &OwnedFid,
    path: &ServerPath,
    at: usize,
    is_respelled: bool,
) -> nt::Result<Option<ServerPath>> {
    let directory = ServerPath::from_components(path.components().take(at))?;
    let wanted = path.components().nth(at).unwrap_or_default();
    let names = &view.share.folded_names;
    let mut is_read_again = false;
    let name = loop {
        match names.find(root, directory.as_bytes(), wanted).await {
            Ok(Folded::One(name)) if name != wanted => break name,
            // What is kept says that it is there, and the server has just said that it is not: others have changed it.
            Ok(Folded::One(_)) if !is_read_again => {
                let mut stale = ServerPath::from_components(directory.components())?;
                stale.push(wanted)?;
                view.doubtful(&stale);
                is_read_again = true;
            }
            // Nobody is called so: what is to be made is spelled as it was asked for.
            Ok(Folded::None | Folded::Ambiguous) if is_read_again && is_respelled => {
                return Err(Status::RETRY);
            }
            // A directory that may be passed through but not read has no other spellings.
            Ok(_) | Err(Status::ACCESS_DENIED) => return Ok(None),
            Err(status) => return Err(status),
        }
    };
    let mut other = directory;
    other.push(&name)?;
    for component in path.components().skip(at.saturating_add(1)) {
        other.push(component)?;
    }
    Ok(Some(other))
}

/// What the link says that is `path`'s component `at`.
async fn link_at<T>(root: &OwnedFid, path: &ServerPath, at: usize) -> nt::Result<Outcome<T>> {
    let link = root.walk(path.components().take(at.saturating_add(1))).await?;
    Ok(Outcome::Link(at, read_link(&link).await?))
}

async fn open_existing(
    view: &View,
    found: Found,
    path: &ServerPath,
    wanted: &Wanted,
    ahead: Option<OpenFlags>,
) -> nt::Result<Outcome<OnServer>> {
    let name = path.split_last().map_or(&b""[..], |(_, name)| name);
    let mut attributes = Attributes::new(&found.reply, name);
    if wanted.file_id.is_some_and(|id| id != attributes.file_id) {
        view.known_files.forget(path);
        // What NTFS says of an id that no file has.
        return Err(Status::INVALID_PARAMETER);
    }
    view.known_files
        .note(path, attributes.file_id, attributes.mode.is_regular());
    if wanted.disposition == CreateDisposition::CREATE {
        return Err(Status::OBJECT_NAME_COLLISION);
    }
    if attributes.mode.is_symlink() && wanted.follows() {
        let text = read_link(&found.file).await?;
        return Ok(Outcome::Link(path.len().saturating_sub(1), text));
    }
    check_existing(&attributes, wanted)?;
    if path.is_root() && wanted.options.contains(CreateOptions::DELETE_ON_CLOSE) {
        return Err(Status::CANNOT_DELETE);
    }
    access::check(&found.reply, view.uid, wanted.access)?;
    let mut flags = open_flags(wanted.access, attributes.is_directory());
    let cutter = fid_to_cut(&found.file, flags, wanted).await?;
    if found.is_open {
        flags = ahead.map(|flags| flags - OpenFlags::NON_BLOCK);
    } else if attributes.mode.is_symlink() {
        // It has no data, and a server that is asked to open it may open what it leads to.
        flags = None;
    } else if let Some(flags) = flags {
        open_found(&found.file, &found.reply, flags).await?;
    }
    let mut action = CreateAction::OPENED;
    // Only now, as what cannot be opened must not lose its data.
    if wanted.disposition.truncates() {
        replace_extended(view, name, &found, wanted).await?;
        truncate(cutter.as_ref().unwrap_or(&found.file), &found.reply, wanted).await?;
        attributes.end_of_file = 0;
        attributes.allocation_size = 0;
        action = match wanted.disposition {
            CreateDisposition::SUPERSEDE => CreateAction::SUPERSEDED,
            _ => CreateAction::OVERWRITTEN,
        };
    }
    Ok(Outcome::Here(OnServer {
        file: found.file,
        flags,
        identity: FileIdentity::of(&found.reply),
        attributes,
        action,
    }))
}

/// Takes the extended attributes of a file away whose data goes, and lets it keep what the open names: an overwritten file
/// has its old attributes, too. A server without them has nothing to take away.
///
/// # Errors
/// `ACCESS_DENIED` where somebody has hidden the file, or given it to the system, and the open does not name that.
async fn replace_extended(view: &View, name: &[u8], found: &Found, wanted: &Wanted) -> nt::Result {
    let file = &found.file;
    let names = match Names::of(file).await {
        Err(Status::EAS_NOT_SUPPORTED | Status::ACCESS_DENIED) => return Ok(()),
        names => names?,
    };
    let kept = if wanted.dos_attributes && names.has(dos_attributes::NAME) {
        dos_attributes::read(file).await?
    } else {
        FileAttributes::empty()
    };
    let guarded = kept & (FileAttributes::HIDDEN | FileAttributes::SYSTEM);
    if !wanted.file_attributes.contains(guarded) {
        return Err(Status::ACCESS_DENIED);
    }
    for index in 0..names.len() {
        let Some((spelled, _)) = names.get(index) else {
            break;
        };
        match xattr::set(file, spelled, &[]).await {
            Err(Status::NONEXISTENT_EA_ENTRY) => {}
            removed => removed?,
        }
    }
    let mut new = wanted.to_keep(name, false);
    if wanted.disposition != CreateDisposition::SUPERSEDE {
        new |= kept;
    }
    if wanted.dos_attributes {
        view.keep(file, kept, new).await?;
    }
    Ok(())
}

/// Has a new file keep the attributes that it was made with, as far as the server takes them: it is there by now, and
/// they are no reason to take it away again.
async fn keep_of_new(view: &View, path: &ServerPath, made: &mut OnServer, wanted: &Wanted) {
    let name = path.split_last().map_or(&b""[..], |(_, name)| name);
    let kept = wanted.to_keep(name, made.attributes.is_directory());
    if kept.is_empty() {
        return;
    }
    let file = &made.file;
    let _ = view.keep(file, FileAttributes::empty(), kept).await;
    if !made.attributes.is_directory() && wanted.file_attributes.contains(FileAttributes::READONLY) {
        let permissions = made.attributes.mode.permissions() & !ANY_WRITE;
        let request = Tsetattr {
            valid: SetAttrMask::MODE,
            mode: Mode(permissions),
            ..Tsetattr::new(file.fid())
        };
        if file.client().call(&request, |_| ()).await.is_ok() {
            made.attributes.make_read_only();
        }
    }
}

/// The fid by which a file that is opened with `flags` can lose its data. Some servers cut by what a fid is open for: one
/// that is not open is cut by what the user may do. `None`: the file's own.
async fn fid_to_cut(
    file: &OwnedFid,
    flags: Option<OpenFlags>,
    wanted: &Wanted,
) -> nt::Result<Option<OwnedFid>> {
    if wanted.disposition.truncates() && flags.is_some() && !wanted.access.intersects(WRITES) {
        // The same file, whatever its name leads to by then: an open fid cannot be walked from on all servers.
        file.walk(core::iter::empty()).await.map(Some)
    } else {
        Ok(None)
    }
}

/// Takes the data away, and gives the file the attributes that the open names: READONLY, which is all that a mode holds.
async fn truncate(file: &OwnedFid, now: &Rgetattr, wanted: &Wanted) -> nt::Result {
    let cut = Tsetattr {
        valid: SetAttrMask::SIZE,
        ..Tsetattr::new(file.fid())
    };
    file.client().call(&cut, |_| ()).await?;
    if !wanted.file_attributes.contains(FileAttributes::READONLY) {
        return Ok(());
    }
    // By itself: a server that does both may take the permission to write first, and then find it missing.
    let take = Tsetattr {
        valid: SetAttrMask::MODE,
        mode: Mode(now.mode.permissions() & !ANY_WRITE),
        ..Tsetattr::new(file.fid())
    };
    file.client().call(&take, |_| ()).await.map_err(after_change)
}

/// Whether an existing file may be opened as wanted, as far as NT's rules say so; permissions are another matter.
pub(crate) fn check_existing(attributes: &Attributes, wanted: &Wanted) -> nt::Result {
    let is_directory = attributes.is_directory();
    let is_link = attributes.mode.is_symlink();
    if is_directory && wanted.options.contains(CreateOptions::NON_DIRECTORY_FILE) {
        return Err(Status::FILE_IS_A_DIRECTORY);
    }
    // A link opened as such may lead to a directory: then NT takes it for one.
    if !is_directory && !is_link && wanted.options.contains(CreateOptions::DIRECTORY_FILE) {
        return Err(Status::NOT_A_DIRECTORY);
    }
    let is_read_only = attributes.file_attributes.contains(FileAttributes::READONLY);
    if wanted.disposition.truncates() {
        if is_directory {
            return Err(Status::OBJECT_NAME_COLLISION);
        }
        if is_read_only || !attributes.is_openable() {
            return Err(Status::ACCESS_DENIED);
        }
    }
    // A FIFO, socket or device could block the server for good: it may be looked at, not opened. A link has no data.
    if !attributes.is_openable() && !is_link && open_flags(wanted.access, false).is_some() {
        return Err(Status::ACCESS_DENIED);
    }
    if is_read_only {
        if wanted.access.intersects(WRITES) {
            return Err(Status::ACCESS_DENIED);
        }
        if wanted.options.contains(CreateOptions::DELETE_ON_CLOSE) {
            return Err(Status::CANNOT_DELETE);
        }
    }
    Ok(())
}

async fn make(view: &View, root: &OwnedFid, path: &ServerPath, wanted: &Wanted) -> nt::Result<OnServer> {
    let (directory, name) = path.split_last().ok_or(Status::OBJECT_NAME_COLLISION)?;
    let parent = root.walk_to_parent(ServerPath::components_of(directory)).await?;
    let (file, flags) = if wanted.options.contains(CreateOptions::DIRECTORY_FILE) {
        let request = Tmkdir {
            dfid: parent.fid(),
            name,
            mode: Mode(DIRECTORY_MODE & !wanted.umask),
            gid: view.gid,
        };
        parent.client().call(&request, |_| ()).await?;
        let made = parent.walk(core::iter::once(name)).await.map_err(after_change)?;
        let flags = open_flags(wanted.access, true);
        if let Some(flags) = flags {
            let fid = made.fid();
            let opened = made.client().call(&Tlopen { fid, flags }, |_| ()).await;
            opened.map_err(after_change)?;
        }
        (made, flags)
    } else {
        // Linux lets nobody set attributes of a file that he may not write: then it becomes read-only in the end.
        let read_only = wanted.file_attributes.contains(FileAttributes::READONLY)
            && wanted.to_keep(name, false).is_empty();
        let mode = FILE_MODE & !wanted.umask & if read_only { !ANY_WRITE } else { !0 };
        let flags = open_flags(wanted.access, false).unwrap_or_default();
        let request = Tlcreate {
            fid: parent.fid(),
            name,
            flags: flags | OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
            mode: Mode(mode),
            gid: view.gid,
        };
        // The parent's fid becomes the file's.
        let reply = create_and_look(&parent, &request).await?;
        return Ok(made(view, path, name, parent, Some(flags), &reply));
    };
    let reply = file.client().identify(file.fid()).await.map_err(after_change)?;
    Ok(made(view, path, name, file, flags, &reply))
}

/// Creates a file and asks what it is without waiting in between.
async fn create_and_look(file: &OwnedFid, request: &Tlcreate<'_>) -> nt::Result<Rgetattr> {
    let client = file.client();
    let creating = loop {
        match client.try_start(request)? {
            Some(creating) => break creating,
            None => client.room(Need::of(request)).await?,
        }
    };
    let looking = if client.keeps_order() {
        client
            .try_start(&identifying_attributes(file.fid()))
            .map_err(after_change)?
    } else {
        None
    };
    let created = creating.reply(|reply| reply.qid.path).await;
    let looked = match looking {
        Some(looking) => looking.reply(|reply| reply).await.ok(),
        None => None,
    };
    let file_id = created?;
    // A server that acts on requests in no order has looked at the directory.
    match looked.filter(|reply| reply.qid.path == file_id) {
        Some(reply) => Ok(reply),
        None => client.identify(file.fid()).await.map_err(after_change),
    }
}

/// What was made, which this redirector knows of from now on.
fn made(
    view: &View,
    path: &ServerPath,
    name: &[u8],
    file: OwnedFid,
    flags: Option<OpenFlags>,
    reply: &Rgetattr,
) -> OnServer {
    view.added(path);
    let attributes = Attributes::new(reply, name);
    view.known_files
        .note(path, attributes.file_id, attributes.mode.is_regular());
    OnServer {
        file,
        flags,
        identity: FileIdentity::of(reply),
        attributes,
        action: CreateAction::CREATED,
    }
}

/// How to open for `access`; `None` when no right to data is wanted, so that the file need not be opened at all.
fn open_flags(access: AccessMask, is_directory: bool) -> Option<OpenFlags> {
    let reads = access.intersects(AccessMask::READ_DATA | AccessMask::EXECUTE);
    if is_directory {
        // The same bits mean listing a directory and adding to it; only listing needs an open fid.
        let lists = access.contains(AccessMask::READ_DATA);
        return lists.then_some(OpenFlags::DIRECTORY);
    }
    // The server knows where the end is when the data arrive; here it is only known where it was.
    let append = if access::appends_only(access) {
        OpenFlags::APPEND
    } else {
        OpenFlags::empty()
    };
    match (reads, access.intersects(WRITES)) {
        (true, true) => Some(OpenFlags::READ_WRITE | append),
        (false, true) => Some(OpenFlags::WRITE_ONLY | append),
        (true, false) => Some(OpenFlags::empty()),
        (false, false) => None,
    }
}
