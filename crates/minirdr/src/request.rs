//! Requests: one RX_CONTEXT each, and the effects the tree asks for.

use core::future::Future;
use core::sync::atomic::Ordering;

use executive::mem::Arc;
use executive::task::CancelToken;
use rdbss::{ContextId, Effect, Effects, MajorFunction, Owner, Request, SrvOpenId};

use crate::MiniRedirector;
use crate::objects::{Control, Objects, Platform};

/// A request under way; dropping it ends it.
pub(crate) struct Running<'a, P: Platform> {
    redirector: &'a MiniRedirector<P>,
    /// Its RX_CONTEXT.
    pub(crate) context: ContextId,
    /// How others reach it.
    pub(crate) control: Arc<Control>,
    /// Whether it may change something on a server.
    pub(crate) changes: bool,
}

/// Whether requests of `major` may change something on a server, times of access aside.
fn may_change(major: MajorFunction) -> bool {
    !matches!(
        major,
        MajorFunction::READ
            | MajorFunction::QUERY_INFORMATION
            | MajorFunction::QUERY_VOLUME_INFORMATION
            | MajorFunction::QUERY_EA
            | MajorFunction::QUERY_SECURITY
            | MajorFunction::DIRECTORY_CONTROL
            | MajorFunction::FLUSH_BUFFERS
            | MajorFunction::LOCK_CONTROL
    )
}

impl<P: Platform> Running<'_, P> {
    /// What `body` comes to, unless the request is cancelled first: by its caller, or because its connection is taken
    /// away.
    pub(crate) fn run<V, F>(&self, body: F) -> impl Future<Output = nt::Result<V>> + use<V, F, P>
    where
        F: Future<Output = nt::Result<V>>,
    {
        self.control.cancel.run_fallible(body)
    }
}

impl<P: Platform> Drop for Running<'_, P> {
    fn drop(&mut self) {
        if self.changes {
            self.redirector.note_change();
        }
        let mut effects = Effects::new();
        // The id is ours and ends here and nowhere else.
        let control = self.redirector.tree().end_request(self.context, &mut effects);
        drop(control);
        self.redirector.perform(effects);
    }
}

impl<P: Platform> MiniRedirector<P> {
    /// Registers a request upon `owner` that `cancel` ends early.
    ///
    /// # Errors
    /// As [`rdbss::Tree::begin_request`].
    pub(crate) fn begin(
        &self,
        owner: Owner,
        major: MajorFunction,
        cancel: &CancelToken,
    ) -> nt::Result<Running<'_, P>> {
        self.begin_minor(owner, major, 0, cancel)
    }

    /// [`Self::begin`] with a minor function. Errors as there.
    pub(crate) fn begin_minor(
        &self,
        owner: Owner,
        major: MajorFunction,
        minor: u8,
        cancel: &CancelToken,
    ) -> nt::Result<Running<'_, P>> {
        let control = Control::try_new(cancel.clone())?;
        let extension = Arc::clone(&control);
        let request = Request {
            owner,
            major,
            minor,
            cancellable: true,
            extension,
        };
        let context = self.tree().begin_request(request)?;
        self.0.totals.requests.fetch_add(1, Ordering::Relaxed);
        Ok(Running {
            redirector: self,
            context,
            control,
            changes: may_change(major),
        })
    }

    /// Does what the tree asked for. The tree's lock must not be held.
    pub(crate) fn perform(&self, effects: Effects<Objects<P>>) {
        for effect in effects {
            match effect {
                Effect::Wake {
                    extension, result, ..
                } => extension.wake(result),
                Effect::Cancel { extension, .. } => extension.cancel.cancel(),
                Effect::CloseSrvOpen {
                    srv_open,
                    extension,
                    forced,
                } => {
                    extension.revoke();
                    if forced {
                        self.orphan_locks(srv_open);
                    }
                }
                Effect::FinalizeVNetRoot { extension, .. } => {
                    extension.revoke();
                    self.0.scavenger.look_again();
                }
                Effect::FinalizeSrvCall { extension, .. } => {
                    // Without memory for a task the server is dropped here, and its circuit ends by itself.
                    let _ = self.0.runtime.spawn(async move { extension.close().await });
                }
                Effect::DeallocateFcb { .. }
                | Effect::DeallocateFobx { .. }
                | Effect::FinalizeNetRoot { .. } => {}
            }
        }
    }

    /// Ends the locks of an open whose handles stay, orphaned.
    fn orphan_locks(&self, srv_open: SrvOpenId) {
        let shared = {
            let tree = self.tree();
            let fcb = tree.srv_open(srv_open).and_then(|open| tree.fcb(open.fcb()));
            fcb.ok().and_then(|fcb| fcb.extension().cloned())
        };
        if let Some(shared) = shared {
            shared.locks.orphan(srv_open);
        }
    }
}
