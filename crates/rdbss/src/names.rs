//! The names that opens and connections carry, as the object manager hands them over: the device name is already
//! cut off.
//!
//! Forms:
//! - empty: the device itself;
//! - `\;X:\server\share\path`, `\;X:LOGON\server\share\path`: through a drive letter, LOGON being the 16 hexadecimal
//!   digits of a logon id;
//! - `\server\share\path`: through the UNC name.
//!
//! `server` is `host` or `host@port`. Everything here works on the text alone: a name that is refused has caused no
//! traffic.

use nt::{Case, CreateOptions, Name, Status};

use crate::logon::LogonId;

const SEPARATOR: u16 = b'\\' as u16;
const SEMICOLON: u16 = b';' as u16;
const COLON: u16 = b':' as u16;
const AT: u16 = b'@' as u16;

/// The longest server name and the longest component of a path, in units.
pub const MAX_COMPONENT: usize = 255;

/// A local device name that a connection can be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DriveLetter(u8);

impl DriveLetter {
    /// The drive of this letter, in either case; `None` if it is no letter from A to Z.
    #[must_use]
    pub fn new(letter: u16) -> Option<Self> {
        let letter = u8::try_from(letter).ok().filter(u8::is_ascii_alphabetic)?;
        Some(Self(letter.to_ascii_uppercase()))
    }

    /// The upper-case ASCII letter.
    #[must_use]
    pub const fn letter(self) -> u8 {
        self.0
    }

    /// The letter as a UTF-16 unit.
    #[must_use]
    pub const fn unit(self) -> u16 {
        self.0 as u16
    }
}

/// The `server` part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerName<'a> {
    /// The host, without a leading backslash.
    pub host: Name<'a>,
    /// The port, if the name states one.
    pub port: Option<u16>,
}

impl<'a> ServerName<'a> {
    /// Takes `host` or `host@port` apart.
    ///
    /// # Errors
    /// `OBJECT_NAME_INVALID` for an empty or over-long host and for a port that is not a number from 1 to 65535.
    pub fn parse(text: Name<'a>) -> nt::Result<Self> {
        let (host, port) = match text.rsplit_once(AT) {
            Some((host, digits)) => (host, Some(parse_port(digits)?)),
            None => (text, None),
        };
        check_component(host)?;
        if host.contains(AT) {
            return Err(Status::OBJECT_NAME_INVALID);
        }
        Ok(Self { host, port })
    }
}

/// A parsed name that leads to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathName<'a> {
    /// The drive letter it goes through; `None` for the UNC form.
    pub drive: Option<DriveLetter>,
    /// The logon id that the drive form states, if it does.
    pub logon: Option<LogonId>,
    /// The server.
    pub server: ServerName<'a>,
    /// `\server\share\path` as written, without the drive form's front and without a trailing backslash.
    pub full: Name<'a>,
    /// `\share\path`, without a trailing backslash. Never empty.
    pub path: Name<'a>,
    /// Whether the name ended in a backslash, which asks for a directory.
    pub trailing_backslash: bool,
}

/// What an open's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenName<'a> {
    /// The device itself, as for IOCTLs.
    Device,
    /// Something on a server.
    Path(PathName<'a>),
}

impl<'a> OpenName<'a> {
    /// Parses the name of an open, given together with its options.
    ///
    /// # Errors
    /// - `OBJECT_NAME_INVALID`: a single unit; three leading backslashes; a drive form without a path; no server or
    ///   no share; an empty, over-long or forbidden component; a trailing backslash on what must not be a directory.
    /// - `OBJECT_PATH_INVALID`: no leading backslash, or longer than a `UNICODE_STRING` can be.
    /// - `OBJECT_PATH_SYNTAX_BAD`: a component `.` or `..`.
    /// - `BAD_NETWORK_NAME`: a local name that is no drive, such as `LPT1:`: nothing but disks is served.
    /// - `INVALID_PARAMETER`: options that ask for a directory and for a file at once.
    pub fn parse(name: Name<'a>, options: CreateOptions) -> nt::Result<Self> {
        check_options(options, name.last() == Some(SEPARATOR))?;
        if name.is_empty() {
            return Ok(Self::Device);
        }
        PathName::parse(name).map(Self::Path)
    }
}

impl<'a> PathName<'a> {
    /// Parses a name that must lead to a server, such as that of a connection: `\;X:\server\share` or
    /// `\server\share`.
    ///
    /// # Errors
    /// As [`OpenName::parse`]; the empty name is `OBJECT_NAME_INVALID`.
    pub fn parse(name: Name<'a>) -> nt::Result<Self> {
        if name.len() > nt::name::MAX_UNITS {
            return Err(Status::OBJECT_PATH_INVALID);
        }
        if name.len() < 2 {
            return Err(Status::OBJECT_NAME_INVALID);
        }
        let rest = name.strip_unit(SEPARATOR).ok_or(Status::OBJECT_PATH_INVALID)?;
        let (drive, logon, full) = match rest.strip_unit(SEMICOLON) {
            Some(device_name) => parse_device_name(device_name)?,
            // One doubled backslash is forgiven; a third makes an empty server, refused below.
            None if rest.first() == Some(SEPARATOR) => (None, None, rest),
            None => (None, None, name),
        };
        let trailing_backslash = full.last() == Some(SEPARATOR);
        let full = full.strip_last_unit(SEPARATOR).unwrap_or(full);
        let inner = full.strip_unit(SEPARATOR).ok_or(Status::OBJECT_NAME_INVALID)?;
        // Without a share there is nothing to open: `\server` alone is refused.
        let (server, _) = inner.split_once(SEPARATOR).ok_or(Status::OBJECT_NAME_INVALID)?;
        let (_, path) = full
            .split_at(server.len() + 1)
            .ok_or(Status::OBJECT_NAME_INVALID)?;
        let server = ServerName::parse(server)?;
        check_path(path)?;
        Ok(Self {
            drive,
            logon,
            server,
            full,
            path,
            trailing_backslash,
        })
    }
}

/// Checks a path below something already open: relative names and the rest below a V_NET_ROOT.
///
/// A trailing backslash must have been taken off. The empty path is fine.
///
/// # Errors
/// `OBJECT_NAME_INVALID` for a leading backslash or a bad component, `OBJECT_PATH_SYNTAX_BAD` for `.` and `..`.
pub fn check_relative(path: Name<'_>) -> nt::Result {
    if path.is_empty() {
        return Ok(());
    }
    if path.first() == Some(SEPARATOR) {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    components(path).try_for_each(check_path_component)
}

/// Checks the options of an open against each other and against a trailing backslash of its name.
///
/// # Errors
/// `INVALID_PARAMETER` if a directory and a file are asked for at once, `OBJECT_NAME_INVALID` if what must not be a
/// directory ends in a backslash.
pub fn check_options(options: CreateOptions, trailing_backslash: bool) -> nt::Result {
    if options.contains(CreateOptions::DIRECTORY_FILE | CreateOptions::NON_DIRECTORY_FILE) {
        return Err(Status::INVALID_PARAMETER);
    }
    if trailing_backslash && options.contains(CreateOptions::NON_DIRECTORY_FILE) {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    Ok(())
}

/// The path of `name` below `prefix`, if `prefix` ends where a component of `name` ends: empty, or with a leading
/// backslash.
#[must_use]
pub(crate) fn strip_prefix<'a>(name: Name<'a>, prefix: Name<'_>, case: Case) -> Option<Name<'a>> {
    let (head, tail) = name.split_at(prefix.len())?;
    let ends_component = tail.is_empty() || tail.first() == Some(SEPARATOR);
    (ends_component && case.equal(head, prefix)).then_some(tail)
}

/// The component of `path` that begins at the backslash at `start`, that included.
pub(crate) fn component_at(path: Name<'_>, start: usize) -> Option<Name<'_>> {
    let (_, rest) = path.split_at(start)?;
    let after = rest.as_units().get(1..)?;
    let len = after.iter().position(|&unit| unit == SEPARATOR);
    rest.split_at(len.unwrap_or(after.len()).saturating_add(1))
        .map(|(component, _)| component)
}

type DeviceName<'a> = (Option<DriveLetter>, Option<LogonId>, Name<'a>);

/// Takes apart what follows `\;`: `X:LOGON\server\…`, or `:SESSION\server\…`, the spelling RDBSS gives UNC names.
fn parse_device_name(text: Name<'_>) -> nt::Result<DeviceName<'_>> {
    let end = text
        .as_units()
        .iter()
        .position(|&unit| unit == SEPARATOR)
        .ok_or(Status::OBJECT_NAME_INVALID)?;
    let (local, full) = text.split_at(end).ok_or(Status::OBJECT_NAME_INVALID)?;
    if let Some(session) = local.strip_unit(COLON) {
        parse_digits(session, 10)?;
        return Ok((None, None, full));
    }
    let (letter, rest) = local.split_at(1).ok_or(Status::OBJECT_NAME_INVALID)?;
    let Some(digits) = rest.strip_unit(COLON) else {
        // RDBSS takes any longer local name for a printer.
        let printer = local.len() > 3 && local.contains(COLON);
        return Err(if printer {
            Status::BAD_NETWORK_NAME
        } else {
            Status::OBJECT_NAME_INVALID
        });
    };
    let drive = letter
        .first()
        .and_then(DriveLetter::new)
        .ok_or(Status::OBJECT_NAME_INVALID)?;
    let logon = parse_digits(digits, 16)?.map(LogonId);
    Ok((Some(drive), logon, full))
}

/// A number of at most 16 digits; `None` for no digits.
fn parse_digits(digits: Name<'_>, radix: u32) -> nt::Result<Option<u64>> {
    if digits.is_empty() {
        return Ok(None);
    }
    if digits.len() > 16 {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    let mut value = 0_u64;
    for &unit in digits.as_units() {
        let digit = char::from_u32(u32::from(unit)).and_then(|c| c.to_digit(radix));
        let digit = digit.ok_or(Status::OBJECT_NAME_INVALID)?;
        // 16 digits of radix 16 or less fill 64 bits at most.
        value = value
            .wrapping_mul(u64::from(radix))
            .wrapping_add(u64::from(digit));
    }
    Ok(Some(value))
}

fn parse_port(digits: Name<'_>) -> nt::Result<u16> {
    let value = parse_digits(digits, 10)?.ok_or(Status::OBJECT_NAME_INVALID)?;
    u16::try_from(value)
        .ok()
        .filter(|&port| port != 0)
        .ok_or(Status::OBJECT_NAME_INVALID)
}

/// Checks `\a\b\c`.
fn check_path(path: Name<'_>) -> nt::Result {
    let inner = path.strip_unit(SEPARATOR).ok_or(Status::OBJECT_NAME_INVALID)?;
    components(inner).try_for_each(check_path_component)
}

fn components(path: Name<'_>) -> impl Iterator<Item = Name<'_>> {
    path.as_units().split(|&unit| unit == SEPARATOR).map(Name::new)
}

fn check_path_component(component: Name<'_>) -> nt::Result {
    if component.eq_str(".") || component.eq_str("..") {
        return Err(Status::OBJECT_PATH_SYNTAX_BAD);
    }
    check_component(component)
}

/// Refuses what no NT name may contain: wildcards, separators of other systems, stream colons, controls.
fn check_component(component: Name<'_>) -> nt::Result {
    let fits = (1..=MAX_COMPONENT).contains(&component.len());
    if !fits || component.as_units().iter().any(|&unit| is_forbidden(unit)) {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    Ok(())
}

fn is_forbidden(unit: u16) -> bool {
    unit < 0x20
        || u8::try_from(unit).is_ok_and(|byte| {
            matches!(
                byte,
                b'"' | b'*' | b'/' | b':' | b'<' | b'>' | b'?' | b'|' | b'\\'
            )
        })
}

#[cfg(test)]
mod tests;
