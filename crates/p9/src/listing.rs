//! `ls`.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _, Write};

use nt::AccessMask;
use serde_json::json;

use crate::clock::iso_8601;
use crate::drive::{Drive, Open};
use crate::failure::{Failure, Harmless};
use crate::file::{Entry, Information};
use crate::report::{letters, print, to_json, to_look_at};
use crate::tree::{Losses, child, last_component, os_string};

pub(crate) fn list(
    drive: &Drive,
    path: &OsStr,
    recursive: bool,
    long: bool,
    json: bool,
) -> Result<(), Failure> {
    let file = drive.open(path, to_look_at())?;
    let mut found = Vec::new();
    let mut losses = Losses::default();
    // A link is shown as such on demand; else what it leads to counts, if that is a directory.
    let follows = !long || path.as_encoded_bytes().ends_with(b"/");
    if file.is_directory() || follows && leads_to_directory(drive, path) {
        drop(file);
        walk(drive, path, OsStr::new(""), recursive, &mut found, &mut losses)?;
    } else {
        let information = file
            .information()
            .map_err(|status| Failure::remote(format!("cannot look at {}", drive.shown(path)), status))?;
        found.push((last_component(path).to_owned(), information));
    }
    let is_terminal = io::stdout().is_terminal();
    print(|out| {
        if json {
            return write_json(out, &found);
        }
        for (path, information) in &found {
            write_line(out, path, information, long, is_terminal)?;
        }
        Ok(())
    })?;
    losses.into_result()
}

fn leads_to_directory(drive: &Drive, path: &OsStr) -> bool {
    let follow = Open::existing(AccessMask::READ_ATTRIBUTES);
    drive.try_open(path, follow).is_ok_and(|file| file.is_directory())
}

/// Collects what is in `directory`, each with its path below the directory that was asked for. What cannot be listed below it
/// is a loss.
fn walk(
    drive: &Drive,
    directory: &OsStr,
    below: &OsStr,
    recursive: bool,
    found: &mut Vec<(OsString, Information)>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    for Entry { name, information } in entries(drive, directory)? {
        let name = os_string(name);
        let path = child(below, &name);
        let descend = recursive && information.is_tree();
        found.push((path.clone(), information));
        if descend {
            let below = walk(drive, &child(directory, &name), &path, recursive, found, losses);
            losses.note(below);
        }
    }
    Ok(())
}

/// The entries of a directory of the server.
pub(crate) fn entries(drive: &Drive, directory: &OsStr) -> Result<Vec<Entry>, Failure> {
    let list = Open::existing(AccessMask::READ_DATA | AccessMask::SYNCHRONIZE);
    drive
        .open(directory, list)?
        .entries()
        .map_err(|status| Failure::remote(format!("cannot list {}", drive.shown(directory)), status))
}

fn write_line(
    out: &mut dyn Write,
    path: &OsStr,
    information: &Information,
    long: bool,
    is_terminal: bool,
) -> io::Result<()> {
    if long {
        let time = iso_8601(information.last_write_time).unwrap_or_default();
        let time = time.get(..19).unwrap_or_default();
        write!(
            out,
            "{} {:>14} {time:19} ",
            letters(information.attributes),
            information.size
        )?;
    }
    if is_terminal {
        write!(out, "{}", Harmless(&path.to_string_lossy()))?;
    } else {
        out.write_all(path.as_encoded_bytes())?;
    }
    out.write_all(if information.is_tree() { b"/\n" } else { b"\n" })
}

fn write_json(out: &mut dyn Write, found: &[(OsString, Information)]) -> io::Result<()> {
    let list: Vec<_> = found
        .iter()
        .map(|(path, information)| {
            let mut value = to_json(information);
            value["path"] = json!(path.to_string_lossy());
            value
        })
        .collect();
    writeln!(out, "{:#}", json!(list))
}
