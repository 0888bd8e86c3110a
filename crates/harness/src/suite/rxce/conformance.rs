//! The checks that every transport must pass, run by the driver on its own.

use ioctl::selftest::{MARKER, Request};
use nt::{NameBuf, Status};

use super::super::check::equal;
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::engine::Engine;
use super::servers::servers;
use crate::failure::Failure;
use crate::runner::Test;

/// A test for each check, and the list of the checks' names.
macro_rules! checks {
    ($($family:ident :: $check:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(concat!(stringify!($family), "::", stringify!($check))),*];

        fn each() -> Vec<Test<Environment>> {
            vec![$(Test {
                name: concat!("conformance::", stringify!($family), "::", stringify!($check)),
                run: |_| super::super::outcome(passes(concat!(stringify!($family), "::", stringify!($check)))),
            }),*]
        }
    };
}

checks![
    endpoint::resolves_a_numeric_address,
    endpoint::connects_and_echoes,
    endpoint::connects_from_a_chosen_address,
    endpoint::is_refused,
    endpoint::sees_an_orderly_close,
    endpoint::sees_a_reset,
    endpoint::refuses_a_receive_without_room,
    endpoint::echoes_megabytes_in_odd_pieces,
    endpoint::keeps_concurrent_sends_apart,
    endpoint::abort_ends_a_pending_receive,
    endpoint::abort_ends_a_pending_send,
    endpoint::abort_cancels_what_comes_later,
    endpoint::survives_dropped_operations,
    endpoint::closes_twice,
    endpoint::holds_many_connections,
    circuit::hands_on_what_arrives_and_tears_down,
    circuit::fills_the_buffer_it_is_given,
    circuit::refuses_sends_after_the_other_side_closed,
    circuit::tells_of_a_reset,
    circuit::does_not_tell_of_its_own_disconnect,
    circuit::ends_every_send_before_it_is_torn_down,
    circuit::is_torn_down_once,
    circuit::parents_outlive_children,
    circuit::a_refused_connection_leaves_nothing,
    circuit::tries_the_next_address,
    circuit::many_circuits_on_one_connection,
    circuit::dropped_handles_leave_nothing,
    datagrams::an_address_is_its_own,
    datagrams::they_arrive_whole_and_say_where_from,
    datagrams::too_large_a_one_is_refused,
    datagrams::abort_ends_what_waits_and_what_comes_later,
    datagrams::the_engine_tells_of_them,
];

pub(super) fn tests() -> Vec<Test<Environment>> {
    let mut all = tests![every_conformance_check_is_among_these];
    all.extend(each());
    all
}

fn every_conformance_check_is_among_these(_: &Environment) -> Checked {
    let text = Engine::open()?.text(&Request::Checks)??;
    let mut lines = text.lines();
    equal("the first line", lines.next(), Some(MARKER))?;
    let all = [NAMES, super::routines::NAMES].concat();
    equal("the driver's checks", lines.collect::<Vec<_>>(), all)
}

fn passes(name: &str) -> Checked {
    let request = Request::Check {
        name: NameBuf::try_from_str(name)?,
        peers: servers()?.peers,
    };
    let text = match Engine::open()?.text(&request)? {
        Err(status) if name.starts_with("datagrams::") && status == Status::NOT_SUPPORTED => {
            let why = format!("Winsock Kernel makes no datagram socket here: {status}");
            return Err(Failure::Skipped(why));
        }
        said => said?,
    };
    if text.is_empty() {
        Ok(())
    } else {
        Err(Failure::Wrong(text))
    }
}
