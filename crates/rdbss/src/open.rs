//! Opens, in two steps around the network: [`Tree::begin_open`] reserves all that the open will need and books its
//! claims, so that [`Tree::complete_open`] cannot fail for want of anything.

use nt::{AccessMask, CreateOptions, Name, NameBuf, ShareAccess, Status};

use crate::directory::{DirectoryId, Way, parent_path};
use crate::effect::{Effects, NodeBox, try_node};
use crate::extensions::Extensions;
use crate::fcb::{Fcb, FcbKind, FcbState};
use crate::fobx::{Fobx, FobxFlags};
use crate::id::{ContextId, FcbId, FobxId, NetRootId, SrvOpenId, VNetRootId};
use crate::list::{Links, List};
use crate::rx_context::Wait;
use crate::share_access::{Claim, ShareCounts};
use crate::srv_open::{SrvOpen, SrvOpenFlags};
use crate::tree::{STALE, Tree, drop_one};

/// An open that begins.
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest<'a> {
    /// The view it goes through.
    pub v_net_root: VNetRootId,
    /// The path below the share, as [`Tree::resolve`] gives it: empty, or with a leading backslash. On a server whose
    /// flags say that case matters it should be spelt as the server spells it.
    pub path: Name<'a>,
    /// The access that was granted.
    pub desired_access: AccessMask,
    /// What it lets others do.
    pub share_access: ShareAccess,
    /// Its options.
    pub options: CreateOptions,
    /// Whether it came by the UNC name.
    pub unc_name: bool,
    /// Whether it may share a SRV_OPEN (`MRxShouldTryToCollapseThisOpen`), and then what of its access the server must
    /// have granted to that. It must be of the same view, with the same options towards the server. What handles let
    /// others do is each one's own.
    pub collapse: Option<AccessMask>,
    /// The request on whose behalf; with one given, a conflict with an open that has not completed makes it wait
    /// rather than fail.
    pub context: Option<ContextId>,
}

/// What came of [`Tree::begin_open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginOpen {
    /// Go on and call [`Tree::complete_open`].
    Begun(Opening),
    /// An open under way stands in the way: an [`Effect::Wake`](crate::Effect::Wake) will say when to call again.
    Wait,
}

/// The objects of an open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The file.
    pub fcb: FcbId,
    /// Whether this open made the FCB: nothing is known of the file yet.
    pub new_fcb: bool,
    /// The server's open.
    pub srv_open: SrvOpenId,
    /// Whether it is shared with handles before: the server need not be asked, and no extension given for it.
    pub collapsed: bool,
    /// The handle.
    pub fobx: FobxId,
}

/// What a successful open brought along.
#[derive(Debug)]
pub struct Opened<X: Extensions> {
    /// For the server's open; `None` if it was collapsed.
    pub srv_open: Option<X::SrvOpen>,
    /// For the handle.
    pub fobx: X::Fobx,
    /// For the file. If the file has one already, from an open that completed first, this one is dropped, inside the call:
    /// look at [`Tree::fcb_extension_mut`] first where that must not happen under the tree's lock.
    pub fcb: Option<X::Fcb>,
    /// What the file turned out to be.
    pub kind: FcbKind,
    /// Whether later opens may share the server's open. Without meaning if it was collapsed.
    pub collapsible: bool,
    /// Whether, then, it may also outlive its last handle. Without meaning if it was collapsed.
    pub delays_close: bool,
}

/// Memory for what an open makes, got before anything changes.
struct Parts<X: Extensions> {
    fcb: Option<(NameBuf, Option<DirectoryId>, NodeBox<X>)>,
    srv_open: Option<NodeBox<X>>,
    fobx: NodeBox<X>,
}

impl<X: Extensions> Tree<X> {
    /// Begins an open: finds or makes the FCB, checks and books share access, makes SRV_OPEN and FOBX.
    ///
    /// What is dormant and known to be something else than is asked for is closed, even if the open then fails.
    ///
    /// # Errors
    /// - `SHARING_VIOLATION`, `DELETE_PENDING`: the file's other handles forbid it.
    /// - `UNEXPECTED_NETWORK_ERROR`: the view was taken away.
    /// - `CANCELLED`: the request is to end.
    /// - `LOCK_NOT_GRANTED`: another request has the file to itself, or is renaming a directory above it.
    /// - `NOT_A_DIRECTORY`, `FILE_IS_A_DIRECTORY`: the file is known to be other than the options demand.
    /// - `INVALID_PARAMETER`: the view is gone or not good.
    /// - `INSUFFICIENT_RESOURCES`.
    pub fn begin_open(
        &mut self,
        request: &OpenRequest<'_>,
        effects: &mut Effects<X>,
    ) -> nt::Result<BeginOpen> {
        if let Some(context) = request.context {
            self.context(context)?.check()?;
        }
        let net_root = self.usable_view(request.v_net_root)?;
        let claim = Claim::new(request.desired_access, request.share_access);
        let mut found = self.find_fcb(net_root, request.path);
        if let Some(id) = found
            && self.is_dormant_and_unfit(id, request)
        {
            // What nobody has open may have become something else on the server.
            self.scavenge_fcb(id, effects);
            found = self.find_fcb(net_root, request.path);
        }
        if let Some(id) = found
            && self.check_fcb(id, claim, request)? == Admission::Wait
        {
            return Ok(BeginOpen::Wait);
        }
        let way = match found {
            Some(_) => None,
            None => Some(self.way_to(net_root, parent_path(request.path))),
        };
        if let Some(directory) = way.as_ref().and_then(|way| way.renaming) {
            self.wait_for_fcb(directory, request.context, Status::LOCK_NOT_GRANTED)?;
            return Ok(BeginOpen::Wait);
        }
        let shared = found.and_then(|id| self.find_collapsible(id, request));
        let parts = self.reserve_open(net_root, request, way, shared.is_none())?;
        // No failure from here on.
        let (fcb, new_fcb) = match (found, parts.fcb) {
            (Some(id), _) => (id, false),
            (None, Some((path, directory, exit))) => (self.add_fcb(net_root, path, directory, exit)?, true),
            (None, None) => return Err(Status::INSUFFICIENT_RESOURCES),
        };
        let (srv_open, collapsed) = match (shared, parts.srv_open) {
            (Some(id), _) => (id, true),
            (None, Some(exit)) => (self.add_srv_open(fcb, request, exit)?, false),
            (None, None) => return Err(Status::INSUFFICIENT_RESOURCES),
        };
        let fobx = self.add_fobx(fcb, srv_open, claim, request, parts.fobx)?;
        if collapsed {
            self.revive(srv_open);
        }
        Ok(BeginOpen::Begun(Opening {
            fcb,
            new_fcb,
            srv_open,
            collapsed,
            fobx,
        }))
    }

    /// Whether the other handles of a file tolerate an open, without beginning it: for rights that it needs for a moment
    /// and does not keep, such as the right to write what it overwrites.
    ///
    /// # Errors
    /// `SHARING_VIOLATION`; `INVALID_PARAMETER` if the view is gone.
    pub fn check_share_access(&self, request: &OpenRequest<'_>) -> nt::Result {
        let net_root = self.v_net_root(request.v_net_root)?.net_root;
        let claim = Claim::new(request.desired_access, request.share_access);
        match self
            .find_fcb(net_root, request.path)
            .and_then(|id| self.fcbs.get(id))
        {
            // Whoever is about to go, or has not come yet, is another matter.
            Some(fcb) if fcb.pending_opens == 0 && !fcb.state.contains(FcbState::DELETE_ON_CLOSE) => {
                fcb.share.check(claim)
            }
            _ => Ok(()),
        }
    }

    fn check_fcb(&mut self, id: FcbId, claim: Claim, request: &OpenRequest<'_>) -> nt::Result<Admission> {
        let fcb = self.fcb(id)?;
        if fcb.state.contains(FcbState::DELETE_ON_CLOSE) {
            return Err(Status::DELETE_PENDING);
        }
        if fcb
            .exclusive
            .is_some_and(|holder| Some(holder) != request.context)
        {
            return self.wait_for_fcb(id, request.context, Status::LOCK_NOT_GRANTED);
        }
        check_kind(fcb.kind, request.options)?;
        match fcb.share.check(claim) {
            Ok(()) => Ok(Admission::Now),
            // The open under way may yet fail, and then there is no conflict.
            Err(status) if fcb.pending_opens > 0 => self.wait_for_fcb(id, request.context, status),
            Err(status) => Err(status),
        }
    }

    fn wait_for_fcb(
        &mut self,
        id: FcbId,
        context: Option<ContextId>,
        otherwise: Status,
    ) -> nt::Result<Admission> {
        self.wait_for(context.ok_or(otherwise)?, Wait::Fcb(id), false)?;
        Ok(Admission::Wait)
    }

    /// Whether nobody has the file open, and what it was when somebody last had does not go with the options.
    fn is_dormant_and_unfit(&self, id: FcbId, request: &OpenRequest<'_>) -> bool {
        self.fcbs.get(id).is_some_and(|fcb| {
            fcb.unclean_count == 0 && fcb.open_count == 0 && check_kind(fcb.kind, request.options).is_err()
        })
    }

    fn find_collapsible(&self, id: FcbId, request: &OpenRequest<'_>) -> Option<SrvOpenId> {
        let fcb = self
            .fcbs
            .get(id)
            .filter(|fcb| fcb.state.contains(FcbState::COLLAPSING_ENABLED))?;
        // What all that is allowed comes to is known only when the server has answered.
        let access = request
            .collapse
            .filter(|_| !request.desired_access.contains(AccessMask::MAXIMUM_ALLOWED))?;
        let unfit = SrvOpenFlags::CLOSED
            | SrvOpenFlags::COLLAPSING_DISABLED
            | SrvOpenFlags::ORPHANED
            | SrvOpenFlags::OPENING;
        fcb.srv_opens
            .iter(&self.srv_opens, |srv_open| &srv_open.by_fcb)
            .take(COLLAPSE_SEARCH_MAX)
            .find(|(_, srv_open)| {
                !srv_open.flags.intersects(unfit)
                    && srv_open.v_net_root == request.v_net_root
                    && srv_open.desired_access.contains(access)
                    && srv_open.options & TOWARDS_SERVER == request.options & TOWARDS_SERVER
            })
            .map(|(id, _)| id)
    }

    /// `way`: to the directory of a file that has no FCB yet.
    fn reserve_open(
        &mut self,
        net_root: NetRootId,
        request: &OpenRequest<'_>,
        way: Option<Way>,
        new_srv_open: bool,
    ) -> nt::Result<Parts<X>> {
        let srv_open = if new_srv_open { Some(try_node()?) } else { None };
        let fobx = try_node()?;
        self.fcbs.reserve()?;
        self.srv_opens.reserve()?;
        self.fobxs.reserve()?;
        self.paths.prepare(&mut self.fcbs)?;
        let fcb = match way {
            Some(way) => {
                let (path, exit) = (NameBuf::try_from_units(request.path.as_units())?, try_node()?);
                // Last, as it is the only one that would have to be given back.
                let directory = self.hold_directory(net_root, parent_path(request.path), &way)?;
                Some((path, directory, exit))
            }
            None => None,
        };
        Ok(Parts { fcb, srv_open, fobx })
    }

    /// Takes over a use of the directory that the file is in.
    pub(crate) fn add_fcb(
        &mut self,
        net_root: NetRootId,
        path: NameBuf,
        directory: Option<DirectoryId>,
        exit: NodeBox<X>,
    ) -> nt::Result<FcbId> {
        let hash = self.path_hash(net_root, path.as_name());
        let id = self.fcbs.insert(Fcb {
            net_root,
            directory,
            path,
            hash,
            chain: None,
            state: FcbState::COLLAPSING_ENABLED,
            kind: FcbKind::Unknown,
            references: 1,
            held: 0,
            unclean_count: 0,
            open_count: 0,
            pending_opens: 0,
            orphaned_srv_opens: 0,
            srv_opens: List::new(),
            share: ShareCounts::default(),
            exclusive: None,
            deleting: false,
            rename: None,
            waiters: List::new(),
            extension: None,
            exit: Some(exit),
        })?;
        if let Some(parent) = self.net_roots.get_mut(net_root) {
            parent.references = parent.references.saturating_add(1);
            parent.named_fcbs = parent.named_fcbs.saturating_add(1);
        }
        self.paths.insert(&mut self.fcbs, id);
        Ok(id)
    }

    pub(crate) fn add_srv_open(
        &mut self,
        fcb: FcbId,
        request: &OpenRequest<'_>,
        exit: NodeBox<X>,
    ) -> nt::Result<SrvOpenId> {
        let mut flags = SrvOpenFlags::OPENING;
        if request.options.contains(CreateOptions::DELETE_ON_CLOSE) {
            flags.insert(SrvOpenFlags::COLLAPSING_DISABLED);
        }
        let id = self.srv_opens.insert(SrvOpen {
            fcb,
            v_net_root: request.v_net_root,
            by_fcb: Links::new(),
            by_v_net_root: Links::new(),
            by_srv_call: Links::new(),
            by_due: Links::new(),
            due: 0,
            desired_access: request.desired_access,
            share_access: request.share_access,
            options: request.options,
            flags,
            references: 0,
            held: 0,
            open_count: 0,
            unclean_fobx_count: 0,
            fobxs: List::new(),
            extension: None,
            exit: Some(exit),
        })?;
        if let Some(fcb) = self.fcbs.get_mut(fcb) {
            fcb.references = fcb.references.saturating_add(1);
            fcb.srv_opens
                .push_back(&mut self.srv_opens, id, |srv_open| &mut srv_open.by_fcb);
        }
        if let Some(view) = self.v_net_roots.get_mut(request.v_net_root) {
            view.references = view.references.saturating_add(1);
            view.srv_opens
                .push_back(&mut self.srv_opens, id, |srv_open| &mut srv_open.by_v_net_root);
        }
        Ok(id)
    }

    fn add_fobx(
        &mut self,
        fcb: FcbId,
        srv_open: SrvOpenId,
        claim: Claim,
        request: &OpenRequest<'_>,
        exit: NodeBox<X>,
    ) -> nt::Result<FobxId> {
        let mut flags = FobxFlags::OPENING | FobxFlags::SHARES;
        flags.set(FobxFlags::UNC_NAME, request.unc_name);
        flags.set(
            FobxFlags::DELETE_ON_CLOSE,
            request.options.contains(CreateOptions::DELETE_ON_CLOSE),
        );
        let id = self.insert_fobx(fcb, srv_open, exit)?;
        if let Some(fobx) = self.fobxs.get_mut(id) {
            fobx.flags = flags;
            fobx.claim = claim;
        }
        if let Some(fcb) = self.fcbs.get_mut(fcb) {
            fcb.share.add(claim);
            fcb.pending_opens = fcb.pending_opens.saturating_add(1);
        }
        Ok(id)
    }

    /// A handle without flags and claims, not counted as open.
    pub(crate) fn insert_fobx(
        &mut self,
        fcb: FcbId,
        srv_open: SrvOpenId,
        exit: NodeBox<X>,
    ) -> nt::Result<FobxId> {
        let id = self.fobxs.insert(Fobx {
            srv_open,
            siblings: Links::new(),
            flags: FobxFlags::empty(),
            claim: Claim::new(AccessMask::empty(), ShareAccess::all()),
            references: 1,
            held: 0,
            contexts: List::new(),
            extension: None,
            exit: Some(exit),
        })?;
        if let Some(srv_open) = self.srv_opens.get_mut(srv_open) {
            srv_open.references = srv_open.references.saturating_add(1);
            srv_open.unclean_fobx_count = srv_open.unclean_fobx_count.saturating_add(1);
            srv_open
                .fobxs
                .push_back(&mut self.fobxs, id, |fobx| &mut fobx.siblings);
        }
        if let Some(fcb) = self.fcbs.get_mut(fcb) {
            fcb.unclean_count = fcb.unclean_count.saturating_add(1);
        }
        self.handles = self.handles.saturating_add(1);
        Ok(id)
    }

    /// Counts a handle as open.
    pub(crate) fn count_open(&mut self, fcb: FcbId, srv_open: SrvOpenId, v_net_root: VNetRootId) {
        if let Some(srv_open) = self.srv_opens.get_mut(srv_open) {
            srv_open.open_count = srv_open.open_count.saturating_add(1);
        }
        if let Some(fcb) = self.fcbs.get_mut(fcb) {
            fcb.open_count = fcb.open_count.saturating_add(1);
        }
        if let Some(view) = self.v_net_roots.get_mut(v_net_root) {
            view.number_of_fobxs = view.number_of_fobxs.saturating_add(1);
            view.number_of_opens = view.number_of_opens.saturating_add(1);
            view.finalization_done = false;
        }
    }

    /// Ends what [`Tree::begin_open`] began: with what the server's answer brought, or with the status it failed with.
    ///
    /// On failure, the server's or the tree's own, all that the open reserved is gone, and extensions given leave
    /// again with effects.
    ///
    /// # Errors
    /// - The status passed in.
    /// - `UNEXPECTED_NETWORK_ERROR`: the view was taken away meanwhile.
    /// - `INVALID_PARAMETER`: the handle is gone or its open has completed before. The extensions given are dropped.
    pub fn complete_open(
        &mut self,
        id: FobxId,
        result: Result<Opened<X>, Status>,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        let fobx = self.fobxs.get_mut(id).ok_or(STALE)?;
        if !fobx.flags.contains(FobxFlags::OPENING) {
            return Err(Status::INVALID_PARAMETER);
        }
        fobx.flags.remove(FobxFlags::OPENING);
        let srv_open_id = fobx.srv_open;
        let srv_open = self.srv_opens.get_mut(srv_open_id).ok_or(STALE)?;
        let (fcb_id, v_net_root) = (srv_open.fcb, srv_open.v_net_root);
        let orphaned = srv_open.flags.contains(SrvOpenFlags::ORPHANED);
        let collapsed = !srv_open.flags.contains(SrvOpenFlags::OPENING);
        srv_open.flags.remove(SrvOpenFlags::OPENING);
        let failure = match result {
            Ok(opened) => {
                self.store_extensions(id, srv_open_id, fcb_id, opened);
                orphaned.then_some(Status::UNEXPECTED_NETWORK_ERROR)
            }
            Err(status) => Some(status),
        };
        // From here it is a handle like any other, to be closed at once if the open failed.
        if let Some(srv_open) = self.srv_opens.get_mut(srv_open_id) {
            srv_open.open_count = srv_open.open_count.saturating_add(1);
        }
        if let Some(fcb) = self.fcbs.get_mut(fcb_id) {
            drop_one(&mut fcb.pending_opens);
            fcb.open_count = fcb.open_count.saturating_add(1);
        }
        if let Some(v_net_root) = self.v_net_roots.get_mut(v_net_root) {
            v_net_root.number_of_fobxs = v_net_root.number_of_fobxs.saturating_add(1);
            v_net_root.number_of_opens = v_net_root
                .number_of_opens
                .saturating_add(u32::from(failure.is_none()));
            v_net_root.finalization_done &= failure.is_some();
        }
        self.wake_waiters(Wait::Fcb(fcb_id), Ok(()), effects);
        match failure {
            None => {
                self.totals.opens = self.totals.opens.saturating_add(1);
                self.totals.collapsed = self.totals.collapsed.saturating_add(u64::from(collapsed));
                Ok(())
            }
            Some(status) => {
                // What failed to open is not deleted either.
                if let Some(fobx) = self.fobxs.get_mut(id) {
                    fobx.flags.remove(FobxFlags::DELETE_ON_CLOSE);
                }
                self.close(id, effects)?;
                Err(status)
            }
        }
    }

    fn store_extensions(&mut self, fobx: FobxId, srv_open: SrvOpenId, fcb: FcbId, opened: Opened<X>) {
        if let Some(fobx) = self.fobxs.get_mut(fobx) {
            fobx.extension = Some(opened.fobx);
        }
        if let Some(srv_open) = self.srv_opens.get_mut(srv_open)
            && let Some(extension) = opened.srv_open
        {
            srv_open.extension = Some(extension);
            let collapsible =
                opened.collapsible && !srv_open.flags.contains(SrvOpenFlags::COLLAPSING_DISABLED);
            srv_open
                .flags
                .set(SrvOpenFlags::COLLAPSING_DISABLED, !collapsible);
            srv_open
                .flags
                .set(SrvOpenFlags::DELAYS_CLOSE, collapsible && opened.delays_close);
        }
        let Some(fcb) = self.fcbs.get_mut(fcb) else { return };
        if opened.kind != FcbKind::Unknown {
            fcb.kind = opened.kind;
        }
        if fcb.extension.is_none() {
            fcb.extension = opened.fcb;
        }
    }
}

/// Most SRV_OPENs of a file that are looked at for one to share: more of them than that share nothing anyway.
const COLLAPSE_SEARCH_MAX: usize = 32;

/// The options that make a difference to the server's open, rather than to the handle.
const TOWARDS_SERVER: CreateOptions = CreateOptions::WRITE_THROUGH
    .union(CreateOptions::NO_INTERMEDIATE_BUFFERING)
    .union(CreateOptions::OPEN_FOR_BACKUP_INTENT)
    .union(CreateOptions::OPEN_REPARSE_POINT)
    .union(CreateOptions::DELETE_ON_CLOSE);

fn check_kind(kind: FcbKind, options: CreateOptions) -> nt::Result {
    match kind {
        FcbKind::Directory if options.contains(CreateOptions::NON_DIRECTORY_FILE) => {
            Err(Status::FILE_IS_A_DIRECTORY)
        }
        FcbKind::File if options.contains(CreateOptions::DIRECTORY_FILE) => Err(Status::NOT_A_DIRECTORY),
        FcbKind::Unknown | FcbKind::Directory | FcbKind::File => Ok(()),
    }
}

/// Whether an open may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admission {
    Now,
    Wait,
}
