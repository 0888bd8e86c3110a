//! The owned name.

use alloc::vec::Vec;
use core::fmt;

use super::{MAX_UNITS, Name};
use crate::{Result, Status};

/// An owned counted name of at most [`MAX_UNITS`] units, whose growth can fail.
///
/// Every `try_` function fails with [`Status::INSUFFICIENT_RESOURCES`] if memory is short and with
/// [`Status::NAME_TOO_LONG`] beyond [`MAX_UNITS`]; the name is then unchanged.
#[derive(Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameBuf(Vec<u16>);

impl NameBuf {
    /// The name without units; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// An empty name with room for `units` units.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_with_capacity(units: usize) -> Result<Self> {
        let mut name = Self::new();
        name.try_reserve(units)?;
        Ok(name)
    }

    /// A copy of these units.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_from_units(units: &[u16]) -> Result<Self> {
        let mut name = Self::new();
        name.try_push_units(units)?;
        Ok(name)
    }

    /// A copy of this name.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_from_name(name: Name<'_>) -> Result<Self> {
        Self::try_from_units(name.as_units())
    }

    /// The UTF-16 form of a string.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_from_str(text: &str) -> Result<Self> {
        let mut name = Self::new();
        name.try_push_str(text)?;
        Ok(name)
    }

    /// A copy.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_clone(&self) -> Result<Self> {
        Self::try_from_units(&self.0)
    }

    /// Makes room for `more` further units.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_reserve(&mut self, more: usize) -> Result {
        if more > MAX_UNITS - self.0.len().min(MAX_UNITS) {
            return Err(Status::NAME_TOO_LONG);
        }
        Ok(self.0.try_reserve(more)?)
    }

    /// Appends one unit.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_push(&mut self, unit: u16) -> Result {
        self.try_reserve(1)?;
        self.0.push(unit);
        Ok(())
    }

    /// Appends units.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_push_units(&mut self, units: &[u16]) -> Result {
        self.try_reserve(units.len())?;
        self.0.extend_from_slice(units);
        Ok(())
    }

    /// Appends a name as it is, without a separator.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_push_name(&mut self, name: Name<'_>) -> Result {
        self.try_push_units(name.as_units())
    }

    /// Appends the UTF-16 form of a string.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_push_str(&mut self, text: &str) -> Result {
        self.try_reserve(text.encode_utf16().count())?;
        self.0.extend(text.encode_utf16());
        Ok(())
    }

    /// Appends a number in decimal.
    ///
    /// # Errors
    /// As every `try_` function.
    pub fn try_push_decimal(&mut self, mut number: u64) -> Result {
        let mut digits = [0_u16; 20];
        let mut used = 0;
        for slot in digits.iter_mut().rev() {
            // CAST: a decimal digit fits any integer type.
            *slot = u16::from(b'0') + (number % 10) as u16;
            used += 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.try_push_units(digits.get(digits.len() - used..).unwrap_or_default())
    }

    /// Removes the last unit.
    pub fn pop(&mut self) -> Option<u16> {
        self.0.pop()
    }

    /// Keeps the first `units` units; does nothing if there are no more.
    pub fn truncate(&mut self, units: usize) {
        self.0.truncate(units);
    }

    /// Removes all units, keeping the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Upper-cases every unit in place.
    pub fn make_upcase(&mut self) {
        self.0.iter_mut().for_each(|unit| *unit = super::upcase(*unit));
    }

    /// The borrowed form.
    #[must_use]
    pub fn as_name(&self) -> Name<'_> {
        Name::new(&self.0)
    }

    /// The units.
    #[must_use]
    pub fn as_units(&self) -> &[u16] {
        &self.0
    }

    /// Length in units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no units.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_name(), f)
    }
}

impl fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_name(), f)
    }
}

impl<'a> From<&'a NameBuf> for Name<'a> {
    fn from(name: &'a NameBuf) -> Self {
        name.as_name()
    }
}

impl PartialEq<Name<'_>> for NameBuf {
    fn eq(&self, other: &Name<'_>) -> bool {
        self.as_name() == *other
    }
}

impl core::str::FromStr for NameBuf {
    type Err = Status;

    fn from_str(text: &str) -> Result<Self> {
        Self::try_from_str(text)
    }
}
