//! The checks of the engine on a transport.

use super::log::Log;
use super::{Bench, FAREWELL, Verdict, ensure, ensure_status, pattern};
use crate::address::Address;
use crate::connection::{ConnectOptions, Connection};
use crate::event::{Disconnection, Indication};
use crate::family::Counts;
use crate::state::State;
use crate::transport::Transport;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use executive::mem::{Arc, TryVec, TryZeroed};
use nt::Status;

pub(super) async fn hands_on_what_arrives_and_tears_down<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    const LEN: usize = 200_000;
    let built = bench.build(bench.peers.echo).await?;
    ensure(built.circuit.state() == State::Active, "an active circuit")?;
    let (data, sent) = built.circuit.send(pattern(0, LEN)?).await;
    ensure(sent? == LEN, "all of the data sent")?;
    built
        .log
        .wait(|heard| (heard.bytes.len() >= LEN).then_some(()))
        .await;
    ensure(
        built.log.look(|heard| heard.bytes == data && !heard.lost),
        "the echo of the data",
    )?;
    built.circuit.submit(pattern(LEN, 10)?, 7)?;
    built
        .log
        .wait(|heard| (heard.sends_completed == 1).then_some(()))
        .await;
    let log = built.log.clone();
    built.tear_down().await?;
    ensure(
        log.look(|heard| heard.disconnects + heard.errors == 0),
        "no word of a disconnection asked for",
    )?;
    bench.is_bare()
}

pub(super) async fn fills_the_buffer_it_is_given<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    const LEN: usize = 500_000;
    let asked = AtomicBool::new(false);
    // After the first bytes, all but the last ten are wanted in one buffer; what `receive` sees after that are those ten.
    let built = bench
        .build_with(bench.peers.echo, move |data| {
            let wanted = LEN.saturating_sub(data.len()).saturating_sub(10);
            if asked.swap(true, Ordering::Relaxed) {
                return Indication::Taken;
            }
            Vec::try_zeroed(wanted).map_or(Indication::Taken, Indication::Fill)
        })
        .await?;
    let (data, sent) = built.circuit.send(pattern(0, LEN)?).await;
    sent?;
    built
        .log
        .wait(|heard| (heard.bytes.len() >= LEN).then_some(()))
        .await;
    ensure(
        built.log.look(|heard| heard.bytes == data && heard.filled == 1),
        "the echo, most of it in one buffer",
    )?;
    built.tear_down().await?;
    bench.is_bare()
}

pub(super) async fn refuses_sends_after_the_other_side_closed<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let built = bench.build(bench.peers.closing).await?;
    let how = built.log.wait(|heard| heard.last_disconnect).await;
    ensure(how == Disconnection::Released, "an orderly disconnection")?;
    ensure(
        built.log.look(|heard| heard.bytes == FAREWELL),
        "what was sent before it",
    )?;
    ensure(
        built.circuit.state() == State::Disconnected,
        "a disconnected circuit",
    )?;
    let (data, result) = built.circuit.send(pattern(0, 4)?).await;
    ensure_status(
        result,
        &[Status::CONNECTION_DISCONNECTED],
        "CONNECTION_DISCONNECTED",
    )?;
    ensure_status(
        built.circuit.submit(data, 0),
        &[Status::CONNECTION_DISCONNECTED],
        "CONNECTION_DISCONNECTED",
    )?;
    built.circuit.initiate_disconnect()?;
    let log = built.log.clone();
    built.tear_down().await?;
    ensure(
        log.look(|heard| heard.disconnects == 1 && heard.errors == 0),
        "one word of the disconnection",
    )?;
    bench.is_bare()
}

pub(super) async fn tells_of_a_reset<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let built = bench.build(bench.peers.resetting).await?;
    let (_data, _sent_or_reset) = built.circuit.send(pattern(0, 64)?).await;
    let how = built.log.wait(|heard| heard.last_disconnect).await;
    ensure(how == Disconnection::Aborted, "a disconnection by reset")?;
    let log = built.log.clone();
    built.tear_down().await?;
    ensure(
        log.look(|heard| heard.disconnects == 1 && heard.errors == 0),
        "one word of the disconnection",
    )?;
    bench.is_bare()
}

pub(super) async fn does_not_tell_of_its_own_disconnect<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let built = bench.build(bench.peers.echo).await?;
    built.circuit.initiate_disconnect()?;
    built.circuit.initiate_disconnect()?;
    let (_, result) = built.circuit.send(pattern(0, 4)?).await;
    ensure_status(
        result,
        &[Status::CONNECTION_DISCONNECTED],
        "CONNECTION_DISCONNECTED",
    )?;
    let log = built.log.clone();
    built.tear_down().await?;
    ensure(
        log.look(|heard| heard.disconnects + heard.errors == 0),
        "no word of a disconnection asked for",
    )?;
    bench.is_bare()
}

pub(super) async fn ends_every_send_before_it_is_torn_down<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    const SENDS: usize = 24;
    let built = bench.build(bench.peers.silent).await?;
    for context in 0..SENDS {
        built.circuit.submit(Vec::try_zeroed(1024 * 1024)?, context)?;
    }
    let log = built.log.clone();
    built.tear_down().await?;
    let (done, failed) = log.look(|heard| (heard.sends_completed, heard.sends_failed));
    ensure(done + failed == SENDS, "every send ended")?;
    ensure(failed > 0, "those that the silent peer did not read broken off")?;
    bench.is_bare()
}

pub(super) async fn is_torn_down_once<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let invalid = [Status::INVALID_PARAMETER];
    let built = bench.build(bench.peers.echo).await?;
    let (circuit, connection, address) = (
        built.circuit.clone(),
        built.connection.clone(),
        built.address.clone(),
    );
    built.tear_down().await?;
    ensure(
        circuit.state() == State::Uninitialised,
        "an uninitialised circuit",
    )?;
    ensure_status(circuit.tear_down().await, &invalid, "INVALID_PARAMETER")?;
    ensure_status(circuit.initiate_disconnect(), &invalid, "INVALID_PARAMETER")?;
    let (_, sent) = circuit.send(pattern(0, 4)?).await;
    ensure_status(
        sent,
        &[Status::CONNECTION_DISCONNECTED],
        "CONNECTION_DISCONNECTED",
    )?;
    ensure_status(connection.tear_down(), &invalid, "INVALID_PARAMETER")?;
    ensure_status(connection.build_circuit().await, &invalid, "INVALID_PARAMETER")?;
    ensure_status(connection.counts(), &invalid, "INVALID_PARAMETER")?;
    ensure_status(address.tear_down(), &invalid, "INVALID_PARAMETER")?;
    let (_log, sink) = Log::try_new(|_| Indication::Taken)?;
    let again = Connection::build(&address, bench.peers.echo, ConnectOptions::default(), sink).await;
    ensure_status(again, &invalid, "INVALID_PARAMETER")?;
    bench.is_bare()
}

pub(super) async fn parents_outlive_children<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let invalid = [Status::INVALID_PARAMETER];
    let built = bench.build(bench.peers.echo).await?;
    let on_binding = Counts {
        addresses: 1,
        connections: 1,
        circuits: 1,
    };
    ensure(
        bench.binding.counts()? == on_binding,
        "one of each on the transport",
    )?;
    ensure(
        bench.binding.information()?.connection_count == 1,
        "one connection on the transport",
    )?;
    ensure(
        built.address.counts()?
            == Counts {
                addresses: 0,
                ..on_binding
            },
        "both counted by the address",
    )?;
    ensure(
        built.connection.counts()?
            == Counts {
                circuits: 1,
                ..Counts::default()
            },
        "the circuit counted by its connection",
    )?;
    ensure_status(built.connection.tear_down(), &invalid, "INVALID_PARAMETER")?;
    ensure_status(built.address.tear_down(), &invalid, "INVALID_PARAMETER")?;
    ensure_status(bench.binding.tear_down(), &invalid, "INVALID_PARAMETER")?;
    // And what was refused to go still works.
    let second = built.connection.build_circuit().await?;
    ensure(second.id() != built.circuit.id(), "circuits told apart")?;
    second.tear_down().await?;
    built.tear_down().await?;
    bench.is_bare()
}

pub(super) async fn a_refused_connection_leaves_nothing<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let address = Address::build(&bench.binding, None)?;
    let options = ConnectOptions::default();
    let (_log, sink) = Log::try_new(|_| Indication::Taken)?;
    let refused = Connection::build(&address, bench.peers.refusing, options, sink).await;
    ensure_status(refused, &[Status::CONNECTION_REFUSED], "CONNECTION_REFUSED")?;
    let (_log, sink) = Log::try_new(|_| Indication::Taken)?;
    let nowhere = Connection::build_any(&address, &[], options, sink).await;
    ensure_status(nowhere, &[Status::INVALID_PARAMETER], "INVALID_PARAMETER")?;
    ensure(
        address.counts()? == Counts::default(),
        "nothing left standing on the address",
    )?;
    address.tear_down()?;
    bench.is_bare()
}

pub(super) async fn tries_the_next_address<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let address = Address::build(&bench.binding, None)?;
    let (_log, sink) = Log::try_new(|_| Indication::Taken)?;
    let remotes = [bench.peers.refusing, bench.peers.echo];
    let (connection, circuit) =
        Connection::build_any(&address, &remotes, ConnectOptions::default(), sink).await?;
    ensure(
        connection.remote() == bench.peers.echo,
        "the address that answered",
    )?;
    circuit.tear_down().await?;
    connection.tear_down()?;
    address.tear_down()?;
    bench.is_bare()
}

pub(super) async fn many_circuits_on_one_connection<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    const MORE: usize = 31;
    const LEN: usize = 1000;
    let built = bench.build(bench.peers.echo).await?;
    let mut circuits = Vec::new();
    for _ in 0..MORE {
        circuits.try_push(built.connection.build_circuit().await?)?;
    }
    ensure(
        built.connection.counts()?.circuits == MORE + 1,
        "every circuit counted",
    )?;
    for circuit in &circuits {
        circuit.send(Vec::try_zeroed(LEN)?).await.1?;
    }
    built
        .log
        .wait(|heard| (heard.bytes.len() >= MORE * LEN).then_some(()))
        .await;
    for circuit in &circuits {
        circuit.tear_down().await?;
    }
    ensure(
        built.connection.counts()?.circuits == 1,
        "every circuit torn down but the first",
    )?;
    built.tear_down().await?;
    bench.is_bare()
}

pub(super) async fn dropped_handles_leave_nothing<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let built = bench.build(bench.peers.echo).await?;
    drop(built);
    // The receive pump ends soon, but nobody waits for it.
    for _ in 0..1000 {
        if bench.is_bare().is_ok() {
            break;
        }
        bench.runtime().sleep(core::time::Duration::from_millis(10)).await;
    }
    bench.is_bare()
}
