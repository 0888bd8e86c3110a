//! What an administrator may set. The driver reads these from its `Parameters` key, the host tool from options.

use core::time::Duration;

use nt::Name;

/// Settings of one mini-redirector; every value is within the range given here (see [`Settings::clamped`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Largest 9P message offered to a server, in bytes: `MSize`, 4 KiB to 1 MiB.
    pub msize: u32,
    /// Deadline of one 9P request: `RequestTimeoutMs`, 1 s to 5 min. Connecting has the same deadline as a whole.
    pub request_timeout: Duration,
    /// Data messages of a session under way at once: `Window`, 1 to 64; 0: as many as pay, up to 64.
    pub window: u16,
    /// Numeric user who attaches when a mapping names none: `DefaultUser`.
    pub default_user: u32,
    /// Permissions that new files (0666) and directories (0777) do not get: `Umask`, 0 to 0777.
    pub umask: u32,
    /// Whether names that differ only in case are different names to all opens: `CaseSensitive`.
    pub case_sensitive: bool,
    /// Whether attributes that Unix has no place for are kept in extended attributes: `DosAttributes`.
    pub dos_attributes: bool,
    /// Whether servers are taken to act on requests in the order in which they are sent, before they have shown it:
    /// `AssumeOrder`. A server that does not may fail or, as diod 1.0.24 does, crash.
    pub assume_order: bool,
    /// What programs see as the file system's name: `FileSystemName`.
    pub file_system_name: FileSystemName,
    /// Files of one server that stay open there after their last handle: `DormantFiles`, 0 (none) to 1024.
    pub dormant_files: u32,
    /// For how long: `DormantSeconds`, 0 (not at all) to 10 min.
    pub dormant_time: Duration,
}

/// The name of a file system, 1 to [`FileSystemName::MAX_UNITS`] units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystemName {
    units: [u16; Self::MAX_UNITS],
    len: usize,
}

impl FileSystemName {
    /// Longest name, in UTF-16 units: what programs have room for.
    pub const MAX_UNITS: usize = 32;

    /// A name, unless it is empty, too long or holds a control character.
    #[must_use]
    pub fn new(name: Name<'_>) -> Option<Self> {
        let mut units = [0; Self::MAX_UNITS];
        units.get_mut(..name.len())?.copy_from_slice(name.as_units());
        let printable = name.as_units().iter().all(|&unit| unit >= 0x20);
        (!name.is_empty() && printable).then_some(Self {
            units,
            len: name.len(),
        })
    }

    /// The name.
    #[must_use]
    pub fn as_name(&self) -> Name<'_> {
        Name::new(self.units.get(..self.len).unwrap_or_default())
    }
}

impl Default for FileSystemName {
    /// What it is: `9P`. Programs that insist on NTFS can be given that.
    fn default() -> Self {
        let mut units = [0; Self::MAX_UNITS];
        let [nine, p] = nt::ascii!("9P");
        let [first, second, ..] = &mut units;
        (*first, *second) = (nine, p);
        Self { units, len: 2 }
    }
}

impl Settings {
    /// Range of [`Settings::msize`].
    pub const MSIZE: core::ops::RangeInclusive<u32> = 4096..=1 << 20;
    /// Range of [`Settings::request_timeout`], in milliseconds.
    pub const REQUEST_TIMEOUT_MS: core::ops::RangeInclusive<u32> = 1_000..=300_000;
    /// Range of [`Settings::window`].
    pub const WINDOW: core::ops::RangeInclusive<u32> = 0..=64;
    /// Range of [`Settings::dormant_files`].
    pub const DORMANT_FILES: core::ops::RangeInclusive<u32> = 0..=1024;
    /// Range of [`Settings::dormant_time`], in seconds.
    pub const DORMANT_SECONDS: core::ops::RangeInclusive<u32> = 0..=600;

    /// The same settings with every value moved into its range.
    #[must_use]
    pub fn clamped(self) -> Self {
        let (low, high) = (*Self::REQUEST_TIMEOUT_MS.start(), *Self::REQUEST_TIMEOUT_MS.end());
        Self {
            msize: self.msize.clamp(*Self::MSIZE.start(), *Self::MSIZE.end()),
            request_timeout: self.request_timeout.clamp(
                Duration::from_millis(low.into()),
                Duration::from_millis(high.into()),
            ),
            window: self.window.min(64),
            default_user: self.default_user,
            umask: self.umask & 0o777,
            case_sensitive: self.case_sensitive,
            dos_attributes: self.dos_attributes,
            assume_order: self.assume_order,
            file_system_name: self.file_system_name,
            dormant_files: self.dormant_files.min(*Self::DORMANT_FILES.end()),
            dormant_time: self
                .dormant_time
                .min(Duration::from_secs((*Self::DORMANT_SECONDS.end()).into())),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        // 10 s: long enough for a loaded server, short enough that a frozen window comes back.
        Self {
            msize: 1 << 20,
            request_timeout: Duration::from_secs(10),
            window: 0,
            default_user: 0,
            umask: 0o022,
            case_sensitive: false,
            dos_attributes: true,
            assume_order: false,
            file_system_name: FileSystemName::default(),
            // What RDBSS is documented to do.
            dormant_files: 50,
            dormant_time: Duration::from_secs(10),
        }
    }
}
