//! IRP_MJ_CREATE: from a name to an open file.

pub(crate) mod access;
pub(crate) mod disposition;
mod ea;
pub(crate) mod folded_names;
pub(crate) mod known_files;
pub(crate) mod lookup;
mod symlink;

pub(crate) mod target;

#[cfg(feature = "fuzzing")]
pub(crate) use symlink::fuzz as fuzz_link;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32};

use executive::mem::{Arc, try_box};
use executive::sync::MutexGuard;
use executive::task::{CancelToken, Semaphore, apart};
use nt::{
    AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, Name, NameBuf, ShareAccess,
    Status,
};
use rdbss::names::{OpenName, PathName};
use rdbss::{
    BeginOpen, Effects, FcbKind, LogonId, MajorFunction, OpenRequest, Opened, Opening, Owner, Resolved, Tree,
    VNetRootId,
};

use crate::MiniRedirector;
use crate::create::access::WRITES;
use crate::create::disposition::{OnServer, Outcome, Wanted, look_at, open_on_server};
use crate::dormant::{may_be_shared, shared_access, still_opens};
use crate::file::OpenFile;
use crate::information::attributes::Attributes;
use crate::names::ServerPath;
use crate::objects::{HeldHeader, MappedOpen, Objects, Platform, ServerOpen, SharedFile, View};
use crate::request::Running;
use crate::server::client::{OwnedFid, retried};
use target::{Target, Way, file_id};

/// Most components that an unmapped name's share is looked for in.
const SHARE_DEPTH_MAX: usize = 8;

/// Bits of an access mask that no right has (`[MS-FSA]` 2.1.5.1).
const NO_RIGHTS: AccessMask = AccessMask::from_bits_retain(0x0ce0_fe00);

/// An open, as IRP_MJ_CREATE gives it.
pub struct CreateRequest<'a, P: Platform> {
    /// Below the device: `\;X:\server@port\share\path` or `\server@port\share\path`; below `related`, without a
    /// leading backslash, if that is given.
    pub name: Name<'a>,
    /// The handle that `name` is relative to.
    pub related: Option<&'a OpenFile<P>>,
    /// The caller's logon session.
    pub logon: LogonId,
    /// The access wanted; generic rights are mapped.
    pub desired_access: AccessMask,
    /// What others may do meanwhile.
    pub share_access: ShareAccess,
    /// What to do if the file exists, and if it does not.
    pub disposition: CreateDisposition,
    /// `FILE_*` create options.
    pub options: CreateOptions,
    /// Attributes of a file that is made.
    pub file_attributes: FileAttributes,
    /// SL_OPEN_TARGET_DIRECTORY: opens the directory that `name` is in, for a rename.
    pub open_target_directory: bool,
    /// SL_CASE_SENSITIVE: only the name as it is written is meant.
    pub case_sensitive: bool,
}

/// A successful open.
pub struct Created<P: Platform> {
    /// The file: what `FILE_OBJECT.FsContext2` holds.
    pub file: Arc<OpenFile<P>>,
    /// What was done: `IoStatus.Information`. Of an open of a target directory, whether the name in it exists.
    pub action: CreateAction,
}

impl<P: Platform> MiniRedirector<P> {
    /// Opens or makes a file or directory.
    ///
    /// # Errors
    /// - a malformed name's own status, before anything is sent; `REDIRECTOR_NOT_STARTED`;
    /// - `BAD_NETWORK_NAME`, `BAD_NETWORK_PATH`: the name leads to no connection and none can be made;
    /// - `CANNOT_DELETE`: the share's root, or a read-only file, is to be deleted when it is closed;
    /// - `OBJECT_NAME_NOT_FOUND`, `OBJECT_PATH_NOT_FOUND`, `OBJECT_NAME_COLLISION`, `NOT_A_DIRECTORY`,
    ///   `FILE_IS_A_DIRECTORY`, `ACCESS_DENIED`, `SHARING_VIOLATION`, `DELETE_PENDING`, `INVALID_PARAMETER`;
    /// - `IO_REPARSE_TAG_NOT_HANDLED`: a symbolic link leads out of the share; `REPARSE_POINT_NOT_RESOLVED`: links lead in a
    ///   circle;
    /// - `UNEXPECTED_NETWORK_ERROR`: the connection was taken away meanwhile; `CANCELLED`; the server's error;
    ///   `INSUFFICIENT_RESOURCES`.
    pub async fn create(
        &self,
        request: &CreateRequest<'_, P>,
        cancel: &CancelToken,
    ) -> nt::Result<Created<P>> {
        self.check_started()?;
        check(request)?;
        let mut running = self.begin(Owner::Device, MajorFunction::CREATE, cancel)?;
        running.changes = request.disposition != CreateDisposition::OPEN;
        running
            .run(async {
                let (view, target) = apart(self.resolve(request, &running)).await?;
                retried!(self.open_in_view(request, &target, &view, &running))
            })
            .await
    }

    /// The view and what below its share a name leads to. The request is one upon the view from then on.
    async fn resolve(
        &self,
        request: &CreateRequest<'_, P>,
        running: &Running<'_, P>,
    ) -> nt::Result<(UsedView, Target)> {
        if request.options.contains(CreateOptions::OPEN_BY_FILE_ID) {
            // An id says nothing without a volume to look for it on.
            let related = request.related.ok_or(Status::INVALID_PARAMETER)?;
            let target = Target::FileId(file_id(request.name)?);
            let tree = self.tree();
            let (view, _) = tree.resolve_relative(related.fobx(), Name::EMPTY)?;
            return Ok((self.use_view(tree, view, running)?, target));
        }
        let (view, path) = self.resolve_path(request, running).await?;
        Ok((view, Target::new(request, path)?))
    }

    async fn resolve_path(
        &self,
        request: &CreateRequest<'_, P>,
        running: &Running<'_, P>,
    ) -> nt::Result<(UsedView, NameBuf)> {
        if let Some(related) = request.related {
            let (name, trailing_backslash) = split_trailing_backslash(request.name);
            rdbss::names::check_options(request.options, trailing_backslash)?;
            let tree = self.tree();
            let (view, path) = tree.resolve_relative(related.fobx(), name)?;
            return Ok((self.use_view(tree, view, running)?, path));
        }
        let OpenName::Path(name) = OpenName::parse(request.name, request.options)? else {
            return Err(Status::INVALID_PARAMETER);
        };
        loop {
            let share_units = {
                let tree = self.tree();
                match tree.resolve(&name, request.logon)? {
                    Resolved::Path { v_net_root, path } => {
                        return Ok((self.use_view(tree, v_net_root, running)?, path));
                    }
                    Resolved::NotConnected { share_units } => share_units,
                }
            };
            // Held until the request is one upon it.
            let view = self
                .connect_for_open(&name, share_units, request.logon, running)
                .await?;
            let tree = self.tree();
            match tree.resolve(&name, request.logon)? {
                Resolved::Path { v_net_root, path } if v_net_root == view.id => {
                    return Ok((self.use_view(tree, v_net_root, running)?, path));
                }
                // The name leads to another view by now: look again.
                _ => {}
            }
        }
    }

    /// Makes the request one upon a view, which stays as long as the request does.
    ///
    /// # Errors
    /// `UNEXPECTED_NETWORK_ERROR` when its connection has been taken away; `CANCELLED`.
    fn use_view(
        &self,
        mut tree: MutexGuard<'_, Tree<Objects<P>>>,
        id: VNetRootId,
        running: &Running<'_, P>,
    ) -> nt::Result<UsedView> {
        let mut effects = Effects::new();
        let used = tree
            .set_request_owner(running.context, Owner::VNetRoot(id), &mut effects)
            .and_then(|()| {
                tree.v_net_root(id)?
                    .extension()
                    .cloned()
                    .ok_or(Status::UNEXPECTED_NETWORK_ERROR)
            });
        drop(tree);
        self.perform(effects);
        used.map(|view| UsedView { id, view })
    }

    /// Connects to the share that a UNC name leads to: the one it is known to have, else the shortest that the server
    /// exports. Names without a mapping are tried from the front, so that all files below one export are below one
    /// share, and as what comes behind it need not exist.
    pub(crate) async fn connect_for_open(
        &self,
        name: &PathName<'_>,
        share_units: usize,
        logon: LogonId,
        running: &Running<'_, P>,
    ) -> nt::Result<HeldView<'_, P>> {
        let server_units = name.full.len().saturating_sub(name.path.len());
        let mut share_units = share_units;
        let mut refusal = None;
        for _ in 0..SHARE_DEPTH_MAX {
            if share_units == 0 || refusal.is_some() {
                share_units = component_end(name.path, share_units);
            }
            let (share, rest) = name
                .full
                .split_at(server_units.saturating_add(share_units))
                .ok_or(Status::BAD_NETWORK_NAME)?;
            match self.connect(&PathName::parse(share)?, None, logon, running).await {
                Ok(view) => return Ok(self.held(view)),
                Err(status @ (Status::BAD_NETWORK_NAME | Status::ACCESS_DENIED)) if !rest.is_empty() => {
                    refusal.get_or_insert(status);
                }
                Err(status) => return Err(refusal.unwrap_or(status)),
            }
        }
        Err(refusal.unwrap_or(Status::BAD_NETWORK_NAME))
    }

    fn held(&self, id: VNetRootId) -> HeldView<'_, P> {
        HeldView { redirector: self, id }
    }

    async fn open_in_view(
        &self,
        request: &CreateRequest<'_, P>,
        target: &Target,
        used: &UsedView,
        running: &Running<'_, P>,
    ) -> nt::Result<Created<P>> {
        let UsedView { id: view_id, view } = used;
        let view_id = *view_id;
        let asked = request.desired_access.map_generic();
        let mut wanted = Wanted {
            access: asked - AccessMask::MAXIMUM_ALLOWED,
            disposition: request.disposition,
            options: options(request),
            file_attributes: request.file_attributes,
            dos_attributes: self.settings().dos_attributes,
            umask: self.settings().umask,
            case_sensitive: request.case_sensitive || self.settings().case_sensitive,
            is_respelled: false,
            file_id: target.file_id(),
        };
        let mut way = Way::new(target.path(view)?);
        let mut attempt = Attempt {
            shares: !matches!(target, Target::DirectoryOf(..)),
            may_not_write: false,
        };
        loop {
            wanted.is_respelled = way.is_respelled;
            let root = apart(view.root()).await?;
            if asked.contains(AccessMask::MAXIMUM_ALLOWED) {
                let allowed = self.allowed(used, &root, &mut way, target, &wanted);
                let Some(allowed) = apart(allowed).await? else {
                    continue;
                };
                wanted.access = asked - AccessMask::MAXIMUM_ALLOWED;
                wanted.access |= allowed - attempt.refused();
            }
            let opening = apart(self.begin_open(
                view_id,
                &way.path,
                &wanted,
                request.share_access,
                attempt.shares,
                running,
            ))
            .await?;
            match self
                .try_open(opening, request, target, (view, &root), &way.path, &wanted)
                .await?
            {
                Tried::Opened(created) => return Ok(created),
                Tried::NotShared => attempt.shares = false,
                Tried::At(path) => way.turn(path)?,
                Tried::Link(at, text) => way.follow(at, &text, &self.share(view_id)?)?,
                Tried::Failed(Status::RETRY) if way.is_respelled => way.begin_again(target.path(view)?)?,
                Tried::Failed(status) if attempt.is_hopeful(status, wanted.access - asked) => {
                    attempt.may_not_write = true;
                }
                Tried::Failed(status) => return Err(status),
            }
        }
    }

    /// All that is allowed to who opens what `way` leads to; `None` where it has turned.
    async fn allowed(
        &self,
        used: &UsedView,
        root: &OwnedFid,
        way: &mut Way,
        target: &Target,
        wanted: &Wanted,
    ) -> nt::Result<Option<AccessMask>> {
        match look_at(&used.view, root, &way.path, wanted).await {
            Ok(Outcome::Here(Some(found))) => {
                return Ok(Some(access::maximum_allowed(&found.reply, used.view.uid)));
            }
            Ok(Outcome::Here(None)) => return Ok(Some(AccessMask::FILE_ALL_ACCESS)),
            Ok(Outcome::At(path)) => way.turn(path)?,
            Ok(Outcome::Link(at, text)) => way.follow(at, &text, &self.share(used.id)?)?,
            Err(Status::RETRY) if way.is_respelled => way.begin_again(target.path(&used.view)?)?,
            Err(status) => return Err(status),
        }
        Ok(None)
    }

    /// One try to open what `path` is, which the tree knows of as `opening`.
    async fn try_open(
        &self,
        opening: Unfinished<'_, P>,
        request: &CreateRequest<'_, P>,
        target: &Target,
        (view, root): (&View, &OwnedFid),
        path: &ServerPath,
        wanted: &Wanted,
    ) -> nt::Result<Tried<P>> {
        if let Some(shared) = opening.shared()? {
            let Some(attributes) = apart(still_opens(&shared, view, root, path, wanted)).await? else {
                opening.share_no_more();
                return Ok(Tried::NotShared);
            };
            let to_finish = ToFinish::shared(shared, attributes);
            return opening.finish(request, wanted, to_finish).map(Tried::Opened);
        }
        // Apart from the request, which begins on its caller's stack.
        let opening_there = try_box(open_on_server(view, root, path, wanted))?;
        match Box::into_pin(opening_there).await {
            Ok(Outcome::Here(mut on_server)) => {
                if let Target::DirectoryOf(_, last) = target {
                    // Boxed: few opens need the room.
                    let asking = try_box(target::exists(view, root, path, last, wanted))?;
                    on_server.action = Box::into_pin(asking).await?;
                }
                let to_finish = ToFinish::new(on_server)?;
                opening.finish(request, wanted, to_finish).map(Tried::Opened)
            }
            Ok(Outcome::At(path)) => Ok(Tried::At(path)),
            Ok(Outcome::Link(at, text)) => Ok(Tried::Link(at, text)),
            Err(Status::OBJECT_NAME_NOT_FOUND) if matches!(target, Target::DirectoryOf(..)) => {
                // The name that the caller gave has one component more.
                Ok(Tried::Failed(opening.fail(Status::OBJECT_PATH_NOT_FOUND)))
            }
            Err(status) => Ok(Tried::Failed(opening.fail(status))),
        }
    }

    /// Begins the open in the tree, once no open under way stands in its way.
    async fn begin_open(
        &self,
        v_net_root: VNetRootId,
        path: &ServerPath,
        wanted: &Wanted,
        share_access: ShareAccess,
        shares: bool,
        running: &Running<'_, P>,
    ) -> nt::Result<Unfinished<'_, P>> {
        let path = path.to_nt()?;
        let open = OpenRequest {
            v_net_root,
            path: path.as_name(),
            desired_access: wanted.access,
            share_access,
            options: wanted.options,
            unc_name: false,
            collapse: shared_access(wanted).filter(|_| shares),
            context: Some(running.context),
        };
        let changes = self.changes();
        // Whoever takes a file's data away must be tolerated as one who writes it, or who replaces it.
        let added = match wanted.disposition {
            CreateDisposition::SUPERSEDE => AccessMask::DELETE,
            CreateDisposition::OVERWRITE | CreateDisposition::OVERWRITE_IF => AccessMask::WRITE_DATA,
            _ => AccessMask::empty(),
        };
        loop {
            let mut effects = Effects::new();
            let begun = {
                let mut tree = self.tree();
                if wanted.disposition.may_create()
                    && let Some((directory, _)) = open.path.rsplit_once(nt::name::SEPARATOR)
                    && tree.is_directory_delete_pending(v_net_root, directory)?
                {
                    return Err(Status::DELETE_PENDING);
                }
                let begun = tree
                    .check_share_access(&OpenRequest {
                        desired_access: wanted.access | added,
                        ..open
                    })
                    .and_then(|()| tree.begin_open(&open, &mut effects));
                begun.map(|begun| {
                    let known = match &begun {
                        BeginOpen::Begun(opening) if !opening.new_fcb => tree.fcb(opening.fcb).ok(),
                        _ => None,
                    };
                    let known = known.and_then(|fcb| fcb.extension().cloned());
                    (begun, known)
                })
            };
            self.perform(effects);
            let begun = begun.map_err(|status| match status {
                // It is there, which is all that counts.
                Status::SHARING_VIOLATION | Status::NOT_A_DIRECTORY | Status::FILE_IS_A_DIRECTORY
                    if wanted.disposition == CreateDisposition::CREATE =>
                {
                    Status::OBJECT_NAME_COLLISION
                }
                status => status,
            });
            match begun? {
                (BeginOpen::Begun(opening), known) => {
                    let unfinished = Unfinished {
                        redirector: self,
                        opening,
                        changes,
                        ended: false,
                    };
                    let Some(file) = known else {
                        return Ok(unfinished);
                    };
                    let open = mapped_open(open.desired_access | added, share_access, wanted);
                    return match P::views_allow(HeldHeader(file), open).await {
                        Ok(()) => Ok(unfinished),
                        Err(status) => Err(unfinished.fail(status)),
                    };
                }
                (BeginOpen::Wait, _) => running.control.woken().await?,
            }
        }
    }

    /// What the server calls the root of a view's share.
    pub(crate) fn share(&self, view: VNetRootId) -> nt::Result<ServerPath> {
        ServerPath::parse(self.tree().chain(view)?.net_root.share())
    }
}

/// What an open is to views of its file. `access` includes what `wanted`'s disposition stands for.
fn mapped_open(access: AccessMask, share: ShareAccess, wanted: &Wanted) -> MappedOpen {
    let data = AccessMask::READ_DATA | AccessMask::EXECUTE | AccessMask::DELETE | WRITES;
    MappedOpen {
        uses_data: access.intersects(data),
        writes: access.intersects(WRITES),
        deletes: wanted.options.contains(CreateOptions::DELETE_ON_CLOSE),
        truncates: wanted.disposition.truncates(),
        shares_writing: share.contains(ShareAccess::WRITE),
    }
}

/// What NtCreateFile refuses whatever the file is; a driver need not have been called through it.
fn check<P: Platform>(request: &CreateRequest<'_, P>) -> nt::Result {
    let (options, disposition) = (request.options, request.disposition);
    let access = request.desired_access.map_generic();
    let alertable = CreateOptions::SYNCHRONOUS_IO_ALERT;
    let synchronous = alertable | CreateOptions::SYNCHRONOUS_IO_NONALERT;
    if access.is_empty() || access.intersects(NO_RIGHTS) {
        return Err(Status::ACCESS_DENIED);
    }
    let refused = disposition.0 > CreateDisposition::OVERWRITE_IF.0
        || options.contains(CreateOptions::DIRECTORY_FILE | CreateOptions::NON_DIRECTORY_FILE)
        || options.contains(CreateOptions::DIRECTORY_FILE) && disposition.truncates()
        || options.contains(CreateOptions::DELETE_ON_CLOSE) && !access.contains(AccessMask::DELETE)
        || options.contains(synchronous)
        || options.intersects(synchronous) && !access.contains(AccessMask::SYNCHRONIZE)
        // NTFS: no directory is short-lived.
        || options.contains(CreateOptions::DIRECTORY_FILE)
            && disposition.may_create()
            && request.file_attributes.contains(FileAttributes::TEMPORARY)
        // What is made needs a name.
        || options.contains(CreateOptions::OPEN_BY_FILE_ID) && disposition != CreateDisposition::OPEN
            && disposition != CreateDisposition::OVERWRITE;
    if refused {
        Err(Status::INVALID_PARAMETER)
    } else {
        Ok(())
    }
}

/// The options of an open; a trailing backslash of its name asks for a directory.
fn options<P: Platform>(request: &CreateRequest<'_, P>) -> CreateOptions {
    let (_, trailing_backslash) = split_trailing_backslash(request.name);
    let is_name = !request.options.contains(CreateOptions::OPEN_BY_FILE_ID);
    if trailing_backslash && is_name && !request.open_target_directory {
        request.options | CreateOptions::DIRECTORY_FILE
    } else {
        request.options
    }
}

/// The name without a trailing backslash, and whether there was one.
fn split_trailing_backslash(name: Name<'_>) -> (Name<'_>, bool) {
    match name.as_units() {
        [rest @ .., last] if !rest.is_empty() && *last == u16::from(b'\\') => (Name::new(rest), true),
        _ => (name, false),
    }
}

/// Where the component of `path` ends that begins at `start`, which is at a backslash.
fn component_end(path: Name<'_>, start: usize) -> usize {
    let after = start.saturating_add(1);
    path.as_units()
        .iter()
        .skip(after)
        .position(|&unit| unit == u16::from(b'\\'))
        .map_or(path.len(), |length| after.saturating_add(length))
}

/// What the tries to open a file have taught.
struct Attempt {
    /// Whether a SRV_OPEN of another handle may serve this one.
    shares: bool,
    /// Writing was refused to one who asked for all that is allowed.
    may_not_write: bool,
}

impl Attempt {
    /// What is not allowed although the mode says so.
    fn refused(&self) -> AccessMask {
        if self.may_not_write {
            WRITES
        } else {
            AccessMask::empty()
        }
    }

    /// Whether an open that failed may do without writing, which it got beyond what was asked for.
    fn is_hopeful(&self, status: Status, beyond: AccessMask) -> bool {
        let refused = matches!(status, Status::ACCESS_DENIED | Status::MEDIA_WRITE_PROTECTED);
        refused && !self.may_not_write && beyond.intersects(WRITES)
    }
}

/// What came of a try to open a file.
enum Tried<P: Platform> {
    Opened(Created<P>),
    /// The SRV_OPEN of another handle does not serve.
    NotShared,
    /// The file is called otherwise.
    At(ServerPath),
    /// A component is a symbolic link that says this.
    Link(usize, Vec<u8>),
    Failed(Status),
}

/// A view that a request is upon.
struct UsedView {
    id: VNetRootId,
    /// What is kept with it.
    view: Arc<View>,
}

/// A reference on a view, given back when dropped. Not to be dropped with the tree's lock held.
pub(crate) struct HeldView<'a, P: Platform> {
    redirector: &'a MiniRedirector<P>,
    pub(crate) id: VNetRootId,
}

impl<P: Platform> Drop for HeldView<'_, P> {
    fn drop(&mut self) {
        let mut effects = Effects::new();
        // The reference is our own.
        let _ = self
            .redirector
            .tree()
            .dereference_v_net_root(self.id, &mut effects);
        self.redirector.perform(effects);
    }
}

/// An open that the tree has begun. Dropped before it is finished, as a cancelled request is, it fails it.
struct Unfinished<'a, P: Platform> {
    redirector: &'a MiniRedirector<P>,
    opening: Opening,
    /// [`MiniRedirector::changes`] before the server was asked.
    changes: u64,
    ended: bool,
}

/// What is known of an open once the server has answered.
struct ToFinish {
    open: Arc<ServerOpen>,
    attributes: Attributes,
    action: CreateAction,
    /// Whether later opens may share it, and whether it may be dormant.
    may_be_shared: (bool, bool),
}

impl ToFinish {
    fn new(on_server: OnServer) -> nt::Result<Self> {
        let may_be_shared = may_be_shared(&on_server);
        Ok(Self {
            open: ServerOpen::try_new(on_server.file, on_server.flags, on_server.identity)?,
            attributes: on_server.attributes,
            action: on_server.action,
            may_be_shared,
        })
    }

    /// One that another handle has made, or had.
    fn shared(open: Arc<ServerOpen>, attributes: Attributes) -> Self {
        Self {
            open,
            attributes,
            action: CreateAction::OPENED,
            may_be_shared: (true, true),
        }
    }
}

impl<P: Platform> Unfinished<'_, P> {
    /// The server's open that this one shares, if it does.
    fn shared(&self) -> nt::Result<Option<Arc<ServerOpen>>> {
        if !self.opening.collapsed {
            return Ok(None);
        }
        let tree = self.redirector.tree();
        let open = tree.srv_open(self.opening.srv_open)?.extension();
        // Force has closed it.
        open.map(|open| Some(Arc::clone(open)))
            .ok_or(Status::UNEXPECTED_NETWORK_ERROR)
    }

    /// The server's open is not what its name leads to: neither this open nor another is to share it.
    fn share_no_more(self) {
        // Gone, it is not shared either.
        let _ = self.redirector.tree().disable_collapsing(self.opening.srv_open);
        // Nobody is told: the open begins again.
        let _ = self.fail(Status::CANCELLED);
    }

    fn finish(
        mut self,
        request: &CreateRequest<'_, P>,
        wanted: &Wanted,
        to_finish: ToFinish,
    ) -> nt::Result<Created<P>> {
        let redirector = self.redirector;
        let ToFinish {
            open,
            attributes,
            action,
            may_be_shared: (collapsible, delays_close),
        } = to_finish;
        let is_directory = attributes.is_directory();
        let new_shared = SharedFile::try_new(&redirector.0.lock_identity)?;
        let scan = OpenFile::<P>::new_scan()?;
        let mut effects = Effects::new();
        let opened = {
            let mut tree = redirector.tree();
            let known = tree
                .fcb_extension_mut(self.opening.fcb)?
                .map(|shared| Arc::clone(shared));
            // One that is not wanted is dropped behind the lock.
            let shared = known.as_ref().map_or_else(|| Arc::clone(&new_shared), Arc::clone);
            let opened = Opened {
                srv_open: (!self.opening.collapsed).then(|| Arc::clone(&open)),
                fobx: (),
                fcb: known.is_none().then(|| Arc::clone(&new_shared)),
                kind: if is_directory {
                    FcbKind::Directory
                } else {
                    FcbKind::File
                },
                collapsible,
                delays_close,
            };
            self.ended = true;
            tree.complete_open(self.opening.fobx, Ok(opened), &mut effects)
                .map(|()| shared)
        };
        redirector.perform(effects);
        let file = OpenFile {
            redirector: redirector.clone(),
            fobx: self.opening.fobx,
            srv_open: self.opening.srv_open,
            open,
            shared: opened?,
            is_directory,
            granted_access: wanted.access,
            first_look: redirector.first_look(wanted.access, action, attributes, self.changes),
            options: AtomicU32::new(request.options.bits()),
            ea_position: AtomicU32::new(0),
            scan,
            scanning: Semaphore::new(1),
            cleaned_up: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        file.report_opened(action);
        // Without memory for it the file is dropped, which closes it.
        Ok(Created {
            file: Arc::try_new(file)?,
            action,
        })
    }

    fn fail(mut self, status: Status) -> Status {
        self.ended = true;
        self.give_up(status);
        status
    }

    fn give_up(&self, status: Status) {
        let mut effects = Effects::new();
        // The open is ours and has not completed: what comes back is `status` itself.
        let _ = self
            .redirector
            .tree()
            .complete_open(self.opening.fobx, Err(status), &mut effects);
        self.redirector.perform(effects);
    }
}

impl<P: Platform> Drop for Unfinished<'_, P> {
    fn drop(&mut self) {
        if !self.ended {
            self.give_up(Status::CANCELLED);
        }
    }
}
