//! The answer to `ENUM_CONNECTIONS`: a header and as many connections as fit.

use nt::{Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Connection, ConnectionView};
use crate::record::{Encode, Fixed, Header, Sink, data_len, read, stated_size};

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    resume: U64,
    count: U32,
    required: U32,
}

impl Fixed for Layout {}

/// Fills an output buffer with connections.
///
/// ```text
/// let mut list = ConnectionListWriter::new(out)?;
/// for (key, connection) in connections_after(request.resume) {
///     if !list.push(&connection, key) { break; }
/// }
/// let (status, information) = list.finish();
/// ```
#[derive(Debug)]
pub struct ConnectionListWriter<'a> {
    out: &'a mut [u8],
    written: usize,
    count: u32,
    resume: u64,
    /// The least output buffer for the first connection, once that one did not fit.
    required: usize,
}

impl<'a> ConnectionListWriter<'a> {
    /// An empty list.
    ///
    /// # Errors
    /// [`Status::BUFFER_TOO_SMALL`] below [`ConnectionList::FIXED_SIZE`] bytes.
    pub fn new(out: &'a mut [u8]) -> Result<Self> {
        if out.len() < Layout::SIZE {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        Ok(Self {
            out,
            written: Layout::SIZE,
            count: 0,
            resume: 0,
            required: 0,
        })
    }

    /// Adds a connection if it fits and says whether it did; if not, the list is full and the caller stops.
    ///
    /// `key` is what a later `ENUM_CONNECTIONS` gives as `resume` to go on behind this connection: the caller's
    /// choice, as long as it is not 0 and keys ascend.
    pub fn push(&mut self, connection: &ConnectionView<'_>, key: u64) -> bool {
        let room = self.out.get_mut(self.written..).unwrap_or_default();
        match connection.write(room) {
            Ok(len) => {
                self.written += len;
                self.count += 1;
                self.resume = key;
                true
            }
            Err(_) => {
                if self.count == 0 {
                    self.required = Layout::SIZE + connection.encoded_len();
                }
                false
            }
        }
    }

    /// Writes the list's header; returns the status of the request and the bytes written.
    ///
    /// [`Status::SUCCESS`] with at least one connection; [`Status::NO_MORE_ENTRIES`] without one, if none was
    /// pushed; [`Status::BUFFER_OVERFLOW`] with the header alone, whose `required` says how many bytes are
    /// needed, if the first did not fit.
    pub fn finish(self) -> (Status, usize) {
        let layout = Layout {
            header: Header::new(self.written),
            resume: U64::new(self.resume),
            count: U32::new(self.count),
            required: data_len(self.required),
        };
        if let Err(status) = Sink::new(self.out).bytes(layout.as_bytes()) {
            return (status, 0);
        }
        match (self.count, self.required) {
            (0, 0) => (Status::NO_MORE_ENTRIES, self.written),
            (0, _) => (Status::BUFFER_OVERFLOW, self.written),
            _ => (Status::SUCCESS, self.written),
        }
    }
}

/// A list of connections as read from the driver's answer.
#[derive(Debug)]
pub struct ConnectionList<'a> {
    resume: u64,
    required: usize,
    count: u32,
    records: &'a [u8],
}

impl<'a> ConnectionList<'a> {
    /// The length of the list's header: the least output buffer of `ENUM_CONNECTIONS`.
    pub const FIXED_SIZE: usize = Layout::SIZE;

    /// Reads the answer: exactly the bytes the driver returned.
    ///
    /// # Errors
    /// As [`crate::request`] says, for the list itself; each connection is checked when it is reached.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (layout, records) = read::<Layout>(bytes)?;
        let required = usize::try_from(layout.required.get()).map_err(|_| Status::INVALID_PARAMETER)?;
        Ok(Self {
            resume: layout.resume.get(),
            required,
            count: layout.count.get(),
            records,
        })
    }

    /// What to ask for next.
    #[must_use]
    pub fn resume(&self) -> u64 {
        self.resume
    }

    /// The output buffer needed for the next connection, if it did not fit; otherwise 0.
    #[must_use]
    pub fn required(&self) -> usize {
        self.required
    }

    /// How many connections the list has.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// Whether the list has no connections.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn split_record(&mut self) -> Result<&'a [u8]> {
        let size = stated_size(self.records).ok_or(Status::INVALID_PARAMETER)?;
        let (record, rest) = self
            .records
            .split_at_checked(size)
            .ok_or(Status::INVALID_PARAMETER)?;
        self.records = rest;
        Ok(record)
    }
}

/// Errors are as [`crate::request`] says; behind one the list is at its end.
impl Iterator for ConnectionList<'_> {
    type Item = Result<Connection>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.count == 0 {
            let left_over = !core::mem::take(&mut self.records).is_empty();
            return left_over.then_some(Err(Status::INVALID_PARAMETER));
        }
        self.count -= 1;
        let parsed = self.split_record().and_then(Connection::parse);
        if parsed.is_err() {
            self.count = 0;
            self.records = &[];
        }
        Some(parsed)
    }
}
