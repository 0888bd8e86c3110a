//! The contestants.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use testserver::Diod;

use crate::{Extent, Result};

/// One measurement of one contestant.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) who: String,
    pub(crate) what: String,
    pub(crate) depth: u64,
    /// Bytes if `bytes` says how many there were, else things.
    pub(crate) per_second: f64,
    pub(crate) bytes: Option<u64>,
    /// Of the contestant.
    pub(crate) cpu_seconds: Option<f64>,
    /// Of diod, meanwhile.
    pub(crate) server_cpu_seconds: Option<f64>,
}

/// Where it takes place: a folder with the bench's file and its directory of many entries, and who serves it.
#[derive(Clone)]
pub(crate) struct Course {
    pub(crate) port: u16,
    pub(crate) export: PathBuf,
    pub(crate) size: u64,
    diod: u32,
}

impl Course {
    pub(crate) fn prepare(export: &Path, diod: &Diod, extent: &Extent) -> Result<Self> {
        let place = export.join("p9-bench");
        fs::create_dir_all(place.join("many"))?;
        for number in 0..extent.entries {
            fs::write(place.join("many").join(format!("entry {number:06}")), b"")?;
        }
        let block: Vec<u8> = (0..1 << 20).map(|index| (index % 251) as u8).collect();
        let mut file = fs::File::create(place.join("file"))?;
        for _ in 0..extent.size >> 20 {
            std::io::Write::write_all(&mut file, &block)?;
        }
        Ok(Self {
            port: diod.port(),
            export: export.to_owned(),
            // Whole blocks of the tool.
            size: extent.size >> 22 << 22,
            diod: diod.process_id(),
        })
    }

    /// The same behind another port.
    pub(crate) fn behind(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    pub(crate) fn share(&self) -> String {
        format!("127.0.0.1:{}{}", self.port, self.export.display())
    }

    fn file(&self) -> &'static str {
        "p9-bench/file"
    }
}

pub(crate) struct Runner;

impl Runner {
    /// The tool, as a process.
    pub(crate) fn p9(course: &Course, who: String, window: Option<u16>, words: &[&str]) -> Result<Vec<Row>> {
        let before = cpu_seconds(course.diod)?;
        let output = p9(course, window, words).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{who}: {}", output.status).into());
        }
        let server = cpu_seconds(course.diod)? - before;
        let json: Value = serde_json::from_slice(&output.stdout)?;
        let rows = json["measurements"].as_array().ok_or("no measurements")?;
        let alone = rows.len() == 1;
        rows.iter()
            .map(|row| {
                Ok(Row {
                    who: who.clone(),
                    what: row["what"].as_str().ok_or("no name")?.into(),
                    depth: row["depth"].as_u64().unwrap_or(1),
                    per_second: row["per_second"].as_f64().ok_or("no rate")?,
                    bytes: row["bytes"].as_u64(),
                    cpu_seconds: row["cpu_seconds"].as_f64(),
                    // Of several measurements nobody knows which took how much.
                    server_cpu_seconds: alone.then_some(server),
                })
            })
            .collect()
    }

    /// Several of the tool at once, which the server serves with threads of their own: what it can give at most.
    pub(crate) fn several(course: &Course, count: usize) -> Result<Vec<Row>> {
        let started = Instant::now();
        let running: Vec<Child> = (0..count)
            .map(|_| {
                p9(course, None, &["--only=read"])
                    .stdout(Stdio::null())
                    .spawn()
                    .map_err(Into::into)
            })
            .collect::<Result<_>>()?;
        all_succeed(running)?;
        Ok(vec![together(
            course,
            format!("{count} sessions of ours"),
            count,
            started,
        )])
    }

    /// diod's own client, one or several at once.
    pub(crate) fn diodcat(course: &Course, count: usize) -> Result<Vec<Row>> {
        let before = (children_cpu_seconds()?, cpu_seconds(course.diod)?);
        let started = Instant::now();
        let running: Vec<Child> = (0..count)
            .map(|_| {
                let path = std::env::var("PATH").unwrap_or_default();
                Command::new("diodcat")
                    .env("PATH", format!("{path}:/usr/sbin:/sbin"))
                    .args(["-s", &format!("127.0.0.1:{}", course.port), "-a"])
                    .arg(&course.export)
                    .arg(course.file())
                    .stdout(Stdio::null())
                    .spawn()
                    .map_err(Into::into)
            })
            .collect::<Result<_>>()?;
        all_succeed(running)?;
        let who = match count {
            1 => "diodcat".into(),
            count => format!("{count} diodcats"),
        };
        let mut row = together(course, who, count, started);
        row.cpu_seconds = Some(children_cpu_seconds()? - before.0);
        row.server_cpu_seconds = Some(cpu_seconds(course.diod)? - before.1);
        Ok(vec![row])
    }
}

fn together(course: &Course, who: String, count: usize, started: Instant) -> Row {
    let bytes = course.size * count as u64;
    Row {
        who,
        what: "sequential read".into(),
        depth: 1,
        per_second: bytes as f64 / started.elapsed().as_secs_f64(),
        bytes: Some(bytes),
        cpu_seconds: None,
        server_cpu_seconds: None,
    }
}

fn all_succeed(running: Vec<Child>) -> Result {
    for mut child in running {
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("a contestant failed: {status}").into());
        }
    }
    Ok(())
}

fn p9(course: &Course, window: Option<u16>, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_p9-tests"));
    command
        .args(["bench", "--json", "--keep"])
        .args(words)
        .arg(course.share());
    if !words.iter().any(|word| word.starts_with("--size=")) {
        command.arg(format!("--size={}", course.size));
    }
    if let Some(window) = window {
        command.arg(format!("--window={window}"));
    }
    command
}

/// User and system time of a process: fields 14 and 15 of its `stat`, in ticks of 10 ms.
fn cpu_seconds(process: u32) -> Result<f64> {
    ticks(&fs::read_to_string(format!("/proc/{process}/stat"))?, 11)
}

/// Of all children that have ended: fields 16 and 17 of our own.
fn children_cpu_seconds() -> Result<f64> {
    ticks(&fs::read_to_string("/proc/self/stat")?, 13)
}

fn ticks(stat: &str, field: usize) -> Result<f64> {
    let (_, fields) = stat.rsplit_once(')').ok_or("no stat of a process")?;
    let mut fields = fields.split_whitespace().skip(field);
    let mut next = || -> Result<f64> { Ok(fields.next().ok_or("stat is too short")?.parse()?) };
    Ok((next()? + next()?) / 100.0)
}
