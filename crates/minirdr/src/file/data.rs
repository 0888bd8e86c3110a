//! Reading and writing: one NT request becomes as many 9P messages as fit the window, several in flight at a time.

use alloc::collections::VecDeque;
use core::cmp::min;

use ninep::session::{Need, WINDOW_MAX};
use ninep::wire::{Fid, Payload, Tfsync, Tread, Twrite};
use nt::Status;

use crate::server::client::{Client, Pending, after_change};

/// Reads at `offset` until `buffer` is full or the file ends; the result is the number of bytes read.
///
/// A read that fails half way fails: programs take one that is short for the end of the file, and the memory manager fills
/// the page with zeroes.
///
/// # Errors
/// `END_OF_FILE` when there is nothing at `offset`; otherwise as [`Client::call`].
pub(crate) async fn read(client: &Client, fid: Fid, offset: u64, buffer: &mut [u8]) -> nt::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        let rest = buffer.get_mut(done..).unwrap_or_default();
        match read_run(client, fid, at(offset, done)?, rest).await {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(status) => return Err(status),
        }
    }
    if done == 0 && !buffer.is_empty() {
        Err(Status::END_OF_FILE)
    } else {
        Ok(done)
    }
}

/// Byte `done` of a transfer that began at `offset`.
fn at(offset: u64, done: usize) -> nt::Result<u64> {
    u64::try_from(done)
        .ok()
        .and_then(|done| offset.checked_add(done))
        .ok_or(Status::INVALID_PARAMETER)
}

/// Data bytes one message carries.
fn chunk_len(client: &Client) -> usize {
    usize::try_from(client.payload_max()).unwrap_or(usize::MAX).max(1)
}

/// Reads with a full window until a reply is short of what was asked. A short reply need not be the end of the file,
/// but what later messages brought no longer joins it: they are dropped and the caller goes on behind the gap.
async fn read_run(client: &Client, fid: Fid, offset: u64, buffer: &mut [u8]) -> nt::Result<usize> {
    let chunk = chunk_len(client);
    let mut window = Window::<Pending<'_, Tread>>::new();
    let (mut asked, mut done) = (0, 0);
    loop {
        while asked < buffer.len() && window.has_room() {
            let count = min(chunk, buffer.len() - asked);
            let request = Tread {
                fid,
                offset: at(offset, asked)?,
                count: u32::try_from(count).unwrap_or(u32::MAX),
            };
            match client.try_start(&request)? {
                Some(pending) => window.push(pending, count)?,
                None if window.is_empty() => {
                    client.room(Need::of(&request)).await?;
                    continue;
                }
                None => break,
            }
            asked += count;
        }
        let Some((pending, count)) = window.pop() else {
            return Ok(done);
        };
        let target = buffer.get_mut(done..done + count).unwrap_or_default();
        let copied = pending.reply(|reply| {
            // More than was asked for does not come through the session.
            let data = reply.data.0;
            let target = target.get_mut(..data.len())?;
            target.copy_from_slice(data);
            Some(data.len())
        });
        let read = match copied.await.map(Option::unwrap_or_default) {
            Ok(read) => read,
            Err(_) if done > 0 => return Ok(done),
            Err(status) => return Err(status),
        };
        done += read;
        if read < count {
            return Ok(done);
        }
    }
}

/// Writes all of `data` at `offset`; the result is the number of bytes written, which is all of them.
///
/// A write that fails half way fails: programs do not look how much a successful one has written.
///
/// # Errors
/// As [`Client::call`]; `CONNECTION_DISCONNECTED` says that nothing was written. `DISK_FULL` where the server writes nothing
/// and does not say why.
pub(crate) async fn write(client: &Client, fid: Fid, offset: u64, data: &[u8]) -> nt::Result<usize> {
    let mut done = 0;
    while done < data.len() {
        let rest = data.get(done..).unwrap_or_default();
        match write_run(client, fid, at(offset, done)?, rest).await {
            Ok(0) => return Err(Status::DISK_FULL),
            Ok(count) => done += count,
            Err(status) if done > 0 => return Err(after_change(status)),
            Err(status) => return Err(status),
        }
    }
    Ok(done)
}

/// As [`write()`], for a fid that is open to append: the server puts the data at the end, wherever that is by then. `end` is
/// where servers that do not know appending put it. One message at a time, as the order in which they arrive is the order
/// of the data.
///
/// # Errors
/// As [`write()`].
pub(crate) async fn append(client: &Client, fid: Fid, end: u64, data: &[u8]) -> nt::Result<usize> {
    let mut done = 0;
    for part in data.chunks(chunk_len(client)) {
        match write(client, fid, at(end, done)?, part).await {
            Ok(count) => done += count,
            Err(status) if done > 0 => return Err(after_change(status)),
            Err(status) => return Err(status),
        }
    }
    Ok(done)
}

/// Writes with a full window until a reply is short; the result counts the bytes before the first gap.
async fn write_run(client: &Client, fid: Fid, offset: u64, data: &[u8]) -> nt::Result<usize> {
    let chunk = chunk_len(client);
    let mut window = Window::<Pending<'_, Twrite<'_>>>::new();
    let (mut asked, mut done) = (0, 0);
    loop {
        while window.has_room()
            && let Some(part) = data.get(asked..min(data.len(), asked.saturating_add(chunk)))
            && !part.is_empty()
        {
            let request = Twrite {
                fid,
                offset: at(offset, asked)?,
                data: Payload(part),
            };
            match client.try_start(&request) {
                Ok(Some(pending)) => window.push(pending, part.len())?,
                Ok(None) if window.is_empty() => {
                    client.room(Need::of(&request)).await?;
                    continue;
                }
                Ok(None) => break,
                Err(status) if window.is_empty() => return Err(status),
                // What is under way may be done.
                Err(status) => return Err(after_change(status)),
            }
            asked += part.len();
        }
        let Some((pending, count)) = window.pop() else {
            return Ok(done);
        };
        let written = match pending.reply(|reply| reply.count).await {
            Ok(written) => min(usize::try_from(written).unwrap_or(count), count),
            Err(_) if done > 0 => return Ok(done),
            Err(status) => return Err(status),
        };
        done += written;
        if written < count {
            return Ok(done);
        }
    }
}

/// Asks the server to put the file's data on stable storage.
///
/// # Errors
/// The server's.
pub(crate) async fn flush(client: &Client, fid: Fid) -> nt::Result {
    client.call(&Tfsync { fid, datasync: 0 }, |_| ()).await
}

/// Messages of one transfer in flight, oldest first, each with the number of bytes it is about. The session says how many
/// of all transfers may be.
///
/// Dropping it abandons what is still in flight.
struct Window<F> {
    /// The oldest, kept apart: a transfer of one message needs no memory for others.
    first: Option<(F, usize)>,
    others: VecDeque<(F, usize)>,
}

impl<F> Window<F> {
    fn new() -> Self {
        Self {
            first: None,
            others: VecDeque::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn has_room(&self) -> bool {
        self.others.len() < usize::from(WINDOW_MAX)
    }

    fn push(&mut self, future: F, count: usize) -> nt::Result {
        if self.first.is_none() {
            self.first = Some((future, count));
        } else {
            self.others.try_reserve(1)?;
            self.others.push_back((future, count));
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<(F, usize)> {
        core::mem::replace(&mut self.first, self.others.pop_front())
    }
}
