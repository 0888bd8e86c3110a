//! What the tests run on: the driver, a share, and a place on the share for each test.

use std::cell::{Cell, RefCell};
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use client::device::Device;
use client::drives;
use client::names::{DriveLetter, Unc};
use ioctl::{Features, Statistics};
use nt::Status;

use super::Checked;
use super::check::done;
use crate::connect::{self, Connected};
use crate::failure::Failure;
use crate::files::{self, Files};
use crate::path::Target;

/// The redirector before a group of tests, to compare with after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// Objects and sessions that exist.
    pub(crate) statistics: Statistics,
    /// File objects of the test driver.
    pub(crate) live: u64,
}

/// What the tests run on.
pub(crate) struct Environment {
    pub(crate) files: Box<dyn Files>,
    share: Option<Unc>,
    export: Option<PathBuf>,
    scratch_count: Cell<u32>,
    pub(crate) baseline: RefCell<Baseline>,
}

impl Environment {
    /// Reads the variables, finds the driver and starts the redirector when it is not started.
    pub(crate) fn new() -> Result<Self, Failure> {
        let share = match env::var("MRX9P_UNC") {
            Ok(text) if !text.is_empty() => Some(
                Unc::parse_str(&text).map_err(|problem| Failure::Usage(format!("{text}: {problem:?}")))?,
            ),
            _ => None,
        };
        let export = env::var("MRX9P_EXPORT")
            .ok()
            .filter(|text| !text.is_empty())
            .map(local_path);
        if let Err(status) = Device::open_for_control()?.start()
            && status != Status::REDIRECTOR_STARTED
        {
            return Err(Failure::Status(status));
        }
        let files = connect::files();
        let baseline = RefCell::new(Baseline {
            statistics: Device::open()?.statistics()?,
            live: files.live()?,
        });
        Ok(Self {
            files,
            share,
            export,
            scratch_count: Cell::new(0),
            baseline,
        })
    }

    /// The share to test on.
    pub(crate) fn share(&self) -> Result<&Unc, Failure> {
        self.share
            .as_ref()
            .ok_or_else(|| Failure::Skipped("MRX9P_UNC is not set".to_owned()))
    }

    /// The share's directory as this machine sees it.
    pub(crate) fn export(&self) -> Result<&Path, Failure> {
        self.export
            .as_deref()
            .ok_or_else(|| Failure::Skipped("MRX9P_EXPORT is not set".to_owned()))
    }

    /// Skips the test unless every operation is an IRP of our making.
    pub(crate) fn needs_irps(&self) -> Checked {
        if self.files.builds_irps() {
            Ok(())
        } else {
            Err(Failure::Skipped("only the test driver can cause it".to_owned()))
        }
    }

    /// Whether the driver answers the self-test control.
    pub(crate) fn has_self_tests(&self) -> bool {
        let version = Device::open().and_then(|device| device.version());
        version.is_ok_and(|version| version.features.contains(Features::SELFTEST))
    }

    /// The control device, opened as any user may.
    pub(crate) fn device(&self) -> Result<Device, Failure> {
        Ok(Device::open()?)
    }

    /// A letter that stands for nothing.
    pub(crate) fn free_drive(&self) -> Result<DriveLetter, Failure> {
        self.free_drives(1)?
            .pop()
            .ok_or_else(|| Failure::Wrong("no free drive letter".to_owned()))
    }

    /// So many letters that stand for nothing.
    pub(crate) fn free_drives(&self, count: usize) -> Result<Vec<DriveLetter>, Failure> {
        let mut free = Vec::new();
        for drive in DriveLetter::descending() {
            if free.len() < count && drives::query(drive).map_err(Failure::Win32)?.is_none() {
                free.push(drive);
            }
        }
        if free.len() == count {
            Ok(free)
        } else {
            Err(Failure::Wrong("too few free drive letters".to_owned()))
        }
    }

    /// The share on a free drive.
    pub(crate) fn mapped(&self) -> Result<Mapped, Failure> {
        self.mapped_at(self.share()?)
    }

    /// A share, named otherwise maybe, on a free drive.
    pub(crate) fn mapped_at(&self, share: &Unc) -> Result<Mapped, Failure> {
        let connected = done("mapping the share", Connected::on_free_drive(share, None))?;
        let drive = connected
            .drive()
            .ok_or_else(|| Failure::Wrong("mapped, but to no drive".to_owned()))?;
        Ok(Mapped { connected, drive })
    }

    /// An empty directory of the test's own on the mapped share.
    pub(crate) fn scratch(&self) -> Result<Scratch<'_>, Failure> {
        let mapped = self.mapped()?;
        let count = self.scratch_count.get();
        self.scratch_count.set(count.wrapping_add(1));
        let name = format!("mrx9p-test-{}-{count}", std::process::id());
        let directory = mapped.root().join(&name)?;
        done(
            "making the scratch directory",
            files::make_directory(&*self.files, &directory),
        )?;
        Ok(Scratch {
            environment: self,
            mapped,
            name,
            directory,
            removed: false,
        })
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "files through {}", self.files.kind())?;
        match &self.share {
            Some(share) => write!(f, ", on {share}"),
            None => write!(f, ", without a server (MRX9P_UNC is not set)"),
        }
    }
}

/// The share on a drive; unmapped by force when dropped.
pub(crate) struct Mapped {
    pub(crate) connected: Connected,
    pub(crate) drive: DriveLetter,
}

impl Mapped {
    /// The root directory.
    pub(crate) fn root(&self) -> Target {
        Target::root(self.drive)
    }

    /// Unmaps without force: nothing may be open.
    pub(crate) fn finish(mut self) -> Checked {
        done("unmapping", self.connected.cancel(false))
    }
}

/// A test's own directory. Removed, with its contents, when dropped.
pub(crate) struct Scratch<'a> {
    environment: &'a Environment,
    pub(crate) mapped: Mapped,
    name: String,
    pub(crate) directory: Target,
    removed: bool,
}

impl Scratch<'_> {
    /// The path of a file in the directory.
    pub(crate) fn path(&self, name: &str) -> Result<Target, Failure> {
        Ok(self.directory.join(name)?)
    }

    /// The directory's path below the share, without a leading backslash.
    pub(crate) fn below_share(&self) -> Result<Vec<u16>, Failure> {
        Ok(self.name.encode_utf16().collect())
    }

    /// Where the directory is behind the redirector's back.
    pub(crate) fn export(&self) -> Result<PathBuf, Failure> {
        Ok(self.environment.export()?.join(&self.name))
    }

    /// Unmaps without force, and leaves the directory where it is.
    pub(crate) fn leave(&mut self) -> Checked {
        done("unmapping", self.mapped.connected.cancel(false))
    }

    /// After [`Self::leave`]: maps the share again, to another drive maybe.
    pub(crate) fn come_back(&mut self) -> Checked {
        let mapped = self.environment.mapped()?;
        self.directory = mapped.root().join(&self.name)?;
        self.mapped = mapped;
        Ok(())
    }

    /// Removes the directory and unmaps without force: nothing may be open any more.
    pub(crate) fn finish(mut self) -> Checked {
        done("removing the scratch directory", self.remove())?;
        done("unmapping", self.mapped.connected.cancel(false))
    }

    fn remove(&mut self) -> nt::Result {
        self.removed = true;
        files::remove_tree(&*self.environment.files, &self.directory)
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if !self.removed {
            // After a failure: what cannot be removed stays for whoever looks into it.
            let _outcome = self.remove();
        }
    }
}

/// A Unix path as Wine's programs see it; any other path as it is.
fn local_path(text: String) -> PathBuf {
    if text.starts_with('/') {
        PathBuf::from(format!("Z:{}", text.replace('/', "\\")))
    } else {
        PathBuf::from(text)
    }
}
