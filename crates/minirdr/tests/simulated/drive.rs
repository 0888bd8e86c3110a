//! A drive on a redirector of the simulation. What it takes to ask may want memory; what a test itself needs does not
//! fail for want of it.

use executive::mem::{Arc, unfailing};
use executive::task::CancelToken;
use minirdr::{Created, Level, LogonId, MiniRedirector, OpenFile};
use nt::{Name, NameBuf};

use crate::open::Open;
use crate::simulated::Simulated;

/// Whose drives they are.
pub(crate) const ME: LogonId = LogonId(1);

/// The share of the server at [`ADDRESS`](crate::simulated::ADDRESS).
pub(crate) const SHARE: &str = "\\10.0.0.1\\export";

pub(crate) type File = Arc<OpenFile<Simulated>>;

/// One mapping.
#[derive(Clone, Copy)]
pub(crate) struct Drive<'a> {
    pub(crate) redirector: &'a MiniRedirector<Simulated>,
    /// `X:`, or nothing for a mapping without a letter.
    pub(crate) letter: &'static str,
    /// `\server\share`.
    pub(crate) share: &'static str,
}

/// UTF-16 of `text`.
pub(crate) fn text(text: &str) -> NameBuf {
    unfailing(|| NameBuf::try_from_str(text).unwrap())
}

/// A token for one call.
pub(crate) fn token() -> CancelToken {
    unfailing(|| CancelToken::try_new().unwrap())
}

impl Drive<'_> {
    /// The name of `path` on the drive, as the redirector's device sees it.
    pub(crate) fn name(&self, path: &str) -> NameBuf {
        let semicolon = if self.letter.is_empty() { "" } else { "\\;" };
        let slash = if path.is_empty() { "" } else { "\\" };
        let (letter, share) = (self.letter, self.share);
        unfailing(|| text(&format!("{semicolon}{letter}{share}{slash}{path}")))
    }

    pub(crate) async fn map(&self) -> nt::Result {
        let (name, cancel) = (self.name(""), token());
        let mapping = self
            .redirector
            .add_connection(name.as_name(), Name::default(), ME, &cancel);
        mapping.await
    }

    pub(crate) async fn unmap(&self, level: Level) -> nt::Result {
        let (name, cancel) = (self.name(""), token());
        self.redirector
            .delete_connection(name.as_name(), ME, level, &cancel)
            .await
    }

    pub(crate) async fn open(&self, path: &str, open: &Open) -> nt::Result<File> {
        Ok(self.create(path, open, &[]).await?.file)
    }

    /// Opens or makes a file, which gets extended attributes then.
    pub(crate) async fn create(
        &self,
        path: &str,
        open: &Open,
        attributes: &[u8],
    ) -> nt::Result<Created<Simulated>> {
        let (name, cancel) = (self.name(path), token());
        let request = open.request(name.as_name(), None, ME);
        self.redirector
            .create_with_ea(&request, attributes, &cancel)
            .await
    }
}

/// Cleanup and close, which always succeed.
pub(crate) async fn end(file: File) {
    file.cleanup().await;
    file.close();
}
