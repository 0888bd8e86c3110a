//! Which kind of file access this host offers, and connections that last as long as they are needed.

use client::device::Device;
use client::names::{DriveLetter, Unc};
use client::{drives, registry, wnet};

use crate::files::Files;
use crate::irp_files::IrpFiles;
use crate::path::Target;
use crate::path_files::PathFiles;

const ERROR_BAD_NET_NAME: u32 = 67;
const ERROR_ACCESS_DENIED: u32 = 5;
const ERROR_NO_MORE_DEVICES: u32 = 1248;
const ERROR_ALREADY_ASSIGNED: u32 = 85;

/// The file access of this host: through the test driver where it is loaded.
pub(crate) fn files() -> Box<dyn Files> {
    match IrpFiles::open_driver() {
        Ok(files) => Box::new(files),
        Err(_) => Box::new(PathFiles),
    }
}

/// A connection made through the Multiple Provider Router, unmade by force when dropped.
pub(crate) struct Connected {
    /// The drive or the share, as it is cancelled.
    name: Vec<u16>,
    drive: Option<DriveLetter>,
    active: bool,
}

impl Connected {
    /// Maps `remote` to `drive`, or deviceless. Errors are Win32 codes.
    pub(crate) fn new(drive: Option<DriveLetter>, remote: &Unc, user: Option<&str>) -> Result<Self, u32> {
        let remote = remote.to_units();
        wnet::add(drive, &remote, user, &registry::provider_name())?;
        let name = drive.map_or(remote, |drive| drive.units().to_vec());
        Ok(Self {
            name,
            drive,
            active: true,
        })
    }

    /// Maps `remote` to the last free letter.
    pub(crate) fn on_free_drive(remote: &Unc, user: Option<&str>) -> Result<Self, u32> {
        for drive in DriveLetter::descending() {
            if drives::query(drive)?.is_some() {
                continue;
            }
            match Self::new(Some(drive), remote, user) {
                Err(ERROR_ALREADY_ASSIGNED) => {}
                result => return result,
            }
        }
        Err(ERROR_NO_MORE_DEVICES)
    }

    /// The drive; connections of [`Connected::on_free_drive`] have one.
    pub(crate) fn drive(&self) -> Option<DriveLetter> {
        self.drive
    }

    /// Unmakes the connection and says how it went; a refused one stays.
    pub(crate) fn cancel(&mut self, force: bool) -> Result<(), u32> {
        wnet::cancel(&self.name, force)?;
        self.active = false;
        Ok(())
    }

    /// Says that someone else unmade it.
    pub(crate) fn forget(&mut self) {
        self.active = false;
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if self.active {
            // Nothing can be done about a refusal here; leak checks see it.
            let _outcome = wnet::cancel(&self.name, true);
        }
    }
}

/// Makes sure that the path can be opened: a UNC path gets a deviceless connection unless one covers it. The whole
/// path is tried as a share first, then its parents, as only the server knows where the share ends.
pub(crate) fn cover(target: &Target) -> Result<Option<Connected>, u32> {
    let Target::Unc(path) = target else {
        return Ok(None);
    };
    let known = Device::open()
        .and_then(|device| device.connections())
        .unwrap_or_default();
    let covered = |unc: &Unc| {
        known
            .iter()
            .any(|c| c.name.drive.is_none() && unc.below(&c.name.remote).is_some())
    };
    if covered(path) {
        return Ok(None);
    }
    let mut share = path.clone();
    loop {
        match Connected::new(None, &share, None) {
            Ok(connected) => return Ok(Some(connected)),
            Err(error @ (ERROR_BAD_NET_NAME | ERROR_ACCESS_DENIED)) => match share.parent() {
                Some(parent) => share = parent,
                None => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
}
