//! Who may attach to what.

use std::path::PathBuf;

use crate::frame::{Frame, kind, put_string};

pub(super) const EPERM: u32 = 1;
pub(super) const ENOENT: u32 = 2;
pub(super) const ENOTDIR: u32 = 20;
pub(super) const EINVAL: u32 = 22;

/// A fid for the server's own use. Clients count theirs upwards from 0, or use -1 as "none".
pub(super) const HIDDEN_FID: u32 = 0xFFFF_FFF0;

/// The type bit of a folder's qid.
const QID_DIRECTORY: u8 = 0x80;

/// The length of a qid.
const QID: usize = 13;

/// The parameters of a `Tattach`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    /// The fid to stand for the root.
    pub fid: u32,
    /// The user's name.
    pub uname: String,
    /// The name of the file tree.
    pub aname: String,
    /// The user's number, or `u32::MAX` for none.
    pub n_uname: u32,
}

impl Attach {
    pub(super) fn decode(request: &Frame) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut fields = request.fields();
        let fid = fields.u32()?;
        fields.u32()?;
        let (uname, aname) = (text(fields.string()?), text(fields.string()?));
        Some(Self {
            fid,
            uname,
            aname,
            n_uname: fields.u32()?,
        })
    }
}

#[derive(Debug)]
pub(super) struct Exports {
    pub(super) folder: PathBuf,
    pub(super) names: Vec<String>,
    pub(super) exact: bool,
    pub(super) users: Option<Vec<String>>,
}

impl Exports {
    /// The folders to walk from the exported one, or the error number of the refusal.
    pub(super) fn resolve<'a>(&self, attach: &'a Attach) -> Result<Vec<&'a str>, u32> {
        if attach.fid == HIDDEN_FID {
            return Err(EINVAL);
        }
        let number = attach.n_uname.to_string();
        let allowed = |user: &String| *user == attach.uname || *user == number;
        if self
            .users
            .as_ref()
            .is_some_and(|users| !users.iter().any(allowed))
        {
            return Err(EPERM);
        }
        let rests = self.names.iter().filter_map(|name| {
            let rest = attach.aname.strip_prefix(name.trim_end_matches('/'))?;
            (rest.trim_start_matches('/').is_empty() || rest.starts_with('/') && !self.exact).then_some(rest)
        });
        // The longest name that fits leaves the shortest rest.
        let rest = rests.min_by_key(|rest| rest.len()).ok_or(EPERM)?;
        let below: Vec<_> = rest.split('/').filter(|part| !part.is_empty()).collect();
        if below.iter().any(|part| matches!(*part, "." | "..")) {
            Err(EPERM)
        } else {
            Ok(below)
        }
    }
}

pub(super) fn hidden_attach(tag: u16) -> Frame {
    let mut body = [HIDDEN_FID.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
    put_string(&mut body, b"");
    put_string(&mut body, b"");
    body.extend(u32::MAX.to_le_bytes());
    Frame {
        kind: kind::TATTACH,
        tag,
        body,
    }
}

pub(super) fn hidden_walk(tag: u16, to: u32, names: &[&str]) -> Frame {
    let mut body = [HIDDEN_FID.to_le_bytes(), to.to_le_bytes()].concat();
    let count = u16::try_from(names.len()).unwrap_or(u16::MAX);
    body.extend(count.to_le_bytes());
    names
        .iter()
        .for_each(|name| put_string(&mut body, name.as_bytes()));
    Frame {
        kind: kind::TWALK,
        tag,
        body,
    }
}

pub(super) fn clunk(tag: u16, fid: u32) -> Frame {
    Frame {
        kind: kind::TCLUNK,
        tag,
        body: fid.to_le_bytes().to_vec(),
    }
}

pub(super) fn walked_wholly(walked: &Frame, asked: usize) -> bool {
    walked.kind == kind::RWALK && walked.fields().u16().map(usize::from) == Some(asked)
}

/// The answer to an attach that was carried out as a walk.
pub(super) fn from_walk(walked: &Frame, asked: usize) -> Frame {
    if walked.kind == kind::RLERROR {
        return walked.clone();
    }
    let qid = walked
        .body
        .get(walked.body.len().saturating_sub(QID)..)
        .unwrap_or_default();
    match qid.first() {
        Some(kind_bits) if walked_wholly(walked, asked) => match kind_bits & QID_DIRECTORY {
            0 => Frame::error(walked.tag, ENOTDIR),
            _ => Frame {
                kind: kind::RATTACH,
                tag: walked.tag,
                body: qid.to_vec(),
            },
        },
        _ => Frame::error(walked.tag, ENOENT),
    }
}

#[cfg(test)]
mod tests {
    use super::{Attach, EPERM, Exports};

    fn attach(aname: &str, uname: &str, n_uname: u32) -> Attach {
        Attach {
            fid: 0,
            uname: uname.into(),
            aname: aname.into(),
            n_uname,
        }
    }

    fn exports(names: &[&str], users: Option<&[&str]>) -> Exports {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Exports {
            folder: "/".into(),
            names: owned(names),
            exact: false,
            users: users.map(owned),
        }
    }

    #[test]
    fn the_longest_name_wins_and_foreign_names_are_refused() {
        let exports = exports(&["/", "/srv/files"], None);
        assert_eq!(exports.resolve(&attach("/srv/files", "", 0)), Ok(vec![]));
        assert_eq!(
            exports.resolve(&attach("/srv/files/a/b", "", 0)),
            Ok(vec!["a", "b"])
        );
        assert_eq!(
            exports.resolve(&attach("/srv/filesystem", "", 0)),
            Ok(vec!["srv", "filesystem"])
        );
        assert_eq!(exports.resolve(&attach("/", "", 0)), Ok(vec![]));
        assert_eq!(exports.resolve(&attach("", "", 0)), Ok(vec![]));
        assert_eq!(exports.resolve(&attach("/a/../b", "", 0)), Err(EPERM));
        let one = self::exports(&["/export"], None);
        assert_eq!(one.resolve(&attach("/exports", "", 0)), Err(EPERM));
        assert_eq!(one.resolve(&attach("/", "", 0)), Err(EPERM));
        let exact = Exports { exact: true, ..one };
        assert_eq!(exact.resolve(&attach("/export", "", 0)), Ok(vec![]));
        assert_eq!(exact.resolve(&attach("/export/a", "", 0)), Err(EPERM));
    }

    #[test]
    fn users_by_name_or_number() {
        let exports = exports(&["/"], Some(&["alice", "1000"]));
        assert!(exports.resolve(&attach("/", "alice", u32::MAX)).is_ok());
        assert!(exports.resolve(&attach("/", "", 1000)).is_ok());
        assert_eq!(exports.resolve(&attach("/", "bob", 1001)), Err(EPERM));
    }
}
