//! `HOST[:PORT]/ANAME`, and paths below it, as the redirector wants them.

use std::ffi::OsStr;
use std::str::FromStr;

use nt::{NameBuf, Status};

/// A share on a server.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// As it was written.
    pub(crate) text: String,
    /// `\host@port\share`.
    pub(crate) unc: Vec<u16>,
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (server, aname) = text
            .split_once('/')
            .ok_or("there is no / between the server and what it exports")?;
        let (host, port) = split_port(server)?;
        if host.is_empty() {
            return Err("there is no host".into());
        }
        let mut unc = format!("\\{host}");
        if let Some(port) = port {
            let port: u16 = port
                .parse()
                .ok()
                .filter(|&port| port != 0)
                .ok_or_else(|| format!("{port} is no port"))?;
            unc.push_str(&format!("@{port}"));
        }
        let mut unc = NameBuf::try_from_str(&unc).map_err(|status| status.to_string())?;
        let path = nt_path(OsStr::new(aname)).map_err(|status| format!("bad name of an export: {status}"))?;
        if path.is_empty() {
            return Err("the name of the export is missing behind the /".into());
        }
        unc.try_push_name(path.as_name())
            .map_err(|status| status.to_string())?;
        Ok(Self {
            text: text.into(),
            unc: unc.as_units().to_vec(),
        })
    }
}

/// Splits off the port; an IPv6 address with a port stands in brackets.
fn split_port(server: &str) -> Result<(String, Option<&str>), String> {
    if let Some(rest) = server.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("there is no ] behind the address")?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':').ok_or("there is no : before the port")?),
        };
        return Ok((ipv6_host(address), port));
    }
    match server.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Ok((ipv6_host(server), None)),
        Some((host, port)) => Ok((host.into(), Some(port))),
        None => Ok((server.into(), None)),
    }
}

/// An IPv6 address as it may stand in a UNC name.
fn ipv6_host(address: &str) -> String {
    format!("{}.ipv6-literal.net", address.replace(':', "-").replace('%', "s"))
}

/// A path of the server, with a backslash before each component in its NT spelling. Empty components and `.` are
/// left out.
///
/// # Errors
/// `OBJECT_PATH_SYNTAX_BAD` for `..`.
pub(crate) fn nt_path(path: &OsStr) -> nt::Result<NameBuf> {
    let mut name = NameBuf::default();
    for component in path.as_encoded_bytes().split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => continue,
            b".." => return Err(Status::OBJECT_PATH_SYNTAX_BAD),
            _ => {}
        }
        name.try_push(u16::from(b'\\'))?;
        minirdr::to_nt(component, &mut name)?;
    }
    Ok(name)
}

/// The server's spelling of one NT name; `None` for what no file can be called, which a server that means harm may
/// send all the same.
pub(crate) fn server_name(name: &NameBuf) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    minirdr::to_server(name.as_name(), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Share, nt_path};
    use std::ffi::OsStr;

    fn unc(text: &str) -> Result<String, String> {
        text.parse::<Share>()
            .map(|share| String::from_utf16(&share.unc).unwrap())
    }

    #[test]
    fn shares() {
        assert_eq!(unc("host/srv/data").unwrap(), "\\host\\srv\\data");
        assert_eq!(unc("host:1564//srv/").unwrap(), "\\host@1564\\srv");
        assert_eq!(unc("[::1]:5640/x").unwrap(), "\\--1.ipv6-literal.net@5640\\x");
        assert_eq!(unc("fe80::1%2/x").unwrap(), "\\fe80--1s2.ipv6-literal.net\\x");
        assert_eq!(unc("[::1]/x").unwrap(), "\\--1.ipv6-literal.net\\x");
        assert_eq!(unc("h/a:b").unwrap(), "\\h\\a\u{f03a}b");
        for bad in [
            "host",
            "host/",
            "/x",
            "host:/x",
            "host:0/x",
            "host:99999/x",
            "[::1/x",
            "[::1]5/x",
            "h/../x",
        ] {
            assert!(unc(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths() {
        let path = |text: &str| nt_path(OsStr::new(text)).map(|path| path.as_name().to_string());
        assert_eq!(path("a/b c/d.").unwrap(), "\\a\\b c\\d\u{f02e}");
        assert_eq!(path("/./a//b/").unwrap(), "\\a\\b");
        assert_eq!(path("").unwrap(), "");
        assert!(path("a/../b").is_err());
    }
}
