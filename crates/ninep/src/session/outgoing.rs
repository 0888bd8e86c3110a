//! Bytes on their way out.

use alloc::vec::Vec;

use super::error::Error;
use crate::wire::{self, EncodeError, Message, Output, Tag};

/// Bytes that may wait to be sent, or two frames where those are larger.
const QUEUE_MIN: usize = 512 * 1024;

/// Frames not yet handed to the transport, and a spare buffer to swap with.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    queue: Vec<u8>,
    spare: Vec<u8>,
}

impl Outgoing {
    /// Appends a whole frame or nothing.
    pub(super) fn push<M: Message>(&mut self, message: &M, tag: Tag, msize: u32) -> Result<(), Error> {
        let len = wire::frame_len(message)?;
        if len > msize {
            return Err(Error::TooLong);
        }
        let before = self.queue.len();
        self.queue
            .try_reserve(usize::try_from(len).map_err(|_| Error::TooLong)?)?;
        let written = wire::encode_frame(message, tag, &mut Tail(&mut self.queue));
        if written.is_err() {
            self.queue.truncate(before);
        }
        Ok(written?)
    }

    /// Takes everything queued.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        if self.queue.is_empty() {
            return None;
        }
        let spare = core::mem::take(&mut self.spare);
        Some(core::mem::replace(&mut self.queue, spare))
    }

    /// Whether a caller's frame of `len` bytes may be queued: always if nothing is.
    pub(super) fn has_room(&self, len: u32, msize: u32) -> bool {
        let limit = usize::try_from(msize)
            .unwrap_or(usize::MAX)
            .saturating_mul(2)
            .max(QUEUE_MIN);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.queue.is_empty() || self.queue.len().saturating_add(len) <= limit
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Keeps a sent buffer for the next frames, if it is the larger one and not larger than `most`.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>, most: usize) {
        buffer.clear();
        if buffer.capacity() > most {
            return;
        }
        if self.queue.is_empty() && buffer.capacity() > self.queue.capacity() {
            core::mem::swap(&mut self.queue, &mut buffer);
        }
        if buffer.capacity() > self.spare.capacity() {
            self.spare = buffer;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Writes into room that was reserved before; never grows the vector.
struct Tail<'a>(&'a mut Vec<u8>);

impl Output for Tail<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.0.capacity().saturating_sub(self.0.len()) < bytes.len() {
            return Err(EncodeError::Full);
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
