//! `stat` and `df`, and how attributes are written.

use std::ffi::OsStr;
use std::io::{self, Write};

use nt::{AccessMask, CreateOptions, FileAttributes, FileTime};
use serde_json::{Value, json};

use crate::clock::iso_8601;
use crate::drive::{Drive, Open};
use crate::failure::Failure;
use crate::file::Information;

/// A file or directory as it is, links included, to look at.
pub(crate) fn to_look_at() -> Open {
    Open::existing(AccessMask::READ_ATTRIBUTES).with(CreateOptions::OPEN_REPARSE_POINT)
}

pub(crate) fn stat(drive: &Drive, path: &OsStr, json: bool) -> Result<(), Failure> {
    let file = drive.open(path, to_look_at())?;
    let failed = |status| Failure::remote(format!("cannot look at {}", drive.shown(path)), status);
    let information = file.information().map_err(failed)?;
    let links = file.links().map_err(failed)?;
    let shown = drive.shown(path);
    if json {
        let mut value = to_json(&information);
        value["path"] = json!(shown);
        value["links"] = json!(links);
        return print(|out| writeln!(out, "{value:#}"));
    }
    print(|out| {
        let time = |time| iso_8601(time).unwrap_or_else(|| "unknown".into());
        writeln!(out, "path:       {shown}")?;
        writeln!(out, "kind:       {}", information.kind())?;
        writeln!(out, "size:       {}", information.size)?;
        writeln!(out, "allocated:  {}", information.allocation_size)?;
        writeln!(out, "attributes: {}", letters(information.attributes))?;
        writeln!(out, "links:      {links}")?;
        writeln!(out, "id:         {}", information.file_id)?;
        writeln!(out, "created:    {}", time(information.creation_time))?;
        writeln!(out, "accessed:   {}", time(information.last_access_time))?;
        writeln!(out, "written:    {}", time(information.last_write_time))?;
        writeln!(out, "changed:    {}", time(information.change_time))
    })
}

pub(crate) fn volume(drive: &Drive, json: bool) -> Result<(), Failure> {
    let root = OsStr::new("");
    let volume = drive
        .open(root, to_look_at())?
        .volume()
        .map_err(|status| Failure::remote("cannot tell how full it is", status))?;
    let used = volume.total.saturating_sub(volume.free);
    if json {
        let value = json!({
            "share": drive.text,
            "total": volume.total,
            "used": used,
            "free": volume.free,
            "available": volume.available,
            "unit": volume.unit,
        });
        return print(|out| writeln!(out, "{value:#}"));
    }
    print(|out| {
        writeln!(
            out,
            "{:>20} {:>20} {:>20} {:>5}  share",
            "bytes", "used", "available", "use"
        )?;
        // Of what users can have, as df reckons it.
        let usable = used.saturating_add(volume.available).max(1);
        let percent = u128::from(used) * 100 / u128::from(usable);
        writeln!(
            out,
            "{:>20} {used:>20} {:>20} {percent:>4}%  {}",
            volume.total, volume.available, drive.text
        )
    })
}

/// The fields that `ls` and `stat` share.
pub(crate) fn to_json(information: &Information) -> Value {
    let time = |time: FileTime| iso_8601(time);
    json!({
        "kind": information.kind(),
        "size": information.size,
        "allocated": information.allocation_size,
        "attributes": names(information.attributes),
        "id": information.file_id,
        "created": time(information.creation_time),
        "accessed": time(information.last_access_time),
        "written": time(information.last_write_time),
        "changed": time(information.change_time),
    })
}

/// The attributes that a server's files can have here, with the letters of Windows' `attrib`.
const SHOWN: [(FileAttributes, char, &str); 4] = [
    (FileAttributes::DIRECTORY, 'D', "directory"),
    (FileAttributes::READONLY, 'R', "readonly"),
    (FileAttributes::HIDDEN, 'H', "hidden"),
    (FileAttributes::REPARSE_POINT, 'L', "reparse_point"),
];

/// One letter for each attribute, a dash for each that is missing.
pub(crate) fn letters(attributes: FileAttributes) -> String {
    SHOWN
        .iter()
        .map(|&(flag, letter, _)| if attributes.contains(flag) { letter } else { '-' })
        .collect()
}

fn names(attributes: FileAttributes) -> Vec<&'static str> {
    SHOWN
        .iter()
        .filter(|(flag, ..)| attributes.contains(*flag))
        .map(|&(.., name)| name)
        .collect()
}

/// Writes to standard output. Whoever closes it early has seen enough.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::local("cannot write to standard output", error))
        }
        _ => Ok(()),
    }
}
