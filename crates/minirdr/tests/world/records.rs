//! Records that programs send.

use executive::mem::unfailing;

/// FILE_RENAME_INFORMATION or FILE_LINK_INFORMATION, also of the Ex classes: `flags` are theirs.
pub(crate) fn new_name(name: &str, flags: u32) -> Vec<u8> {
    unfailing(|| {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut record = flags.to_le_bytes().to_vec();
        record.extend([0; 12]);
        record.extend((units.len() as u32).to_le_bytes());
        record.extend(units);
        record
    })
}

/// FILE_FULL_EA_INFORMATION entries.
pub(crate) fn full_ea(entries: &[(&str, &[u8])]) -> Vec<u8> {
    unfailing(|| {
        let mut list = Vec::new();
        for (index, (name, value)) in entries.iter().enumerate() {
            let mut entry = vec![0, 0, 0, 0, 0, name.len() as u8];
            entry.extend((value.len() as u16).to_le_bytes());
            entry.extend(name.as_bytes());
            entry.push(0);
            entry.extend(*value);
            if index + 1 < entries.len() {
                entry.resize(entry.len().next_multiple_of(4), 0);
                let next = (entry.len() as u32).to_le_bytes();
                entry[..4].copy_from_slice(&next);
            }
            list.extend(entry);
        }
        list
    })
}

/// REPARSE_DATA_BUFFER of a relative symbolic link.
pub(crate) fn symbolic_link(target: &str) -> Vec<u8> {
    unfailing(|| {
        let units: Vec<u8> = target.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = units.len() as u16;
        let mut record = 0xa000_000c_u32.to_le_bytes().to_vec();
        for word in [12 + 2 * length, 0, 0, length, length, length, 1, 0] {
            record.extend(word.to_le_bytes());
        }
        // Substitute name, then print name.
        record.extend(&units);
        record.extend(&units);
        record
    })
}
