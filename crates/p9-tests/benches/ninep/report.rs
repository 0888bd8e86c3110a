//! Medians and ratios: a table, the same as JSON, and a plot.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::contest::Row;
use crate::memory::Memory;
use crate::{Extent, Result, plot};

const MIB: f64 = (1 << 20) as f64;
const GIB: f64 = (1 << 30) as f64;

/// All that was measured.
pub(crate) struct Report {
    rows: Vec<Row>,
    extent: String,
    pub(crate) memory: Option<Memory>,
}

/// One line: the round in the middle.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) who: String,
    pub(crate) what: String,
    depth: u64,
    pub(crate) per_second: f64,
    slowest: f64,
    fastest: f64,
    bytes: bool,
    /// Per GiB, or per thing.
    cpu: Option<f64>,
    server_cpu: Option<f64>,
}

/// A bar, and what became of it.
struct Bar {
    name: String,
    value: f64,
    least: f64,
}

impl Report {
    pub(crate) fn new(extent: &Extent) -> Self {
        Self {
            rows: Vec::new(),
            extent: format!(
                "{} MiB in a row, {} rounds, {} entries, {} MiB over 6 ms",
                extent.size >> 20,
                extent.rounds,
                extent.entries,
                extent.far_size >> 20
            ),
            memory: None,
        }
    }

    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    /// The medians, in the order in which they came up first.
    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for row in &self.rows {
            let same = |line: &Line| (&line.who, &line.what, line.depth) == (&row.who, &row.what, row.depth);
            if !lines.iter().any(same) {
                lines.push(self.line(row));
            }
        }
        lines.sort_by_key(|line| order(&line.what));
        lines
    }

    fn line(&self, of: &Row) -> Line {
        let mut same: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| (&row.who, &row.what, row.depth) == (&of.who, &of.what, of.depth))
            .collect();
        same.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        let median = same.get(same.len() / 2).copied().unwrap_or(of);
        let per_gib = |row: &Row, seconds: Option<f64>| Some(seconds? * GIB / row.bytes? as f64);
        let mut cpu: Vec<f64> = same
            .iter()
            .filter_map(|row| per_gib(row, row.cpu_seconds))
            .collect();
        let mut server: Vec<f64> = same
            .iter()
            .filter_map(|row| per_gib(row, row.server_cpu_seconds))
            .collect();
        Line {
            who: of.who.clone(),
            what: of.what.clone(),
            depth: of.depth,
            per_second: median.per_second,
            slowest: same.first().map_or(0.0, |row| row.per_second),
            fastest: same.last().map_or(0.0, |row| row.per_second),
            bytes: of.bytes.is_some(),
            cpu: middle(&mut cpu),
            server_cpu: middle(&mut server),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result {
        let lines = self.lines();
        let text = self.text(&lines)?;
        println!("{text}");
        fs::write(folder.join("report.md"), &text)?;
        let json = json!({
            "extent": self.extent,
            "lines": lines.iter().map(to_json).collect::<Vec<Value>>(),
            "bars": bars(&lines).iter().map(|bar| json!({
                "name": bar.name, "value": bar.value, "least": bar.least, "held": bar.value >= bar.least,
            })).collect::<Vec<Value>>(),
            "memory": self.memory.map(|memory| json!({
                "per_session": memory.per_session, "per_open_file": memory.per_file,
            })),
        });
        fs::write(folder.join("report.json"), format!("{json:#}\n"))?;
        fs::write(folder.join("plot.svg"), plot::svg(&lines))?;
        println!("{}", folder.join("report.md").display());
        Ok(())
    }

    fn text(&self, lines: &[Line]) -> Result<String> {
        let mut text = String::new();
        writeln!(text, "# 9P over loopback\n\n{}; medians.\n", self.extent)?;
        writeln!(
            text,
            "| what | who | depth | per second | slowest to fastest | CPU s/GiB | diod's CPU s/GiB |"
        )?;
        writeln!(text, "|---|---|---:|---:|---:|---:|---:|")?;
        for line in lines {
            let shown = |seconds: Option<f64>| seconds.map(|seconds| format!("{seconds:.2}"));
            writeln!(
                text,
                "| {} | {} | {} | {} | {} to {} | {} | {} |",
                line.what,
                line.who,
                line.depth,
                line.rate(line.per_second),
                line.rate(line.slowest),
                line.rate(line.fastest),
                shown(line.cpu).unwrap_or_default(),
                shown(line.server_cpu).unwrap_or_default()
            )?;
        }
        if let Some(memory) = self.memory {
            writeln!(
                text,
                "\nMemory: {} KiB per session, {} bytes per open file.",
                memory.per_session / 1024,
                memory.per_file
            )?;
        }
        writeln!(text, "\n| bar | measured | least | held |\n|---|---:|---:|---|")?;
        for bar in bars(lines) {
            let held = if bar.value >= bar.least { "yes" } else { "no" };
            writeln!(
                text,
                "| {} | {:.2} | {} | {held} |",
                bar.name, bar.value, bar.least
            )?;
        }
        Ok(text)
    }
}

impl Line {
    fn rate(&self, per_second: f64) -> String {
        if self.bytes {
            format!("{:.0} MiB", per_second / MIB)
        } else {
            format!("{per_second:.0}")
        }
    }
}

/// Content first.
fn order(what: &str) -> usize {
    ["sequential read", "sequential write"]
        .iter()
        .position(|&first| first == what)
        .unwrap_or(2)
}

fn middle(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn bars(lines: &[Line]) -> Vec<Bar> {
    let read = |who: &str| {
        lines
            .iter()
            .find(|line| line.who == who && line.what == "sequential read")
            .map_or(f64::NAN, |line| line.per_second)
    };
    let ours = read("adaptive");
    // What diod can give at most: whoever got most out of it.
    let ceiling = [
        "4 diodcats",
        "2 sessions of ours",
        "window 4",
        "window 16",
        "diodcat",
    ]
    .into_iter()
    .map(read)
    .fold(ours, f64::max);
    let blast = read("bare TCP");
    let (against, limit) = if ceiling < blast {
        ("diod's own ceiling, which is below bare TCP", ceiling)
    } else {
        ("bare TCP", blast)
    };
    vec![
        Bar {
            name: "read, against diodcat".into(),
            value: ours / read("diodcat"),
            least: 2.0,
        },
        Bar {
            name: format!("read, against {against}"),
            value: ours / limit,
            least: 0.8,
        },
        Bar {
            name: "read at 6 ms, against window 1".into(),
            value: read("adaptive at 6 ms") / read("window 1 at 6 ms"),
            least: 8.0,
        },
    ]
}

fn to_json(line: &Line) -> Value {
    json!({
        "who": line.who,
        "what": line.what,
        "depth": line.depth,
        "per_second": line.per_second,
        "slowest": line.slowest,
        "fastest": line.fastest,
        "unit": if line.bytes { "bytes" } else { "things" },
        "cpu_seconds_per_gib": line.cpu,
        "server_cpu_seconds_per_gib": line.server_cpu,
    })
}
