//! Where symbolic links lead. They are followed here, below the share and never out of it: the server is not trusted to
//! stay inside its export, and NT has no name for what is outside.

use alloc::vec::Vec;

use executive::mem::TryVec;
use ninep::wire::Treadlink;
use nt::Status;

use crate::names::ServerPath;
use crate::server::client::OwnedFid;

/// Links that one open passes through at most (Linux's own bound).
pub(crate) const LINKS_MAX: usize = 40;
/// Longest text of a link, in bytes (PATH_MAX).
const TARGET_MAX: usize = 4096;

/// What the link `fid` says.
///
/// # Errors
/// `REPARSE_POINT_NOT_RESOLVED` for an empty or over-long text; the server's; `INSUFFICIENT_RESOURCES`.
pub(crate) async fn read_link(file: &OwnedFid) -> nt::Result<Vec<u8>> {
    let request = Treadlink { fid: file.fid() };
    let copied = file.client().call(&request, |reply| {
        let text: &[u8] = reply.target;
        if text.is_empty() || text.len() > TARGET_MAX {
            return Err(Status::REPARSE_POINT_NOT_RESOLVED);
        }
        let mut copy = Vec::new();
        copy.try_extend_from_slice(text)?;
        nt::Result::Ok(copy)
    });
    copied.await?
}

/// The path that `path` stands for, given that its component `at` is a link which says `target`. `share` is what the
/// server calls the share's root.
///
/// `..` takes away the name before it, as Windows reads a path.
///
/// # Errors
/// `IO_REPARSE_TAG_NOT_HANDLED`: the link leads out of the share. `REPARSE_POINT_NOT_RESOLVED`: it says what is no path.
/// `INSUFFICIENT_RESOURCES`.
pub(crate) fn resolve(
    path: &ServerPath,
    at: usize,
    target: &[u8],
    share: &ServerPath,
) -> nt::Result<ServerPath> {
    let mut resolved = ServerPath::default();
    let mut names = target.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
    if target.first() == Some(&b'/') {
        for component in share.components() {
            if names.next() != Some(component) {
                return Err(Status::IO_REPARSE_TAG_NOT_HANDLED);
            }
        }
    } else {
        for component in path.components().take(at) {
            resolved.push(component)?;
        }
    }
    for name in names {
        match name {
            b"." => {}
            b".." if resolved.pop() => {}
            b".." => return Err(Status::IO_REPARSE_TAG_NOT_HANDLED),
            name => resolved.push(name).map_err(|status| match status {
                Status::OBJECT_NAME_INVALID => Status::REPARSE_POINT_NOT_RESOLVED,
                other => other,
            })?,
        }
    }
    for component in path.components().skip(at.saturating_add(1)) {
        resolved.push(component)?;
    }
    Ok(resolved)
}

/// Follows a link at `\d\link` that says `text`, on the way to `\d\link\f`: it never leads to a name that is none, or out
/// of the share.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(text: &[u8]) {
    let path = ServerPath::from_components([&b"d"[..], b"link", b"f"].into_iter());
    let share = ServerPath::from_components([&b"srv"[..], b"export"].into_iter());
    let (Ok(path), Ok(share)) = (path, share) else {
        return;
    };
    if let Ok(resolved) = resolve(&path, 1, text, &share) {
        let is_name =
            |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0);
        assert!(resolved.components().all(is_name));
    }
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use crate::names::ServerPath;
    use nt::Status;

    fn path(text: &str) -> ServerPath {
        let names = text.split('/').filter(|name| !name.is_empty());
        ServerPath::from_components(names.map(str::as_bytes)).unwrap()
    }

    #[test]
    fn links_are_read_from_where_they_are() {
        // Path, which component is the link, what it says, where that leads.
        for (from, at, target, to) in [
            ("link", 0, "file", Ok("file")),
            ("a/link", 1, "file", Ok("a/file")),
            ("a/link/x/y", 1, "other", Ok("a/other/x/y")),
            ("a/b/link", 2, "../file", Ok("a/file")),
            ("a/b/link", 2, "..", Ok("a")),
            ("a/b/link/x", 2, "../..", Ok("x")),
            ("a/link", 1, ".//./b//", Ok("a/b")),
            ("a/link", 1, "/srv/export/b", Ok("b")),
            ("a/link/x", 1, "/srv/export", Ok("x")),
            (
                "a/link",
                1,
                "/srv/export/../b",
                Err(Status::IO_REPARSE_TAG_NOT_HANDLED),
            ),
            ("a/link", 1, "../..", Err(Status::IO_REPARSE_TAG_NOT_HANDLED)),
            (
                "a/link",
                1,
                "/srv/exports/b",
                Err(Status::IO_REPARSE_TAG_NOT_HANDLED),
            ),
            (
                "a/link",
                1,
                "/etc/passwd",
                Err(Status::IO_REPARSE_TAG_NOT_HANDLED),
            ),
            ("a/link", 1, "/", Err(Status::IO_REPARSE_TAG_NOT_HANDLED)),
            ("link", 0, "nul\0", Err(Status::REPARSE_POINT_NOT_RESOLVED)),
        ] {
            let found = resolve(&path(from), at, target.as_bytes(), &path("srv/export"));
            let found = found.map(|found| found.as_bytes().to_vec());
            assert_eq!(found, to.map(|to| to.as_bytes().to_vec()), "{from} -> {target}");
        }
    }
}
