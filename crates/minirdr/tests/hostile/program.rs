//! A program that uses a drive in every way, and goes on whatever fails.

use std::time::Duration;

use executive::mem::Arc;
use executive::task::{CancelToken, Runtime};
use minirdr::{
    CreateRequest, DirectoryQuery, EaQuery, Level, LockRequest, LogonId, MiniRedirector, OpenFile, Requestor,
    Unlock, WritePosition,
};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, FsInformationClass,
    Name, NameBuf, ShareAccess, Status,
};

use crate::server::SLOW_OFFSET;
use crate::simulated::Simulated;

const ME: LogonId = LogonId(1);

/// How one operation ended.
pub(crate) struct Outcome {
    pub(crate) what: &'static str,
    pub(crate) result: nt::Result,
    pub(crate) took: Duration,
}

type File = Arc<OpenFile<Simulated>>;

pub(crate) struct Program<'a> {
    runtime: &'a Runtime,
    redirector: &'a MiniRedirector<Simulated>,
    pub(crate) outcomes: Vec<Outcome>,
}

fn token() -> CancelToken {
    CancelToken::try_new().unwrap()
}

fn text(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

impl<'a> Program<'a> {
    pub(crate) fn new(runtime: &'a Runtime, redirector: &'a MiniRedirector<Simulated>) -> Self {
        Self {
            runtime,
            redirector,
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
        let redirector = self.redirector;
        let drive = text("\\;X:\\10.0.0.1\\export");
        let cancel = token();
        let mapping = redirector.add_connection(drive.as_name(), Name::default(), ME, &cancel);
        let mapped = self.note("map", mapping).await;
        if mapped.is_some() {
            self.files().await;
            self.names().await;
        }
        // Without force: no handle is open any more.
        let cancel = token();
        let unmapping = async {
            let result = redirector
                .delete_connection(drive.as_name(), ME, Level::Refuse, &cancel)
                .await;
            match result {
                Err(Status::NOT_FOUND) if mapped.is_none() => Ok(()),
                result => result,
            }
        };
        self.note("unmap", unmapping).await;
    }

    async fn files(&mut self) {
        let Some(file) = self.open("create", "new", CreateDisposition::CREATE).await else {
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
        self.extras(&file).await;
        let mut record = [0; 30];
        record[16] = 10;
        record[20..].copy_from_slice(b"o\0t\0h\0e\0r\0");
        let rename = file.set_information(FileInformationClass::RENAME, &record, None, &cancel);
        self.note("rename", rename).await;
        let class = FileInformationClass::DISPOSITION;
        let doom = file.set_information(class, &[1], None, &cancel);
        self.note("set disposition", doom).await;
        self.end("close of a file to delete", file).await;
    }

    /// What the good server may not have.
    async fn extras(&mut self, file: &File) {
        let (cancel, mut buffer) = (token(), [0; 512]);
        let listing = async {
            match file.query_ea(&EaQuery::default(), &mut buffer, &cancel).await {
                Err(Status::EAS_NOT_SUPPORTED | Status::NO_EAS_ON_FILE) => Ok(()),
                listed => listed.map(drop),
            }
        };
        self.note("query EAs", listing).await;
        // FILE_LINK_INFORMATION: `also`.
        let mut record = [0; 28];
        record[16] = 8;
        record[20..].copy_from_slice(b"a\0l\0s\0o\0");
        let link = file.set_information(FileInformationClass::LINK, &record, None, &cancel);
        self.note("link", link).await;
        let Some(target) = self
            .open("create a link", "pointer", CreateDisposition::CREATE)
            .await
        else {
            return;
        };
        // REPARSE_DATA_BUFFER of a relative symbolic link to `x`.
        let mut buffer = [0; 24];
        buffer[..4].copy_from_slice(&0xa000_000c_u32.to_le_bytes());
        buffer[4] = 16;
        buffer[10] = 2;
        buffer[12] = 2;
        buffer[14] = 2;
        buffer[16] = 1;
        buffer[20] = b'x';
        buffer[22] = b'x';
        let pointing = async {
            const FSCTL_SET_REPARSE_POINT: u32 = 0x0009_00a4;
            let set = target.fs_control(FSCTL_SET_REPARSE_POINT, &mut buffer, 24, 0, &cancel);
            match set.await {
                Err(Status::NOT_SUPPORTED | Status::ACCESS_DENIED) => Ok(()),
                set => set.map(drop),
            }
        };
        self.note("set reparse point", pointing).await;
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
        let make = CreateDisposition::OPEN_IF;
        if let Some(made) = self.open("make a directory", "made\\", make).await {
            self.end("close of a directory", made).await;
        }
        if let Some(link) = self.open("open by a link", "link", CreateDisposition::OPEN).await {
            self.end("close of a link's target", link).await;
        }
        let open = CreateDisposition::OPEN;
        let Some(folder) = self.open("open a directory", "folder\\", open).await else {
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

    async fn open(&mut self, what: &'static str, path: &str, disposition: CreateDisposition) -> Option<File> {
        let full = text(&format!("\\;X:\\10.0.0.1\\export\\{path}"));
        let redirector = self.redirector;
        let (access, options) = if path.ends_with('\\') {
            (AccessMask::GENERIC_READ, CreateOptions::DIRECTORY_FILE)
        } else {
            let all = AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE | AccessMask::DELETE;
            (all, CreateOptions::empty())
        };
        let creating = async {
            let request = CreateRequest {
                name: full.as_name(),
                related: None,
                logon: ME,
                desired_access: access,
                share_access: ShareAccess::all(),
                disposition,
                options,
                file_attributes: FileAttributes::NORMAL,
                open_target_directory: false,
                case_sensitive: false,
            };
            redirector.create(&request, &token()).await
        };
        self.note(what, creating).await.map(|created| created.file)
    }

    /// Cleanup and close, which always succeed.
    async fn end(&mut self, what: &'static str, file: File) {
        let ending = async {
            file.cleanup().await;
            file.close();
            Ok(())
        };
        self.note(what, ending).await;
    }
}
