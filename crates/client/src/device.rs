//! The driver's control device, `\\.\Mrx9p`, with its records typed by the `ioctl` crate.

use ioctl::{
    AddConnection, ConnectionList, ControlCode, DeleteConnection, DeleteLevel, Encode, EnumConnections,
    GetConnection, Statistics, VersionInfo,
};
use nt::{Name, Result, Status};

use crate::io::{Completion, File, OpenOptions, Pending};
use crate::names::{ConnectionName, DriveLetter, Unc};

const GENERIC_READ: u32 = 0x8000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const SHARE_ALL: u32 = 7;
const FILE_OPEN: u32 = 1;

const FIRST_TRY_BYTES: usize = 16 * 1024;
const MOST_BYTES: usize = 1024 * 1024;
/// An enumeration that goes on beyond this many answers is no list of one user's connections.
const MOST_ANSWERS: usize = 4096;

/// The open control device.
#[derive(Clone, Debug)]
pub struct Device(File);

/// A connection as the driver lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The drive, if any, and the share.
    pub name: ConnectionName,
    /// The user at the server, empty for the default one.
    pub user: String,
    /// Whether it can be used now.
    pub state: ioctl::ConnectionState,
    /// Handles open on it.
    pub open_files: u32,
}

impl Device {
    /// Opens the device for queries and for one's own connections: what every user may do.
    pub fn open() -> Result<Self> {
        Self::open_with(GENERIC_READ)
    }

    /// Opens the device for starting and stopping the redirector, too: administrators only.
    pub fn open_for_control() -> Result<Self> {
        Self::open_with(GENERIC_READ | GENERIC_WRITE)
    }

    fn open_with(access: u32) -> Result<Self> {
        // The native spelling of `ioctl::USER_PATH`.
        let name: Vec<u16> = ioctl::USER_PATH
            .replacen(r"\\.\", r"\??\", 1)
            .encode_utf16()
            .collect();
        let options = OpenOptions {
            access,
            attributes: 0,
            share: SHARE_ALL,
            disposition: FILE_OPEN,
            options: 0,
        };
        Ok(Self(File::open(&name, &options)?.0))
    }

    /// Sends any control with any input: for programs that test the driver's checks.
    pub fn control_raw(&self, code: ControlCode, input: &[u8], output: usize) -> Result<Completion> {
        Ok(self.0.control(code.0, input.to_vec(), output)?.wait())
    }

    /// As [`Device::control_raw`], not waiting for the end.
    pub fn begin_raw(&self, code: ControlCode, input: &[u8], output: usize) -> Result<Pending> {
        self.0.control(code.0, input.to_vec(), output)
    }

    /// What the driver is and speaks.
    pub fn version(&self) -> Result<VersionInfo> {
        VersionInfo::parse(&self.ask(ControlCode::QUERY_VERSION, &[], VersionInfo::SIZE)?)
    }

    /// Starts the redirector; [`Status::REDIRECTOR_STARTED`] when it runs.
    pub fn start(&self) -> Result {
        self.ask(ControlCode::START, &[], 0).map(drop)
    }

    /// Stops the redirector; [`Status::REDIRECTOR_HAS_OPEN_HANDLES`] while it is in use.
    pub fn stop(&self) -> Result {
        self.ask(ControlCode::STOP, &[], 0).map(drop)
    }

    /// The driver's figures.
    pub fn statistics(&self) -> Result<Statistics> {
        Statistics::parse(&self.ask(ControlCode::GET_STATISTICS, &[], Statistics::SIZE)?)
    }

    /// Makes a connection. An empty user is the configured default.
    pub fn add_connection(&self, name: &ConnectionName, user: &[u16]) -> Result {
        self.add_named(&name.to_units(), user)
    }

    /// Makes a connection by a name that need not be well formed.
    pub fn add_named(&self, name: &[u16], user: &[u16]) -> Result {
        let request = AddConnection::try_new(Name::new(name), Name::new(user))?;
        self.ask(ControlCode::ADD_CONNECTION, &request.build()?, 0)
            .map(drop)
    }

    /// Takes a connection away.
    pub fn delete_connection(&self, name: &ConnectionName, level: DeleteLevel) -> Result {
        match name.drive {
            Some(drive) => self.delete_named(&drive.units(), level),
            None => self.delete_named(&name.to_units(), level),
        }
    }

    /// Takes a connection away by its local name or its connection name.
    pub fn delete_named(&self, name: &[u16], level: DeleteLevel) -> Result {
        let request = DeleteConnection::try_new(Name::new(name), level)?;
        self.ask(ControlCode::DELETE_CONNECTION, &request.build()?, 0)
            .map(drop)
    }

    /// The connection behind a drive.
    pub fn connection(&self, drive: DriveLetter) -> Result<Connection> {
        let request = GetConnection::try_new(Name::new(&drive.units()))?.build()?;
        let mut room = FIRST_TRY_BYTES;
        loop {
            let answer = self
                .0
                .control(ControlCode::GET_CONNECTION.0, request.clone(), room)?
                .wait();
            let written = written(&answer)?;
            match answer.status {
                Status::BUFFER_OVERFLOW => {
                    room = larger(room, ioctl::Connection::required_size(written))?;
                }
                status if status.is_success() => return connection(ioctl::Connection::parse(written)?),
                status => return Err(status),
            }
        }
    }

    /// The caller's connections.
    pub fn connections(&self) -> Result<Vec<Connection>> {
        self.connections_through(FIRST_TRY_BYTES)
    }

    /// The caller's connections, fetched through a buffer of `room` bytes at first.
    pub fn connections_through(&self, mut room: usize) -> Result<Vec<Connection>> {
        let mut found = Vec::new();
        let mut resume = 0;
        for _ in 0..MOST_ANSWERS {
            let request = EnumConnections { resume }.build()?;
            let answer = self
                .0
                .control(ControlCode::ENUM_CONNECTIONS.0, request, room)?
                .wait();
            match answer.status {
                Status::NO_MORE_ENTRIES => return Ok(found),
                Status::BUFFER_OVERFLOW => {
                    let list = ConnectionList::parse(written(&answer)?)?;
                    room = larger(room, Some(list.required()))?;
                }
                status if status.is_success() => {
                    let list = ConnectionList::parse(written(&answer)?)?;
                    resume = list.resume();
                    for record in list {
                        found.push(connection(record?)?);
                    }
                }
                status => return Err(status),
            }
        }
        Err(Status::INVALID_NETWORK_RESPONSE)
    }

    fn ask(&self, code: ControlCode, input: &[u8], output: usize) -> Result<Vec<u8>> {
        let answer = self.control_raw(code, input, output)?;
        answer.status.ok()?;
        written(&answer).map(<[u8]>::to_vec)
    }
}

/// The part of the output that the driver wrote.
fn written(answer: &Completion) -> Result<&[u8]> {
    answer
        .output
        .get(..answer.information)
        .ok_or(Status::INFO_LENGTH_MISMATCH)
}

/// A buffer that holds what is required and is longer than the last one, within reason.
fn larger(room: usize, required: Option<usize>) -> Result<usize> {
    let wanted = required.unwrap_or(0).max(room.saturating_add(1));
    if wanted > MOST_BYTES {
        Err(Status::BUFFER_OVERFLOW)
    } else {
        Ok(wanted)
    }
}

fn connection(record: ioctl::Connection) -> Result<Connection> {
    let broken = |_| Status::INVALID_NETWORK_RESPONSE;
    let drive = match record.local.as_units() {
        [] => None,
        local => Some(DriveLetter::parse(local).map_err(broken)?),
    };
    let remote = Unc::parse(record.remote.as_units()).map_err(broken)?;
    Ok(Connection {
        name: ConnectionName { drive, remote },
        user: String::from_utf16_lossy(record.user.as_units()),
        state: record.state,
        open_files: record.open_files,
    })
}
