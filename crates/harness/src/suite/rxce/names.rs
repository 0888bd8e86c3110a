//! Host names to addresses, by Winsock Kernel's resolver.

use std::net::SocketAddr;

use ioctl::selftest::ConnectOptions;
use nt::Status;

use super::super::check::{equal, holds, refused};
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::engine::Engine;
use super::servers::servers;
use crate::runner::Test;

pub(super) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_numeric_address_stands_for_itself,
        localhost_is_this_machine,
        localhost_connects,
        an_unknown_host_is_no_path,
        a_name_that_cannot_be_one_is_no_path,
        looking_up_again_and_again_takes_no_memory,
    ]
}

fn a_numeric_address_stands_for_itself(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let binding = engine.bind()?;
    for (host, address) in [
        ("127.0.0.1", "127.0.0.1:564"),
        ("10.1.2.3", "10.1.2.3:564"),
        ("::1", "[::1]:564"),
        ("fe80::1:2", "[fe80::1:2]:564"),
    ] {
        let found = engine.resolve(binding, host, 564)??;
        let texts: Vec<_> = found.iter().map(SocketAddr::to_string).collect();
        equal(host, texts, vec![address.to_owned()])?;
    }
    Ok(engine.tear_down(binding)??)
}

fn localhost_is_this_machine(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let binding = engine.bind()?;
    for host in ["localhost", "LOCALHOST"] {
        let found = engine.resolve(binding, host, 80)??;
        holds("there is an address", !found.is_empty())?;
        for address in found {
            holds("it is a loopback address", address.ip().is_loopback())?;
            equal("its port", address.port(), 80)?;
        }
    }
    Ok(engine.tear_down(binding)??)
}

fn localhost_connects(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    let port = servers()?.peers.echo.port();
    // Some of them may be of the family that the server does not listen on.
    let mut remotes = engine.resolve(ground.binding, "localhost", port)??;
    remotes.truncate(8);
    let [connection, circuit] = engine.connect(ground.address, &remotes, ConnectOptions::default())??;
    equal("sent", engine.send(circuit, b"localhost")??, 9)?;
    engine.hears("the echo", connection, |events| events.received == 9)?;
    engine.tear_down(circuit)??;
    engine.tear_down(connection)??;
    ground.tear_down()
}

fn an_unknown_host_is_no_path(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let binding = engine.bind()?;
    // A domain that is reserved for not existing (RFC 2606).
    let said = engine.resolve(binding, "no-such-host.invalid", 564)?;
    refused("the look-up", said, Status::BAD_NETWORK_PATH)?;
    Ok(engine.tear_down(binding)??)
}

fn a_name_that_cannot_be_one_is_no_path(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let binding = engine.bind()?;
    let longest = "x".repeat(256);
    for host in ["", &longest] {
        let said = engine.resolve(binding, host, 564)?;
        refused("the look-up", said, Status::BAD_NETWORK_PATH)?;
    }
    Ok(engine.tear_down(binding)??)
}

fn looking_up_again_and_again_takes_no_memory(environment: &Environment) -> Checked {
    super::super::leak::takes_no_memory(environment, || {
        let engine = Engine::open()?;
        let binding = engine.bind()?;
        engine.resolve(binding, "localhost", 564)??;
        Ok(engine.tear_down(binding)??)
    })
}
