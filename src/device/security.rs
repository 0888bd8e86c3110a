//! The device's security descriptor, laid out at compile time.

/// [`ioctl::DEVICE_SDDL`], `D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;AU)`, in self-relative form (`[MS-DTYP]` 2.4.6):
/// SYSTEM and administrators may do everything, authenticated users may open the device for reading, which the access
/// bits of the control codes turn into "may map drives, may not start or stop". Generic rights are already mapped to
/// file rights, as access checks on a stored list do not map them.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    revision: 1,
    padding: 0,
    control: SE_SELF_RELATIVE | SE_DACL_PROTECTED | SE_DACL_PRESENT,
    owner: 0,
    group: 0,
    sacl: 0,
    dacl: 20,
    list: List {
        revision: 2,
        padding: 0,
        size: size_of::<List>() as u16,
        count: 3,
        padding2: 0,
        system: Ace::allow(FILE_ALL_ACCESS, [18]),
        administrators: Ace::allow(FILE_ALL_ACCESS, [32, 544]),
        authenticated: Ace::allow(FILE_GENERIC_READ_EXECUTE, [11]),
    },
};

const SE_DACL_PRESENT: u16 = 0x0004;
const SE_DACL_PROTECTED: u16 = 0x1000;
const SE_SELF_RELATIVE: u16 = 0x8000;
const FILE_ALL_ACCESS: u32 = nt::AccessMask::FILE_ALL_ACCESS.bits();
const FILE_GENERIC_READ_EXECUTE: u32 = nt::AccessMask::FILE_GENERIC_READ
    .union(nt::AccessMask::FILE_GENERIC_EXECUTE)
    .bits();

/// SECURITY_DESCRIPTOR in self-relative form, its access control list right behind it.
#[repr(C)]
pub(super) struct Descriptor {
    revision: u8,
    padding: u8,
    control: u16,
    owner: u32,
    group: u32,
    sacl: u32,
    dacl: u32,
    list: List,
}

/// ACL with its three entries.
#[repr(C)]
struct List {
    revision: u8,
    padding: u8,
    size: u16,
    count: u16,
    padding2: u16,
    system: Ace<1>,
    administrators: Ace<2>,
    authenticated: Ace<1>,
}

/// ACCESS_ALLOWED_ACE for a SID of the NT authority with `N` further numbers.
#[repr(C)]
struct Ace<const N: usize> {
    kind: u8,
    flags: u8,
    size: u16,
    mask: u32,
    sid_revision: u8,
    sid_count: u8,
    authority: [u8; 6],
    numbers: [u32; N],
}

impl<const N: usize> Ace<N> {
    const fn allow(mask: u32, numbers: [u32; N]) -> Self {
        /// SECURITY_NT_AUTHORITY.
        const NT_AUTHORITY: [u8; 6] = [0, 0, 0, 0, 0, 5];
        Self {
            kind: 0,
            flags: 0,
            size: size_of::<Self>() as u16,
            mask,
            sid_revision: 1,
            sid_count: N as u8,
            authority: NT_AUTHORITY,
            numbers,
        }
    }
}

const _: () = assert!(core::mem::offset_of!(Descriptor, list) == 20);
const _: () = assert!(size_of::<List>() == 8 + 20 + 24 + 20);
