//! One share, mapped for the length of a command.

use std::ffi::OsStr;
use std::time::Duration;

use executive::mem::AllocError;
use executive::task::{CancelToken, Runtime};
use minirdr::{CreateRequest, Level, LogonId, MiniRedirector, Platform, Settings};
use nt::{AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, NameBuf, ShareAccess};
use rxce::sockets::Sockets;

use crate::args::Options;
use crate::failure::Failure;
use crate::file::File;
use crate::share::{Share, nt_path};

/// The host, as a platform.
pub(crate) struct Host;

impl Platform for Host {
    type Transport = Sockets;
    type FcbHeader = ();

    fn new_fcb_header() -> Result<(), AllocError> {
        Ok(())
    }
}

/// Whose connections these are: there is nobody else in this process.
const LOGON: LogonId = LogonId::GLOBAL;

/// A share in use.
pub(crate) struct Drive {
    pub(crate) runtime: Runtime,
    redirector: MiniRedirector<Host>,
    unc: NameBuf,
    /// The share as it was written, for messages.
    pub(crate) text: String,
}

/// How to open a file.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    pub(crate) access: AccessMask,
    pub(crate) disposition: CreateDisposition,
    pub(crate) options: CreateOptions,
}

impl Open {
    /// An existing file or directory, for what `access` says.
    pub(crate) fn existing(access: AccessMask) -> Self {
        Self {
            access,
            disposition: CreateDisposition::OPEN,
            options: CreateOptions::empty(),
        }
    }

    pub(crate) fn with(mut self, options: CreateOptions) -> Self {
        self.options |= options;
        self
    }

    pub(crate) fn disposition(mut self, disposition: CreateDisposition) -> Self {
        self.disposition = disposition;
        self
    }
}

impl Drive {
    /// Connects.
    pub(crate) fn map(share: &Share, options: &Options) -> Result<Self, Failure> {
        let failed = |status| Failure::Unreachable {
            share: share.text.clone(),
            status,
        };
        let settings = Settings {
            msize: options.msize,
            request_timeout: Duration::from_secs(options.timeout.into()),
            window: options.window,
            default_user: own_uid(),
            ..Settings::default()
        };
        let runtime = Runtime::start(2).map_err(failed)?;
        let drive = Self {
            redirector: MiniRedirector::new(Sockets, runtime.clone(), settings).map_err(failed)?,
            runtime,
            unc: NameBuf::try_from_units(&share.unc).map_err(failed)?,
            text: share.text.clone(),
        };
        drive.redirector.start().map_err(failed)?;
        let user = NameBuf::try_from_str(&options.user).map_err(failed)?;
        drive
            .block(async |cancel| {
                let redirector = &drive.redirector;
                redirector
                    .add_connection(drive.unc.as_name(), user.as_name(), LOGON, cancel)
                    .await
            })
            .map_err(failed)?;
        Ok(drive)
    }

    /// Disconnects, and returns when everything has ended.
    pub(crate) fn unmap(self) {
        // What is still open belongs to a command that failed.
        let _ = self.block(async |cancel| {
            let name = self.unc.as_name();
            self.redirector
                .delete_connection(name, LOGON, Level::Force, cancel)
                .await
        });
        drop(self.redirector);
        self.runtime.shutdown();
    }

    /// Waits for one request, which gets a token of its own.
    pub(crate) fn block<V>(&self, request: impl AsyncFnOnce(&CancelToken) -> nt::Result<V>) -> nt::Result<V> {
        let cancel = CancelToken::try_new()?;
        self.runtime.block_on(request(&cancel))?
    }

    /// Opens a path of the server.
    pub(crate) fn open(&self, path: &OsStr, open: Open) -> Result<File<'_>, Failure> {
        self.try_open(path, open)
            .map_err(|status| Failure::remote(format!("cannot open {}", self.shown(path)), status))
    }

    /// As [`Self::open`], with the bare status.
    pub(crate) fn try_open(&self, path: &OsStr, open: Open) -> nt::Result<File<'_>> {
        self.try_create(path, open).map(|(file, _)| file)
    }

    /// As [`Self::try_open`], with what was done to the file.
    pub(crate) fn try_create(&self, path: &OsStr, open: Open) -> nt::Result<(File<'_>, CreateAction)> {
        self.create(path, open, false)
    }

    /// Opens the directory that `path` is in, as a rename wants it.
    pub(crate) fn try_open_directory_of(&self, path: &OsStr) -> nt::Result<File<'_>> {
        self.create(path, Open::existing(AccessMask::WRITE_DATA), true)
            .map(|(file, _)| file)
    }

    fn create(
        &self,
        path: &OsStr,
        open: Open,
        open_target_directory: bool,
    ) -> nt::Result<(File<'_>, CreateAction)> {
        let mut name = self.unc.try_clone()?;
        name.try_push_name(nt_path(path)?.as_name())?;
        let request = CreateRequest {
            name: name.as_name(),
            related: None,
            logon: LOGON,
            desired_access: open.access,
            share_access: ShareAccess::all(),
            disposition: open.disposition,
            options: open.options,
            file_attributes: FileAttributes::NORMAL,
            open_target_directory,
            case_sensitive: true,
        };
        let created = self.block(async |cancel| self.redirector.create(&request, cancel).await)?;
        Ok((File::new(self, created.file), created.action))
    }

    /// A path as messages show it.
    pub(crate) fn shown(&self, path: &OsStr) -> String {
        let path = path.to_string_lossy();
        match path.trim_start_matches('/') {
            "" => self.text.clone(),
            path => path.into(),
        }
    }
}

/// Who to attach as when nobody was named: the user who runs this, where there are such numbers.
fn own_uid() -> u32 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata("/proc/self").map_or(0, |process| process.uid())
    }
    #[cfg(not(unix))]
    0
}
