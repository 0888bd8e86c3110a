//! What the demonstration's server exports: made here, so that every byte can be checked.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

/// Bytes of the large file.
pub(crate) const LARGE_LEN: u64 = 64 << 20;
/// Name of the large file.
pub(crate) const LARGE: &str = "large.bin";
/// Name of a small file.
pub(crate) const SMALL: &str = "notes.txt";
/// What is in the small file.
pub(crate) const SMALL_TEXT: &str = "a drive is only an alias";

/// Fills `export` with nested folders, names in several scripts, and a large file.
pub(crate) fn fill(export: &Path) -> Result<()> {
    let deep = export.join("projects/Über/日本語/données");
    fs::create_dir_all(&deep)?;
    fs::create_dir_all(export.join("empty"))?;
    fs::write(export.join(SMALL), SMALL_TEXT)?;
    fs::write(deep.join("Ж-файл.txt"), "шесть")?;
    fs::write(deep.join("with blanks and (brackets).md"), "# hello\n")?;
    fs::write(export.join("projects/🦀.rs"), "fn main() {}\n")?;
    for number in 0..100 {
        let name = export.join(format!("projects/Über/entry-{number:03}"));
        fs::write(name, vec![b'x'; number])?;
    }
    let mut file = File::create(export.join(LARGE))?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = vec![0; 1 << 20];
    for _ in 0..LARGE_LEN >> 20 {
        for piece in block.chunks_exact_mut(8) {
            // xorshift64: data that no layer could compress, repeat or guess.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            piece.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    Ok(())
}

/// SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(file: &Path) -> Result<String> {
    let mut file = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        hash.update(block.get(..read).unwrap_or_default());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Everything below `folder`: path with slashes → kind and size, as the harness's `ls -R --tsv` prints them.
pub(crate) fn listing(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    collect(folder, "", &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, above: &str, found: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        let about = entry.metadata()?;
        if about.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
            found.insert(path, "d 0".to_owned());
        } else {
            found.insert(path, format!("f {}", about.len()));
        }
    }
    Ok(())
}

/// What the harness's `ls -R --tsv` printed, in the same form.
pub(crate) fn parse_listing(text: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let mut fields = line.splitn(4, '\t');
        let (Some(kind), Some(size), Some(_time), Some(path)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            bail!("the listing has the line {line:?}");
        };
        found.insert(path.to_owned(), format!("{kind} {size}"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_its_printed_listing_compare_equal() {
        let folder = std::env::temp_dir().join(format!("mrx9p-content-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/ü")).expect("a folder");
        fs::write(folder.join("a/b"), "12345").expect("a file");
        let printed = "d\t0\t1\ta\nd\t0\t2\ta/ü\nf\t5\t3\ta/b\n";
        assert_eq!(
            listing(&folder).expect("a listing"),
            parse_listing(printed).expect("well-formed")
        );
        fs::remove_dir_all(&folder).expect("removed");
        assert!(parse_listing("d\t0\n").is_err());
    }
}
