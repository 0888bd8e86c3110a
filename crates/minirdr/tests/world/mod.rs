//! A redirector over real sockets with a server in front of it, and blocking calls for tests to speak in.
#![expect(dead_code, reason = "each test file uses a part")]

mod file;

use std::path::PathBuf;
use std::time::Duration;

pub use file::{Entry, File, Open};

use executive::mem::AllocError;
use executive::task::{CancelToken, Runtime};
use minirdr::{CreateRequest, Level, LogonId, MiniRedirector, ObjectCounts, Platform, Settings};
use nt::NameBuf;
use tempfile::TempDir;
use testserver::TestServer;

/// The host, as a platform.
pub struct Host;

impl Platform for Host {
    type Transport = rxce::sockets::Sockets;
    type FcbHeader = ();

    fn new_fcb_header() -> Result<(), AllocError> {
        Ok(())
    }
}

/// Whose drives the tests map.
pub const ME: LogonId = LogonId(0x3e7);

pub struct World {
    pub runtime: Runtime,
    pub redirector: MiniRedirector<Host>,
    pub server: Option<TestServer>,
    pub port: u16,
    pub share: String,
    folder: TempDir,
}

/// UTF-16 of `text`.
pub fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

/// A token for one call.
pub fn token() -> CancelToken {
    CancelToken::try_new().unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    pub fn with_settings(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = TestServer::builder(folder.path())
            .names(&["/export"])
            .start()
            .unwrap();
        let runtime = Runtime::start(2).unwrap();
        let redirector = MiniRedirector::new(rxce::sockets::Sockets, runtime.clone(), settings).unwrap();
        redirector.start().unwrap();
        Self {
            runtime,
            redirector,
            port: server.port(),
            server: Some(server),
            share: "export".into(),
            folder,
        }
    }

    /// A path on the server's disk.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn block<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future).unwrap()
    }

    pub fn unc(&self) -> String {
        format!("\\127.0.0.1@{}\\{}", self.port, self.share)
    }

    /// Maps a drive, or with an empty `drive` the share without one.
    pub fn map(&self, drive: &str) -> nt::Result {
        self.map_name(&self.full(drive, ""), "")
    }

    pub fn map_name(&self, full: &str, user: &str) -> nt::Result {
        let cancel = token();
        self.block(
            self.redirector
                .add_connection(name(full).as_name(), name(user).as_name(), ME, &cancel),
        )
    }

    pub fn unmap(&self, drive: &str) -> nt::Result {
        self.unmap_at(drive, Level::Refuse)
    }

    pub fn unmap_at(&self, drive: &str, level: Level) -> nt::Result {
        let cancel = token();
        self.block(
            self.redirector
                .delete_connection(name(drive).as_name(), ME, level, &cancel),
        )
    }

    /// The name of `path` on a drive, as the redirector's device sees it.
    pub fn full(&self, drive: &str, path: &str) -> String {
        let drive = if drive.is_empty() {
            String::new()
        } else {
            format!("\\;{drive}")
        };
        let path = if path.is_empty() {
            String::new()
        } else {
            format!("\\{path}")
        };
        format!("{drive}{}{path}", self.unc())
    }

    /// Opens a path on drive X:.
    pub fn open(&self, path: &str, open: &Open) -> nt::Result<File<'_>> {
        self.open_full(&self.full("X:", path), open)
    }

    pub fn open_full(&self, full: &str, open: &Open) -> nt::Result<File<'_>> {
        self.open_below(None, full, open)
    }

    pub fn open_below(&self, related: Option<&File<'_>>, path: &str, open: &Open) -> nt::Result<File<'_>> {
        let cancel = token();
        let path = name(path);
        let request = CreateRequest {
            name: path.as_name(),
            related: related.map(|file| &*file.file),
            logon: ME,
            desired_access: open.access,
            share_access: open.share,
            disposition: open.disposition,
            options: open.options,
            file_attributes: open.attributes,
            open_target_directory: open.target_directory,
        };
        let created = self.block(self.redirector.create(&request, &cancel))?;
        Ok(File {
            world: self,
            file: created.file,
            action: created.action,
        })
    }

    /// The sorted names in a directory of drive X:.
    pub fn list(&self, path: &str) -> nt::Result<Vec<String>> {
        let mut names = self.open(path, &Open::directory())?.names()?;
        names.sort();
        Ok(names)
    }

    /// Ends it all; nothing may be left anywhere.
    pub fn end(self) {
        let objects = self.redirector.statistics().objects;
        assert_eq!(objects, ObjectCounts::default(), "objects are left");
        self.redirector.stop().unwrap();
        drop(self.redirector);
        self.runtime.shutdown();
        if let Some(server) = self.server {
            assert!(
                server.wait_idle(Duration::from_secs(10)),
                "a connection stayed open"
            );
            assert_eq!(server.stop(), 0, "fids were not clunked");
        }
    }
}
