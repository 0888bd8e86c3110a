//! A redirector over real sockets with a server in front of it, and blocking calls for tests to speak in.
#![expect(dead_code, reason = "each test file uses a part")]

pub(crate) mod file;
pub(crate) mod open;
pub(crate) mod records;
pub(crate) mod status;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

pub(crate) use file::File;
pub(crate) use open::Open;

use executive::mem::AllocError;
use executive::task::{CancelToken, Runtime};
use minirdr::{HeldHeader, Level, LogonId, MappedOpen, MiniRedirector, ObjectCounts, Platform, Settings};
use nt::{Name, NameBuf, Status};
use tempfile::TempDir;
use testserver::{Diod, TestServer};

/// The host, as a platform.
pub(crate) struct Host;

impl Platform for Host {
    type Transport = rxce::sockets::Sockets;
    type FcbHeader = Views;

    fn new_fcb_header() -> Result<Views, AllocError> {
        Ok(Views::default())
    }

    async fn views_allow(file: HeldHeader<Self>, open: MappedOpen) -> nt::Result {
        // As a system thread would answer: not at once.
        executive::task::yield_now().await;
        file.asked.lock().unwrap().push(open);
        match *file.refusal.lock().unwrap() {
            Some(status) => Err(status),
            None => Ok(()),
        }
    }
}

/// A file's views, as far as opens are concerned.
#[derive(Default)]
pub(crate) struct Views {
    /// What they have to say to each open.
    pub(crate) refusal: Mutex<Option<Status>>,
    /// The opens they were asked about.
    pub(crate) asked: Mutex<Vec<MappedOpen>>,
}

/// Whose drives the tests map.
pub(crate) const ME: LogonId = LogonId(0x3e7);

pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) redirector: MiniRedirector<Host>,
    pub(crate) server: Server,
    pub(crate) port: u16,
    /// The share's name, without a leading backslash.
    pub(crate) share: String,
    folder: TempDir,
}

/// What answers.
pub(crate) enum Server {
    /// The one in this process.
    Embedded(TestServer),
    /// A diod of the test's own.
    Diod(Diod),
}

/// UTF-16 of `text`.
pub(crate) fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

/// A token for one call.
pub(crate) fn token() -> CancelToken {
    CancelToken::try_new().unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    pub(crate) fn with_settings(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = TestServer::builder(folder.path())
            .names(&["/export"])
            .start()
            .unwrap();
        let port = server.port();
        Self::before(settings, folder, Server::Embedded(server), port, "export".into())
    }

    /// The same with a server of the test's own making, which serves `/export`.
    pub(crate) fn with_server(
        settings: Settings,
        builder: impl FnOnce(testserver::Builder) -> testserver::Builder,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let builder = builder(TestServer::builder(folder.path()).names(&["/export"]));
        let server = builder.start().unwrap();
        let port = server.port();
        Self::before(settings, folder, Server::Embedded(server), port, "export".into())
    }

    /// The same with a real diod, whose answers are waited for however busy the machine is.
    pub(crate) fn with_diod() -> Self {
        Self::with_diod_and(Settings {
            request_timeout: Duration::from_secs(60),
            ..Settings::default()
        })
    }

    pub(crate) fn with_diod_and(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let diod = Diod::start(folder.path());
        let share = folder.path().to_str().unwrap()[1..].replace('/', "\\");
        let port = diod.port();
        Self::before(settings, folder, Server::Diod(diod), port, share)
    }

    fn before(settings: Settings, folder: TempDir, server: Server, port: u16, share: String) -> Self {
        let runtime = Runtime::start(2).unwrap();
        let redirector = MiniRedirector::new(rxce::sockets::Sockets, runtime.clone(), settings).unwrap();
        redirector.start().unwrap();
        Self {
            runtime,
            redirector,
            server,
            port,
            share,
            folder,
        }
    }

    /// The server in this process.
    pub(crate) fn embedded(&self) -> &TestServer {
        match &self.server {
            Server::Embedded(server) => server,
            Server::Diod(_) => panic!("the server is diod"),
        }
    }

    /// Whether the server makes symbolic links.
    pub(crate) fn makes_links(&self) -> bool {
        matches!(self.server, Server::Diod(_))
    }

    /// What the server calls a path below the share.
    pub(crate) fn server_path(&self, below: &str) -> PathBuf {
        PathBuf::from(format!("/{}/{below}", self.share.replace('\\', "/")))
    }

    /// A path on the server's disk.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn block<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future).unwrap()
    }

    pub(crate) fn unc(&self) -> String {
        format!("\\127.0.0.1@{}\\{}", self.port, self.share)
    }

    /// Maps a drive, or with an empty `drive` the share without one.
    pub(crate) fn map(&self, drive: &str) -> nt::Result {
        self.map_name(&self.full(drive, ""), "")
    }

    pub(crate) fn map_name(&self, full: &str, user: &str) -> nt::Result {
        let cancel = token();
        self.block(
            self.redirector
                .add_connection(name(full).as_name(), name(user).as_name(), ME, &cancel),
        )
    }

    pub(crate) fn unmap(&self, drive: &str) -> nt::Result {
        self.unmap_at(drive, Level::Refuse)
    }

    pub(crate) fn unmap_at(&self, drive: &str, level: Level) -> nt::Result {
        let cancel = token();
        self.block(
            self.redirector
                .delete_connection(name(drive).as_name(), ME, level, &cancel),
        )
    }

    /// The name of `path` on a drive, as the redirector's device sees it.
    pub(crate) fn full(&self, drive: &str, path: &str) -> String {
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

    /// Every connection, as `(local, remote, user, open handles)`.
    pub(crate) fn connections(&self) -> Vec<(String, String, String, u32)> {
        let mut found = Vec::new();
        let mut index = 0;
        loop {
            match self.redirector.connection(index, ME) {
                Ok(connection) => {
                    index = connection.next_index;
                    found.push((
                        connection.local.as_name().to_string(),
                        connection.remote.as_name().to_string(),
                        connection.user.as_name().to_string(),
                        connection.open_handles,
                    ));
                }
                Err(status) => {
                    assert_eq!(status, nt::Status::NO_MORE_ENTRIES);
                    return found;
                }
            }
        }
    }

    /// Where the connection of a drive stands.
    pub(crate) fn state(&self, drive: &str) -> minirdr::LinkState {
        let found = self.redirector.find_connection(name(drive).as_name(), ME);
        found.unwrap().state
    }

    /// Opens a path on drive X:.
    pub(crate) fn open(&self, path: &str, open: &Open) -> nt::Result<File<'_>> {
        self.open_full(&self.full("X:", path), open)
    }

    pub(crate) fn open_full(&self, full: &str, open: &Open) -> nt::Result<File<'_>> {
        self.open_below(None, full, open)
    }

    pub(crate) fn open_below(
        &self,
        related: Option<&File<'_>>,
        path: &str,
        open: &Open,
    ) -> nt::Result<File<'_>> {
        self.open_units_below(related, name(path).as_name().as_units(), open)
    }

    /// Opens a name that need not be text, or not even a name.
    pub(crate) fn open_units_below(
        &self,
        related: Option<&File<'_>>,
        units: &[u16],
        open: &Open,
    ) -> nt::Result<File<'_>> {
        self.create(related, units, open, &[])
    }

    /// As [`Self::open`], with extended attributes for a new file.
    pub(crate) fn open_with_ea(&self, path: &str, open: &Open, attributes: &[u8]) -> nt::Result<File<'_>> {
        let full = name(&self.full("X:", path));
        self.create(None, full.as_name().as_units(), open, attributes)
    }

    fn create(
        &self,
        related: Option<&File<'_>>,
        units: &[u16],
        open: &Open,
        attributes: &[u8],
    ) -> nt::Result<File<'_>> {
        let cancel = token();
        let request = open.request(Name::new(units), related.map(|file| &*file.file), ME);
        let created = self.redirector.create_with_ea(&request, attributes, &cancel);
        let created = self.block(created)?;
        Ok(File {
            world: self,
            file: created.file,
            action: created.action,
        })
    }

    /// Another machine, with the same share as drive X:.
    pub(crate) fn neighbour(&self) -> Neighbour<'_> {
        let settings = Settings {
            request_timeout: Duration::from_secs(60),
            ..Settings::default()
        };
        let redirector = MiniRedirector::new(rxce::sockets::Sockets, self.runtime.clone(), settings).unwrap();
        redirector.start().unwrap();
        let (drive, cancel) = (name(&self.full("X:", "")), token());
        let mapping = redirector.add_connection(drive.as_name(), Name::default(), ME, &cancel);
        self.block(mapping).unwrap();
        Neighbour {
            world: self,
            redirector,
        }
    }

    /// The sorted names in a directory of drive X:.
    pub(crate) fn list(&self, path: &str) -> nt::Result<Vec<String>> {
        let mut names = self.open(path, &Open::directory())?.names()?;
        names.sort();
        Ok(names)
    }

    /// Ends it all; nothing may be left anywhere.
    pub(crate) fn end(self) {
        match self.end_without_server() {
            Server::Embedded(server) => {
                assert!(
                    server.wait_idle(Duration::from_secs(10)),
                    "a connection stayed open"
                );
                assert_eq!(server.stop(), 0, "fids were not clunked");
            }
            Server::Diod(diod) => diod.stop(),
        }
    }

    /// Ends it all where sessions were lost, with the fids on them: everything is gone but for those.
    pub(crate) fn end_after_loss(self) {
        let Server::Embedded(server) = self.end_without_server() else {
            panic!("the server is diod");
        };
        assert!(
            server.wait_idle(Duration::from_secs(10)),
            "a connection stayed open"
        );
    }

    /// Ends all but the server, of which more cannot be asked.
    pub(crate) fn end_without_server(self) -> Server {
        let objects = self.redirector.statistics().objects;
        assert_eq!(objects, ObjectCounts::default(), "objects are left");
        if let Err(status) = self.redirector.stop() {
            assert_eq!(status, nt::Status::REDIRECTOR_NOT_STARTED);
        }
        drop(self.redirector);
        self.runtime.shutdown();
        assert_eq!(self.runtime.live_tasks(), 0);
        self.server
    }
}

/// Another client of the same server.
pub(crate) struct Neighbour<'w> {
    world: &'w World,
    redirector: MiniRedirector<Host>,
}

impl<'w> Neighbour<'w> {
    /// Opens a path on its drive X:.
    pub(crate) fn open(&self, path: &str, open: &Open) -> nt::Result<File<'w>> {
        let (full, cancel) = (name(&self.world.full("X:", path)), token());
        let request = open.request(full.as_name(), None, ME);
        let created = self.redirector.create(&request, &cancel);
        let created = self.world.block(created)?;
        Ok(File {
            world: self.world,
            file: created.file,
            action: created.action,
        })
    }

    /// Takes its drive away; nothing may be left.
    pub(crate) fn end(self) {
        let (drive, cancel) = (name("X:"), token());
        let deleting = self
            .redirector
            .delete_connection(drive.as_name(), ME, Level::Refuse, &cancel);
        self.world.block(deleting).unwrap();
        assert_eq!(self.redirector.statistics().objects, ObjectCounts::default());
        self.redirector.stop().unwrap();
    }
}
