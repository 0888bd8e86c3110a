//! Just enough of the PE format: what Windows' loader looks at in a driver image.

use anyhow::{Context, Result, bail};

/// Subsystem of drivers.
pub(crate) const SUBSYSTEM_NATIVE: u16 = 1;

const DIRECTORY_IMPORT: usize = 1;
const DIRECTORY_SECURITY: usize = 4;

/// A 64-bit PE image in memory.
pub(crate) struct Image {
    bytes: Vec<u8>,
    /// Offset of the optional header.
    optional: usize,
    sections: Vec<Section>,
}

struct Section {
    address: usize,
    size: usize,
    raw: usize,
}

impl Image {
    /// Reads the headers.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self> {
        let header = u32_at(&bytes, 0x3c).context("no DOS header")? as usize;
        if bytes.get(header..header + 4) != Some(b"PE\0\0") {
            bail!("no PE signature");
        }
        let count = usize::from(u16_at(&bytes, header + 6).context("cut off")?);
        let optional = header + 24;
        if u16_at(&bytes, optional) != Some(0x20b) {
            bail!("not a 64-bit image");
        }
        let table = optional + usize::from(u16_at(&bytes, header + 20).context("cut off")?);
        let mut sections = Vec::new();
        for at in (0..count).map(|index| table + index * 40) {
            let field = |offset| {
                u32_at(&bytes, at + offset)
                    .map(|value| value as usize)
                    .context("cut off")
            };
            sections.push(Section {
                address: field(12)?,
                size: field(8)?.max(field(16)?),
                raw: field(20)?,
            });
        }
        Ok(Self {
            bytes,
            optional,
            sections,
        })
    }

    /// The subsystem that the image is made for.
    pub(crate) fn subsystem(&self) -> Option<u16> {
        u16_at(&self.bytes, self.optional + 68)
    }

    /// The checksum that the image carries.
    pub(crate) fn checksum(&self) -> Option<u32> {
        u32_at(&self.bytes, self.optional + 64)
    }

    /// The checksum that the image should carry: the 16-bit one's complement sum of the file, with the field itself
    /// taken as zero, plus the file's length.
    pub(crate) fn computed_checksum(&self) -> u32 {
        let field = self.optional + 64;
        let mut sum = 0u32;
        for (index, pair) in self.bytes.chunks(2).enumerate() {
            let at = index * 2;
            if at >= field && at < field + 4 {
                continue;
            }
            let low = pair.first().copied().unwrap_or(0);
            let high = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_le_bytes([low, high]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum.wrapping_add(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX))
    }

    /// The image with the right checksum in its header.
    pub(crate) fn with_checksum(mut self) -> Vec<u8> {
        let sum = self.computed_checksum().to_le_bytes();
        let field = self.optional + 64;
        if let Some(place) = self.bytes.get_mut(field..field + 4) {
            place.copy_from_slice(&sum);
        }
        self.bytes
    }

    /// The addresses that the image takes where it is made to be loaded.
    pub(crate) fn addresses(&self) -> Option<std::ops::Range<u64>> {
        let low = u32_at(&self.bytes, self.optional + 24)?;
        let high = u32_at(&self.bytes, self.optional + 28)?;
        let base = u64::from(high) << 32 | u64::from(low);
        let size = u32_at(&self.bytes, self.optional + 56)?;
        Some(base..base.checked_add(size.into())?)
    }

    /// Whether these bytes are found anywhere in the file.
    pub(crate) fn contains(&self, bytes: &[u8]) -> bool {
        self.bytes.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Whether a signature is attached.
    pub(crate) fn is_signed(&self) -> bool {
        self.directory(DIRECTORY_SECURITY)
            .is_some_and(|(offset, size)| offset != 0 && size != 0)
    }

    /// The modules it imports from, in lower case.
    pub(crate) fn imported_modules(&self) -> Result<Vec<String>> {
        let Some((table, _)) = self
            .directory(DIRECTORY_IMPORT)
            .filter(|(address, _)| *address != 0)
        else {
            return Ok(Vec::new());
        };
        let mut modules = Vec::new();
        for index in 0..1024 {
            let entry = self
                .offset(table + index * 20)
                .context("import table outside the image")?;
            let name = u32_at(&self.bytes, entry + 12).context("import table cut off")? as usize;
            if name == 0 {
                return Ok(modules);
            }
            let at = self.offset(name).context("import name outside the image")?;
            let text: Vec<u8> = self
                .bytes
                .iter()
                .skip(at)
                .copied()
                .take_while(|byte| *byte != 0)
                .collect();
            modules.push(String::from_utf8_lossy(&text).to_lowercase());
        }
        bail!("the import table has no end")
    }

    fn directory(&self, index: usize) -> Option<(usize, usize)> {
        let at = self.optional + 112 + index * 8;
        Some((
            u32_at(&self.bytes, at)? as usize,
            u32_at(&self.bytes, at + 4)? as usize,
        ))
    }

    /// File offset of an address relative to the image's base.
    fn offset(&self, address: usize) -> Option<usize> {
        let section = self.sections.iter().find(|section| {
            address
                .checked_sub(section.address)
                .is_some_and(|into| into < section.size)
        })?;
        Some(section.raw + (address - section.address))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::Image;

    /// A 64-bit image without sections.
    fn smallest() -> Vec<u8> {
        let mut bytes = vec![0; 0x40 + 24 + 240];
        bytes[0x3c] = 0x40;
        bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
        bytes[0x40 + 20] = 240;
        bytes[0x40 + 24..0x40 + 26].copy_from_slice(&[0x0b, 0x02]);
        bytes[0x40 + 24 + 68] = 1;
        bytes
    }

    #[test]
    fn the_checksum_counts_words_and_length() {
        let image = Image::parse(smallest()).expect("an image");
        // 0x40 + "PE" + 240 + 0x20b + 1, and the length of 328 bytes.
        assert_eq!(image.computed_checksum(), 0x40 + 0x4550 + 240 + 0x20b + 1 + 328);
        assert_eq!(image.checksum(), Some(0));
        let fixed = Image::parse(image.with_checksum()).expect("still an image");
        assert_eq!(fixed.checksum(), Some(fixed.computed_checksum()));
    }

    #[test]
    fn a_cut_off_image_is_an_error() {
        let bytes = smallest();
        for length in 0..0x40 + 26 {
            assert!(Image::parse(bytes[..length].to_vec()).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn an_image_without_imports_needs_nothing() {
        let image = Image::parse(smallest()).expect("an image");
        assert_eq!(image.imported_modules().expect("no table"), Vec::<String>::new());
        assert_eq!(image.subsystem(), Some(super::SUBSYSTEM_NATIVE));
        assert!(!image.is_signed());
    }
}
