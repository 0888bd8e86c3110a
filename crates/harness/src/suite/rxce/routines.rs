//! The documented routines in the kernel: the C program that uses every one of them and checks every status, compiled into
//! the driver and run there part by part, each with servers of its own.

use ioctl::selftest::{Peers, Request};
use nt::NameBuf;

use super::super::Checked;
use super::super::environment::Environment;
use super::engine::Engine;
use crate::failure::Failure;
use crate::runner::Test;

// The servers that the program's other runs have.
#[path = "../../../../ddi/tests/c_program/servers.rs"]
mod servers;

use servers::Servers;

/// A test for each part, and the list of the parts' names.
macro_rules! parts {
    ($($part:ident),* $(,)?) => {
        pub(super) const NAMES: &[&str] = &[$(concat!("routines::", stringify!($part))),*];

        pub(super) fn tests() -> Vec<Test<Environment>> {
            vec![$(Test {
                name: concat!("routines::", stringify!($part)),
                run: |_| super::super::outcome(passes(concat!("routines::", stringify!($part)))),
            }),*]
        }
    };
}

parts![
    lives,
    transports,
    addresses,
    connections,
    ends,
    receives,
    sends,
    queries,
    datagrams,
    races,
    irps,
    contexts,
    levels,
    pointers,
];

fn passes(name: &str) -> Checked {
    let servers = Servers::start()?;
    let [echo, closing, resetting, silent, refusing] = servers.addresses;
    let request = Request::Check {
        name: NameBuf::try_from_str(name)?,
        peers: Peers {
            echo,
            refusing,
            closing,
            resetting,
            silent,
        },
    };
    let text = Engine::open()?.text(&request)??;
    let counts: Vec<u32> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match *counts {
        // What a part does before it finds that it cannot be run is not a test.
        [_, 0, skipped] if skipped > 0 => Err(Failure::Skipped(format!(
            "the kernel here cannot show it: {text}"
        ))),
        [passed, 0, 0] if passed > 0 => Ok(()),
        _ => Err(Failure::Wrong(text)),
    }
}
