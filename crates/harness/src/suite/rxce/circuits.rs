//! Circuits at work: bytes, events, and what comes after the end.

use ioctl::selftest::{ConnectFlags, ConnectOptions, Request};
use nt::Status;

use super::super::check::{bounded, equal, eventually, holds, refused, refused_with_one_of};
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::engine::{Engine, LIMIT, state};
use super::servers::{FAREWELL, servers};
use crate::failure::Failure;
use crate::runner::Test;

pub(super) fn tests() -> Vec<Test<Environment>> {
    tests![
        what_is_sent_comes_back,
        what_is_submitted_goes_out_in_order,
        circuits_of_one_connection_do_not_mix,
        a_paused_circuit_waits_until_it_is_resumed,
        a_handler_that_takes_nothing_fails_its_circuit,
        a_send_of_nothing_is_a_send,
        a_disconnected_circuit_sends_nothing,
        a_torn_down_circuit_sends_nothing,
        the_other_sides_close_is_told_once,
        the_other_sides_reset_is_told_once,
        an_own_disconnect_is_not_told,
        a_silent_server_does_not_hold_up_a_tear_down,
        a_disconnect_ends_sends_that_no_one_takes,
        a_cancelled_send_ends_and_the_circuit_still_goes,
    ]
}

/// Bytes that differ along the way.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(31) >> 3) as u8).collect()
}

fn what_is_sent_comes_back(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    let data = pattern(200_000);
    let mut back = Vec::new();
    for piece in data.chunks(30_000) {
        equal("sent", engine.send(built.circuit, piece)??, piece.len() as u64)?;
        // What the driver keeps for us is limited: it is fetched as it comes.
        let wanted = back.len() + piece.len();
        eventually(LIMIT, || {
            let (_, more) = engine.events(built.connection)?;
            back.extend(more);
            holds("all of it is back", back.len() >= wanted)
        })?;
    }
    holds("what came back is what was sent", back == data)?;
    let (events, _) = engine.events(built.connection)?;
    equal("counted", (events.received, events.lost), (200_000, 0))?;
    built.tear_down()
}

fn what_is_submitted_goes_out_in_order(_: &Environment) -> Checked {
    const SENDS: u64 = 50;
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    let data = pattern(SENDS as usize * 100);
    for (context, piece) in (1..).zip(data.chunks(100)) {
        engine.submit(built.circuit, context, piece)??;
    }
    let mut back = Vec::new();
    eventually(LIMIT, || {
        let (heard, more) = engine.events(built.connection)?;
        back.extend(more);
        equal("sends that ended well", heard.sends_completed, SENDS)?;
        equal("bytes that came back", back.len(), data.len())
    })?;
    holds("in order", back == data)?;
    let (heard, _) = engine.events(built.connection)?;
    equal("failed", heard.sends_failed, 0)?;
    equal("the last to end", heard.last_context, SENDS)?;
    equal("its status", heard.last_send, 0)?;
    built.tear_down()
}

fn circuits_of_one_connection_do_not_mix(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    let second = engine.build_circuit(built.connection)?;
    engine.tear_down(built.circuit)??;
    refused(
        "the dead one",
        engine.send(built.circuit, b"x")?,
        Status::CONNECTION_DISCONNECTED,
    )?;
    equal("the living one", engine.send(second, b"living")??, 6)?;
    engine.hears("its echo", built.connection, |events| events.received == 6)?;
    engine.tear_down(second)??;
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

fn a_paused_circuit_waits_until_it_is_resumed(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let options = ConnectOptions {
        flags: ConnectFlags::PAUSED,
        ..ConnectOptions::default()
    };
    let built = engine.ground()?.build(servers()?.peers.closing, options)?;
    refused(
        "a submitted send",
        engine.submit(built.circuit, 1, b"x")?,
        Status::CONNECTION_DISCONNECTED,
    )?;
    let (heard, _) = engine.events(built.connection)?;
    equal("heard while paused", (heard.received, heard.released), (0, 0))?;
    engine.tell(&Request::Resume {
        circuit: built.circuit,
    })??;
    engine.hears("the farewell and the close", built.connection, |events| {
        events.received == FAREWELL.len() as u64 && events.released == 1
    })?;
    built.tear_down()
}

fn a_handler_that_takes_nothing_fails_its_circuit(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let options = ConnectOptions {
        flags: ConnectFlags::REFUSE_DATA,
        receive_buffer: 1000,
        ..ConnectOptions::default()
    };
    let built = engine.ground()?.build(servers()?.peers.echo, options)?;
    equal("sent", engine.send(built.circuit, &pattern(1000))??, 1000)?;
    let heard = engine.hears("the failure", built.connection, |events| events.errors == 1)?;
    let status = u64::from(Status::DATA_NOT_ACCEPTED.0);
    equal("its status", heard.last_error, status)?;
    equal("state", built.state()?, state::DISCONNECTED)?;
    built.tear_down()
}

fn a_send_of_nothing_is_a_send(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    equal("sent", engine.send(built.circuit, b"")??, 0)?;
    engine.submit(built.circuit, 3, b"")??;
    engine.hears("its end", built.connection, |events| events.sends_completed == 1)?;
    built.tear_down()
}

fn sends_nothing(engine: &Engine, circuit: ioctl::selftest::Handle) -> Checked {
    for _ in 0..2 {
        let gone = Status::CONNECTION_DISCONNECTED;
        refused("a send", engine.send(circuit, b"x")?, gone)?;
        refused("a submitted send", engine.submit(circuit, 1, b"x")?, gone)?;
    }
    Ok(())
}

fn a_disconnected_circuit_sends_nothing(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    engine.disconnect(built.circuit)??;
    sends_nothing(&engine, built.circuit)?;
    built.tear_down()
}

fn a_torn_down_circuit_sends_nothing(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    let (circuit, connection) = (built.circuit, built.connection);
    engine.tear_down(circuit)??;
    sends_nothing(&engine, circuit)?;
    engine.tear_down(connection)??;
    sends_nothing(&engine, circuit)?;
    built.ground.tear_down()
}

fn the_other_sides_close_is_told_once(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.closing, ConnectOptions::default())?;
    engine.hears("the close", built.connection, |events| events.released == 1)?;
    let (heard, bytes) = engine.events(built.connection)?;
    holds(
        "what came before it",
        bytes.is_empty() && heard.received == FAREWELL.len() as u64,
    )?;
    equal("state", built.state()?, state::DISCONNECTED)?;
    sends_nothing(&engine, built.circuit)?;
    engine.tear_down(built.circuit)??;
    let (heard, _) = engine.events(built.connection)?;
    equal(
        "in the end",
        (heard.released, heard.aborted, heard.errors),
        (1, 0, 0),
    )?;
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

fn the_other_sides_reset_is_told_once(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.resetting, ConnectOptions::default())?;
    let sent = engine.send(built.circuit, b"go away")?;
    if let Err(status) = sent {
        let gone = [Status::CONNECTION_DISCONNECTED, Status::CONNECTION_RESET];
        refused_with_one_of("the send", Err::<(), _>(status), &gone)?;
    }
    let ends = |events: &ioctl::selftest::Events| events.released + events.aborted + events.errors;
    engine.hears("the end", built.connection, |events| ends(events) == 1)?;
    sends_nothing(&engine, built.circuit)?;
    engine.tear_down(built.circuit)??;
    let (heard, _) = engine.events(built.connection)?;
    equal("ends", ends(&heard), 1)?;
    equal("failures of the transport", heard.errors, 0)?;
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

fn an_own_disconnect_is_not_told(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    engine.send(built.circuit, b"hello")??;
    engine.hears("the echo", built.connection, |events| events.received == 5)?;
    engine.disconnect(built.circuit)??;
    engine.tear_down(built.circuit)??;
    let (heard, _) = engine.events(built.connection)?;
    equal("told", (heard.released, heard.aborted, heard.errors), (0, 0, 0))?;
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

/// Submits more than any socket buffers hold, to a server that reads nothing.
fn stuff(engine: &Engine, circuit: ioctl::selftest::Handle) -> Result<u64, Failure> {
    const SENDS: u64 = 16;
    let data = vec![0x55; 1 << 20];
    for context in 1..=SENDS {
        engine.submit(circuit, context, &data)??;
    }
    Ok(SENDS)
}

fn a_silent_server_does_not_hold_up_a_tear_down(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.silent, ConnectOptions::default())?;
    let sends = stuff(&engine, built.circuit)?;
    bounded("the tear-down", LIMIT, || engine.tear_down(built.circuit))???;
    let (heard, _) = engine.events(built.connection)?;
    equal(
        "every send has ended",
        heard.sends_completed + heard.sends_failed,
        sends,
    )?;
    holds("some of them by the tear-down", heard.sends_failed > 0)?;
    let gone = u64::from(Status::CONNECTION_DISCONNECTED.0);
    equal("with", heard.last_send, gone)?;
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

fn a_disconnect_ends_sends_that_no_one_takes(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.silent, ConnectOptions::default())?;
    let sends = stuff(&engine, built.circuit)?;
    engine.disconnect(built.circuit)??;
    engine.hears("every send ends", built.connection, |events| {
        events.sends_completed + events.sends_failed == sends
    })?;
    built.tear_down()
}

fn a_cancelled_send_ends_and_the_circuit_still_goes(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.silent, ConnectOptions::default())?;
    let data = vec![1; 1 << 20];
    // One of them finds the buffers full.
    let cancelled = (0..16).find_map(|_| {
        let request = Request::Send {
            circuit: built.circuit,
            data: &data,
        };
        engine.cancelled_after(&request, std::time::Duration::from_millis(300))
    });
    match cancelled {
        Some(status) => equal("the send", status, Status::CANCELLED)?,
        None => return Err(Failure::Wrong("no send had to wait".to_owned())),
    }
    built.tear_down()
}
