//! Host names to addresses.

use super::address::{IPPROTO_TCP, RawAddress};
use super::bindings::{ADDRINFOEXW, NS_ALL, SOCK_STREAM};
use super::client::{Client, Live, Orphan};
use super::operation::{Operation, Outcome, Request};
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::net::{IpAddr, SocketAddr};
use core::ptr::{self, NonNull};
use executive::mem::{Arc, TryVec};
use executive::sync::SpinLock;
use nt::{Name, Status};
use wdk_sys::{STATUS_NOT_IMPLEMENTED, UNICODE_STRING};

/// The longest host name that is looked up, in units: that of the domain name system, with a root label.
const MAX_HOST: usize = 255;

/// The addresses of `host`, in the provider's order of preference. A numeric address is not looked up.
/// IRQL = PASSIVE_LEVEL.
pub(super) async fn resolve(client: &Arc<Client>, host: Name<'_>, port: u16) -> nt::Result<Vec<SocketAddr>> {
    if let Some(ip) = literal(host) {
        let mut one = Vec::new();
        one.try_push(SocketAddr::new(ip, port))?;
        return Ok(one);
    }
    if host.is_empty() || host.len() > MAX_HOST {
        return Err(Status::BAD_NETWORK_PATH);
    }
    client.reap();
    let look_up = LookUp::try_new(client, host)?;
    let _withdrawn = Withdraw(look_up.clone());
    let operation = Operation::try_new(Query(look_up.clone()))?;
    client.announce()?;
    let pending = Operation::start(operation, |query, irp| {
        let (provider, dispatch) = client.provider();
        let Some(routine) = dispatch.WskGetAddressInfo else {
            return STATUS_NOT_IMPLEMENTED;
        };
        let look_up = &query.0;
        let mut name = look_up.name();
        // SAFETY: name, hints and the place of the result belong to the operation and live until the IRP completes; the
        // provider copies the counted string itself during the call; the IRP is the operation's and set up.
        unsafe {
            routine(
                provider,
                &raw mut name,
                ptr::null_mut(),
                NS_ALL,
                ptr::null_mut(),
                look_up.hints.get(),
                look_up.found.get(),
                ptr::null_mut(),
                ptr::null_mut(),
                irp,
            )
        }
    });
    let outcome = pending.cancel_on_drop().await;
    let list = look_up.answer.lock().list.take();
    match (outcome.result(), list) {
        (Err(Status::INSUFFICIENT_RESOURCES), _) => Err(Status::INSUFFICIENT_RESOURCES),
        // Resolvers say "no such host" in too many ways to tell it from "no answer".
        (Err(_), _) | (_, None) => Err(Status::BAD_NETWORK_PATH),
        (Ok(_), Some(list)) => list.addresses(port),
    }
}

/// A numeric address in one of its common forms.
fn literal(host: Name<'_>) -> Option<IpAddr> {
    /// An IPv6 address with an embedded IPv4 address at the end.
    const LONGEST: usize = 45;
    let mut text = [0_u8; LONGEST];
    let units = host.as_units();
    let text = text.get_mut(..units.len())?;
    for (byte, unit) in text.iter_mut().zip(units) {
        *byte = u8::try_from(*unit).ok()?;
    }
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// What the provider reads and writes during one look-up.
struct LookUp {
    live: Live,
    host: Vec<u16>,
    hints: UnsafeCell<ADDRINFOEXW>,
    /// Where the provider puts the list.
    found: UnsafeCell<*mut ADDRINFOEXW>,
    answer: SpinLock<Answer>,
}

// SAFETY: the cells are the provider's alone until the look-up has ended; then `found` is read once, by the completion
// routine.
unsafe impl Send for LookUp {}
// SAFETY: as above.
unsafe impl Sync for LookUp {}

#[derive(Default)]
struct Answer {
    list: Option<AddressList>,
    unwanted: bool,
}

impl LookUp {
    fn try_new(client: &Arc<Client>, host: Name<'_>) -> nt::Result<Arc<Self>> {
        let mut units = Vec::new();
        units.try_extend_from_slice(host.as_units())?;
        // Counted strings need no end, but the provider's resolver below may.
        units.try_push(0)?;
        // CAST: small constants.
        let hints = ADDRINFOEXW {
            ai_socktype: SOCK_STREAM as i32,
            ai_protocol: IPPROTO_TCP as i32,
            ..ADDRINFOEXW::default()
        };
        Ok(Arc::try_new(LookUp {
            live: Client::enter(client)?,
            host: units,
            hints: UnsafeCell::new(hints),
            found: UnsafeCell::new(ptr::null_mut()),
            answer: SpinLock::default(),
        })?)
    }

    fn name(&self) -> UNICODE_STRING {
        // CAST: at most `MAX_HOST` units and the end.
        let bytes = (self.host.len() * 2) as u16;
        UNICODE_STRING {
            Length: bytes - 2,
            MaximumLength: bytes,
            Buffer: self.host.as_ptr().cast_mut(),
        }
    }
}

/// Marks the answer as unwanted when the future is dropped.
struct Withdraw(Arc<LookUp>);

impl Drop for Withdraw {
    fn drop(&mut self) {
        let list = {
            let mut answer = self.0.answer.lock();
            answer.unwanted = true;
            answer.list.take()
        };
        drop(list);
    }
}

/// The request for a look-up.
struct Query(Arc<LookUp>);

impl Request for Query {
    fn ended(&self, outcome: Outcome) {
        let look_up = &self.0;
        if outcome.result().is_ok() {
            // SAFETY: the provider has ended the look-up; nobody else reads the cell.
            let found = unsafe { *look_up.found.get() };
            if let Some(first) = NonNull::new(found) {
                let list = AddressList {
                    first,
                    client: (*look_up.live).clone(),
                };
                let mut answer = look_up.answer.lock();
                if answer.unwanted {
                    drop(answer);
                    look_up.live.adopt(Orphan::Addresses(list));
                } else {
                    answer.list = Some(list);
                }
            }
        }
        look_up.live.settle();
    }
}

/// A list of addresses that the provider allocated. Dropped at PASSIVE_LEVEL.
pub(super) struct AddressList {
    first: NonNull<ADDRINFOEXW>,
    client: Arc<Client>,
}

// SAFETY: the list belongs to no thread.
unsafe impl Send for AddressList {}

impl AddressList {
    fn addresses(&self, port: u16) -> nt::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        let mut next = self.first.as_ptr().cast_const();
        while !next.is_null() {
            // SAFETY: the provider's list is intact until it is freed, and ends with null.
            let entry = unsafe { &*next };
            // SAFETY: the entry says how long its address is.
            let address = unsafe { RawAddress::read(entry.ai_addr, entry.ai_addrlen as usize) };
            if let Some(mut address) = address {
                address.set_port(port);
                if !addresses.contains(&address) {
                    addresses.try_push(address)?;
                }
            }
            next = entry.ai_next;
        }
        if addresses.is_empty() {
            Err(Status::BAD_NETWORK_PATH)
        } else {
            Ok(addresses)
        }
    }
}

impl Drop for AddressList {
    fn drop(&mut self) {
        let (provider, dispatch) = self.client.provider();
        if let Some(routine) = dispatch.WskFreeAddressInfo {
            // SAFETY: the list came from this provider's WskGetAddressInfo, and is not used any more.
            unsafe { routine(provider, self.first.as_ptr()) };
        }
    }
}
