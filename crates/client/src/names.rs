//! Local names (`X:`), UNC names (`\\host@port\share`) and the connection names made of both.
//!
//! Everything here decides by syntax alone: no name server, no socket, no registry. That is what lets a network
//! provider say "not mine" at once when the Multiple Provider Router asks it about another network's name.

use core::fmt;

use ioctl::DEVICE_NAME;

/// The longest connection name in UTF-16 units. A counted NT string holds 32767 units; what is left after the
/// device name and a file path of usual length is far more than any share name needs.
pub const MAX_CONNECTION_UNITS: usize = 1024;

/// The longest host part in units: a DNS name has at most 253 characters.
pub const MAX_HOST_UNITS: usize = 253;

const BACKSLASH: u16 = b'\\' as u16;
const SLASH: u16 = b'/' as u16;
const COLON: u16 = b':' as u16;
const AT: u16 = b'@' as u16;
const SEMICOLON: u16 = b';' as u16;
const DOT: u16 = b'.' as u16;

/// Why a name was refused. Every refusal is made from the text alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// A local name is not one letter and a colon.
    BadLocalName,
    /// A remote name does not start with two backslashes and a host.
    NotUnc,
    /// There is a host but no share.
    NoShare,
    /// An empty, `.` or `..` component, or a character that no Windows name may hold.
    BadComponent,
    /// The host is empty, too long, or its port is not a number from 1 to 65535.
    BadHost,
    /// The name is longer than [`MAX_CONNECTION_UNITS`].
    TooLong,
}

/// A drive letter, always upper case: `x:` and `X:` are the same drive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriveLetter(u8);

impl DriveLetter {
    /// Reads a local name: exactly one ASCII letter and a colon.
    pub fn parse(units: &[u16]) -> Result<Self, NameError> {
        let &[letter, COLON] = units else {
            return Err(NameError::BadLocalName);
        };
        let letter = u8::try_from(letter).map_err(|_| NameError::BadLocalName)?;
        if !letter.is_ascii_alphabetic() {
            return Err(NameError::BadLocalName);
        }
        Ok(Self(letter.to_ascii_uppercase()))
    }

    /// Reads a local name from text, see [`DriveLetter::parse`].
    pub fn parse_str(text: &str) -> Result<Self, NameError> {
        let units: Vec<u16> = text.encode_utf16().collect();
        Self::parse(&units)
    }

    /// All letters from the end of the alphabet, the order in which a free one is looked for.
    pub fn descending() -> impl Iterator<Item = Self> {
        (b'D'..=b'Z').rev().map(Self)
    }

    /// The name as UTF-16: the letter and a colon.
    pub fn units(self) -> [u16; 2] {
        [u16::from(self.0), COLON]
    }
}

impl fmt::Display for DriveLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", char::from(self.0))
    }
}

impl fmt::Debug for DriveLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A checked `\\host[@port]\share[\more]`: holding one proves that the driver's own syntax rules are met.
#[derive(Clone, PartialEq, Eq)]
pub struct Unc {
    /// With one leading backslash (`\host@port\share`), the form in which the driver knows it.
    server_relative: Vec<u16>,
    host_units: usize,
    port: Option<u16>,
}

impl Unc {
    /// Reads a remote name. Slashes count as backslashes, one trailing backslash is dropped.
    pub fn parse(units: &[u16]) -> Result<Self, NameError> {
        if units.len() > MAX_CONNECTION_UNITS {
            return Err(NameError::TooLong);
        }
        let name: Vec<u16> = units
            .iter()
            .map(|&u| if u == SLASH { BACKSLASH } else { u })
            .collect();
        let rest = name
            .strip_prefix(&[BACKSLASH, BACKSLASH])
            .ok_or(NameError::NotUnc)?;
        let rest = rest.strip_suffix(&[BACKSLASH]).unwrap_or(rest);
        let mut parts = rest.split(|&u| u == BACKSLASH);
        let host = parts.next().unwrap_or_default();
        let port = check_host(host)?;
        let mut shares = 0_usize;
        for component in parts {
            check_component(component)?;
            shares = shares.saturating_add(1);
        }
        if shares == 0 {
            return Err(NameError::NoShare);
        }
        let mut server_relative = Vec::with_capacity(rest.len().saturating_add(1));
        server_relative.push(BACKSLASH);
        server_relative.extend_from_slice(rest);
        Ok(Self {
            server_relative,
            host_units: host.len(),
            port,
        })
    }

    /// Reads a remote name from text, see [`Unc::parse`].
    pub fn parse_str(text: &str) -> Result<Self, NameError> {
        let units: Vec<u16> = text.encode_utf16().collect();
        Self::parse(&units)
    }

    /// `\host@port\share\more`: what follows the device name in a deviceless open.
    pub fn server_relative(&self) -> &[u16] {
        &self.server_relative
    }

    /// `\\host@port\share\more`: what the user wrote, normalised.
    pub fn to_units(&self) -> Vec<u16> {
        let mut units = Vec::with_capacity(self.server_relative.len().saturating_add(1));
        units.push(BACKSLASH);
        units.extend_from_slice(&self.server_relative);
        units
    }

    /// The port when the name carries one. Such a name is surely meant for a 9P server; a plain
    /// `\\host\share` may as well belong to another network.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host with its port, without backslashes.
    pub fn host(&self) -> &[u16] {
        self.server_relative
            .get(1..self.host_units.saturating_add(1))
            .unwrap_or_default()
    }

    /// `\share\more`: the name without its host.
    pub fn share(&self) -> &[u16] {
        self.server_relative
            .get(self.host_units.saturating_add(1)..)
            .unwrap_or_default()
    }

    /// The same name without its last component, or `None` when only `\\host\share` is left.
    pub fn parent(&self) -> Option<Self> {
        let cut = self.server_relative.iter().rposition(|&u| u == BACKSLASH)?;
        if cut <= self.host_units.saturating_add(1) {
            return None;
        }
        let server_relative = self.server_relative.get(..cut)?.to_vec();
        Some(Self {
            server_relative,
            host_units: self.host_units,
            port: self.port,
        })
    }

    /// What follows `share` in this name (empty or starting with a backslash) when `share` is a leading part of
    /// it by whole components; ASCII letters compare without case, as the name of a server does.
    pub fn below(&self, share: &Unc) -> Option<&[u16]> {
        let (head, tail) = self
            .server_relative
            .split_at_checked(share.server_relative.len())?;
        let whole = tail.first().is_none_or(|&unit| unit == BACKSLASH);
        (whole && eq_ignore_ascii_case(head, &share.server_relative)).then_some(tail)
    }
}

impl fmt::Display for Unc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf16_lossy(&self.to_units()))
    }
}

impl fmt::Debug for Unc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A connection: a share, seen through a drive letter or without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionName {
    /// The drive, `None` for a deviceless connection.
    pub drive: Option<DriveLetter>,
    /// The share.
    pub remote: Unc,
}

impl ConnectionName {
    /// The driver's form: `\;X:\host@port\share`, or `\host@port\share` without a drive.
    pub fn to_units(&self) -> Vec<u16> {
        let mut units = Vec::with_capacity(self.remote.server_relative.len().saturating_add(4));
        if let Some(drive) = self.drive {
            units.extend_from_slice(&[BACKSLASH, SEMICOLON]);
            units.extend_from_slice(&drive.units());
        }
        units.extend_from_slice(&self.remote.server_relative);
        units
    }

    /// Reads the driver's form back. A logon session between the colon and the server is skipped.
    pub fn parse(units: &[u16]) -> Result<Self, NameError> {
        let Some(local) = units.strip_prefix(&[BACKSLASH, SEMICOLON]) else {
            return Ok(Self {
                drive: None,
                remote: Self::parse_remote(units)?,
            });
        };
        let (drive, rest) = local.split_at_checked(2).ok_or(NameError::BadLocalName)?;
        let drive = DriveLetter::parse(drive)?;
        let server = rest
            .iter()
            .position(|&u| u == BACKSLASH)
            .ok_or(NameError::NoShare)?;
        let remote = Self::parse_remote(rest.get(server..).unwrap_or_default())?;
        Ok(Self {
            drive: Some(drive),
            remote,
        })
    }

    /// The target of the drive's symbolic link: the device name and the driver's form.
    pub fn device_target(&self) -> Vec<u16> {
        let mut units: Vec<u16> = DEVICE_NAME.encode_utf16().collect();
        units.extend_from_slice(&self.to_units());
        units
    }

    /// Reads the target of a drive's symbolic link; `None` when the drive is not one of ours.
    pub fn from_device_target(units: &[u16]) -> Option<Self> {
        let device: Vec<u16> = DEVICE_NAME.encode_utf16().collect();
        let (head, tail) = units.split_at_checked(device.len())?;
        if !eq_ignore_ascii_case(head, &device) {
            return None;
        }
        Self::parse(tail).ok()
    }

    fn parse_remote(units: &[u16]) -> Result<Unc, NameError> {
        let mut unc = Vec::with_capacity(units.len().saturating_add(1));
        unc.push(BACKSLASH);
        unc.extend_from_slice(units);
        Unc::parse(&unc)
    }
}

/// Whether two names are equal when ASCII letters fold. Server and share names that differ in other letters' case
/// are told apart by the driver, which knows NT's upcase table.
pub fn eq_ignore_ascii_case(a: &[u16], b: &[u16]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&x, &y)| fold(x) == fold(y))
}

fn fold(unit: u16) -> u16 {
    match u8::try_from(unit) {
        Ok(byte) => u16::from(byte.to_ascii_uppercase()),
        Err(_) => unit,
    }
}

fn check_host(host: &[u16]) -> Result<Option<u16>, NameError> {
    if host.len() > MAX_HOST_UNITS {
        return Err(NameError::TooLong);
    }
    let mut parts = host.split(|&u| u == AT);
    let name = parts.next().unwrap_or_default();
    let port = parts.next();
    if parts.next().is_some() || name.is_empty() || !name.iter().all(|&u| is_host_unit(u)) {
        return Err(NameError::BadHost);
    }
    if name.iter().all(|&u| u == DOT) {
        return Err(NameError::BadHost);
    }
    port.map(parse_port).transpose()
}

/// Letters, digits and what a host name, an IPv4 address or an IPv6 literal name is made of.
fn is_host_unit(unit: u16) -> bool {
    match u8::try_from(unit) {
        Ok(byte) => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'),
        // International host names: the resolver judges them.
        Err(_) => !is_surrogate_or_private(unit),
    }
}

fn is_surrogate_or_private(unit: u16) -> bool {
    (0xD800..=0xF8FF).contains(&unit) || unit >= 0xFFF0
}

fn parse_port(digits: &[u16]) -> Result<u16, NameError> {
    let mut value = 0_u32;
    if digits.is_empty() || digits.len() > 5 {
        return Err(NameError::BadHost);
    }
    for &unit in digits {
        let digit = u32::from(unit)
            .checked_sub(u32::from(b'0'))
            .filter(|&d| d < 10)
            .ok_or(NameError::BadHost)?;
        value = value.saturating_mul(10).saturating_add(digit);
    }
    u16::try_from(value)
        .ok()
        .filter(|&port| port != 0)
        .ok_or(NameError::BadHost)
}

fn check_component(component: &[u16]) -> Result<(), NameError> {
    if component.is_empty() || component == [DOT] || component == [DOT, DOT] {
        return Err(NameError::BadComponent);
    }
    // NUL and control characters, and what the object manager or the wildcard rules give a meaning.
    let bad = |&u: &u16| u < 0x20 || b"\"*:<>?|;".iter().any(|&b| u16::from(b) == u);
    if component.iter().any(bad) {
        Err(NameError::BadComponent)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
