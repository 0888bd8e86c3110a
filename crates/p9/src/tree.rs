//! Commands on names: copying trees, removing, renaming, making directories.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use nt::{AccessMask, CreateDisposition, CreateOptions, NameBuf, Status};

use crate::drive::{Drive, Open};
use crate::failure::{Failure, Harmless};
use crate::listing::entries;
use crate::report::to_look_at;
use crate::transfer;

/// What has gone wrong so far of many things; each is told when it happens.
#[derive(Default)]
pub(crate) struct Losses(usize);

impl Losses {
    pub(crate) fn note(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            // A count of failures below has been told already, one by one.
            match failure {
                Failure::Some(count) => self.0 += count,
                failure => {
                    eprintln!("p9: {failure}");
                    self.0 += 1;
                }
            }
        }
    }

    pub(crate) fn into_result(self) -> Result<(), Failure> {
        match self.0 {
            0 => Ok(()),
            count => Err(Failure::Some(count)),
        }
    }
}

fn warn(what: &str) {
    eprintln!("p9: {}", Harmless(what));
}

pub(crate) fn get(drive: &Drive, path: &OsStr, local: Option<&Path>, recursive: bool) -> Result<(), Failure> {
    let name = last_component(path);
    let target = match local {
        Some(local) if local.is_dir() && !name.is_empty() => local.join(name),
        Some(local) => local.to_owned(),
        None if name.is_empty() => PathBuf::from("."),
        None => PathBuf::from(name),
    };
    if !drive.open(path, to_look_at())?.is_directory() {
        return transfer::get(drive, path, &target);
    }
    if !recursive {
        return Err(Failure::Senseless(format!(
            "{} is a directory: -R copies it",
            drive.shown(path)
        )));
    }
    get_directory(drive, path, &target)
}

fn get_directory(drive: &Drive, path: &OsStr, local: &Path) -> Result<(), Failure> {
    fs::create_dir_all(local)
        .map_err(|error| Failure::local(format!("cannot make {}", local.display()), error))?;
    let mut losses = Losses::default();
    for entry in entries(drive, path)? {
        let name = os_string(entry.name);
        let (remote, local) = (child(path, &name), local.join(&name));
        if entry.information.is_link() {
            warn(&format!("{} is a symbolic link, left out", drive.shown(&remote)));
        } else if entry.information.is_directory() {
            losses.note(get_directory(drive, &remote, &local));
        } else {
            losses.note(transfer::get(drive, &remote, &local));
        }
    }
    losses.into_result()
}

pub(crate) fn put(drive: &Drive, local: &Path, path: Option<&OsStr>, recursive: bool) -> Result<(), Failure> {
    if local.as_os_str() == "-" {
        let path =
            path.ok_or_else(|| Failure::Senseless("standard input has no name: say where to".into()))?;
        return must_be_file(drive, path).and_then(|()| transfer::put_input(drive, path));
    }
    let name = local.file_name().unwrap_or_default();
    let target = match path {
        Some(path) if is_directory(drive, path) && !name.is_empty() => child(path, name),
        Some(path) if !local.is_dir() => must_be_file(drive, path).map(|()| path.to_owned())?,
        Some(path) => path.to_owned(),
        None => name.to_owned(),
    };
    if !local.is_dir() {
        return transfer::put(drive, local, &target);
    }
    if !recursive {
        return Err(Failure::Senseless(format!(
            "{} is a directory: -R copies it",
            local.display()
        )));
    }
    put_directory(drive, local, &target)
}

fn put_directory(drive: &Drive, local: &Path, path: &OsStr) -> Result<(), Failure> {
    make_one(drive, path, true)?;
    let failed = |error| Failure::local(format!("cannot list {}", local.display()), error);
    let mut losses = Losses::default();
    for entry in fs::read_dir(local).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (local, remote) = (entry.path(), child(path, &entry.file_name()));
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            losses.note(put_directory(drive, &local, &remote));
        } else if kind.is_file() {
            losses.note(transfer::put(drive, &local, &remote));
        } else {
            warn(&format!("{} is no file, left out", local.display()));
        }
    }
    losses.into_result()
}

pub(crate) fn remove(drive: &Drive, path: &OsStr, recursive: bool) -> Result<(), Failure> {
    if recursive && last_component(path).is_empty() {
        // It cannot go itself, and nobody says this to have all that is in it gone.
        let what = format!("cannot remove {}", drive.shown(path));
        return Err(Failure::remote(what, Status::CANNOT_DELETE));
    }
    let mut losses = Losses::default();
    if recursive {
        let file = drive.open(path, to_look_at())?;
        let is_directory = file.is_directory();
        drop(file);
        if is_directory {
            for entry in entries(drive, path)? {
                let below = child(path, &os_string(entry.name));
                losses.note(remove(drive, &below, entry.information.is_tree()));
            }
        }
    }
    losses.into_result()?;
    let doomed = Open::existing(AccessMask::DELETE | AccessMask::READ_ATTRIBUTES)
        .with(CreateOptions::OPEN_REPARSE_POINT);
    drive
        .try_open(path, doomed)
        .and_then(|file| file.delete())
        .map_err(|status| Failure::remote(format!("cannot remove {}", drive.shown(path)), status))
}

pub(crate) fn make_directory(drive: &Drive, path: &OsStr, parents: bool) -> Result<(), Failure> {
    if parents {
        let bytes = path.as_encoded_bytes();
        let cuts = (1..bytes.len()).filter(|&at| bytes.get(at) == Some(&b'/'));
        for cut in cuts {
            make_one(drive, &os_string(bytes[..cut].to_vec()), true)?;
        }
    }
    make_one(drive, path, parents)
}

/// Makes one directory; `there` may it be already.
fn make_one(drive: &Drive, path: &OsStr, there: bool) -> Result<(), Failure> {
    let disposition = if there {
        CreateDisposition::OPEN_IF
    } else {
        CreateDisposition::CREATE
    };
    let make = Open::existing(AccessMask::READ_ATTRIBUTES)
        .with(CreateOptions::DIRECTORY_FILE)
        .disposition(disposition);
    drive
        .try_open(path, make)
        .map(drop)
        .map_err(|status| Failure::remote(format!("cannot make {}", drive.shown(path)), status))
}

pub(crate) fn rename(drive: &Drive, from: &OsStr, to: &OsStr) -> Result<(), Failure> {
    let to = if is_directory(drive, to) {
        child(to, last_component(from))
    } else {
        // A directory may be called so from now on.
        if !is_directory(drive, from) {
            must_be_file(drive, to)?;
        }
        to.to_owned()
    };
    let name = last_component(&to);
    let renamed = || -> nt::Result {
        let mut new = NameBuf::default();
        match name.as_encoded_bytes() {
            b"" | b"." | b".." => return Err(Status::OBJECT_NAME_INVALID),
            name => minirdr::to_nt(name, &mut new)?,
        }
        let source = Open::existing(AccessMask::DELETE | AccessMask::READ_ATTRIBUTES)
            .with(CreateOptions::OPEN_REPARSE_POINT);
        let source = drive.try_open(from, source)?;
        let target = drive.try_open_directory_of(&to)?;
        source.rename(&new, Some(&target), true)
    };
    renamed().map_err(|status| {
        let what = format!("cannot move {} to {}", drive.shown(from), drive.shown(&to));
        Failure::remote(what, status)
    })
}

fn is_directory(drive: &Drive, path: &OsStr) -> bool {
    drive
        .try_open(path, to_look_at())
        .is_ok_and(|file| file.is_directory())
}

/// That `path`, which is no directory, is not written as one.
fn must_be_file(drive: &Drive, path: &OsStr) -> Result<(), Failure> {
    if path.as_encoded_bytes().ends_with(b"/") {
        let status = drive
            .try_open(path, to_look_at())
            .map_or_else(|status| status, |_| Status::NOT_A_DIRECTORY);
        return Err(Failure::remote(
            format!("cannot write {}", drive.shown(path)),
            status,
        ));
    }
    Ok(())
}

/// `name` below `directory`.
pub(crate) fn child(directory: &OsStr, name: &OsStr) -> OsString {
    let mut path = directory.to_owned();
    if !path.is_empty() && !path.as_encoded_bytes().ends_with(b"/") {
        path.push("/");
    }
    path.push(name);
    path
}

/// The last component of a path of the server; empty for the share's root.
pub(crate) fn last_component(path: &OsStr) -> &OsStr {
    Path::new(path).file_name().unwrap_or_default()
}

/// A name of the server as the host writes it.
pub(crate) fn os_string(name: Vec<u8>) -> OsString {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStringExt::from_vec(name)
    }
    #[cfg(not(unix))]
    String::from_utf8_lossy(&name).into_owned().into()
}
