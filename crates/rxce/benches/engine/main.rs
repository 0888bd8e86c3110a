//! What the engine costs: per circuit on the network in memory, with few and with very many of them, and per byte on
//! sockets, beside a bare socket. `cargo xtask bench rxce` runs it and ends with one table.
//!
//! Nothing here fails for being slow: the table says what is wanted, and the reader compares.

mod circuits;
mod throughput;

use criterion::Criterion;
use executive::mem::Counting;
use std::alloc::System;
use std::time::Duration;

#[global_allocator]
static POOL: Counting<System> = Counting::new(System);

/// One line of the table.
struct Row {
    what: String,
    value: String,
    /// Its ratio to what it is measured against, and the bound that is aimed at.
    ratio: Option<(f64, &'static str)>,
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut rows = Vec::new();
    circuits::bench(&mut criterion, &mut rows);
    circuits::bytes(&mut rows);
    throughput::bench(&mut rows);
    criterion.final_summary();
    println!("\n| {:44} | {:>16} | {:>6} | {:>6} |", "", "", "ratio", "wanted");
    println!("|{:-<46}|{:->18}|{:->8}|{:->8}|", "", ":", ":", ":");
    for Row { what, value, ratio } in rows {
        let (ratio, wanted) = match ratio {
            Some((ratio, wanted)) => (format!("{ratio:.2}"), wanted),
            None => (String::new(), ""),
        };
        println!("| {what:44} | {value:>16} | {ratio:>6} | {wanted:>6} |");
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}
