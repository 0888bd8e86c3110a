//! The targets of links, as the two sides write them.
//!
//! | on the server | to NT |
//! |---|---|
//! | relative | relative, `\` for `/` |
//! | absolute, below the share | absolute, `\\server\share\…` |
//! | absolute, elsewhere | from the root (`\etc\passwd`): the text can be seen, and following it is refused |
//!
//! | from NT | to the server |
//! |---|---|
//! | relative | relative |
//! | from the root (`\dir`), or absolute below the share, by its UNC name or the handle's drive | relative: what the server's root is called is nobody's business |
//! | absolute, elsewhere | refused |

use alloc::vec::Vec;

use executive::mem::TryVec;
use nt::name::SEPARATOR;
use nt::{Name, NameBuf, Status};
use rdbss::names::{DriveLetter, PathName};

use super::data::ReparseData;
use crate::names::{self, ServerPath};

/// How the object manager's names of files begin.
const DEVICES: &str = "\\??\\";
/// How UNC names go on from there.
const UNC: &str = "UNC";

/// The share that a link is on.
pub(super) struct Share {
    host: NameBuf,
    port: u16,
    /// Its name on the server's side of a UNC name: `\srv\export`.
    name: NameBuf,
    /// The drive that the handle was opened through, and where below the share that begins.
    drive: Option<(DriveLetter, NameBuf)>,
}

impl Share {
    pub(super) fn try_new(
        host: Name<'_>,
        port: u16,
        name: Name<'_>,
        drive: Option<DriveLetter>,
        prefix: Name<'_>,
    ) -> nt::Result<Self> {
        let prefix = NameBuf::try_from_name(prefix)?;
        Ok(Self {
            host: NameBuf::try_from_name(host)?,
            port,
            name: NameBuf::try_from_name(name)?,
            drive: drive.map(|drive| (drive, prefix)),
        })
    }

    /// `\host@port\share`.
    fn full_name(&self) -> nt::Result<NameBuf> {
        let mut full = NameBuf::default();
        full.try_push(SEPARATOR)?;
        full.try_push_name(self.host.as_name())?;
        if self.port != crate::DEFAULT_PORT {
            full.try_push(u16::from(b'@'))?;
            full.try_push_decimal(u64::from(self.port))?;
        }
        full.try_push_name(self.name.as_name())?;
        Ok(full)
    }

    /// The path below the share that an absolute target of the object manager's form leads to.
    ///
    /// # Errors
    /// `NOT_SAME_DEVICE` if it leads elsewhere, `IO_REPARSE_DATA_INVALID` if it is no such target.
    fn below<'t>(&self, target: Name<'t>) -> nt::Result<(NameBuf, Name<'t>)> {
        let devices = NameBuf::try_from_str(DEVICES)?;
        let rest = target
            .strip_prefix_ignore_case(devices.as_name())
            .ok_or(Status::IO_REPARSE_DATA_INVALID)?;
        if let [letter, colon, path @ ..] = rest.as_units()
            && *colon == u16::from(b':')
        {
            let drive = DriveLetter::new(*letter).ok_or(Status::IO_REPARSE_DATA_INVALID)?;
            return match &self.drive {
                Some((own, prefix)) if *own == drive => Ok((prefix.try_clone()?, Name::new(path))),
                _ => Err(Status::NOT_SAME_DEVICE),
            };
        }
        let unc = NameBuf::try_from_str(UNC)?;
        let full = rest
            .strip_prefix_ignore_case(unc.as_name())
            .filter(|full| full.first() == Some(SEPARATOR))
            .ok_or(Status::NOT_SAME_DEVICE)?;
        let parsed = PathName::parse(full).map_err(|_| Status::IO_REPARSE_DATA_INVALID)?;
        let same_server = parsed.server.host.eq_ignore_case(self.host.as_name())
            && parsed.server.port.unwrap_or(crate::DEFAULT_PORT) == self.port;
        let path = parsed
            .path
            .strip_prefix_ignore_case(self.name.as_name())
            .filter(|path| same_server && (path.is_empty() || path.first() == Some(SEPARATOR)))
            .ok_or(Status::NOT_SAME_DEVICE)?;
        Ok((NameBuf::default(), path))
    }
}

/// A link's text in NT's spelling.
///
/// # Errors
/// `IO_REPARSE_DATA_INVALID` for an empty one, which no system makes and no program could set; `INSUFFICIENT_RESOURCES`.
pub(super) fn to_nt(text: &[u8], share: &Share) -> nt::Result<ReparseData> {
    if text.is_empty() {
        return Err(Status::IO_REPARSE_DATA_INVALID);
    }
    let components = text.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
    if text.first() != Some(&b'/') {
        let mut shown = NameBuf::default();
        append(components, &mut shown)?;
        return relative(shown);
    }
    let root = ServerPath::parse(share.name.as_name())?;
    let depth = root.len();
    let is_below = components.clone().take(depth).eq(root.components());
    if !is_below || components.clone().any(|name| name == b"..") {
        let mut shown = NameBuf::default();
        shown.try_push(SEPARATOR)?;
        append(components, &mut shown)?;
        return relative(shown);
    }
    let mut path = share.full_name()?;
    for component in components.skip(depth) {
        path.try_push(SEPARATOR)?;
        append(core::iter::once(component), &mut path)?;
    }
    let mut substitute = NameBuf::try_from_str(DEVICES)?;
    substitute.try_push_str(UNC)?;
    substitute.try_push_name(path.as_name())?;
    let mut print = NameBuf::default();
    print.try_push(SEPARATOR)?;
    print.try_push_name(path.as_name())?;
    Ok(ReparseData {
        substitute,
        print,
        relative: false,
    })
}

fn relative(shown: NameBuf) -> nt::Result<ReparseData> {
    Ok(ReparseData {
        substitute: shown.try_clone()?,
        print: shown,
        relative: true,
    })
}

/// Appends components in NT's spelling, `\` between them. The two dots mean the same on both sides.
fn append<'c>(components: impl Iterator<Item = &'c [u8]>, out: &mut NameBuf) -> nt::Result {
    let mut first = true;
    for component in components {
        if !first {
            out.try_push(SEPARATOR)?;
        }
        first = false;
        match component {
            b"." => out.try_push_str(".")?,
            b".." => out.try_push_str("..")?,
            name => names::to_nt(name, out)?,
        }
    }
    Ok(())
}

/// The text of a link at `path` that says `data`.
///
/// # Errors
/// `NOT_SAME_DEVICE` for a target on another share, `IO_REPARSE_DATA_INVALID` for what is no target, a bad name's.
pub(super) fn to_server(data: &ReparseData, share: &Share, path: &ServerPath) -> nt::Result<Vec<u8>> {
    let target = data.substitute.as_name();
    let mut text = Vec::new();
    if data.relative && target.first() != Some(SEPARATOR) {
        push_components(target, &mut text)?;
    } else {
        let (prefix, rest) = if data.relative {
            (NameBuf::default(), target)
        } else {
            share.below(target)?
        };
        // From where the link is up to the share's root, and down again.
        for _ in 1..path.len() {
            push(b"..", &mut text)?;
        }
        push_components(prefix.as_name(), &mut text)?;
        push_components(rest, &mut text)?;
        if text.is_empty() {
            push(b".", &mut text)?;
        }
    }
    if text.is_empty() {
        Err(Status::IO_REPARSE_DATA_INVALID)
    } else {
        Ok(text)
    }
}

/// Appends the components of an NT path in the server's spelling. Programs write either slash.
fn push_components(path: Name<'_>, text: &mut Vec<u8>) -> nt::Result {
    let is_separator = |&unit: &u16| unit == SEPARATOR || unit == u16::from(b'/');
    for component in path.as_units().split(is_separator).map(Name::new) {
        if component.is_empty() {
            continue;
        }
        if component.eq_str(".") || component.eq_str("..") {
            push(b"..".get(..component.len()).unwrap_or_default(), text)?;
            continue;
        }
        let mut name = Vec::new();
        names::to_server(component, &mut name)?;
        push(&name, text)?;
    }
    Ok(())
}

fn push(name: &[u8], text: &mut Vec<u8>) -> nt::Result {
    if !text.is_empty() {
        text.try_push(b'/')?;
    }
    Ok(text.try_extend_from_slice(name)?)
}

#[cfg(test)]
mod tests {
    use super::{Share, to_nt, to_server};
    use crate::names::ServerPath;
    use crate::reparse::data::ReparseData;
    use nt::{NameBuf, Status};
    use rdbss::names::DriveLetter;
    use std::string::{String, ToString};

    fn name(text: &str) -> NameBuf {
        NameBuf::try_from_str(text).unwrap()
    }

    fn share() -> Share {
        let drive = DriveLetter::new(u16::from(b'x'));
        Share::try_new(
            name("host").as_name(),
            5640,
            name("\\srv\\export").as_name(),
            drive,
            name("\\sub").as_name(),
        )
        .unwrap()
    }

    #[test]
    fn from_the_server() {
        for (text, substitute, print, relative) in [
            ("file", "file", "file", true),
            ("../a:b/./c.", "..\\a\u{f03a}b\\.\\c\u{f02e}", "", true),
            (
                "/srv/export/dir/file",
                "\\??\\UNC\\host@5640\\srv\\export\\dir\\file",
                "\\\\host@5640\\srv\\export\\dir\\file",
                false,
            ),
            (
                "/srv/export",
                "\\??\\UNC\\host@5640\\srv\\export",
                "\\\\host@5640\\srv\\export",
                false,
            ),
            ("/etc/passwd", "\\etc\\passwd", "", true),
            ("/srv/export/../x", "\\srv\\export\\..\\x", "", true),
        ] {
            let data = to_nt(text.as_bytes(), &share()).unwrap();
            let print = if print.is_empty() { substitute } else { print };
            assert_eq!(data.substitute.as_name().to_string(), substitute);
            assert_eq!(data.print.as_name().to_string(), print);
            assert_eq!(data.relative, relative, "{text}");
        }
    }

    #[test]
    fn to_the_server() {
        let path = ServerPath::parse(name("\\a\\b\\link").as_name()).unwrap();
        let translated = |target: &str, relative| {
            let data = ReparseData {
                substitute: name(target),
                print: NameBuf::default(),
                relative,
            };
            to_server(&data, &share(), &path).map(|text| String::from_utf8(text).unwrap())
        };
        for (target, text) in [
            ("file", "file"),
            ("..\\.\\x\u{f03a}y", ".././x:y"),
            ("a/b", "a/b"),
            ("\\", "../.."),
            ("\\dir\\file", "../../dir/file"),
        ] {
            assert_eq!(translated(target, true).as_deref(), Ok(text), "{target}");
        }
        for (target, text) in [
            ("\\??\\UNC\\HOST@5640\\srv\\Export\\file", Ok("../../file")),
            ("\\??\\X:\\file", Ok("../../sub/file")),
            ("\\??\\x:", Ok("../../sub")),
            ("\\??\\C:\\Windows", Err(Status::NOT_SAME_DEVICE)),
            ("\\??\\UNC\\host\\srv\\export\\file", Err(Status::NOT_SAME_DEVICE)),
            ("\\??\\UNC\\host@5640\\srv\\exports", Err(Status::NOT_SAME_DEVICE)),
            ("\\??\\Volume{1}\\x", Err(Status::NOT_SAME_DEVICE)),
            ("C:\\Windows", Err(Status::IO_REPARSE_DATA_INVALID)),
        ] {
            assert_eq!(translated(target, false).as_deref(), text.as_deref(), "{target}");
        }
        assert_eq!(translated("a*b", true), Err(Status::OBJECT_NAME_INVALID));
        assert_eq!(translated("a:b", true), Err(Status::OBJECT_NAME_INVALID));
    }
}
