//! TDI's transport addresses: a count, then for each address its length, its type and its bytes, all without padding.
//!
//! Ports and IPv4 addresses are in network order; so is each 16-bit part of an IPv6 address.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use executive::mem::TryVec;
use nt::Status;

/// TDI_ADDRESS_TYPE_IP: a port, an address, eight bytes of nothing.
const TYPE_IP: u16 = 2;
/// TDI_ADDRESS_TYPE_IP6: a port, flow information, an address, a scope.
const TYPE_IP6: u16 = 23;
/// TDI_ADDRESS_LENGTH_IP.
const LENGTH_IP: usize = 14;
/// TDI_ADDRESS_LENGTH_IP6.
const LENGTH_IP6: usize = 26;
/// Before the first address: their number.
pub(crate) const LIST_HEADER: usize = 4;
/// Before each address: its length and type.
pub(crate) const ADDRESS_HEADER: usize = 4;
/// No caller has more addresses than this; a number beyond it is garbage.
pub(crate) const MOST_ADDRESSES: i32 = 64;
/// No address known to TDI is longer than this.
pub(crate) const LONGEST_ADDRESS: usize = 512;

/// The most bytes that [`write()`] makes.
pub const WRITTEN: usize = LIST_HEADER + ADDRESS_HEADER + LENGTH_IP6;

/// The IP addresses in a list; those of other types are passed over.
///
/// # Errors
/// `INVALID_PARAMETER` when the list does not keep within `bytes`, or an IP address in it is too short;
/// `INSUFFICIENT_RESOURCES`.
pub fn parse(bytes: &[u8]) -> nt::Result<Vec<SocketAddr>> {
    let (count, mut rest) = take::<LIST_HEADER>(bytes)?;
    let count = i32::from_ne_bytes(count);
    if !(1..=MOST_ADDRESSES).contains(&count) {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut found = Vec::new();
    for _ in 0..count {
        let (header, after) = take::<ADDRESS_HEADER>(rest)?;
        let (length, kind) = address_header(header);
        let (address, after) = after.split_at_checked(length).ok_or(Status::INVALID_PARAMETER)?;
        rest = after;
        match kind {
            TYPE_IP => found.try_push(ip(address)?)?,
            TYPE_IP6 => found.try_push(ip6(address)?)?,
            _ => {}
        }
    }
    Ok(found)
}

/// The length and type in an address's header.
pub(crate) fn address_header(header: [u8; ADDRESS_HEADER]) -> (usize, u16) {
    let [length0, length1, kind0, kind1] = header;
    let length = u16::from_ne_bytes([length0, length1]);
    (usize::from(length), u16::from_ne_bytes([kind0, kind1]))
}

fn ip(bytes: &[u8]) -> nt::Result<SocketAddr> {
    let (port, rest) = take::<2>(bytes)?;
    let (address, _) = take::<4>(rest)?;
    if bytes.len() < LENGTH_IP {
        return Err(Status::INVALID_PARAMETER);
    }
    let address = IpAddr::V4(Ipv4Addr::from(address));
    Ok(SocketAddr::new(address, u16::from_be_bytes(port)))
}

fn ip6(bytes: &[u8]) -> nt::Result<SocketAddr> {
    let (port, rest) = take::<2>(bytes)?;
    let (flow, rest) = take::<4>(rest)?;
    let (address, rest) = take::<16>(rest)?;
    let (scope, _) = take::<4>(rest)?;
    Ok(SocketAddr::V6(SocketAddrV6::new(
        Ipv6Addr::from(address),
        u16::from_be_bytes(port),
        u32::from_be_bytes(flow),
        u32::from_ne_bytes(scope),
    )))
}

fn take<const N: usize>(bytes: &[u8]) -> nt::Result<([u8; N], &[u8])> {
    match bytes.split_first_chunk::<N>() {
        Some((first, rest)) => Ok((*first, rest)),
        None => Err(Status::INVALID_PARAMETER),
    }
}

/// `address` as a list of one, and how many bytes that is.
pub fn write(address: SocketAddr) -> ([u8; WRITTEN], usize) {
    let mut bytes = [0; WRITTEN];
    let length = match address {
        SocketAddr::V4(_) => LENGTH_IP,
        SocketAddr::V6(_) => LENGTH_IP6,
    };
    let mut at = 0;
    let mut put = |part: &[u8]| {
        if let Some(room) = bytes.get_mut(at..at + part.len()) {
            room.copy_from_slice(part);
        }
        at += part.len();
    };
    put(&1_i32.to_ne_bytes());
    put(&(length as u16).to_ne_bytes());
    match address {
        SocketAddr::V4(address) => {
            put(&TYPE_IP.to_ne_bytes());
            put(&address.port().to_be_bytes());
            put(&address.ip().octets());
        }
        SocketAddr::V6(address) => {
            put(&TYPE_IP6.to_ne_bytes());
            put(&address.port().to_be_bytes());
            put(&address.flowinfo().to_be_bytes());
            put(&address.ip().octets());
            put(&address.scope_id().to_ne_bytes());
        }
    }
    (bytes, LIST_HEADER + ADDRESS_HEADER + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn round(text: &str) {
        let address: SocketAddr = text.parse().unwrap();
        let (bytes, length) = write(address);
        assert_eq!(parse(&bytes[..length]).unwrap(), [address]);
        for cut in 0..length {
            assert_eq!(
                parse(&bytes[..cut]),
                Err(Status::INVALID_PARAMETER),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn addresses_survive_and_cut_ones_are_refused() {
        round("192.0.2.7:564");
        round("[2001:db8::7]:564");
        let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5, 9, 3);
        let (bytes, length) = write(scoped.into());
        assert_eq!(parse(&bytes[..length]).unwrap(), [SocketAddr::V6(scoped)]);
    }

    #[test]
    fn an_ipv4_address_is_laid_out_as_the_header_says() {
        let (bytes, length) = write("10.1.2.3:4660".parse().unwrap());
        let mut wanted = vec![];
        wanted.extend_from_slice(&1_i32.to_ne_bytes());
        wanted.extend_from_slice(&14_u16.to_ne_bytes());
        wanted.extend_from_slice(&2_u16.to_ne_bytes());
        wanted.extend_from_slice(&[0x12, 0x34, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[..length], wanted);
    }

    #[test]
    fn other_types_are_passed_over() {
        let (one, length) = write("10.1.2.3:9".parse().unwrap());
        let mut list = 2_i32.to_ne_bytes().to_vec();
        list.extend_from_slice(&[3, 0, 17, 0, 1, 2, 3]);
        list.extend_from_slice(&one[4..length]);
        assert_eq!(parse(&list).unwrap(), ["10.1.2.3:9".parse().unwrap()]);
        list[0] = 1;
        assert_eq!(parse(&list).unwrap(), []);
        list[0] = 65;
        assert_eq!(parse(&list), Err(Status::INVALID_PARAMETER));
        list[0] = 0;
        assert_eq!(parse(&list), Err(Status::INVALID_PARAMETER));
    }
}
