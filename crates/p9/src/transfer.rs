//! The content of files, in both directions.
//!
//! One side is read while the other is written: a thread has the local file, and a few buffers go round between them.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use nt::{AccessMask, CreateDisposition, CreateOptions};

use crate::drive::{Drive, Open};
use crate::failure::{Failure, Harmless};
use crate::file::File;

/// Bytes of one buffer: a whole window of messages several times over.
const BLOCK: usize = 4 << 20;
/// Buffers that go round.
const BLOCKS: usize = 3;

/// A file, to read.
fn to_read() -> Open {
    Open::existing(AccessMask::FILE_GENERIC_READ).with(CreateOptions::NON_DIRECTORY_FILE)
}

/// A new or emptied file, to write.
fn to_write() -> Open {
    Open::existing(AccessMask::FILE_GENERIC_WRITE)
        .with(CreateOptions::NON_DIRECTORY_FILE)
        .disposition(CreateDisposition::OVERWRITE_IF)
}

pub(crate) fn cat(drive: &Drive, path: &OsStr) -> Result<(), Failure> {
    let file = drive.open(path, to_read())?;
    let hidden = ProgressBar::hidden();
    let name = drive.shown(path);
    match from_server(&file, &name, &mut io::stdout(), "to standard output", &hidden) {
        // Whoever closes the pipe has seen enough.
        Err(Failure::Local { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Copies one file from the server.
pub(crate) fn get(drive: &Drive, path: &OsStr, local: &Path) -> Result<(), Failure> {
    let file = drive.open(path, to_read())?;
    let name = drive.shown(path);
    let size = file
        .information()
        .map_err(|status| Failure::remote(format!("cannot look at {name}"), status))?
        .size;
    let mut target = fs::File::create(local)
        .map_err(|error| Failure::local(format!("cannot make {}", local.display()), error))?;
    let bar = progress(size, &name);
    from_server(&file, &name, &mut target, &local.display().to_string(), &bar)
}

/// Copies one file to the server.
pub(crate) fn put(drive: &Drive, local: &Path, path: &OsStr) -> Result<(), Failure> {
    let shown = local.display().to_string();
    let failed = |error| Failure::local(format!("cannot read {shown}"), error);
    let mut source = fs::File::open(local).map_err(failed)?;
    let size = source.metadata().map_err(failed)?.len();
    put_from(drive, &mut source, &shown, &progress(size, &shown), path)
}

/// Copies standard input to the server.
pub(crate) fn put_input(drive: &Drive, path: &OsStr) -> Result<(), Failure> {
    let hidden = ProgressBar::hidden();
    put_from(drive, &mut io::stdin(), "standard input", &hidden, path)
}

fn put_from(
    drive: &Drive,
    source: &mut (impl Read + Send),
    source_name: &str,
    bar: &ProgressBar,
    path: &OsStr,
) -> Result<(), Failure> {
    let file = drive.open(path, to_write())?;
    let name = drive.shown(path);
    to_server(source, source_name, &file, &name, bar)?;
    // Some servers report a full disk only now.
    file.flush()
        .map_err(|status| Failure::remote(format!("cannot write {name}"), status))
}

fn progress(size: u64, name: &str) -> ProgressBar {
    let bar = ProgressBar::new(size);
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    // Whatever happens, the next line of output is not to begin behind it.
    bar.with_finish(ProgressFinish::AndClear)
        .with_message(Harmless(name).to_string())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Reads from the server here and writes on a thread.
fn from_server(
    file: &File<'_>,
    name: &str,
    target: &mut (impl Write + Send),
    target_name: &str,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let (full, to_thread) = sync_channel::<(Vec<u8>, usize)>(BLOCKS);
    let (empty, to_here) = empty_blocks();
    thread::scope(|scope| {
        let writer = scope.spawn(move || -> io::Result<()> {
            for (block, length) in to_thread {
                target.write_all(block.get(..length).unwrap_or_default())?;
                // Nobody wants it once everything has been read.
                let _ = empty.send(block);
            }
            target.flush()
        });
        let read = read_blocks(file, &to_here, &full, bar);
        drop(full);
        let written = writer.join().unwrap_or_else(|_| Err(io::Error::other("panic")));
        written.map_err(|error| Failure::local(format!("cannot write {target_name}"), error))?;
        read.map_err(|status| Failure::remote(format!("cannot read {name}"), status))
    })
}

fn read_blocks(
    file: &File<'_>,
    empty: &Receiver<Vec<u8>>,
    full: &SyncSender<(Vec<u8>, usize)>,
    bar: &ProgressBar,
) -> nt::Result {
    let mut offset = 0;
    // Without blocks the writer has failed, and says why.
    while let Ok(mut block) = empty.recv() {
        let length = file.read(offset, &mut block)?;
        if length == 0 || full.send((block, length)).is_err() {
            break;
        }
        offset += length as u64;
        bar.inc(length as u64);
    }
    Ok(())
}

/// Reads on a thread and writes to the server here.
fn to_server(
    source: &mut (impl Read + Send),
    source_name: &str,
    file: &File<'_>,
    name: &str,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let (full, to_here) = sync_channel::<(Vec<u8>, usize)>(BLOCKS);
    let (empty, to_thread) = empty_blocks();
    thread::scope(|scope| {
        let reader = scope.spawn(move || -> io::Result<()> {
            for mut block in to_thread {
                let length = fill(source, &mut block)?;
                if length == 0 || full.send((block, length)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let mut offset = 0;
        let mut written = Ok(());
        for (block, length) in &to_here {
            let data = block.get(..length).unwrap_or_default();
            written = file.write(offset, data);
            if written.is_err() {
                break;
            }
            offset += length as u64;
            bar.inc(length as u64);
            let _ = empty.send(block);
        }
        drop((to_here, empty));
        let read = reader.join().unwrap_or_else(|_| Err(io::Error::other("panic")));
        written.map_err(|status| Failure::remote(format!("cannot write {name}"), status))?;
        read.map_err(|error| Failure::local(format!("cannot read {source_name}"), error))
    })
}

/// Fills `block` as far as there is something.
fn fill(source: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(room) = block.get_mut(length..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// A way for empty blocks to go, with all of them on it.
fn empty_blocks() -> (SyncSender<Vec<u8>>, Receiver<Vec<u8>>) {
    let (empty, blocks) = sync_channel(BLOCKS);
    for _ in 0..BLOCKS {
        // There is room for as many.
        let _ = empty.send(vec![0; BLOCK]);
    }
    (empty, blocks)
}
