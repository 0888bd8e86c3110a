//! IRP_MJ_CREATE: from a name to an open file.

use core::sync::atomic::AtomicBool;

use executive::mem::Arc;
use executive::task::{CancelToken, Semaphore};
use nt::{
    AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, Name, NameBuf, ShareAccess,
    Status,
};
use rdbss::names::{OpenName, PathName};
use rdbss::{
    BeginOpen, Effects, FcbKind, LogonId, MajorFunction, OpenRequest, Opened, Opening, Owner, Resolved,
    VNetRootId,
};

use crate::MiniRedirector;
use crate::disposition::{OnServer, Wanted, open_on_server};
use crate::file::OpenFile;
use crate::names::ServerPath;
use crate::objects::{Platform, ServerOpen, SharedFile, View};
use crate::request::Running;

/// Most components that an unmapped name's share is looked for in.
const SHARE_DEPTH_MAX: usize = 8;

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
}

/// A successful open.
pub struct Created<P: Platform> {
    /// The file: what `FILE_OBJECT.FsContext2` holds.
    pub file: Arc<OpenFile<P>>,
    /// What was done: `IoStatus.Information`.
    pub action: CreateAction,
}

impl<P: Platform> MiniRedirector<P> {
    /// Opens or makes a file or directory.
    ///
    /// # Errors
    /// - a malformed name's own status, before anything is sent; `REDIRECTOR_NOT_STARTED`;
    /// - `BAD_NETWORK_NAME`, `BAD_NETWORK_PATH`: the name leads to no connection and none can be made;
    /// - `OBJECT_NAME_NOT_FOUND`, `OBJECT_PATH_NOT_FOUND`, `OBJECT_NAME_COLLISION`, `NOT_A_DIRECTORY`,
    ///   `FILE_IS_A_DIRECTORY`, `ACCESS_DENIED`, `SHARING_VIOLATION`, `DELETE_PENDING`, `INVALID_PARAMETER`;
    /// - `IO_REPARSE_TAG_NOT_HANDLED`: the name is a symbolic link, which is opened only as such;
    /// - `UNEXPECTED_NETWORK_ERROR`: the connection was taken away meanwhile; `CANCELLED`; the server's error;
    ///   `INSUFFICIENT_RESOURCES`.
    pub async fn create(
        &self,
        request: &CreateRequest<'_, P>,
        cancel: &CancelToken,
    ) -> nt::Result<Created<P>> {
        self.check_started()?;
        check(request)?;
        let running = self.begin(Owner::Device, MajorFunction::CREATE, cancel)?;
        running
            .run(async {
                let (view, path) = self.resolve(request, &running).await?;
                self.open_in_view(request, view.id, &path, &running).await
            })
            .await
    }

    /// The view and the path below its share that a name leads to.
    async fn resolve(
        &self,
        request: &CreateRequest<'_, P>,
        running: &Running<'_, P>,
    ) -> nt::Result<(HeldView<'_, P>, NameBuf)> {
        if let Some(related) = request.related {
            let (name, trailing_backslash) = split_trailing_backslash(request.name);
            rdbss::names::check_options(request.options, trailing_backslash)?;
            let mut tree = self.tree();
            let (view, path) = tree.resolve_relative(related.fobx(), name)?;
            tree.reference_v_net_root(view)?;
            return Ok((self.held(view), path));
        }
        let OpenName::Path(name) = OpenName::parse(request.name, request.options)? else {
            return Err(Status::INVALID_PARAMETER);
        };
        loop {
            let share_units = {
                let mut tree = self.tree();
                match tree.resolve(&name, request.logon)? {
                    Resolved::Path { v_net_root, path } => {
                        tree.reference_v_net_root(v_net_root)?;
                        return Ok((self.held(v_net_root), path));
                    }
                    Resolved::NotConnected { share_units } => share_units,
                }
            };
            let view = self
                .connect_for_open(&name, share_units, request.logon, running)
                .await?;
            let resolved = self.tree().resolve(&name, request.logon);
            match resolved? {
                Resolved::Path { v_net_root, path } if v_net_root == view.id => return Ok((view, path)),
                // The name leads to another view by now: look again.
                _ => {}
            }
        }
    }

    /// Connects to the share that a UNC name leads to: the one it is known to have, else the shortest that the server
    /// exports. Names without a mapping are tried from the front, so that all files below one export are below one
    /// share, and as what comes behind it need not exist.
    async fn connect_for_open(
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

    /// What is kept with a view.
    ///
    /// # Errors
    /// `UNEXPECTED_NETWORK_ERROR` when its connection has been taken away.
    pub(crate) fn view(&self, id: VNetRootId) -> nt::Result<Arc<View>> {
        let tree = self.tree();
        let view = tree.v_net_root(id)?.extension();
        view.cloned().ok_or(Status::UNEXPECTED_NETWORK_ERROR)
    }

    async fn open_in_view(
        &self,
        request: &CreateRequest<'_, P>,
        view: VNetRootId,
        path: &NameBuf,
        running: &Running<'_, P>,
    ) -> nt::Result<Created<P>> {
        let path = target_path(request, path.as_name())?;
        let server_path = ServerPath::parse(path)?;
        let mut effects = Effects::new();
        let owned = self
            .tree()
            .set_request_owner(running.context, Owner::VNetRoot(view), &mut effects);
        self.perform(effects);
        owned?;
        let open = OpenRequest {
            v_net_root: view,
            path,
            desired_access: request.desired_access.map_generic(),
            share_access: request.share_access,
            options: options(request),
            unc_name: false,
            collapse: false,
            context: Some(running.context),
        };
        let opening = loop {
            let begun = self.tree().begin_open(&open)?;
            match begun {
                BeginOpen::Begun(opening) => {
                    break Unfinished {
                        redirector: self,
                        opening,
                        ended: false,
                    };
                }
                BeginOpen::Wait => running.control.woken().await?,
            }
        };
        let view = self.view(view)?;
        let root = view.root().await?;
        let wanted = Wanted {
            access: open.desired_access,
            disposition: request.disposition,
            options: open.options,
            file_attributes: request.file_attributes,
            gid: view.gid,
        };
        match open_on_server(&root, &server_path, &wanted).await {
            Ok(opened) => opening.finish(request, opened),
            Err(status) => Err(opening.fail(status)),
        }
    }
}

/// What NtCreateFile refuses whatever the file is; a driver need not have been called through it.
fn check<P: Platform>(request: &CreateRequest<'_, P>) -> nt::Result {
    if request.options.contains(CreateOptions::OPEN_BY_FILE_ID) {
        return Err(Status::NOT_SUPPORTED);
    }
    let known = request.disposition.0 <= CreateDisposition::OVERWRITE_IF.0;
    let overwrites_directory =
        request.options.contains(CreateOptions::DIRECTORY_FILE) && request.disposition.truncates();
    let may_not_delete = request.options.contains(CreateOptions::DELETE_ON_CLOSE)
        && !request.desired_access.map_generic().contains(AccessMask::DELETE);
    if !known || overwrites_directory || may_not_delete {
        return Err(Status::INVALID_PARAMETER);
    }
    Ok(())
}

/// The options of an open; a trailing backslash of its name asks for a directory.
fn options<P: Platform>(request: &CreateRequest<'_, P>) -> CreateOptions {
    let (_, trailing_backslash) = split_trailing_backslash(request.name);
    if trailing_backslash && !request.open_target_directory {
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

/// The path to open: the name's own, or that of the directory it is in.
fn target_path<'a, P: Platform>(request: &CreateRequest<'_, P>, path: Name<'a>) -> nt::Result<Name<'a>> {
    if !request.open_target_directory {
        return Ok(path);
    }
    path.rsplit_once(u16::from(b'\\'))
        .map(|(directory, _)| directory)
        .ok_or(Status::OBJECT_NAME_INVALID)
}

/// A reference on a view, given back when dropped. Not to be dropped with the tree's lock held.
struct HeldView<'a, P: Platform> {
    redirector: &'a MiniRedirector<P>,
    id: VNetRootId,
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
    ended: bool,
}

impl<P: Platform> Unfinished<'_, P> {
    fn finish(mut self, request: &CreateRequest<'_, P>, on_server: OnServer) -> nt::Result<Created<P>> {
        let redirector = self.redirector;
        let is_directory = on_server.attributes.is_directory();
        let open = ServerOpen::try_new(on_server.file, on_server.flags)?;
        let new_shared = SharedFile::try_new(&redirector.0.lock_identity)?;
        let scan = OpenFile::<P>::new_scan()?;
        let mut effects = Effects::new();
        let opened = {
            let mut tree = redirector.tree();
            let known = tree
                .fcb_extension_mut(self.opening.fcb)?
                .map(|shared| Arc::clone(shared));
            let shared = known.as_ref().map_or_else(|| Arc::clone(&new_shared), Arc::clone);
            let opened = Opened {
                srv_open: Some(Arc::clone(&open)),
                fobx: (),
                fcb: known.is_none().then_some(new_shared),
                kind: if is_directory {
                    FcbKind::Directory
                } else {
                    FcbKind::File
                },
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
            file_id: on_server.attributes.file_id,
            granted_access: on_server.granted,
            options: request.options,
            scan,
            scanning: Semaphore::new(1),
            cleaned_up: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        file.report_opened(on_server.action);
        // Without memory for it the file is dropped, which closes it.
        Ok(Created {
            file: Arc::try_new(file)?,
            action: on_server.action,
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
