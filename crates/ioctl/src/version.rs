//! `QUERY_VERSION`.

use bitflags::bitflags;
use nt::Result;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::record::{Encode, Fixed, Header, Sink, Tail, VERSION, read};

bitflags! {
    /// What a driver was built with.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Features: u32 {
        /// Runs on Windows versions before 10 2004 (it brings its own `ExAllocatePool2`).
        const DOWNLEVEL = 0x1;
        /// Carries self tests that can be called from outside; never set in a released driver.
        const SELFTEST = 0x2;
        /// Honours [`crate::AddFlags::DEFERRED`].
        const DEFERRED = 0x4;
        /// Registered as a UNC provider.
        const UNC_PROVIDER = 0x8;
        /// All logon sessions share one set of mappings.
        const GLOBAL_MAPPINGS = 0x10;
        const _ = !0;
    }
}

/// The answer to `QUERY_VERSION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionInfo {
    /// The version of the records the driver understands; this crate speaks [`VERSION`].
    pub protocol: u32,
    /// Major, minor and patch version of the driver.
    pub driver: [u16; 3],
    /// What the driver was built with.
    pub features: Features,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    protocol: U32,
    driver: [U16; 4],
    features: U32,
}

impl Fixed for Layout {}

impl VersionInfo {
    /// The length of the record.
    pub const SIZE: usize = Layout::SIZE;

    /// This protocol version with a driver version and features.
    #[must_use]
    pub const fn new(driver: [u16; 3], features: Features) -> Self {
        Self {
            protocol: VERSION,
            driver,
            features,
        }
    }

    /// Reads the driver's answer.
    ///
    /// # Errors
    /// The statuses of every record, see [`crate::request`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (layout, rest) = read::<Layout>(bytes)?;
        Tail(rest).finish()?;
        let [major, minor, patch, reserved] = layout.driver.map(U16::get);
        if reserved != 0 {
            return Err(nt::Status::INVALID_PARAMETER);
        }
        Ok(Self {
            protocol: layout.protocol.get(),
            driver: [major, minor, patch],
            features: Features::from_bits_retain(layout.features.get()),
        })
    }
}

impl Encode for VersionInfo {
    fn encoded_len(&self) -> usize {
        Layout::SIZE
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let [major, minor, patch] = self.driver.map(U16::new);
        let layout = Layout {
            header: Header::new(Layout::SIZE),
            protocol: U32::new(self.protocol),
            driver: [major, minor, patch, U16::ZERO],
            features: U32::new(self.features.bits()),
        };
        Ok(Sink::new(out).bytes(layout.as_bytes())?.finish())
    }
}
