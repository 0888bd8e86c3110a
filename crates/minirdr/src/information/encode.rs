//! NT's little-endian result buffers, written front to back without ever leaving the caller's buffer.

use nt::{FileTime, Name, Status};

/// A cursor over a caller's result buffer.
///
/// # Invariants
/// `used <= buffer.len()`; bytes behind `used` are as the caller gave them.
pub(crate) struct Encoder<'a> {
    buffer: &'a mut [u8],
    used: usize,
}

impl<'a> Encoder<'a> {
    /// Starts at the front of `buffer`.
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, used: 0 }
    }

    /// Bytes written so far: what goes to `IoStatus.Information`.
    #[must_use]
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Bytes of the whole buffer.
    #[must_use]
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Fails unless `len` more bytes fit: the fixed part of an information class must be there as a whole.
    ///
    /// # Errors
    /// `INFO_LENGTH_MISMATCH`, as NT answers a query whose buffer is below the class's size.
    pub(crate) fn require(&self, len: usize) -> nt::Result {
        if self.buffer.len() - self.used < len {
            Err(Status::INFO_LENGTH_MISMATCH)
        } else {
            Ok(())
        }
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    /// `INFO_LENGTH_MISMATCH` where they do not fit; then nothing is written.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> nt::Result {
        let end = self
            .used
            .checked_add(bytes.len())
            .ok_or(Status::INFO_LENGTH_MISMATCH)?;
        let target = self
            .buffer
            .get_mut(self.used..end)
            .ok_or(Status::INFO_LENGTH_MISMATCH)?;
        target.copy_from_slice(bytes);
        self.used = end;
        Ok(())
    }

    /// Writes a byte. Errors as [`Self::bytes`].
    pub(crate) fn u8(&mut self, value: u8) -> nt::Result {
        self.bytes(&[value])
    }

    /// Writes a 16-bit integer. Errors as [`Self::bytes`].
    pub(crate) fn u16(&mut self, value: u16) -> nt::Result {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes a 32-bit integer. Errors as [`Self::bytes`].
    pub(crate) fn u32(&mut self, value: u32) -> nt::Result {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes a 64-bit integer (`LARGE_INTEGER`). Errors as [`Self::bytes`].
    pub(crate) fn u64(&mut self, value: u64) -> nt::Result {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes a time. Errors as [`Self::bytes`].
    pub(crate) fn time(&mut self, value: FileTime) -> nt::Result {
        self.bytes(&value.0.to_le_bytes())
    }

    /// Writes `len` zero bytes. Errors as [`Self::bytes`].
    pub(crate) fn zeros(&mut self, len: usize) -> nt::Result {
        let end = self.used.checked_add(len).ok_or(Status::INFO_LENGTH_MISMATCH)?;
        self.buffer
            .get_mut(self.used..end)
            .ok_or(Status::INFO_LENGTH_MISMATCH)?
            .fill(0);
        self.used = end;
        Ok(())
    }

    /// Writes the length of `name` in bytes, the whole name's even if it will be cut. Errors as [`Self::bytes`].
    pub(crate) fn name_length(&mut self, name: Name<'_>) -> nt::Result {
        self.u32(u32::try_from(name.len().saturating_mul(2)).unwrap_or(u32::MAX))
    }

    /// Writes as much of `name` as fits, in whole UTF-16 units.
    ///
    /// # Errors
    /// `BUFFER_OVERFLOW` (a warning: what fits has been written) when the name was cut.
    pub(crate) fn name(&mut self, name: Name<'_>) -> nt::Result {
        for unit in name.as_units() {
            self.bytes(&unit.to_le_bytes())
                .map_err(|_| Status::BUFFER_OVERFLOW)?;
        }
        Ok(())
    }

    /// Pads to a multiple of `alignment` bytes. Errors as [`Self::bytes`].
    pub(crate) fn align(&mut self, alignment: usize) -> nt::Result {
        self.zeros(self.used.next_multiple_of(alignment) - self.used)
    }

    /// Overwrites an earlier 32-bit field at `offset`: the link of a list, known only when the next entry is.
    pub(crate) fn patch_u32(&mut self, offset: usize, value: u32) {
        if let Some(field) = self.buffer.get_mut(offset..offset.saturating_add(4)) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Goes back to `used` bytes, as if what came after had not been written.
    pub(crate) fn truncate(&mut self, used: usize) {
        self.used = self.used.min(used);
    }
}
