//! A program that uses a drive in every way, and goes on whatever fails.

use std::time::Duration;

use executive::task::Runtime;
use minirdr::{Caller, DirectoryQuery, EaQuery, Level, LockRequest, Requestor, Unlock, WritePosition};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, FsInformationClass,
    SecurityInformation, Status,
};

use crate::drive::{self, Drive, File, ME, token};
use crate::open::Open;
use crate::records::{full_ea, new_name, symbolic_link};
use crate::server::SLOW_OFFSET;

/// How one operation ended.
pub(crate) struct Outcome {
    pub(crate) what: &'static str,
    pub(crate) result: nt::Result,
    pub(crate) took: Duration,
}

pub(crate) struct Program<'a> {
    runtime: &'a Runtime,
    drive: Drive<'a>,
    pub(crate) outcomes: Vec<Outcome>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(runtime: &'a Runtime, drive: Drive<'a>) -> Self {
        Self {
            runtime,
            drive,
            outcomes: Vec::with_capacity(64),
        }
    }

    /// Does one thing, and takes note of how it went.
    async fn note<V>(&mut self, what: &'static str, work: impl Future<Output = nt::Result<V>>) -> Option<V> {
        let before = self.runtime.now();
        let result = work.await;
        self.outcomes.push(Outcome {
            what,
            result: result.as_ref().map(drop).map_err(|&status| status),
            took: self.runtime.now().saturating_since(before),
        });
        result.ok()
    }

    pub(crate) async fn run(&mut self) {
        let drive = self.drive;
        let mapped = self.note("map", drive.map()).await;
        if mapped.is_some() {
            self.files().await;
            self.names().await;
        }
        // Without force: no handle is open any more.
        let unmapping = async {
            match drive.unmap(Level::Refuse).await {
                Err(Status::NOT_FOUND) if mapped.is_none() => Ok(()),
                result => result,
            }
        };
        self.note("unmap", unmapping).await;
    }

    async fn files(&mut self) {
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::CREATE);
        let Some(file) = self.open("create", "new", every).await else {
            return;
        };
        let (data, mut buffer) = (vec![5; 150_000], vec![0; 150_000]);
        let cancel = token();
        let written = file.write(WritePosition::At(0), &data, &cancel);
        let written = self.note("write", written).await;
        if let Some(read) = self.note("read", file.read(0, &mut buffer, &cancel)).await
            && written == Some(data.len())
        {
            assert!(buffer[..read] == data[..read], "a read that succeeds is right");
        }
        let class = FileInformationClass::ALL;
        let query = file.query_information(class, 0, &mut buffer, &cancel);
        self.note("query information", query).await;
        let query = file.query_volume(FsInformationClass::SIZE, &mut buffer, &cancel);
        self.note("query volume", query).await;
        self.note("flush", file.flush(&cancel)).await;
        let size = 1000_u64.to_le_bytes();
        let set = file.set_information(FileInformationClass::END_OF_FILE, &size, None, &cancel);
        self.note("set end of file", set).await;
        self.lock(&file).await;
        self.give_up(&file).await;
        self.attributes(&file).await;
        self.links(&file).await;
        let record = new_name("other", 0);
        let rename = file.set_information(FileInformationClass::RENAME, &record, None, &cancel);
        self.note("rename", rename).await;
        let class = FileInformationClass::DISPOSITION;
        let doom = file.set_information(class, &[1], None, &cancel);
        self.note("set disposition", doom).await;
        self.end("close of a file to delete", file).await;
    }

    /// Extended and DOS attributes, and security.
    async fn attributes(&mut self, file: &File) {
        let (cancel, mut buffer) = (token(), [0; 512]);
        let record = full_ea(&[("ONE", b"1"), ("TWO", &[2; 100])]);
        self.note("set EAs", file.set_ea(&record, &cancel)).await;
        let listing = async {
            match file.query_ea(&EaQuery::default(), &mut buffer, &cancel).await {
                // They could not be set.
                Err(Status::NO_EAS_ON_FILE) => Ok(()),
                listed => listed.map(drop),
            }
        };
        self.note("query EAs", listing).await;
        let mut basic = [0; 40];
        let hidden = FileAttributes::HIDDEN | FileAttributes::ARCHIVE;
        basic[32..36].copy_from_slice(&hidden.bits().to_le_bytes());
        let class = FileInformationClass::BASIC;
        let hide = file.set_information(class, &basic, None, &cancel);
        self.note("set attributes", hide).await;
        let caller = Caller {
            logon: ME,
            user: None,
        };
        let parts = SecurityInformation::DACL;
        let query = file.query_security(parts, &caller, &mut buffer, &cancel);
        if let Some((len, _)) = self.note("query security", query).await {
            let set = file.set_security(parts, &buffer[..len], &caller, &cancel);
            self.note("set security", set).await;
        }
    }

    /// A hard link, and a symbolic one.
    async fn links(&mut self, file: &File) {
        let (cancel, record) = (token(), new_name("also", 0));
        let link = file.set_information(FileInformationClass::LINK, &record, None, &cancel);
        self.note("link", link).await;
        let Some(target) = self.open("create a link", "pointer", Open::create()).await else {
            return;
        };
        let mut buffer = symbolic_link("x");
        let length = buffer.len();
        const FSCTL_SET_REPARSE_POINT: u32 = 0x0009_00a4;
        let set = target.fs_control(FSCTL_SET_REPARSE_POINT, &mut buffer, length, 0, &cancel);
        self.note("set reparse point", set).await;
        self.end("close of a link", target).await;
    }

    async fn lock(&mut self, file: &File) {
        let (cancel, who) = (token(), Requestor::default());
        let request = LockRequest {
            start: 0,
            length: 10,
            exclusive: true,
            fail_immediately: true,
        };
        let locked = self.note("lock", file.lock(&request, &who, &cancel)).await;
        if locked.is_some() {
            let unlock = file.unlock(Unlock::All, &who, &cancel);
            self.note("unlock", unlock).await;
        }
    }

    /// Walks away from a read that takes the server long.
    async fn give_up(&mut self, file: &File) {
        let (cancel, mut buffer) = (token(), [0; 8]);
        let runtime = self.runtime;
        let read = async {
            let soon = Duration::from_millis(50);
            let read = file.read(SLOW_OFFSET, &mut buffer, &cancel);
            match runtime.timeout(soon, read).await {
                Ok(Err(Status::END_OF_FILE)) | Err(_) => Ok(()),
                Ok(read) => read.map(drop),
            }
        };
        self.note("a read that is given up", read).await;
        // Time for the flush and its answer.
        runtime.sleep(Duration::from_secs(1)).await;
    }

    async fn names(&mut self) {
        let directory = Open::directory();
        let make = directory.disposition(CreateDisposition::OPEN_IF);
        if let Some(made) = self.open("make a directory", "made", make).await {
            self.end("close of a directory", made).await;
        }
        let all = AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE | AccessMask::DELETE;
        let any = Open::with(all, CreateDisposition::OPEN).options(CreateOptions::empty());
        if let Some(link) = self.open("open by a link", "link", any).await {
            self.end("close of a link's target", link).await;
        }
        let Some(folder) = self.open("open a directory", "folder", directory).await else {
            return;
        };
        let query = DirectoryQuery {
            class: FileInformationClass::ID_BOTH_DIRECTORY,
            pattern: None,
            restart: false,
            single: false,
        };
        let (cancel, mut buffer) = (token(), [0; 2000]);
        let listing = async {
            loop {
                match folder.query_directory(&query, &mut buffer, &cancel).await {
                    Ok(_) => {}
                    Err(Status::NO_MORE_FILES) => return Ok(()),
                    Err(status) => return Err(status),
                }
            }
        };
        self.note("list", listing).await;
        self.end("close of a listed directory", folder).await;
    }

    async fn open(&mut self, what: &'static str, path: &str, open: Open) -> Option<File> {
        let drive = self.drive;
        self.note(what, drive.open(path, &open)).await
    }

    async fn end(&mut self, what: &'static str, file: File) {
        let ending = async {
            drive::end(file).await;
            Ok(())
        };
        self.note(what, ending).await;
    }
}
