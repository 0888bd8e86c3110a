//! The attributes that NT has and Unix has not, kept in an extended attribute of the server's file.
//!
//! Every file is ARCHIVE, as programs expect it and the files they copy are: to keep it would be several messages for each, and
//! nothing here would set it again when a file is written. One that a program clears it of is archived once more than needed.
//!
//! `user.mrx9p.attributes` is text: `0x` and one to eight hexadecimal digits, the bits of `FILE_ATTRIBUTE_*`. A file
//! without it has none of them. Whoever keeps the first one on a share marks the share's root with
//! `user.mrx9p.has_attributes`: where that is missing nothing more is asked for a while, so that a share on which nobody has
//! hidden anything costs a message now and then.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use alloc::boxed::Box;
use executive::mem::try_box;
use ninep::wire::{Mode, Rgetattr};
use nt::{FileAttributes, Status};

use crate::ea::xattr;
use crate::file::OpenFile;
use crate::objects::{Platform, View};
use crate::server::client::{Client, OwnedFid, retried};

/// What is kept of files: what NTFS lets a program set, but for READONLY, which the permissions tell, and ARCHIVE, which every
/// file has.
const OF_FILES: FileAttributes = FileAttributes::HIDDEN
    .union(FileAttributes::SYSTEM)
    .union(FileAttributes::TEMPORARY)
    .union(FileAttributes::OFFLINE)
    .union(FileAttributes::NOT_CONTENT_INDEXED);
/// What is kept of directories: READONLY forbids nothing there, and marks those that Explorer shows in a way of their own.
const OF_DIRECTORIES: FileAttributes = FileAttributes::HIDDEN
    .union(FileAttributes::SYSTEM)
    .union(FileAttributes::READONLY)
    .union(FileAttributes::OFFLINE)
    .union(FileAttributes::NOT_CONTENT_INDEXED);
/// What a text can say.
const KEPT: FileAttributes = OF_FILES.union(OF_DIRECTORIES);

/// What is kept of a file or a directory.
pub(crate) const fn kept_of(is_directory: bool) -> FileAttributes {
    if is_directory { OF_DIRECTORIES } else { OF_FILES }
}

/// Where it is kept.
pub(crate) const NAME: &[u8] = b"user.mrx9p.attributes";
/// What marks the root of a share on which something is kept.
const MARK: &[u8] = b"user.mrx9p.has_attributes";

/// How long a share without a mark is taken to have none: another redirector may set it.
const UNMARKED_FOR: Duration = Duration::from_secs(10);
/// The longest text that somebody here has written, in bytes.
pub(crate) const LONGEST: u32 = 10;

/// Whether anything is kept on a share: until when it is known that there is nothing.
pub(crate) struct Kept(AtomicU64);

impl Kept {
    /// Something is.
    const SOMETHING: u64 = u64::MAX;

    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// It is asked for anew: the share has been attached again, to whatever has its name now.
    pub(crate) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl View {
    /// Something is kept from now on: other redirectors are told by a mark. Where the user may not set one, they do not
    /// see it.
    async fn mark(&self) {
        if self.share.kept.0.swap(Kept::SOMETHING, Ordering::Relaxed) != Kept::SOMETHING
            && let Ok(root) = self.root().await
        {
            let _ = xattr::set(&root, MARK, b"1").await;
        }
    }

    /// Keeps `attributes` of `file`, which has `known` of them; those that it has not been given are taken away. A server
    /// without extended attributes drops them.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn keep(
        &self,
        file: &OwnedFid,
        known: FileAttributes,
        attributes: FileAttributes,
    ) -> nt::Result {
        if known == attributes || file.client().refuses_xattrs() {
            return Ok(());
        }
        let mut text = [0; 10];
        let value = if attributes.is_empty() {
            &[][..]
        } else {
            write(attributes, &mut text)
        };
        match xattr::set(file, NAME, value).await {
            Ok(()) if !value.is_empty() => {
                self.mark().await;
                Ok(())
            }
            Err(Status::EAS_NOT_SUPPORTED) => {
                file.client().set_refuses_xattrs();
                Ok(())
            }
            Err(Status::NONEXISTENT_EA_ENTRY) if value.is_empty() => Ok(()),
            set => set,
        }
    }
}

impl<P: Platform> OpenFile<P> {
    /// Whether files of the share may have kept attributes. Asks the server once if they may, and else now and then.
    ///
    /// # Errors
    /// The server's, where it does not say.
    pub(crate) async fn keeps_attributes(&self, view: &View) -> nt::Result<bool> {
        if !self.redirector.settings().dos_attributes {
            return Ok(false);
        }
        let kept = &view.share.kept.0;
        let known = kept.load(Ordering::Relaxed);
        let now = self.redirector.0.runtime.now();
        if known == Kept::SOMETHING || now.as_nanos() < known {
            return Ok(known == Kept::SOMETHING);
        }
        retried!(async {
            let root = self.root().await?;
            if root.client().refuses_xattrs() {
                return Ok(false);
            }
            let found = match xattr::value_len(&root, MARK).await {
                Ok(_) => Kept::SOMETHING,
                Err(status) => {
                    absent(root.client(), status)?;
                    (now + UNMARKED_FOR).as_nanos()
                }
            };
            // Unless something was kept meanwhile, or the share attached again.
            let _ = kept.compare_exchange(known, found, Ordering::Relaxed, Ordering::Relaxed);
            Ok(found == Kept::SOMETHING)
        })
    }

    /// The kept attributes of this file, whose mode is `mode`. `moved` is where it was found, if its fid does not
    /// lead to it any more.
    ///
    /// # Errors
    /// The server's; `INSUFFICIENT_RESOURCES`.
    pub(crate) async fn kept(&self, mode: Mode, moved: Option<&OwnedFid>) -> nt::Result<FileAttributes> {
        if !may_have(mode) || !self.keeps_attributes(&*self.view()?).await? {
            return Ok(FileAttributes::empty());
        }
        match moved {
            Some(file) => read(file).await,
            None => read(&*self.fid().await?).await,
        }
    }

    /// Has the file keep `attributes` and no others. Those that its name gives it need not be kept.
    ///
    /// # Errors
    /// As [`View::keep`].
    pub(crate) async fn keep(
        &self,
        reply: &Rgetattr,
        moved: Option<&OwnedFid>,
        attributes: FileAttributes,
    ) -> nt::Result {
        if !self.redirector.settings().dos_attributes || !may_have(reply.mode) {
            return Ok(());
        }
        let (view, path) = (self.view()?, self.path()?);
        let name = path.split_last().map_or(&b""[..], |(_, name)| name);
        let known = self.kept(reply.mode, moved).await?;
        let mut wanted = to_keep(attributes, name, reply.mode.is_directory());
        if path.is_root() {
            // As on NTFS: nobody would find the share.
            wanted -= FileAttributes::HIDDEN | FileAttributes::SYSTEM;
        }
        let keeping = async {
            match moved {
                Some(file) => view.keep(file, known, wanted).await,
                None => view.keep(&*self.fid().await?, known, wanted).await,
            }
        };
        // Few requests need the room.
        Box::into_pin(try_box(keeping)?).await
    }
}

/// What of `attributes` is kept of a file or directory called `name`: one with a leading dot is hidden without.
pub(crate) fn to_keep(attributes: FileAttributes, name: &[u8], is_directory: bool) -> FileAttributes {
    let kept = attributes & kept_of(is_directory);
    if name.first() == Some(&b'.') {
        kept - FileAttributes::HIDDEN
    } else {
        kept
    }
}

/// Whether Linux keeps users' attributes of such a file.
pub(crate) fn may_have(mode: Mode) -> bool {
    mode.is_regular() || mode.is_directory()
}

/// What is kept of `file`; nothing where that cannot be said.
///
/// # Errors
/// The server's; `INSUFFICIENT_RESOURCES`.
pub(crate) async fn read(file: &OwnedFid) -> nt::Result<FileAttributes> {
    if file.client().refuses_xattrs() {
        return Ok(FileAttributes::empty());
    }
    match xattr::value(file, NAME).await {
        Ok(text) => Ok(text.and_then(|text| parse(&text)).unwrap_or_default()),
        Err(status) => absent(file.client(), status).map(|()| FileAttributes::empty()),
    }
}

/// `Ok` if a server that answers `status` has no such attribute, or will not show it; one that knows none is remembered.
///
/// # Errors
/// `status`, where it says something else.
pub(crate) fn absent(client: &Client, status: Status) -> nt::Result {
    match status {
        Status::NONEXISTENT_EA_ENTRY | Status::ACCESS_DENIED | Status::OBJECT_NAME_NOT_FOUND => Ok(()),
        Status::NOT_SUPPORTED => {
            client.set_refuses_xattrs();
            Ok(())
        }
        status => Err(status),
    }
}

/// The text that stands for `attributes`.
fn write(attributes: FileAttributes, text: &mut [u8; 10]) -> &[u8] {
    text.copy_from_slice(b"0x00000000");
    let digits = text.iter_mut().skip(2).rev();
    for (place, digit) in digits.enumerate() {
        *digit = match (attributes.bits() >> (4 * place) & 15) as u8 {
            low @ ..10 => b'0' + low,
            high => b'a' + (high - 10),
        };
    }
    text
}

/// What a text stands for; `None` for one that nobody here has written.
pub(crate) fn parse(text: &[u8]) -> Option<FileAttributes> {
    let digits = text.strip_prefix(b"0x")?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let bits = u32::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    Some(FileAttributes::from_bits_retain(bits) & KEPT)
}

/// Reads `text` as kept attributes: what was read is kept as it was read.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(text: &[u8]) {
    if let Some(attributes) = parse(text) {
        assert_eq!(parse(write(attributes, &mut [0; 10])), Some(attributes));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{KEPT, parse, to_keep, write};
    use nt::FileAttributes as F;

    #[test]
    fn texts_of_others() {
        for (text, attributes) in [
            (&b"0x2"[..], Some(F::HIDDEN)),
            (b"0x00000026", Some(F::HIDDEN | F::SYSTEM)),
            (b"0xFFFFffff", Some(KEPT)),
            (b"0x0", Some(F::empty())),
            (b"0x", None),
            (b"22", None),
            (b"0x+2", None),
            (b"0x2\0", None),
            (b"0x000000002", None),
            (b"", None),
        ] {
            assert_eq!(parse(text), attributes, "{text:?}");
        }
    }

    #[test]
    fn a_dot_hides_by_itself() {
        let wish = F::HIDDEN | F::OFFLINE | F::ARCHIVE | F::READONLY | F::NORMAL;
        assert_eq!(to_keep(wish, b"name", false), F::HIDDEN | F::OFFLINE);
        assert_eq!(to_keep(wish, b".name", false), F::OFFLINE);
        assert_eq!(to_keep(wish, b".name", true), F::OFFLINE | F::READONLY);
    }

    testserver::properties! {
        #[test]
        fn what_is_written_is_read(bits: u32) {
            let attributes = F::from_bits_retain(bits) & KEPT;
            prop_assert_eq!(parse(write(attributes, &mut [0; 10])), Some(attributes));
        }
    }
}
