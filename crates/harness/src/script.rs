//! `script`: commands line by line from the standard input, one answer line each, so that a program on the other
//! side of a pipe can hold files open while it does something to the server.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use client::device::Device;
use client::names::{DriveLetter, Unc};
use client::{drives, registry, wnet};
use ioctl::DeleteLevel;
use sha2::{Digest, Sha256};

use crate::commands;
use crate::connect;
use crate::failure::Failure;
use crate::files::{self, Files, InFlight, OpenFile};
use crate::language::{Command, Line, quoted};
use crate::path::Target;

/// How long `wait` waits unless told.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

struct Session {
    files: Box<dyn Files>,
    open: BTreeMap<String, Box<dyn OpenFile>>,
    /// Reads on their way, by job name.
    running: BTreeMap<String, InFlight>,
}

/// Reads commands until the end of the input or `quit`; every line gets exactly one answer:
/// `ok [key=value …] ms=N` or `err NAME NUMBER ms=N`.
pub(crate) fn run() -> Result<(), Failure> {
    let mut session = Session {
        files: connect::files(),
        open: BTreeMap::new(),
        running: BTreeMap::new(),
    };
    for text in io::stdin().lock().lines() {
        let text = text?;
        let parsed = match Line::parse(&text) {
            Line::Nothing => continue,
            Line::Quit => break,
            Line::Command(parsed) => parsed,
        };
        let start = Instant::now();
        let answer = parsed
            .map_err(Failure::Usage)
            .and_then(|command| session.execute(command));
        let ms = start.elapsed().as_millis();
        let mut out = io::stdout().lock();
        match answer {
            Ok(facts) if facts.is_empty() => writeln!(out, "ok ms={ms}")?,
            Ok(facts) => writeln!(out, "ok {facts} ms={ms}")?,
            Err(failure @ (Failure::Status(_) | Failure::Win32(_) | Failure::StillRunning)) => {
                writeln!(out, "err {failure} ms={ms}")?
            }
            Err(Failure::Usage(what)) => {
                writeln!(out, "err USAGE 0 what={} ms={ms}", quoted(what.as_bytes()))?
            }
            Err(failure) => {
                writeln!(
                    out,
                    "err WRONG 0 what={} ms={ms}",
                    quoted(failure.to_string().as_bytes())
                )?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

impl Session {
    fn execute(&mut self, command: Command) -> Result<String, Failure> {
        match command {
            Command::Open { name, path, request } => {
                let target = Target::parse(&path).map_err(Failure::Usage)?;
                let (file, action) = self.files.open(&target, &request)?;
                self.open.insert(name, file);
                Ok(format!("action={action}"))
            }
            Command::Read { name, offset, length } => {
                let reply = self.file(&name)?.start_read(offset, length)?.wait()?;
                Ok(data_facts(&reply.data()?))
            }
            Command::Write { name, offset, data } => {
                Ok(format!("n={}", self.file(&name)?.write(offset, data.as_bytes())?))
            }
            Command::Sha256 { name } => sha256(self.file(&name)?),
            Command::Flush { name } => done(self.file(&name)?.flush()),
            Command::Cleanup { name } => done(self.file_mut(&name)?.cleanup()),
            Command::Close { name } => {
                let mut file = self.open.remove(&name).ok_or_else(|| unknown(&name))?;
                done(file.close())
            }
            Command::ReadAsync {
                name,
                job,
                offset,
                length,
            } => {
                let read = self.file(&name)?.start_read(offset, length)?;
                self.running.insert(job, read);
                Ok(String::new())
            }
            Command::Wait { job, limit } => self.wait(&job, limit.unwrap_or(WAIT_LIMIT)),
            Command::Cancel { name } => done(self.file(&name)?.cancel()),
            Command::Stat { path } => stat(&*self.files, &path),
            Command::List { path } => list(&*self.files, &path),
            Command::Map { drive, remote, user } => map(&drive, &remote, user.as_deref()),
            Command::Unmap { name, force } => {
                let units: Vec<u16> = name.encode_utf16().collect();
                wnet::cancel(&units, force)
                    .map(|()| String::new())
                    .map_err(Failure::Win32)
            }
            Command::Delete { name, level } => delete(&name, level),
            Command::Enumerate => enumerate(),
            Command::KernelEnumerate => kernel_enumerate(),
            Command::DosDevice { drive } => dos_device(&drive),
            Command::Statistics => statistics(),
            Command::Start => done(Device::open_for_control().and_then(|device| device.start())),
            Command::Stop => done(Device::open_for_control().and_then(|device| device.stop())),
            Command::Live => Ok(format!("handles={}", self.files.live()?)),
            Command::Sleep { limit } => {
                std::thread::sleep(limit);
                Ok(String::new())
            }
        }
    }

    fn wait(&mut self, job: &str, limit: Duration) -> Result<String, Failure> {
        let read = self
            .running
            .remove(job)
            .ok_or_else(|| Failure::Usage(format!("no job {job}")))?;
        match read.wait_for(limit) {
            Ok(reply) => Ok(data_facts(&reply?.data()?)),
            Err(still_running) => {
                self.running.insert(job.to_owned(), still_running);
                Err(Failure::StillRunning)
            }
        }
    }

    fn file(&self, name: &str) -> Result<&dyn OpenFile, Failure> {
        self.open.get(name).map(Box::as_ref).ok_or_else(|| unknown(name))
    }

    fn file_mut(&mut self, name: &str) -> Result<&mut Box<dyn OpenFile>, Failure> {
        self.open.get_mut(name).ok_or_else(|| unknown(name))
    }
}

fn unknown(name: &str) -> Failure {
    Failure::Usage(format!("no open file {name}"))
}

fn done(result: nt::Result) -> Result<String, Failure> {
    result?;
    Ok(String::new())
}

/// The length of what was read and, as far as it is short, the bytes.
fn data_facts(data: &[u8]) -> String {
    const SHOWN: usize = 200;
    let shown = quoted(data.get(..SHOWN).unwrap_or(data));
    format!("n={} data={shown}", data.len())
}

fn sha256(file: &dyn OpenFile) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    let start = Instant::now();
    let bytes = files::read_through(file, |piece| {
        hash.update(piece);
        Ok(())
    })?;
    let seconds = start.elapsed().as_secs_f64().max(1e-6);
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    // CAST: a figure for people.
    Ok(format!(
        "sha256={digest} n={bytes} mbps={:.1}",
        bytes as f64 / seconds / 1e6
    ))
}

fn stat(files: &dyn Files, path: &str) -> Result<String, Failure> {
    let target = Target::parse(path).map_err(Failure::Usage)?;
    let facts = commands::facts(files, &target)?;
    let facts: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(facts.join(" "))
}

fn list(files: &dyn Files, path: &str) -> Result<String, Failure> {
    let target = Target::parse(path).map_err(Failure::Usage)?;
    let entries = files::list(files, &target)?;
    let names: Vec<String> = entries
        .iter()
        .map(|entry| quoted(entry.name_lossy().as_bytes()))
        .collect();
    Ok(format!("n={} {}", names.len(), names.join(" "))
        .trim_end()
        .to_owned())
}

fn map(drive: &str, remote: &str, user: Option<&str>) -> Result<String, Failure> {
    let drive = match drive {
        "-" => None,
        drive => Some(letter(drive)?),
    };
    let remote: Vec<u16> = remote.encode_utf16().collect();
    wnet::add(drive, &remote, user, &registry::provider_name()).map_err(Failure::Win32)?;
    Ok(String::new())
}

fn delete(name: &str, level: u32) -> Result<String, Failure> {
    let level = DeleteLevel::from_value(level)?;
    let units: Vec<u16> = match Unc::parse_str(name) {
        Ok(unc) => unc.server_relative().to_vec(),
        Err(_) => name.encode_utf16().collect(),
    };
    done(Device::open()?.delete_named(&units, level))
}

fn enumerate() -> Result<String, Failure> {
    let listed = wnet::connections().map_err(Failure::Win32)?;
    let listed = listed.iter().map(|one| {
        let local = if one.local.is_empty() { "-" } else { &one.local };
        format!("{local}={}", one.remote)
    });
    Ok(listed.collect::<Vec<_>>().join(" "))
}

fn kernel_enumerate() -> Result<String, Failure> {
    let listed = Device::open()?.connections()?;
    let listed = listed.iter().map(|one| {
        let local = one
            .name
            .drive
            .map_or_else(|| "-".to_owned(), |drive| drive.to_string());
        format!(
            "{local}={},state:{},open:{}",
            one.name.remote, one.state.0, one.open_files
        )
    });
    Ok(listed.collect::<Vec<_>>().join(" "))
}

fn dos_device(drive: &str) -> Result<String, Failure> {
    let target = drives::query(letter(drive)?).map_err(Failure::Win32)?;
    // ERROR_FILE_NOT_FOUND, as QueryDosDevice says it.
    let target = target.ok_or(Failure::Win32(2))?;
    Ok(format!("target={}", String::from_utf16_lossy(&target)))
}

fn statistics() -> Result<String, Failure> {
    let figures = Device::open()?.statistics()?;
    let figures: Vec<String> = figures
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(figures.join(" "))
}

fn letter(text: &str) -> Result<DriveLetter, Failure> {
    DriveLetter::parse_str(text).map_err(|_| Failure::Usage(format!("{text} is no drive letter")))
}
