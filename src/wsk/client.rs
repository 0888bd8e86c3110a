//! The registration with Winsock Kernel.

use super::bindings::{
    WSK_CLIENT_DISPATCH, WSK_CLIENT_NPI, WSK_PROVIDER_DISPATCH, WSK_PROVIDER_NPI, WSK_REGISTRATION,
    WskCaptureProviderNPI, WskDeregister, WskRegister, WskReleaseProviderNPI,
};
use super::keep_loaded;
use super::resolve::AddressList;
use super::socket::Socket;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use executive::mem::{AllocError, Arc, TryVec};
use executive::sync::{Event, Reset, SpinLock};
use nt::Status;

/// Version 1.0 of the client side, the only one there is.
const VERSION_1_0: u16 = 0x0100;
/// How long the provider may take to come up, in milliseconds.
const CAPTURE_TIMEOUT_MS: u32 = 10_000;

static CLIENT_DISPATCH: WSK_CLIENT_DISPATCH = WSK_CLIENT_DISPATCH {
    Version: VERSION_1_0,
    Reserved: 0,
    WskClientEvent: None,
};

/// The transport over Winsock Kernel. Clones share one registration.
#[derive(Clone)]
pub(crate) struct Wsk(pub(super) Arc<Client>);

impl Wsk {
    /// Registers with Winsock Kernel and waits for its provider, at most ten seconds. IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// What WskRegister or WskCaptureProviderNPI says; INSUFFICIENT_RESOURCES.
    pub(crate) fn register() -> nt::Result<Self> {
        keep_loaded::prepare();
        Client::register().map(Wsk)
    }

    /// Waits until every socket is closed and every request has ended, then gives the registration up. Called before the
    /// driver is unloaded, when every endpoint has been closed or dropped; else it waits for them. A second call does
    /// nothing; connecting and resolving fail from now on. IRQL = PASSIVE_LEVEL.
    pub(crate) fn deregister(&self) {
        self.0.deregister();
    }
}

/// One registration. It outlives every socket, but only [`Client::deregister`] ends it: the last owner may be a
/// completion routine, which must not wait.
pub(super) struct Client {
    registration: UnsafeCell<WSK_REGISTRATION>,
    provider: WSK_PROVIDER_NPI,
    /// Sockets and look-ups that exist.
    live: AtomicUsize,
    /// Set when `live` falls to zero or an orphan comes in.
    changed: Event,
    leaving: AtomicBool,
    orphans: SpinLock<Orphans>,
}

// SAFETY: the registration is touched by the provider's routines alone, which may be called from any thread; the
// provider's pointers are constant.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// What nobody wants any more, but only code at PASSIVE_LEVEL can give back.
pub(super) enum Orphan {
    /// A socket that was given up where it could not be closed.
    Socket(Arc<Socket>),
    /// The answer to a look-up whose future had been dropped.
    Addresses(AddressList),
}

/// INVARIANT: `list` has room for every announcement that has not been followed by its orphan.
#[derive(Default)]
struct Orphans {
    list: Vec<Orphan>,
    announced: usize,
}

impl Client {
    fn register() -> nt::Result<Arc<Self>> {
        let mut client = Arc::try_new(Client {
            registration: UnsafeCell::new(WSK_REGISTRATION::default()),
            provider: WSK_PROVIDER_NPI::default(),
            live: AtomicUsize::new(0),
            changed: Event::try_new(Reset::Manual)?,
            leaving: AtomicBool::new(false),
            orphans: SpinLock::default(),
        })?;
        let registration = client.registration.get();
        let mut npi = WSK_CLIENT_NPI {
            ClientContext: ptr::null_mut(),
            Dispatch: &raw const CLIENT_DISPATCH,
        };
        // SAFETY: the registration is zeroed memory that does not move and is freed only after `deregister`, or below
        // when there is no registration; the dispatch table is constant.
        check(unsafe { WskRegister(&raw mut npi, registration) })?;
        let mut provider = WSK_PROVIDER_NPI::default();
        // SAFETY: the registration was just made; the output lives through the call.
        let captured =
            check(unsafe { WskCaptureProviderNPI(registration, CAPTURE_TIMEOUT_MS, &raw mut provider) });
        if let Err(status) = captured {
            // SAFETY: the registration was made above, and nothing was captured from it.
            unsafe { WskDeregister(registration) };
            return Err(status);
        }
        // Nobody shares it yet.
        if let Some(client) = Arc::get_mut(&mut client) {
            client.provider = provider;
        }
        Ok(client)
    }

    /// Counts one more user in.
    ///
    /// # Errors
    /// REDIRECTOR_NOT_STARTED once the registration is being given up.
    pub(super) fn enter(this: &Arc<Self>) -> nt::Result<Live> {
        this.live.fetch_add(1, Ordering::SeqCst);
        let live = Live(this.clone());
        // Either this sees that the client is leaving, or `deregister` sees the count.
        if this.leaving.load(Ordering::SeqCst) {
            Err(Status::REDIRECTOR_NOT_STARTED)
        } else {
            Ok(live)
        }
    }

    /// Makes room for one orphan, so that a completion routine will find it. IRQL <= DISPATCH_LEVEL.
    pub(super) fn announce(&self) -> Result<(), AllocError> {
        let mut orphans = self.orphans.lock();
        let expected = orphans.announced + 1;
        orphans.list.try_reserve(expected)?;
        orphans.announced = expected;
        Ok(())
    }

    /// Takes an announcement back: no orphan comes of it any more, or it has come. IRQL <= DISPATCH_LEVEL.
    pub(super) fn settle(&self) {
        let mut orphans = self.orphans.lock();
        orphans.announced = orphans.announced.saturating_sub(1);
    }

    /// Takes what was announced; once for each announcement. IRQL <= DISPATCH_LEVEL.
    pub(super) fn adopt(&self, orphan: Orphan) {
        // The room is there: the vector does not grow.
        let _room = self.orphans.lock().list.try_push(orphan);
        self.changed.set();
    }

    /// The provider's handle for this registration, and its routines.
    pub(super) fn provider(&self) -> (*mut core::ffi::c_void, &WSK_PROVIDER_DISPATCH) {
        // SAFETY: the captured table stays until the provider is released, for which every user is waited.
        (self.provider.Client, unsafe { &*self.provider.Dispatch })
    }

    fn deregister(&self) {
        if self.leaving.swap(true, Ordering::SeqCst) {
            return;
        }
        loop {
            self.changed.clear();
            self.reap();
            if self.live.load(Ordering::SeqCst) == 0 {
                break;
            }
            self.changed.wait();
        }
        // SAFETY: the provider was captured once, and no socket or request of ours is left.
        unsafe { WskReleaseProviderNPI(self.registration.get()) };
        // SAFETY: the registration was made once and `leaving` lets one caller through.
        unsafe { WskDeregister(self.registration.get()) };
    }

    /// Gives back what nobody wants. IRQL = PASSIVE_LEVEL.
    pub(super) fn reap(&self) {
        loop {
            let orphan = self.orphans.lock().list.pop();
            match orphan {
                None => break,
                Some(Orphan::Socket(socket)) => Socket::abort(&socket),
                Some(Orphan::Addresses(list)) => drop(list),
            }
        }
    }
}

/// A socket's or look-up's place in the count that [`Wsk::deregister`] waits for.
pub(super) struct Live(Arc<Client>);

impl Deref for Live {
    type Target = Arc<Client>;

    fn deref(&self) -> &Arc<Client> {
        &self.0
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.0.live.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.changed.set();
        }
    }
}

fn check(status: wdk_sys::NTSTATUS) -> nt::Result {
    let status = Status(status.cast_unsigned());
    if status.is_error() { Err(status) } else { Ok(()) }
}
