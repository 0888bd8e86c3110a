//! Socket addresses in records.

use core::net::{IpAddr, SocketAddr, SocketAddrV6};

use nt::{Result, Status};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Handle;

/// One way to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address object to connect from, where the request asks for one.
    pub local: Handle,
    /// Where to.
    pub remote: SocketAddr,
    /// The lower, the better, where the request ranks.
    pub rank: u32,
}

impl From<SocketAddr> for Attempt {
    fn from(remote: SocketAddr) -> Self {
        Self {
            local: Handle::NONE,
            remote,
            rank: 0,
        }
    }
}

/// The servers that conformance checks talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peers {
    /// Sends back what it gets.
    pub echo: SocketAddr,
    /// Nobody listens here.
    pub refusing: SocketAddr,
    /// Says farewell and closes.
    pub closing: SocketAddr,
    /// Resets the connection after one byte.
    pub resetting: SocketAddr,
    /// Neither reads nor writes.
    pub silent: SocketAddr,
}

impl Peers {
    pub(super) fn attempts(&self) -> [Attempt; 5] {
        [
            self.echo,
            self.refusing,
            self.closing,
            self.resetting,
            self.silent,
        ]
        .map(Attempt::from)
    }

    pub(super) fn from_remotes(remotes: &[SocketAddr]) -> Result<Self> {
        let &[echo, refusing, closing, resetting, silent] = remotes else {
            return Err(Status::INVALID_PARAMETER);
        };
        Ok(Self {
            echo,
            refusing,
            closing,
            resetting,
            silent,
        })
    }
}

/// 4 and 6 for the families, as the addresses are neither the kernel's nor the network's structures.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct AttemptLayout {
    family: U16,
    port: U16,
    local: U32,
    rank: U32,
    scope: U32,
    ip: [u8; 16],
}

impl AttemptLayout {
    pub(super) fn new(attempt: &Attempt) -> Self {
        let (family, scope, ip) = match attempt.remote {
            SocketAddr::V4(v4) => {
                let [a, b, c, d] = v4.ip().octets();
                (4, 0, [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            }
            SocketAddr::V6(v6) => (6, v6.scope_id(), v6.ip().octets()),
        };
        Self {
            family: U16::new(family),
            port: U16::new(attempt.remote.port()),
            local: U32::new(attempt.local.0),
            rank: U32::new(attempt.rank),
            scope: U32::new(scope),
            ip,
        }
    }

    pub(super) fn attempt(&self) -> Result<Attempt> {
        let (port, scope) = (self.port.get(), self.scope.get());
        let remote = match (self.family.get(), self.ip) {
            (4, [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) if scope == 0 => {
                SocketAddr::new(IpAddr::from([a, b, c, d]), port)
            }
            (6, ip) => SocketAddr::V6(SocketAddrV6::new(ip.into(), port, 0, scope)),
            _ => return Err(Status::INVALID_PARAMETER),
        };
        Ok(Attempt {
            local: Handle(self.local.get()),
            remote,
            rank: self.rank.get(),
        })
    }
}
