//! The real driver and the real drive letters.

use client::device::Device;
use client::drives;
use client::names::{ConnectionName, DriveLetter};
use ioctl::DeleteLevel;
use nt::Status;

use crate::connect::{Drives, Redirector};

/// The driver behind `\\.\Mrx9p`. Opened for each request: a provider lives in every program that touches a
/// network, and a handle kept open there would keep the driver from being unloaded.
pub(crate) struct Driver;

/// The drive letters of the caller's logon session.
pub(crate) struct Letters;

impl Redirector for Driver {
    fn add(&self, name: &ConnectionName, user: Option<&[u16]>) -> Result<(), Status> {
        Device::open()?.add_connection(name, user.unwrap_or_default())
    }

    fn delete(&self, name: &ConnectionName, force: bool) -> Result<(), Status> {
        let level = if force {
            DeleteLevel::Force
        } else {
            DeleteLevel::Refuse
        };
        Device::open()?.delete_connection(name, level)
    }

    fn connections(&self) -> Result<Vec<ConnectionName>, Status> {
        let listed = Device::open()?.connections()?;
        Ok(listed.into_iter().map(|connection| connection.name).collect())
    }
}

impl Drives for Letters {
    fn query(&self, drive: DriveLetter) -> Result<Option<Vec<u16>>, u32> {
        drives::query(drive)
    }

    fn define(&self, drive: DriveLetter, target: &[u16]) -> Result<(), u32> {
        drives::define(drive, target)
    }

    fn remove(&self, drive: DriveLetter, target: &[u16]) -> Result<(), u32> {
        drives::remove(drive, target)
    }
}
