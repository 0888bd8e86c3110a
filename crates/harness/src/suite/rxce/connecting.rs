//! Connecting: servers that refuse, that do not answer, that come second; local addresses; IPv6.

use std::net::SocketAddr;
use std::time::Duration;

use ioctl::selftest::{ConnectOptions, Request};
use nt::Status;

use super::super::check::{bounded, equal, refused, refused_with_one_of};
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::engine::{Engine, Ground, LIMIT};
use super::servers::{Unanswering, servers};
use crate::failure::Failure;
use crate::runner::Test;

pub(super) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_refused_connection_leaves_nothing,
        a_server_that_resets_can_be_tried_again_and_again,
        an_unanswered_connection_ends_with_its_deadline,
        an_unanswered_connection_can_be_cancelled,
        a_refusing_address_does_not_keep_from_the_next,
        an_unanswering_address_does_not_keep_from_the_next,
        addresses_that_all_refuse_are_refused,
        a_local_address_can_be_chosen,
        a_foreign_local_address_is_refused,
        ipv6_connects_and_echoes,
        ipv6_is_refused,
        ipv6_steps_in_for_a_dead_ipv4_address,
        ipv6_that_fails_does_not_keep_from_ipv4,
        a_local_address_of_the_other_family_is_refused,
    ]
}

/// A connection works, and goes.
fn works(ground: Ground<'_>, remotes: &[SocketAddr]) -> Checked {
    let engine = ground.engine;
    let options = ConnectOptions::default();
    let made = bounded("connecting", LIMIT, || {
        engine.connect(ground.address, remotes, options)
    })?;
    let [connection, circuit] = made??;
    equal("sent", engine.send(circuit, b"there and back")??, 14)?;
    engine.hears("the echo", connection, |events| events.received == 14)?;
    engine.tear_down(circuit)??;
    engine.tear_down(connection)??;
    ground.tear_down()
}

/// A connection fails with one of these, and leaves nothing.
fn fails(ground: Ground<'_>, remotes: &[SocketAddr], options: ConnectOptions, with: &[Status]) -> Checked {
    let engine = ground.engine;
    let before = engine.list()?.len();
    let said = bounded("connecting", LIMIT, || {
        engine.connect(ground.address, remotes, options)
    })??;
    refused_with_one_of("connecting", said, with)?;
    equal("objects", engine.list()?.len(), before)?;
    ground.tear_down()
}

fn a_refused_connection_leaves_nothing(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let refusing = servers()?.peers.refusing;
    for _ in 0..10 {
        let with = [Status::CONNECTION_REFUSED];
        fails(engine.ground()?, &[refusing], ConnectOptions::default(), &with)?;
    }
    Ok(())
}

fn a_server_that_resets_can_be_tried_again_and_again(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    for _ in 0..6 {
        let [connection, circuit] = engine.connect(
            ground.address,
            &[servers()?.peers.resetting],
            ConnectOptions::default(),
        )??;
        // It may be gone before this is sent, or while.
        let _outcome = engine.send(circuit, &[1; 10_000])?;
        engine.hears("the end", connection, |events| {
            events.released + events.aborted + events.errors == 1
        })?;
        engine.tear_down(circuit)??;
        engine.tear_down(connection)??;
    }
    ground.tear_down()
}

fn impatient() -> ConnectOptions {
    ConnectOptions {
        timeout_ms: 700,
        ..ConnectOptions::default()
    }
}

fn an_unanswered_connection_ends_with_its_deadline(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let nobody = Unanswering::open()?;
    fails(
        engine.ground()?,
        &[nobody.address],
        impatient(),
        &[Status::IO_TIMEOUT],
    )
}

fn an_unanswered_connection_can_be_cancelled(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let nobody = Unanswering::open()?;
    let ground = engine.ground()?;
    let request = Request::Connect {
        address: ground.address,
        remotes: vec![nobody.address],
        options: ConnectOptions {
            timeout_ms: 600_000,
            ..ConnectOptions::default()
        },
    };
    let status = engine.cancelled_after(&request, Duration::from_millis(200));
    equal("the control", status, Some(Status::CANCELLED))?;
    ground.tear_down()
}

fn a_refusing_address_does_not_keep_from_the_next(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let peers = servers()?.peers;
    works(engine.ground()?, &[peers.refusing, peers.refusing, peers.echo])
}

fn an_unanswering_address_does_not_keep_from_the_next(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let nobody = Unanswering::open()?;
    works(engine.ground()?, &[nobody.address, servers()?.peers.echo])
}

fn addresses_that_all_refuse_are_refused(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let refusing = servers()?.peers.refusing;
    let with = [Status::CONNECTION_REFUSED];
    fails(engine.ground()?, &[refusing; 8], ConnectOptions::default(), &with)
}

/// A binding with an address that is `local`.
fn ground_on<'a>(engine: &'a Engine, local: &str) -> Result<Ground<'a>, Failure> {
    let local = local
        .parse()
        .map_err(|_| Failure::Wrong(format!("{local} is no address")))?;
    let binding = engine.bind()?;
    Ok(Ground {
        engine,
        binding,
        address: engine.open_address(binding, Some(local))?,
    })
}

fn a_local_address_can_be_chosen(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    works(ground_on(&engine, "127.0.0.1:0")?, &[servers()?.peers.echo])
}

fn a_foreign_local_address_is_refused(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    // Of the documentation's network: no machine has it.
    let ground = ground_on(&engine, "192.0.2.1:0")?;
    let with = [Status::NOT_SUPPORTED, Status::INVALID_ADDRESS];
    fails(ground, &[servers()?.peers.echo], ConnectOptions::default(), &with)
}

/// An address on ::1 that this system's Winsock Kernel can connect from and to.
///
/// # Errors
/// `Skipped` where there is none.
pub(super) fn v6(engine: &Engine, address: Option<SocketAddr>) -> Result<SocketAddr, Failure> {
    let address = on_this_machine(address)?;
    let ground = engine.ground()?;
    let said = engine.connect(ground.address, &[address], ConnectOptions::default())?;
    if said == Err(Status::NOT_SUPPORTED) {
        return Err(Failure::Skipped(
            "Winsock Kernel binds no IPv6 address here".to_owned(),
        ));
    }
    for object in said.into_iter().flatten().rev() {
        engine.tear_down(object)??;
    }
    ground.tear_down()?;
    Ok(address)
}

fn on_this_machine(address: Option<SocketAddr>) -> Result<SocketAddr, Failure> {
    address.ok_or_else(|| Failure::Skipped("this machine has no IPv6 loopback".to_owned()))
}

fn ipv6_connects_and_echoes(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let echo = v6(&engine, servers()?.echo_v6)?;
    works(engine.ground()?, &[echo])
}

fn ipv6_is_refused(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let refusing = v6(&engine, servers()?.refusing_v6)?;
    let with = [Status::CONNECTION_REFUSED];
    fails(engine.ground()?, &[refusing], ConnectOptions::default(), &with)
}

fn ipv6_steps_in_for_a_dead_ipv4_address(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let servers = servers()?;
    let echo = v6(&engine, servers.echo_v6)?;
    works(engine.ground()?, &[servers.peers.refusing, echo])
}

fn ipv6_that_fails_does_not_keep_from_ipv4(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let servers = servers()?;
    let refusing = on_this_machine(servers.refusing_v6)?;
    works(engine.ground()?, &[refusing, servers.peers.echo])
}

fn a_local_address_of_the_other_family_is_refused(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = ground_on(&engine, "127.0.0.1:0")?;
    let echo = on_this_machine(servers()?.echo_v6)?;
    let said = engine.connect(ground.address, &[echo], ConnectOptions::default())?;
    refused("connecting", said, Status::INVALID_ADDRESS)?;
    ground.tear_down()
}
