//! What an operation on the tree asks its caller to do once the tree lock is released.

use alloc::boxed::Box;
use alloc::vec::Vec;
use nt::Status;

use crate::extensions::Extensions;
use crate::id::{ContextId, FcbId, FobxId, NetRootId, SrvCallId, SrvOpenId, VNetRootId};

/// One thing to do outside the tree lock. Effects are performed in order.
///
/// An extension leaves the tree with the effect that ends its object's life, so that the mini-redirector can clunk,
/// close or drop it without the lock. An object that never got an extension leaves no such effect.
#[derive(Debug)]
#[must_use]
pub enum Effect<X: Extensions> {
    /// What a request waited for is stable. On `Ok` it looks again; `Err` is what became of the attempt it waited
    /// for, and is its own result (`RxUpdateCondition` waking the transition wait list).
    Wake {
        /// The waiter.
        context: ContextId,
        /// The waiter's extension.
        extension: X::Context,
        /// Look again, or give up.
        result: Result<(), Status>,
    },
    /// A request is cancelled (`MRxCancelRoutine`). It still ends by [`Tree::end_request`](crate::Tree::end_request).
    Cancel {
        /// The request.
        context: ContextId,
        /// The request's extension.
        extension: X::Context,
    },
    /// The server's open is to be closed: by its last FOBX (`MRxCloseSrvOpen`) or because the connection was taken
    /// away from under it (`MRxForceClosed`).
    CloseSrvOpen {
        /// The open. Already gone unless `forced`.
        srv_open: SrvOpenId,
        /// Its extension.
        extension: X::SrvOpen,
        /// Whether handles still exist, orphaned.
        forced: bool,
    },
    /// A handle is gone (`MRxDeallocateForFobx`).
    DeallocateFobx {
        /// The handle.
        fobx: FobxId,
        /// Its extension.
        extension: X::Fobx,
    },
    /// A file is gone (`MRxDeallocateForFcb`).
    DeallocateFcb {
        /// The file.
        fcb: FcbId,
        /// Its extension.
        extension: X::Fcb,
    },
    /// A view can no longer be reached (`MRxFinalizeVNetRoot`).
    FinalizeVNetRoot {
        /// The view.
        v_net_root: VNetRootId,
        /// Its extension.
        extension: X::VNetRoot,
    },
    /// A share can no longer be reached (`MRxFinalizeNetRoot`).
    FinalizeNetRoot {
        /// The share.
        net_root: NetRootId,
        /// Its extension.
        extension: X::NetRoot,
    },
    /// A server can no longer be reached: disconnect from it (`MRxFinalizeSrvCall`).
    FinalizeSrvCall {
        /// The server.
        srv_call: SrvCallId,
        /// Its extension.
        extension: X::SrvCall,
    },
}

/// A place for one effect, made when the object is made that may cause it: what must not fail later needs no memory
/// later.
pub(crate) struct Node<X: Extensions> {
    effect: Option<Effect<X>>,
    next: Option<NodeBox<X>>,
}

/// A box of one; `Box::new` itself cannot report a failure.
pub(crate) type NodeBox<X> = Box<[Node<X>]>;

pub(crate) fn try_node<X: Extensions>() -> nt::Result<NodeBox<X>> {
    let mut node = Vec::new();
    node.try_reserve_exact(1)?;
    node.extend(core::iter::once(Node {
        effect: None,
        next: None,
    }));
    Ok(node.into_boxed_slice())
}

/// Effects in the order in which they are to be performed.
///
/// Pass an empty one to an operation, release the tree lock, then take the effects out by iterating. Dropping
/// effects that were not taken drops the extensions in them and loses wake-ups.
#[must_use]
pub struct Effects<X: Extensions> {
    /// Newest first.
    inbox: Option<NodeBox<X>>,
    /// Oldest first.
    outbox: Option<NodeBox<X>>,
}

impl<X: Extensions> Effects<X> {
    /// No effects. Allocates nothing.
    pub const fn new() -> Self {
        Self {
            inbox: None,
            outbox: None,
        }
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.inbox.is_none() && self.outbox.is_none()
    }

    pub(crate) fn push(&mut self, mut node: NodeBox<X>, effect: Effect<X>) {
        if let [slot] = &mut *node {
            slot.effect = Some(effect);
            slot.next = self.inbox.take();
            self.inbox = Some(node);
        }
    }
}

impl<X: Extensions> Default for Effects<X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<X: Extensions> Iterator for Effects<X> {
    type Item = Effect<X>;

    fn next(&mut self) -> Option<Effect<X>> {
        if self.outbox.is_none() {
            let mut newest = self.inbox.take();
            while let Some(mut node) = newest {
                newest = match &mut *node {
                    [slot] => core::mem::replace(&mut slot.next, self.outbox.take()),
                    _ => None,
                };
                self.outbox = Some(node);
            }
        }
        let mut node = self.outbox.take()?;
        let [slot] = &mut *node else { return None };
        self.outbox = slot.next.take();
        slot.effect.take()
    }
}

impl<X: Extensions> Drop for Effects<X> {
    fn drop(&mut self) {
        // One by one: dropping a long chain as a whole would recurse once per effect.
        for effect in self {
            drop(effect);
        }
    }
}

impl<X: Extensions> core::fmt::Debug for Effects<X> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Effects")
            .field("is_empty", &self.is_empty())
            .finish()
    }
}
