//! Transport, address, connection, circuit: built in this order, torn down in the other.

use ioctl::selftest::{ConnectOptions, Request};
use nt::{NameBuf, Status};

use super::super::check::{equal, refused};
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::engine::{Engine, state};
use super::servers::servers;
use crate::runner::Test;

pub(super) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_transport_needs_a_name,
        a_transport_tells_its_quality_of_service_and_its_counts,
        a_transport_does_not_go_before_its_addresses,
        a_transport_goes_as_often_as_asked,
        an_address_needs_a_living_transport,
        an_address_does_not_go_before_its_connections,
        an_address_goes_once,
        a_connection_needs_a_living_address,
        a_connection_needs_somewhere_to_go,
        a_connection_needs_a_receive_buffer,
        a_connection_tells_where_it_leads_and_counts_its_circuits,
        a_connection_does_not_go_before_its_circuits,
        a_connection_goes_once_and_makes_no_circuits_then,
        a_circuit_goes_once,
        a_circuit_passes_through_its_states,
        a_dead_object_tells_nothing,
        handles_given_up_early_leave_nothing,
    ]
}

const DEAD: Status = Status::INVALID_PARAMETER;

fn a_transport_needs_a_name(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let request = Request::Bind {
        name: NameBuf::default(),
        quality_of_service: 0,
    };
    refused("a bind", engine.make(&request)?, Status::INVALID_PARAMETER)?;
    equal("objects", engine.list()?.len(), 0)
}

fn a_transport_tells_its_quality_of_service_and_its_counts(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let request = Request::Bind {
        name: NameBuf::try_from_str(r"\Device\Wsk")?,
        quality_of_service: 0x1234_5678,
    };
    let made = engine.make(&request)??;
    let binding = made.first().map(|object| object.handle).unwrap_or_default();
    let counts = || -> Result<_, crate::failure::Failure> {
        let facts = engine.query(binding)??;
        equal("quality of service", facts.quality_of_service, 0x1234_5678)?;
        Ok((facts.addresses, facts.connections, facts.circuits))
    };
    equal("bare", counts()?, (0, 0, 0))?;
    let first = engine.open_address(binding, None)?;
    let second = engine.open_address(binding, None)?;
    equal("with addresses", counts()?, (2, 0, 0))?;
    let remote = servers()?.peers.echo;
    let [connection, circuit] = engine.connect(first, &[remote], ConnectOptions::default())??;
    equal("with a connection", counts()?, (2, 1, 1))?;
    let more = engine.build_circuit(connection)?;
    equal("with a second circuit", counts()?, (2, 1, 2))?;
    for object in [circuit, more, connection, first, second] {
        engine.tear_down(object)??;
    }
    equal("bare again", counts()?, (0, 0, 0))?;
    Ok(engine.tear_down(binding)??)
}

fn a_transport_does_not_go_before_its_addresses(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    for _ in 0..2 {
        refused("the transport", engine.tear_down(ground.binding)?, DEAD)?;
    }
    // And is none the worse for having been asked.
    let built = ground.build(servers()?.peers.echo, ConnectOptions::default())?;
    equal("sent", engine.send(built.circuit, b"alive")??, 5)?;
    built.tear_down()
}

fn a_transport_goes_as_often_as_asked(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let binding = engine.bind()?;
    for _ in 0..3 {
        engine.tear_down(binding)??;
    }
    Ok(())
}

fn an_address_needs_a_living_transport(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let binding = engine.bind()?;
    engine.tear_down(binding)??;
    let request = Request::OpenAddress { binding, local: None };
    refused("an address", engine.make(&request)?, DEAD)?;
    equal("objects", engine.list()?.len(), 1)
}

fn an_address_does_not_go_before_its_connections(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    refused("with a circuit", engine.tear_down(built.ground.address)?, DEAD)?;
    engine.tear_down(built.circuit)??;
    refused("with a connection", engine.tear_down(built.ground.address)?, DEAD)?;
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

fn an_address_goes_once(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    engine.tear_down(ground.address)??;
    refused("a second time", engine.tear_down(ground.address)?, DEAD)
}

fn a_connection_needs_a_living_address(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    engine.tear_down(ground.address)??;
    let said = engine.connect(
        ground.address,
        &[servers()?.peers.echo],
        ConnectOptions::default(),
    )?;
    refused("a connection", said, DEAD)?;
    Ok(engine.tear_down(ground.binding)??)
}

fn a_connection_needs_somewhere_to_go(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    let said = engine.connect(ground.address, &[], ConnectOptions::default())?;
    refused("a connection to nowhere", said, Status::INVALID_PARAMETER)?;
    ground.tear_down()
}

fn a_connection_needs_a_receive_buffer(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    let options = ConnectOptions {
        receive_buffer: 0,
        ..ConnectOptions::default()
    };
    let said = engine.connect(ground.address, &[servers()?.peers.echo], options)?;
    refused("a connection without", said, Status::INVALID_PARAMETER)?;
    ground.tear_down()
}

fn a_connection_tells_where_it_leads_and_counts_its_circuits(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let remote = servers()?.peers.echo;
    let built = engine.ground()?.build(remote, ConnectOptions::default())?;
    let facts = engine.query(built.connection)??;
    equal("leads to", facts.remote, Some(remote))?;
    equal("circuits", facts.circuits, 1)?;
    let second = engine.build_circuit(built.connection)?;
    equal("circuits", engine.query(built.connection)??.circuits, 2)?;
    engine.tear_down(second)??;
    equal("circuits", engine.query(built.connection)??.circuits, 1)?;
    built.tear_down()
}

fn a_connection_does_not_go_before_its_circuits(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    let second = engine.build_circuit(built.connection)?;
    refused("with two", engine.tear_down(built.connection)?, DEAD)?;
    engine.tear_down(second)??;
    refused("with one", engine.tear_down(built.connection)?, DEAD)?;
    engine.disconnect(built.circuit)??;
    refused(
        "with a disconnected one",
        engine.tear_down(built.connection)?,
        DEAD,
    )?;
    built.tear_down()
}

fn a_connection_goes_once_and_makes_no_circuits_then(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    engine.tear_down(built.circuit)??;
    engine.tear_down(built.connection)??;
    refused("a second time", engine.tear_down(built.connection)?, DEAD)?;
    let request = Request::BuildCircuit {
        connection: built.connection,
    };
    refused("a circuit", engine.make(&request)?, DEAD)?;
    built.ground.tear_down()
}

fn a_circuit_goes_once(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    engine.tear_down(built.circuit)??;
    for _ in 0..2 {
        refused("the circuit again", engine.tear_down(built.circuit)?, DEAD)?;
        refused("disconnecting it", engine.disconnect(built.circuit)?, DEAD)?;
    }
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

fn a_circuit_passes_through_its_states(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    equal("connected", built.state()?, state::ACTIVE)?;
    engine.disconnect(built.circuit)??;
    equal("disconnected", built.state()?, state::DISCONNECTED)?;
    engine.disconnect(built.circuit)??;
    equal("disconnected again", built.state()?, state::DISCONNECTED)?;
    engine.tear_down(built.circuit)??;
    equal("torn down", built.state()?, state::UNINITIALISED)?;
    engine.tear_down(built.connection)??;
    built.ground.tear_down()
}

fn a_dead_object_tells_nothing(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let built = engine
        .ground()?
        .build(servers()?.peers.echo, ConnectOptions::default())?;
    let (circuit, connection) = (built.circuit, built.connection);
    let (address, binding) = (built.ground.address, built.ground.binding);
    engine.tear_down(circuit)??;
    for object in [connection, address, binding] {
        engine.tear_down(object)??;
        refused("a query", engine.query(object)?, DEAD)?;
    }
    Ok(())
}

fn handles_given_up_early_leave_nothing(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    for circuit_first in [true, false] {
        let built = engine
            .ground()?
            .build(servers()?.peers.silent, ConnectOptions::default())?;
        engine.submit(built.circuit, 1, &[1; 4 << 10])??;
        let (first, second) = if circuit_first {
            (built.circuit, built.connection)
        } else {
            (built.connection, built.circuit)
        };
        engine.release(first)??;
        engine.release(second)??;
        // Nobody waits for what was given up, so it may take its time.
        super::super::check::eventually(super::engine::LIMIT, || built.ground.is_bare())?;
        built.ground.tear_down()?;
    }
    Ok(())
}
