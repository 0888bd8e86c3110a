//! `bench`: what a share does per second.

mod measure;
mod process;

use std::ffi::OsStr;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::drive::Drive;
use crate::failure::Failure;
use crate::report::print;
use measure::{Course, Measurement};

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Plan {
    /// Bytes to write and to read in a row: whole blocks of 4 MiB.
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20, value_parser = clap::value_parser!(u64).range(measure::BLOCK as u64..))]
    size: u64,
    /// How long to do small things, each.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// How many files to list; they are made first.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    entries: u32,
    /// How often; the table has the medians.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Measure these alone.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    only: Vec<What>,
    /// Leave the file and the directory of the bench where they are, and take those that are there.
    #[arg(long)]
    keep: bool,
}

/// How long something may take: from the hundredth part of a second to an hour.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().map_err(|_| format!("{text} is no number"))?;
    if (0.01..=3600.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("{text} is not from 0.01 to 3600"))
    }
}

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// Write a file from front to back.
    Write,
    /// Read it from front to back.
    Read,
    /// Read 4 KiB anywhere in it, one and 16 at a time.
    Random,
    /// Look at a file by its path, one and 16 at a time.
    Stat,
    /// Open a file to read and close it, one and 16 at a time.
    Open,
    /// List a directory with all attributes.
    List,
}

impl What {
    const ALL: [Self; 6] = [
        Self::Write,
        Self::Read,
        Self::Random,
        Self::Stat,
        Self::Open,
        Self::List,
    ];
}

/// Measures, and shows a table.
pub(crate) fn run(drive: &Drive, path: &OsStr, plan: &Plan, json: bool) -> Result<(), Failure> {
    let course = Course::prepare(drive, path, plan)?;
    let wanted = What::ALL
        .into_iter()
        .filter(|what| plan.only.is_empty() || plan.only.contains(what));
    let wanted: Vec<What> = wanted.collect();
    let bar = ProgressBar::new(wanted.len() as u64 * u64::from(plan.rounds));
    let style = ProgressStyle::with_template("{msg:8} {bar:30} {pos}/{len} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut rounds: Vec<Vec<Measurement>> = Vec::new();
    let mut measured = Ok(());
    'rounds: for _ in 0..plan.rounds {
        let mut round = Vec::new();
        for &what in &wanted {
            bar.set_message(format!("{what:?}").to_lowercase());
            match course.measure(what) {
                Ok(measurements) => round.extend(measurements),
                Err(failure) => {
                    measured = Err(failure);
                    break 'rounds;
                }
            }
            bar.inc(1);
        }
        rounds.push(round);
    }
    bar.finish_and_clear();
    let cleared = course.clear();
    measured?;
    cleared?;
    let medians = medians(&rounds);
    let process = process::Usage::now();
    print(|out| {
        if json {
            let rows: Vec<Value> = medians.iter().map(to_json).collect();
            let value = json!({
                "share": drive.text,
                "rounds": plan.rounds,
                "optimized": !cfg!(debug_assertions),
                "measurements": rows,
                "peak_memory": process.peak_memory,
                "cpu_seconds": process.cpu_seconds,
            });
            writeln!(out, "{value:#}")
        } else {
            table(out, &medians)
        }
    })
}

/// For each measurement the round in the middle.
fn medians(rounds: &[Vec<Measurement>]) -> Vec<Measurement> {
    let Some(first) = rounds.first() else {
        return Vec::new();
    };
    let of = |index: usize| {
        let mut all: Vec<&Measurement> = rounds.iter().filter_map(|round| round.get(index)).collect();
        all.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
        all.get(all.len() / 2).map(|&median| median.clone())
    };
    (0..first.len()).filter_map(of).collect()
}

fn to_json(measurement: &Measurement) -> Value {
    json!({
        "what": measurement.what,
        "depth": measurement.depth,
        "count": measurement.count,
        "bytes": measurement.bytes,
        "seconds": measurement.seconds,
        "cpu_seconds": measurement.cpu_seconds,
        "per_second": measurement.rate(),
    })
}

fn table(out: &mut dyn Write, measurements: &[Measurement]) -> io::Result<()> {
    if cfg!(debug_assertions) {
        writeln!(out, "not optimized: build with --release for figures that count")?;
    }
    writeln!(
        out,
        "{:<24} {:>5} {:>16} {:>12}",
        "what", "depth", "per second", "CPU s/GiB"
    )?;
    for measurement in measurements {
        let rate = match measurement.bytes {
            Some(_) => format!("{:.0} MiB", measurement.rate() / f64::from(1 << 20)),
            None => format!("{:.0}", measurement.rate()),
        };
        let cpu = measurement.cpu_per_gib().map(|seconds| format!("{seconds:.2}"));
        writeln!(
            out,
            "{:<24} {:>5} {rate:>16} {:>12}",
            measurement.what,
            measurement.depth,
            cpu.unwrap_or_default()
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Measurement, medians};

    #[test]
    fn the_round_in_the_middle_counts() {
        let round = |count| {
            vec![Measurement {
                what: "x",
                depth: 1,
                count,
                bytes: None,
                seconds: 2.0,
                cpu_seconds: 0.0,
            }]
        };
        let medians = medians(&[round(8), round(2), round(4)]);
        assert!((medians[0].rate() - 2.0).abs() < 1e-9);
    }
}
