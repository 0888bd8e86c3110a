//! The file commands: `ls`, `cat`, `get`, `put`, `stat`, `rm`, `mkdir`, `mv`.

use std::fs;
use std::io::{self, Read, Write};
use std::time::Instant;

use nt::{FileInformationClass, Status};

use crate::connect::{self, Connected};
use crate::failure::Failure;
use crate::files::{self, Files};
use crate::info::{self, ATTRIBUTE_REPARSE_POINT, Basic, Entry, NetworkOpen, Standard, date};
use crate::open::{CHUNK, OpenRequest};
use crate::path::Target;

/// The commands with their arguments, for the usage text.
pub(crate) const USAGE: &str = r"  ls [-R] [--tsv] PATH       list a directory; -R with everything below, --tsv as type, size, mtime, path
  cat PATH                   write a file to the standard output
  get PATH LOCAL             copy a file from the redirector
  put LOCAL PATH             copy a file to the redirector
  stat PATH                  show what is known of a file
  rm [-r] PATH               delete a file or an empty directory; -r with everything below
  mkdir PATH                 make a directory
  mv PATH NEWPATH            rename; an existing file by the new name is replaced";

/// Runs one command; `None` when there is no such command.
pub(crate) fn run(verb: &str, arguments: &[String]) -> Option<Result<(), Failure>> {
    let (switches, names): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|word| word.starts_with('-') && word.len() > 1);
    Some(match (verb, switches.as_slice(), names.as_slice()) {
        ("ls", switches, [path]) => ls(switches, path),
        ("cat", [], [path]) => cat(path),
        ("get", [], [path, local]) => get(path, local),
        ("put", [], [local, path]) => put(local, path),
        ("stat", [], [path]) => stat(path),
        ("rm", [], [path]) => rm(path, false),
        ("rm", ["-r"], [path]) => rm(path, true),
        ("mkdir", [], [path]) => mkdir(path),
        ("mv", [], [from, to]) => mv(from, to),
        ("ls" | "cat" | "get" | "put" | "stat" | "rm" | "mkdir" | "mv", ..) => {
            Err(Failure::Usage(format!("{verb}: wrong arguments")))
        }
        _ => return None,
    })
}

/// A path made usable: the access to files, the path, and the connection that had to be made for it.
struct Reached {
    files: Box<dyn Files>,
    target: Target,
    _connected: Option<Connected>,
}

fn reach(path: &str) -> Result<Reached, Failure> {
    let target = Target::parse(path).map_err(Failure::Usage)?;
    let connected = connect::cover(&target).map_err(Failure::Win32)?;
    Ok(Reached {
        files: connect::files(),
        target,
        _connected: connected,
    })
}

fn ls(switches: &[&str], path: &str) -> Result<(), Failure> {
    let mut recursive = false;
    let mut tsv = false;
    for switch in switches {
        match *switch {
            "-R" => recursive = true,
            "--tsv" => tsv = true,
            other => return Err(Failure::Usage(format!("ls: unknown switch {other}"))),
        }
    }
    let reached = reach(path)?;
    let mut out = io::stdout().lock();
    let line = |entry: &Entry, path: &str, out: &mut io::StdoutLock<'_>| {
        let mtime = entry.written.to_unix().0;
        let (kind, size) = (kind_of(entry.attributes), entry.size);
        if tsv {
            writeln!(out, "{kind}\t{size}\t{mtime}\t{path}")
        } else {
            writeln!(out, "{kind} {size:>12} {} {path}", date(entry.written))
        }
    };
    walk(
        &*reached.files,
        &reached.target,
        "",
        recursive,
        &mut |entry, path| line(entry, path, &mut out).map_err(Failure::from),
    )?;
    out.flush()?;
    Ok(())
}

/// Calls `each` with every entry and its path relative to the start, names joined by slashes, parents first.
fn walk(
    files: &dyn Files,
    directory: &Target,
    above: &str,
    recursive: bool,
    each: &mut dyn FnMut(&Entry, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for entry in files::list(files, directory)? {
        let path = format!("{above}{}", entry.name_lossy());
        each(&entry, &path)?;
        if recursive && entry.is_directory() && entry.attributes & ATTRIBUTE_REPARSE_POINT == 0 {
            let child = directory.join_units(&entry.name).map_err(Failure::Usage)?;
            walk(files, &child, &format!("{path}/"), true, each)?;
        }
    }
    Ok(())
}

fn cat(path: &str) -> Result<(), Failure> {
    let reached = reach(path)?;
    let mut out = io::stdout().lock();
    copy_out(&*reached.files, &reached.target, &mut out)?;
    Ok(())
}

fn get(path: &str, local: &str) -> Result<(), Failure> {
    let reached = reach(path)?;
    let start = Instant::now();
    let mut out = fs::File::create(local)?;
    let bytes = copy_out(&*reached.files, &reached.target, &mut out)?;
    report("read", bytes, start);
    Ok(())
}

fn copy_out(files: &dyn Files, target: &Target, out: &mut dyn Write) -> Result<u64, Failure> {
    let (mut file, _) = files.open(target, &OpenRequest::read())?;
    let mut trouble = None;
    let bytes = files::read_through(&*file, |piece| {
        out.write_all(piece).map_err(|error| {
            trouble = Some(error);
            Status::UNSUCCESSFUL
        })
    });
    file.close()?;
    match trouble {
        Some(error) => Err(Failure::from(error)),
        None => {
            out.flush()?;
            Ok(bytes?)
        }
    }
}

fn put(local: &str, path: &str) -> Result<(), Failure> {
    let mut source = fs::File::open(local)?;
    let reached = reach(path)?;
    let start = Instant::now();
    let request = OpenRequest::write(nt::CreateDisposition::OVERWRITE_IF);
    let (mut file, _) = reached.files.open(&reached.target, &request)?;
    let mut buffer = vec![0; CHUNK];
    let mut offset: u64 = 0;
    loop {
        let length = source.read(&mut buffer)?;
        let piece = buffer.get(..length).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        files::write_all(&*file, offset, piece)?;
        offset = offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }
    file.close()?;
    report("written", offset, start);
    Ok(())
}

fn stat(path: &str) -> Result<(), Failure> {
    let reached = reach(path)?;
    for (name, value) in facts(&*reached.files, &reached.target)? {
        println!("{name:<12}{value}");
    }
    Ok(())
}

/// What is known of a file, each fact with its name.
pub(crate) fn facts(files: &dyn Files, target: &Target) -> Result<Vec<(&'static str, String)>, Failure> {
    let (mut file, _) = files.open(target, &OpenRequest::attributes())?;
    let basic = Basic::parse(
        &file
            .query(FileInformationClass::BASIC, info::BASIC_BYTES)?
            .data()?,
    )?;
    let standard = Standard::parse(
        &file
            .query(FileInformationClass::STANDARD, info::STANDARD_BYTES)?
            .data()?,
    )?;
    let open = file
        .query(FileInformationClass::NETWORK_OPEN, info::NETWORK_OPEN_BYTES)?
        .data()?;
    let open = NetworkOpen::parse(&open)?;
    file.close()?;
    Ok(vec![
        ("type", kind_of(basic.attributes).to_owned()),
        ("size", standard.size.to_string()),
        ("allocation", open.allocation.to_string()),
        ("links", standard.links.to_string()),
        ("attributes", format!("{:#x}", basic.attributes)),
        ("created", date(basic.created)),
        ("accessed", date(basic.accessed)),
        ("written", date(basic.written)),
        ("changed", date(basic.changed)),
    ])
}

fn rm(path: &str, recursive: bool) -> Result<(), Failure> {
    let reached = reach(path)?;
    if recursive {
        let (mut file, _) = reached.files.open(&reached.target, &OpenRequest::attributes())?;
        let standard = file
            .query(FileInformationClass::STANDARD, info::STANDARD_BYTES)?
            .data()?;
        file.close()?;
        if Standard::parse(&standard)?.directory {
            return Ok(files::remove_tree(&*reached.files, &reached.target)?);
        }
    }
    Ok(files::remove(&*reached.files, &reached.target)?)
}

fn mkdir(path: &str) -> Result<(), Failure> {
    let reached = reach(path)?;
    Ok(files::make_directory(&*reached.files, &reached.target)?)
}

fn mv(from: &str, to: &str) -> Result<(), Failure> {
    let reached = reach(from)?;
    let to = Target::parse(to).map_err(Failure::Usage)?;
    Ok(reached.files.rename(&reached.target, &to, true)?)
}

/// `d` for a directory, `l` for a link, `f` for a file.
fn kind_of(attributes: u32) -> &'static str {
    if attributes & ATTRIBUTE_REPARSE_POINT != 0 {
        "l"
    } else if attributes & info::ATTRIBUTE_DIRECTORY != 0 {
        "d"
    } else {
        "f"
    }
}

fn report(done: &str, bytes: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64().max(1e-6);
    // CAST: a figure for people.
    let rate = bytes as f64 / seconds / 1e6;
    println!("{bytes} bytes {done} in {seconds:.3} s, {rate:.1} MB/s");
}
