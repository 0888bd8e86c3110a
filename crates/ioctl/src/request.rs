//! One control request, checked: what the driver's dispatch turns an IRP into before anything else sees it.
//!
//! The checks run in this order, and the first that fails decides the status:
//!
//! 1. the code is not the driver's: [`Status::INVALID_DEVICE_REQUEST`];
//! 2. a control without input gets some, or the input is too short for a header: [`Status::INFO_LENGTH_MISMATCH`];
//! 3. the record's version is not [`crate::VERSION`]: [`Status::UNKNOWN_REVISION`];
//! 4. the record's size is not the input's length, or less than its fixed part: [`Status::INFO_LENGTH_MISMATCH`];
//! 5. a value is out of range, a reserved one is not zero, a name has an odd length, a NUL or too many units, or
//!    the lengths do not add up to the size: [`Status::INVALID_PARAMETER`];
//! 6. the output buffer cannot hold the fixed part of the answer: [`Status::BUFFER_TOO_SMALL`].
//!
//! Nothing has changed when one of these is returned.

use nt::{Result, Status};

use crate::{
    AddConnection, Connection, ConnectionList, ControlCode, DeleteConnection, EnumConnections, GetConnection,
    Statistics, VersionInfo,
};

/// A control request.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// `QUERY_VERSION`.
    QueryVersion,
    /// `START`.
    Start,
    /// `STOP`.
    Stop,
    /// `ADD_CONNECTION`.
    AddConnection(AddConnection),
    /// `DELETE_CONNECTION`.
    DeleteConnection(DeleteConnection),
    /// `ENUM_CONNECTIONS`.
    EnumConnections(EnumConnections),
    /// `GET_CONNECTION`.
    GetConnection(GetConnection),
    /// `GET_STATISTICS`.
    GetStatistics,
}

impl Request {
    /// Checks a request: its code, its whole input and the length of its output buffer.
    ///
    /// The result borrows nothing, as input and output of a buffered control share their memory. An output buffer
    /// that is longer than needed, or not needed, is no error.
    ///
    /// # Errors
    /// As the module says, and [`Status::INSUFFICIENT_RESOURCES`].
    pub fn parse(code: ControlCode, input: &[u8], output_len: usize) -> Result<Self> {
        let (request, needed) = match code {
            ControlCode::QUERY_VERSION => (Self::no_input(input, Self::QueryVersion)?, VersionInfo::SIZE),
            ControlCode::START => (Self::no_input(input, Self::Start)?, 0),
            ControlCode::STOP => (Self::no_input(input, Self::Stop)?, 0),
            ControlCode::ADD_CONNECTION => (Self::AddConnection(AddConnection::parse(input)?), 0),
            ControlCode::DELETE_CONNECTION => (Self::DeleteConnection(DeleteConnection::parse(input)?), 0),
            ControlCode::ENUM_CONNECTIONS => (
                Self::EnumConnections(EnumConnections::parse(input)?),
                ConnectionList::FIXED_SIZE,
            ),
            ControlCode::GET_CONNECTION => (
                Self::GetConnection(GetConnection::parse(input)?),
                Connection::FIXED_SIZE,
            ),
            ControlCode::GET_STATISTICS => (Self::no_input(input, Self::GetStatistics)?, Statistics::SIZE),
            _ => return Err(Status::INVALID_DEVICE_REQUEST),
        };
        if output_len < needed {
            Err(Status::BUFFER_TOO_SMALL)
        } else {
            Ok(request)
        }
    }

    fn no_input(input: &[u8], request: Self) -> Result<Self> {
        if input.is_empty() {
            Ok(request)
        } else {
            Err(Status::INFO_LENGTH_MISMATCH)
        }
    }
}
