//! Socket addresses in the layout of the provider.
//!
//! The layouts (ws2def.h, ws2ipdef.h) are written down here byte for byte: SOCKADDR_IN is family, port, four bytes of
//! address and eight of zero; SOCKADDR_IN6 is family, port, flow information, sixteen bytes of address and the scope.
//! Port and address are in network order, the rest in the machine's.

use super::bindings::{AF_INET, AF_INET6, SOCKADDR};
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The protocol numbers; the kit's header has them in an enumeration.
pub(super) const IPPROTO_TCP: u32 = 6;
pub(super) const IPPROTO_UDP: u32 = 17;

const FAMILY: usize = 0;
const PORT: usize = 2;
const V4_ADDRESS: usize = 4;
const V4_LEN: usize = 16;
const V6_FLOW: usize = 4;
const V6_ADDRESS: usize = 8;
const V6_SCOPE: usize = 24;
const V6_LEN: usize = 28;

/// A SOCKADDR of either family.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct RawAddress([u8; V6_LEN]);

impl RawAddress {
    pub(super) fn new(address: SocketAddr) -> Self {
        let mut raw = RawAddress([0; V6_LEN]);
        raw.put(FAMILY, family(address).to_ne_bytes());
        raw.put(PORT, address.port().to_be_bytes());
        match address {
            SocketAddr::V4(v4) => raw.put(V4_ADDRESS, v4.ip().octets()),
            SocketAddr::V6(v6) => {
                raw.put(V6_FLOW, v6.flowinfo().to_ne_bytes());
                raw.put(V6_ADDRESS, v6.ip().octets());
                raw.put(V6_SCOPE, v6.scope_id().to_ne_bytes());
            }
        }
        raw
    }

    /// Room for an address that the provider writes.
    pub(super) fn room() -> Self {
        RawAddress([0; V6_LEN])
    }

    /// What the provider has written, if it is an address of the internet's.
    pub(super) fn get(&self) -> Option<SocketAddr> {
        Self::parse(&self.0)
    }

    /// For the provider, which takes it as writable but only reads it.
    pub(super) fn as_ptr(&self) -> *mut SOCKADDR {
        self.0.as_ptr().cast_mut().cast()
    }

    /// Copies an address that the provider wrote, as much of it as both sides have.
    ///
    /// # Safety
    /// `len` bytes can be read at `address`, unless it is null.
    pub(super) unsafe fn read(address: *const SOCKADDR, len: usize) -> Option<SocketAddr> {
        if address.is_null() {
            return None;
        }
        // SAFETY: the caller's promise; bytes have no alignment.
        let bytes = unsafe { core::slice::from_raw_parts(address.cast::<u8>(), len) };
        Self::parse(bytes)
    }

    /// None if it is of another family, or too short for its own.
    fn parse(bytes: &[u8]) -> Option<SocketAddr> {
        let family = u16::from_ne_bytes(get(bytes, FAMILY)?);
        let port = u16::from_be_bytes(get(bytes, PORT)?);
        match u32::from(family) {
            AF_INET if bytes.len() >= V4_LEN => {
                let ip = Ipv4Addr::from(get::<4>(bytes, V4_ADDRESS)?);
                Some(SocketAddr::V4(SocketAddrV4::new(ip, port)))
            }
            AF_INET6 => {
                let flow = u32::from_ne_bytes(get(bytes, V6_FLOW)?);
                let ip = Ipv6Addr::from(get::<16>(bytes, V6_ADDRESS)?);
                let scope = u32::from_ne_bytes(get(bytes, V6_SCOPE)?);
                Some(SocketAddr::V6(SocketAddrV6::new(ip, port, flow, scope)))
            }
            _ => None,
        }
    }

    fn put<const N: usize>(&mut self, at: usize, field: [u8; N]) {
        if let Some(place) = self.0.get_mut(at..at + N) {
            place.copy_from_slice(&field);
        }
    }
}

fn get<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// AF_INET or AF_INET6.
pub(super) fn family(address: SocketAddr) -> u16 {
    // CAST: the constants are small; the kit gives them the width of an int.
    if address.is_ipv4() {
        AF_INET as u16
    } else {
        AF_INET6 as u16
    }
}

/// The address to bind to for connecting to `remote`: any of its family, unless `local` says which.
pub(super) fn binding(local: SocketAddr, remote: SocketAddr) -> SocketAddr {
    if local.is_ipv4() == remote.is_ipv4() {
        local
    } else {
        rxce::unspecified(remote)
    }
}
