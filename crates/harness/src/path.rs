//! Paths on the redirector: `X:\dir\file` and `\\host@port\share\dir\file`.

use std::fmt;

use client::names::{DriveLetter, Unc};

const BACKSLASH: u16 = b'\\' as u16;

/// A file, named by a drive or by a UNC name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Below a drive letter.
    Drive {
        letter: DriveLetter,
        /// Empty, or a path with its leading backslash.
        rest: Vec<u16>,
    },
    /// Below a server; where the share ends is the driver's business.
    Unc(Unc),
}

impl Target {
    /// Reads a path; slashes count as backslashes.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.replace('/', "\\");
        if text.starts_with("\\\\") {
            let unc = Unc::parse_str(&text).map_err(|problem| format!("{text}: {problem:?}"))?;
            return Ok(Self::Unc(unc));
        }
        let units: Vec<u16> = text.encode_utf16().collect();
        let (letter, rest) = units
            .split_at_checked(2)
            .ok_or_else(|| format!("{text}: no drive and no share"))?;
        let letter = DriveLetter::parse(letter).map_err(|_| format!("{text}: no drive and no share"))?;
        if rest.first().is_some_and(|&unit| unit != BACKSLASH) {
            return Err(format!("{text}: a backslash must follow the drive"));
        }
        Ok(Self::Drive {
            letter,
            rest: rest.to_vec(),
        })
    }

    /// The root of a drive.
    pub(crate) fn root(letter: DriveLetter) -> Self {
        Self::Drive {
            letter,
            rest: vec![BACKSLASH],
        }
    }

    /// The entry `name`, which may be several components, below this directory.
    pub(crate) fn join(&self, name: &str) -> Result<Self, String> {
        let units: Vec<u16> = name.encode_utf16().collect();
        self.join_units(&units)
    }

    /// As [`Target::join`], for a name that need not be text.
    pub(crate) fn join_units(&self, name: &[u16]) -> Result<Self, String> {
        let with = |base: &[u16]| {
            let mut joined = base.strip_suffix(&[BACKSLASH]).unwrap_or(base).to_vec();
            joined.push(BACKSLASH);
            joined.extend_from_slice(name);
            joined
        };
        match self {
            Self::Drive { letter, rest } => Ok(Self::Drive {
                letter: *letter,
                rest: with(rest),
            }),
            Self::Unc(unc) => {
                let joined = Unc::parse(&with(&unc.to_units()));
                joined
                    .map(Self::Unc)
                    .map_err(|problem| format!("{self}: {problem:?}"))
            }
        }
    }

    /// The directory that holds this file, and the file's name in it. `None` for a root.
    pub(crate) fn split(&self) -> Option<(Self, Vec<u16>)> {
        match self {
            Self::Drive { letter, rest } => {
                let cut = rest.iter().rposition(|&unit| unit == BACKSLASH)?;
                let name = rest.get(cut.saturating_add(1)..)?.to_vec();
                // The root keeps its backslash: `X:` alone is the device, not its root directory.
                let parent = rest.get(..cut.max(1))?.to_vec();
                (!name.is_empty()).then_some((
                    Self::Drive {
                        letter: *letter,
                        rest: parent,
                    },
                    name,
                ))
            }
            Self::Unc(unc) => {
                let parent = unc.parent()?;
                let name = unc.below(&parent)?.get(1..)?.to_vec();
                Some((Self::Unc(parent), name))
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drive { letter, rest } => write!(f, "{letter}{}", String::from_utf16_lossy(rest)),
            Self::Unc(unc) => write!(f, "{unc}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_drives_and_shares_and_refuses_the_rest() {
        assert_eq!(Target::parse("x:/a/b").unwrap().to_string(), r"X:\a\b");
        assert_eq!(Target::parse("x:").unwrap().to_string(), "X:");
        assert_eq!(Target::parse(r"\\h@1\s\f").unwrap().to_string(), r"\\h@1\s\f");
        for bad in ["", "x", "file", "x:file", r"\dir", r"\\h", "1:\\"] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn join_and_split_are_opposites() {
        for base in [r"X:\", r"X:\dir", r"\\h\s", r"\\h\s\d"] {
            let base = Target::parse(base).unwrap();
            let file = base.join("näme").unwrap();
            let (parent, name) = file.split().unwrap();
            assert_eq!(parent, base);
            assert_eq!(String::from_utf16(&name).unwrap(), "näme");
        }
        assert_eq!(Target::parse(r"X:\").unwrap().split(), None);
        assert_eq!(Target::parse(r"\\h\s").unwrap().split(), None);
        assert_eq!(
            Target::parse("X:").unwrap().join("f").unwrap().to_string(),
            r"X:\f"
        );
    }
}
