//! Every allocation failing in turn, through the whole stack on one thread: redirector, engine and session under test,
//! a network in memory, and behind it a good server that never runs out of memory.

#[path = "../simulated/good_server.rs"]
mod good_server;
#[path = "../simulated/mod.rs"]
mod simulated;

use std::alloc::System;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;

use executive::mem::{Arc, Counting, sweep, unfailing};
use executive::task::{CancelToken, Runtime, join};
use good_server::serve_one;
use minirdr::{
    CreateRequest, DirectoryQuery, Level, LockRequest, LogonId, MiniRedirector, NotifyFilter, NotifyRequest,
    ObjectCounts, OpenFile, Requestor, Settings, Unlock, WritePosition,
};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, Name, NameBuf,
    ShareAccess, Status,
};
use rxce::memory::{Listener, Network};
use simulated::Simulated;
use testserver::{MemoryFile, MemoryServer};

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 564);
const ME: LogonId = LogonId(1);

/// Polls `future` with no allocation failing.
async fn spared<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| unfailing(|| future.as_mut().poll(context))).await
}

/// Serves one connection after the other until nobody can connect any more.
async fn serve(listener: Listener, server: MemoryServer) {
    loop {
        let endpoint = listener.accept().await;
        serve_one(&endpoint, &server).await;
    }
}

type File = Arc<OpenFile<Simulated>>;

/// What a program does with a drive.
struct Session<'a> {
    redirector: &'a MiniRedirector<Simulated>,
    data: &'a [u8],
    buffer: &'a mut [u8],
}

impl Session<'_> {
    async fn run(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let drive = NameBuf::try_from_str("\\;X:\\10.0.0.1\\export")?;
        self.redirector
            .add_connection(drive.as_name(), Name::default(), ME, &cancel)
            .await?;
        let file = self
            .create("file", CreateDisposition::CREATE, CreateOptions::empty())
            .await?;
        let written = file
            .write(WritePosition::At(0), self.data, &CancelToken::try_new()?)
            .await?;
        if written < self.data.len() {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        let read = file.read(0, self.buffer, &CancelToken::try_new()?).await?;
        if read < self.data.len() {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        assert!(self.buffer[..read] == *self.data);
        self.look(&file).await?;
        self.lock(&file).await?;
        self.watch().await?;
        self.rename(&file).await?;
        file.set_information(
            FileInformationClass::DISPOSITION,
            &[1],
            None,
            &CancelToken::try_new()?,
        )
        .await?;
        file.cleanup().await;
        file.close();
        self.list().await?;
        self.redirector
            .delete_connection(drive.as_name(), ME, Level::Refuse, &CancelToken::try_new()?)
            .await
    }

    /// Spellings, symbolic links, hard links, renames and deletions.
    async fn run_names(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let drive = NameBuf::try_from_str("\\;X:\\10.0.0.1\\export")?;
        self.redirector
            .add_connection(drive.as_name(), Name::default(), ME, &cancel)
            .await?;
        let (open, any) = (CreateDisposition::OPEN, CreateOptions::empty());
        let volume = self.create("", open, CreateOptions::DIRECTORY_FILE).await?;
        // In another case, through a link.
        let file = self.create("WAY\\7", open, any).await?;
        let class = FileInformationClass::INTERNAL;
        let (length, _) = file.query_information(class, 0, self.buffer, &cancel).await?;
        assert_eq!(length, 8);
        let id = self.buffer.first_chunk::<8>().copied().unwrap();
        for (class, new) in [
            (FileInformationClass::LINK, "linked"),
            (FileInformationClass::RENAME_EX, "8"),
            (FileInformationClass::RENAME, "eight"),
            (FileInformationClass::RENAME, "EIGHT"),
        ] {
            file.set_information(class, &new_name(new)?, None, &cancel)
                .await?;
        }
        let units: [u16; 4] =
            core::array::from_fn(|unit| u16::from_le_bytes([id[2 * unit], id[2 * unit + 1]]));
        let same = self.create_in(
            Some(&volume),
            Name::new(&units),
            open,
            CreateOptions::OPEN_BY_FILE_ID,
        );
        // Without memory to take note of a file it is not found by its id: a hint may be lost.
        let same = same.await.map_err(|status| match status {
            Status::INVALID_PARAMETER => Status::INSUFFICIENT_RESOURCES,
            other => other,
        })?;
        let disposition = FileInformationClass::DISPOSITION_EX;
        same.set_information(disposition, &[3, 0, 0, 0], None, &cancel)
            .await?;
        for file in [same, file] {
            file.cleanup().await;
            file.close();
        }
        let link = self
            .create("Way", open, CreateOptions::OPEN_REPARSE_POINT)
            .await?;
        let control = async |code, length| {
            let mut buffer = [0; 100];
            buffer[..4].copy_from_slice(&0xa000_000c_u32.to_le_bytes());
            let done = link.fs_control(code, &mut buffer, length, 100, &cancel).await;
            done.map(|_| ())
        };
        control(0x0009_00a8, 0).await?;
        control(0x0009_00ac, 8).await?;
        link.cleanup().await;
        link.close();
        volume.cleanup().await;
        volume.close();
        self.redirector
            .delete_connection(drive.as_name(), ME, Level::Refuse, &CancelToken::try_new()?)
            .await
    }

    async fn create_in(
        &self,
        related: Option<&File>,
        name: Name<'_>,
        disposition: CreateDisposition,
        options: CreateOptions,
    ) -> nt::Result<File> {
        let request = CreateRequest {
            name,
            related: related.map(|file| &**file),
            logon: ME,
            desired_access: AccessMask::MAXIMUM_ALLOWED,
            share_access: ShareAccess::all(),
            disposition,
            options,
            file_attributes: FileAttributes::NORMAL,
            open_target_directory: false,
            case_sensitive: false,
        };
        let created = self.redirector.create(&request, &CancelToken::try_new()?).await?;
        Ok(created.file)
    }

    async fn create(
        &self,
        name: &str,
        disposition: CreateDisposition,
        options: CreateOptions,
    ) -> nt::Result<File> {
        let mut full = NameBuf::try_from_str("\\;X:\\10.0.0.1\\export\\")?;
        full.try_push_name(NameBuf::try_from_str(name)?.as_name())?;
        let request = CreateRequest {
            name: full.as_name(),
            related: None,
            logon: ME,
            desired_access: AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE | AccessMask::DELETE,
            share_access: ShareAccess::all(),
            disposition,
            options,
            file_attributes: FileAttributes::NORMAL,
            open_target_directory: false,
            case_sensitive: false,
        };
        let created = self.redirector.create(&request, &CancelToken::try_new()?).await?;
        Ok(created.file)
    }

    async fn look(&mut self, file: &File) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let (len, _) = file
            .query_information(FileInformationClass::ALL, 0, self.buffer, &cancel)
            .await?;
        assert!(len > 100);
        let (len, _) = file
            .query_volume(nt::FsInformationClass::SIZE, self.buffer, &cancel)
            .await?;
        assert_eq!(len, 24);
        file.flush(&cancel).await
    }

    /// Locks, meets the lock with another handle, waits for it, and leaves one for cleanup.
    async fn lock(&mut self, file: &File) -> nt::Result {
        let (who, cancel) = (Requestor::default(), CancelToken::try_new()?);
        let range = |start, fail_immediately| LockRequest {
            start,
            length: 10,
            exclusive: true,
            fail_immediately,
        };
        let single = |start| Unlock::Single { start, length: 10 };
        file.lock(&range(0, true), &who, &cancel).await?;
        file.lock(&range(100, true), &who, &cancel).await?;
        let other = self
            .create("file", CreateDisposition::OPEN, CreateOptions::empty())
            .await?;
        let read = other.read(0, &mut self.buffer[..20], &cancel).await;
        assert!(matches!(
            read,
            Err(Status::FILE_LOCK_CONFLICT | Status::INSUFFICIENT_RESOURCES)
        ));
        let unlocking = CancelToken::try_new()?;
        let free = async {
            let unlocked = file.unlock(single(0), &who, &unlocking).await;
            if unlocked.is_err() {
                cancel.cancel();
            }
            unlocked
        };
        let request = range(0, false);
        let waiting = other.lock(&request, &who, &cancel);
        let (waited, freed) = join(waiting, free).await;
        freed.and(waited)
    }

    /// Watches a directory while something is made in it.
    async fn watch(&self) -> nt::Result {
        let folder = self
            .create(
                "folder",
                CreateDisposition::OPEN_IF,
                CreateOptions::DIRECTORY_FILE,
            )
            .await?;
        let (mut told, cancel) = ([0; 64], CancelToken::try_new()?);
        let request = NotifyRequest {
            filter: NotifyFilter::FILE_NAME,
            watch_tree: false,
        };
        let make = async {
            let own = CreateOptions::DELETE_ON_CLOSE;
            let made = self.create("folder\\new", CreateDisposition::CREATE, own).await;
            if made.is_err() {
                cancel.cancel();
            }
            made.map(drop)
        };
        let waiting = folder.notify_change(request, &mut told, &cancel);
        let (waited, made) = join(waiting, make).await;
        made?;
        // Without memory for what happened, the watcher is told to look for itself.
        assert!(matches!(
            waited,
            Ok((_, Status::SUCCESS | Status::NOTIFY_ENUM_DIR)) | Err(Status::INSUFFICIENT_RESOURCES)
        ));
        waited.map(drop)
    }

    async fn rename(&self, file: &File) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let mut record = [0; 30];
        record[16] = 10;
        record[20..].copy_from_slice(b"o\0t\0h\0e\0r\0");
        file.set_information(FileInformationClass::RENAME, &record, None, &cancel)
            .await
    }

    async fn list(&mut self) -> nt::Result {
        let folder = self
            .create(
                "folder",
                CreateDisposition::OPEN_IF,
                CreateOptions::DIRECTORY_FILE,
            )
            .await?;
        let query = DirectoryQuery {
            class: FileInformationClass::ID_BOTH_DIRECTORY,
            pattern: None,
            restart: false,
            single: false,
        };
        let mut seen = 0;
        loop {
            let listed = folder
                .query_directory(&query, &mut self.buffer[..600], &CancelToken::try_new()?)
                .await;
            match listed {
                Ok((len, _)) => seen += len,
                Err(Status::NO_MORE_FILES) => break,
                Err(status) => return Err(status),
            }
        }
        assert!(seen > 12 * 104);
        Ok(())
    }
}

/// FILE_RENAME_INFORMATION or FILE_LINK_INFORMATION that replaces.
fn new_name(name: &str) -> nt::Result<Vec<u8>> {
    let name = NameBuf::try_from_str(name)?;
    Ok(unfailing(|| {
        let mut record = vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend((name.len() as u32 * 2).to_le_bytes());
        record.extend(name.as_units().iter().flat_map(|unit| unit.to_le_bytes()));
        record
    }))
}

/// What a run does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// [`Session::run`].
    All,
    /// [`Session::run_names`].
    Names,
}

/// One run of it all, from nothing to nothing.
fn run(what: What, data: &[u8], buffer: &mut [u8]) -> nt::Result {
    let (runtime, network) = unfailing(|| {
        let server = MemoryServer::new();
        for number in 0..10 {
            server.make(&format!("folder/{number}"), MemoryFile::File(Vec::new()));
        }
        server.make("Way", MemoryFile::Link(b"folder".into()));
        let runtime = Runtime::simulated(7).unwrap();
        let network = Network::new(&runtime).unwrap();
        let listener = network.listen(ADDRESS).unwrap();
        drop(runtime.spawn(spared(serve(listener, server))).unwrap());
        (runtime, network)
    });
    let server_tasks = runtime.live_tasks();
    let result = (|| {
        let redirector = MiniRedirector::<Simulated>::new(network, runtime.clone(), Settings::default())?;
        redirector.start()?;
        let mut session = Session {
            redirector: &redirector,
            data,
            buffer,
        };
        let result = match what {
            What::All => runtime.block_on(session.run())?,
            What::Names => runtime.block_on(session.run_names())?,
        };
        unfailing(|| {
            let cancel = CancelToken::try_new().unwrap();
            let drive = NameBuf::try_from_str("X:").unwrap();
            if redirector.find_connection(drive.as_name(), ME).is_ok() {
                let folder = session.create("folder", CreateDisposition::OPEN, CreateOptions::DIRECTORY_FILE);
                let opened = runtime.block_on(folder).unwrap();
                assert!(opened.is_ok(), "the drive works no more: {:?}", opened.err());
            }
            let gone = redirector.delete_connection(drive.as_name(), ME, Level::Force, &cancel);
            let gone = runtime.block_on(gone).unwrap();
            assert!(gone.is_ok() || gone == Err(Status::NOT_FOUND));
        });
        runtime.run_until_stalled();
        assert_eq!(redirector.statistics().objects, ObjectCounts::default());
        redirector.stop()?;
        result
    })();
    unfailing(|| {
        // Circuits that are being closed end now.
        runtime.advance(std::time::Duration::from_secs(30));
        assert_eq!(runtime.live_tasks(), server_tasks, "tasks are left");
        runtime.cancel_all();
        runtime.shutdown();
    });
    result
}

#[test]
fn every_allocation_fails_in_turn() {
    every_allocation_fails(What::All, 200);
}

#[test]
fn every_allocation_of_names_fails_in_turn() {
    every_allocation_fails(What::Names, 100);
}

/// Sweeps over a run, of which at least `least` failures must be told to the caller.
fn every_allocation_fails(what: What, least: u32) {
    let data = vec![0x5a; 200_000];
    let mut buffer = vec![0; 200_000];
    // Once without failures: what the process keeps for good is made then.
    run(what, &data, &mut buffer).unwrap();
    let mut short_of_memory = 0;
    let swept = sweep(
        || run(what, &data, &mut buffer),
        |run, result| {
            assert_eq!(run.leaked, 0, "failing allocation {} leaks", run.number);
            match result {
                Err(Status::INSUFFICIENT_RESOURCES) => short_of_memory += 1,
                // The transport found no memory, and broke the connection.
                Err(
                    Status::CONNECTION_DISCONNECTED | Status::CONNECTION_ABORTED | Status::BAD_NETWORK_PATH,
                ) => {}
                // Ends and waits survive it.
                Ok(()) => {}
                Err(status) => panic!("failing allocation {} gives {status:?}", run.number),
            }
        },
    );
    assert!(
        short_of_memory > least,
        "{short_of_memory} of {} reported",
        swept.failures
    );
}
