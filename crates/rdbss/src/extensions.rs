//! What a mini-redirector keeps with the objects of the tree.

/// The mini-redirector's own part of each object (the `Context` and extension fields of the `MRX_` structures).
///
/// The tree stores these values and hands each out once, in the [`Effect`](crate::Effect) that ends its object's
/// life. It never drops one that it has stored, except with the whole tree; one that it cannot store is dropped in the call
/// that brings it.
pub trait Extensions: Sized + 'static {
    /// With a server: for instance its transport connection.
    type SrvCall;
    /// With a share.
    type NetRoot;
    /// With a view of a share: for instance a session for one user.
    type VNetRoot;
    /// With a file.
    type Fcb;
    /// With an open on the server: for instance its handle there.
    type SrvOpen;
    /// With a handle of the caller.
    type Fobx;
    /// With a request: whatever wakes and cancels it. Cloning must be cheap and must not fail.
    type Context: Clone;

    /// Called when a handle is orphaned, under the tree lock: the place to raise a flag that the handle's data path
    /// looks at. Must not block and must not call the tree.
    fn orphaned(_fobx: &Self::Fobx) {}
}

/// A mini-redirector that keeps nothing with the objects.
impl Extensions for () {
    type SrvCall = ();
    type NetRoot = ();
    type VNetRoot = ();
    type Fcb = ();
    type SrvOpen = ();
    type Fobx = ();
    type Context = ();
}
