//! Many objects at a time, many times over.

use ioctl::selftest::{ConnectOptions, Handle};

use super::super::check::equal;
use super::super::environment::Environment;
use super::super::leak::takes_no_memory;
use super::super::{Checked, tests};
use super::engine::Engine;
use super::servers::servers;
use crate::failure::Failure;
use crate::runner::Test;

pub(super) fn tests() -> Vec<Test<Environment>> {
    tests![
        dozens_of_circuits_on_one_connection,
        many_transports_with_many_addresses,
        circuits_that_all_send_at_once,
        building_and_tearing_down_takes_no_memory,
        failing_to_connect_takes_no_memory,
    ]
}

/// With small receive buffers, as there will be many.
fn light() -> ConnectOptions {
    ConnectOptions {
        receive_buffer: 512,
        ..ConnectOptions::default()
    }
}

/// Enough to meet each other, few enough for Wine, where closing a socket that receives is not without danger (see
/// `cargo xtask test`).
const AT_A_TIME: u32 = 48;

fn dozens_of_circuits_on_one_connection(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine.ground()?.build(servers()?.peers.silent, light())?;
    let on = |object| -> Result<u32, Failure> { Ok(engine.query(object)??.circuits) };
    for _ in 0..2 {
        let mut circuits: Vec<Handle> = Vec::new();
        for _ in 1..AT_A_TIME {
            circuits.push(engine.build_circuit(built.connection)?);
        }
        equal("circuits", on(built.connection)?, AT_A_TIME)?;
        equal("on the transport", on(built.ground.binding)?, AT_A_TIME)?;
        for circuit in circuits {
            engine.tear_down(circuit)??;
        }
        equal("circuits", on(built.connection)?, 1)?;
    }
    built.tear_down()
}

fn many_transports_with_many_addresses(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let mut bindings = Vec::new();
    for _ in 0..20 {
        let binding = engine.bind()?;
        for _ in 0..20 {
            engine.open_address(binding, None)?;
        }
        bindings.push(binding);
    }
    // More than one answer has room for would be listed in several.
    let objects = engine.list()?;
    equal("objects", objects.len(), 20 * 21)?;
    for binding in bindings {
        equal("addresses", engine.query(binding)??.addresses, 20)?;
    }
    for object in objects.iter().rev() {
        engine.tear_down(object.handle)??;
    }
    Ok(())
}

fn circuits_that_all_send_at_once(_: &Environment) -> Checked {
    const CIRCUITS: usize = 20;
    const SENDS: u64 = 20;
    const LENGTH: usize = 3000;
    let engine = Engine::open()?;
    let built = engine.ground()?.build(servers()?.peers.echo, light())?;
    let mut circuits = vec![built.circuit];
    while circuits.len() < CIRCUITS {
        circuits.push(engine.build_circuit(built.connection)?);
    }
    for context in 0..SENDS {
        for circuit in &circuits {
            engine.submit(*circuit, context, &[0x77; LENGTH])??;
        }
    }
    let sends = SENDS * CIRCUITS as u64;
    let heard = engine.hears("all of it is back", built.connection, |events| {
        events.sends_completed == sends && events.received == sends * LENGTH as u64
    })?;
    equal("failed", heard.sends_failed, 0)?;
    for circuit in circuits.into_iter().skip(1) {
        engine.tear_down(circuit)??;
    }
    built.tear_down()
}

fn building_and_tearing_down_takes_no_memory(environment: &Environment) -> Checked {
    takes_no_memory(environment, || {
        let engine = Engine::open()?;
        let built = engine.ground()?.build(servers()?.peers.echo, light())?;
        engine.send(built.circuit, b"hello")??;
        let second = engine.build_circuit(built.connection)?;
        engine.tear_down(second)??;
        built.tear_down()
    })
}

fn failing_to_connect_takes_no_memory(environment: &Environment) -> Checked {
    takes_no_memory(environment, || {
        let engine = Engine::open()?;
        let ground = engine.ground()?;
        let refusing = servers()?.peers.refusing;
        let _refused = engine.connect(ground.address, &[refusing], light())?;
        ground.tear_down()
    })
}
