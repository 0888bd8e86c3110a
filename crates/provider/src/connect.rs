//! Adding, cancelling and looking up connections: the order of steps and what is undone when one fails.

use client::names::{ConnectionName, DriveLetter, Unc, eq_ignore_ascii_case};
use ioctl::connection::MAX_USER_UNITS;
use nt::Status;

use crate::wn::{self, Wn};

const TYPE_ANY: u32 = 0;
const TYPE_DISK: u32 = 1;

/// The driver, as far as connections go.
pub(crate) trait Redirector {
    /// Makes a connection; the driver contacts the server.
    fn add(&self, name: &ConnectionName, user: Option<&[u16]>) -> Result<(), Status>;
    /// Takes a connection away; without `force` only when no file is open on it.
    fn delete(&self, name: &ConnectionName, force: bool) -> Result<(), Status>;
    /// The caller's connections.
    fn connections(&self) -> Result<Vec<ConnectionName>, Status>;
}

/// Drive letters, as far as connections go. Errors are Win32 codes.
pub(crate) trait Drives {
    /// What the letter stands for, `None` when it is free.
    fn query(&self, drive: DriveLetter) -> Result<Option<Vec<u16>>, u32>;
    /// Makes the letter stand for `target`.
    fn define(&self, drive: DriveLetter, target: &[u16]) -> Result<(), u32>;
    /// Takes exactly this definition away.
    fn remove(&self, drive: DriveLetter, target: &[u16]) -> Result<(), u32>;
}

/// What the router asks to be connected; strings are without a closing NUL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddRequest<'a> {
    pub(crate) resource_type: u32,
    pub(crate) local: Option<&'a [u16]>,
    pub(crate) remote: Option<&'a [u16]>,
    pub(crate) user: Option<&'a [u16]>,
    /// `NETRESOURCE.lpProvider` names us.
    pub(crate) for_us: bool,
}

/// Connects: the driver first, the drive letter second, the driver's part undone when the letter cannot be made.
///
/// What is not ours by its text gives `WN_BAD_NETNAME` before anything is asked or sent.
pub(crate) fn add<R: Redirector, D: Drives>(
    driver: &R,
    drives: &D,
    request: &AddRequest<'_>,
) -> Result<(), Wn> {
    let remote = Unc::parse(request.remote.unwrap_or_default()).map_err(|_| Wn::BAD_NETNAME)?;
    if !matches!(request.resource_type, TYPE_ANY | TYPE_DISK) {
        return Err(Wn::BAD_NETNAME);
    }
    let drive = local_drive(request.local)?;
    let user = request.user.filter(|user| !user.is_empty());
    if user.is_some_and(|user| user.len() > MAX_USER_UNITS) {
        return Err(Wn::BAD_USER);
    }
    let surely_ours = request.for_us || remote.port().is_some();
    let name = ConnectionName { drive, remote };
    if let Some(drive) = drive {
        free_the_letter(driver, drives, drive)?;
    }
    driver
        .add(&name, user)
        .map_err(|status| wn::from_add(status, surely_ours))?;
    let Some(drive) = drive else { return Ok(()) };
    drives.define(drive, &name.device_target()).map_err(|error| {
        // Nobody has a path to the connection yet, so force closes nothing of anyone's.
        let undone = driver.delete(&name, true);
        debug_assert!(
            undone.is_ok(),
            "the connection just made cannot be taken back: {undone:?}"
        );
        Wn(error)
    })
}

/// Disconnects a drive (`X:`) or a deviceless connection (`\\host\share`): the driver first, the letter after.
/// When the driver refuses, the letter stays and keeps working.
pub(crate) fn cancel<R: Redirector, D: Drives>(
    driver: &R,
    drives: &D,
    name: &[u16],
    force: bool,
) -> Result<(), Wn> {
    if let Ok(drive) = DriveLetter::parse(name) {
        return cancel_drive(driver, drives, drive, force);
    }
    let remote = Unc::parse(name).map_err(|_| Wn::NOT_CONNECTED)?;
    let connections = driver.connections().map_err(absent_is_not_connected)?;
    let found = connections
        .iter()
        .find(|connection| connection.drive.is_none() && same_remote(&connection.remote, &remote))
        .ok_or(Wn::NOT_CONNECTED)?;
    driver.delete(found, force).map_err(wn::from_status)
}

/// The share behind a drive. A letter that does not stand for a connection of ours costs one look at its link.
pub(crate) fn remote_of<R: Redirector, D: Drives>(driver: &R, drives: &D, local: &[u16]) -> Result<Unc, Wn> {
    let drive = DriveLetter::parse(local).map_err(|_| Wn::NOT_CONNECTED)?;
    linked(drives, drive).ok_or(Wn::NOT_CONNECTED)?;
    let connections = driver.connections().map_err(absent_is_not_connected)?;
    connections
        .into_iter()
        .find(|connection| connection.drive == Some(drive))
        .map(|connection| connection.remote)
        .ok_or(Wn::NOT_CONNECTED)
}

fn cancel_drive<R: Redirector, D: Drives>(
    driver: &R,
    drives: &D,
    drive: DriveLetter,
    force: bool,
) -> Result<(), Wn> {
    let link = linked(drives, drive);
    let connections = driver.connections().map_err(absent_is_not_connected)?;
    match connections
        .iter()
        .find(|connection| connection.drive == Some(drive))
    {
        Some(connection) => {
            driver.delete(connection, force).map_err(wn::from_status)?;
            if let Some((target, _)) = link {
                // The connection is gone, which is what was asked for: a link that resists is cleared by the next
                // mapping of this letter.
                let _removed = drives.remove(drive, &target);
            }
            Ok(())
        }
        // A letter left over from a driver that was unloaded: the user wants it gone.
        None => match link {
            Some((target, _)) => drives.remove(drive, &target).map_err(|_| Wn::NOT_CONNECTED),
            None => Err(Wn::NOT_CONNECTED),
        },
    }
}

/// Makes sure that the letter can be defined: it is free, or it is a left-over link of ours, which goes.
fn free_the_letter<R: Redirector, D: Drives>(driver: &R, drives: &D, drive: DriveLetter) -> Result<(), Wn> {
    let Some(target) = drives.query(drive).map_err(Wn)? else {
        return Ok(());
    };
    if ConnectionName::from_device_target(&target).is_none() {
        return Err(Wn::ALREADY_CONNECTED);
    }
    let connections = driver.connections().map_err(wn::from_status)?;
    if connections
        .iter()
        .any(|connection| connection.drive == Some(drive))
    {
        return Err(Wn::ALREADY_CONNECTED);
    }
    drives.remove(drive, &target).map_err(|_| Wn::ALREADY_CONNECTED)?;
    match drives.query(drive).map_err(Wn)? {
        None => Ok(()),
        Some(_) => Err(Wn::ALREADY_CONNECTED),
    }
}

/// The letter's link and the connection that it names, when it is one of ours.
fn linked<D: Drives>(drives: &D, drive: DriveLetter) -> Option<(Vec<u16>, ConnectionName)> {
    let target = drives.query(drive).ok().flatten()?;
    let name = ConnectionName::from_device_target(&target)?;
    Some((target, name))
}

/// `None` for a deviceless connection, asked for by NULL or by an empty name.
fn local_drive(local: Option<&[u16]>) -> Result<Option<DriveLetter>, Wn> {
    match local {
        None | Some([]) => Ok(None),
        Some(name) => DriveLetter::parse(name).map(Some).map_err(|_| Wn::BAD_LOCALNAME),
    }
}

fn same_remote(a: &Unc, b: &Unc) -> bool {
    eq_ignore_ascii_case(a.server_relative(), b.server_relative())
}

/// Without the driver there are no connections; the router then asks the others.
fn absent_is_not_connected(status: Status) -> Wn {
    match wn::from_status(status) {
        Wn::NO_NETWORK => Wn::NOT_CONNECTED,
        other => other,
    }
}

#[cfg(test)]
mod tests;
