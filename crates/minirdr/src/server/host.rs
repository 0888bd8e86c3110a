//! The names of hosts: what a UNC name can say of one, as a transport wants it.

use nt::{Name, NameBuf};

/// What Windows appends to an IPv6 address so that it may stand in a UNC name.
const IPV6_SUFFIX: &str = ".ipv6-literal.net";

/// The host of a UNC name for a transport: `fe80--1s4.ipv6-literal.net` is `fe80::1%4`, every other name is itself.
///
/// # Errors
/// `INSUFFICIENT_RESOURCES`.
pub(crate) fn transport_name(host: Name<'_>) -> nt::Result<NameBuf> {
    let Some(literal) = ipv6_literal(host) else {
        return NameBuf::try_from_name(host);
    };
    let mut address = NameBuf::default();
    for &unit in literal.as_units() {
        let unit = match u8::try_from(unit) {
            Ok(b'-') => u16::from(b':'),
            Ok(b's' | b'S') => u16::from(b'%'),
            _ => unit,
        };
        address.try_push(unit)?;
    }
    Ok(address)
}

/// What stands before the suffix, if it is there.
fn ipv6_literal(host: Name<'_>) -> Option<Name<'_>> {
    let at = host.len().checked_sub(IPV6_SUFFIX.len()).filter(|&at| at > 0)?;
    let (literal, suffix) = host.split_at(at)?;
    suffix
        .as_units()
        .iter()
        .zip(IPV6_SUFFIX.bytes())
        .all(|(&unit, byte)| u8::try_from(unit).is_ok_and(|unit| unit.eq_ignore_ascii_case(&byte)))
        .then_some(literal)
}

#[cfg(test)]
mod tests {
    use super::transport_name;
    use nt::NameBuf;
    use std::string::ToString;

    #[test]
    fn ipv6_addresses_come_in_disguise() {
        for (host, address) in [
            ("--1.ipv6-literal.net", "::1"),
            ("fe80--1S4.IPv6-Literal.NET", "fe80::1%4"),
            ("2001-db8--a-b.ipv6-literal.net", "2001:db8::a:b"),
            (".ipv6-literal.net", ".ipv6-literal.net"),
            ("host-s.example", "host-s.example"),
            ("", ""),
        ] {
            let name = NameBuf::try_from_str(host).unwrap();
            let found = transport_name(name.as_name()).unwrap();
            assert_eq!(found.as_name().to_string(), address);
        }
    }
}
