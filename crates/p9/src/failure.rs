//! What went wrong, for people.

use std::fmt::{self, Write as _};
use std::process::ExitCode;

use nt::Status;

/// A command that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server or the share cannot be had.
    Unreachable { share: String, status: Status },
    /// The server refused, or something happened on the way.
    Remote { doing: String, status: Status },
    /// Something on this side.
    Local { doing: String, error: std::io::Error },
    /// The command makes no sense as it stands.
    Senseless(String),
    /// Some of several things went wrong, and have been told one by one.
    Some(usize),
}

impl Failure {
    pub(crate) fn remote(doing: impl Into<String>, status: Status) -> Self {
        Self::Remote {
            doing: doing.into(),
            status,
        }
    }

    pub(crate) fn local(doing: impl Into<String>, error: std::io::Error) -> Self {
        Self::Local {
            doing: doing.into(),
            error,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Unreachable { .. } => 3,
            Self::Senseless(_) => 2,
            Self::Remote { .. } | Self::Local { .. } | Self::Some(_) => 1,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { share, status } => {
                write!(f, "cannot connect to {}: {}", Harmless(share), Explained(*status))
            }
            Self::Remote { doing, status } => write!(f, "{}: {}", Harmless(doing), Explained(*status)),
            Self::Local { doing, error } => write!(f, "{}: {error}", Harmless(doing)),
            Self::Senseless(why) => Harmless(why).fmt(f),
            Self::Some(1) => f.write_str("one operation failed"),
            Self::Some(count) => write!(f, "{count} operations failed"),
        }
    }
}

/// A text that may have a server's names in it, of which none is to tell a terminal what to do.
pub(crate) struct Harmless<'a>(pub(crate) &'a str);

impl fmt::Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            c if c.is_control() => write!(f, "{}", c.escape_default()),
            c => f.write_char(c),
        })
    }
}

/// A status with its name and its meaning.
struct Explained(Status);

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.row() {
            Some(row) => write!(f, "STATUS_{}: {}", row.name, row.meaning),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use nt::Status;

    #[test]
    fn statuses_come_with_name_and_meaning() {
        let text = Failure::remote("cannot open /x", Status::ACCESS_DENIED).to_string();
        assert!(
            text.starts_with("cannot open /x: STATUS_ACCESS_DENIED: "),
            "{text}"
        );
        let text = Failure::remote("cannot open a\u{1b}[31mb\n", Status::ACCESS_DENIED).to_string();
        assert!(text.starts_with("cannot open a\\u{1b}[31mb\\n: "), "{text}");
        let text = Failure::remote("cannot open /x", Status(0xC012_3456)).to_string();
        assert_eq!(text, "cannot open /x: status 0xC0123456");
    }
}
