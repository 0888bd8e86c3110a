//! Connecting over several local addresses at once: first, best, all.

use std::net::SocketAddr;

use ioctl::selftest::{Attempt, ConnectOptions, Handle, Kind, Object, Request, Selection};
use nt::Status;

use super::super::check::{bounded, equal, refused};
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::connecting::v6;
use super::engine::{Engine, Ground, LIMIT, Said};
use super::servers::{Unanswering, servers};
use crate::runner::Test;

pub(super) fn tests() -> Vec<Test<Environment>> {
    tests![
        the_first_success_wins_over_a_dead_address,
        the_first_success_does_not_wait_for_one_that_never_answers,
        the_best_success_wins,
        the_best_is_not_one_that_is_dead,
        all_successes_are_kept,
        a_race_that_nobody_wins_leaves_nothing,
        a_race_without_attempts_is_refused,
        a_dead_local_address_does_not_keep_from_the_others,
        a_race_over_both_families_is_won,
    ]
}

/// Races from `ground` to each address with its rank.
fn race(ground: &Ground<'_>, attempts: &[(SocketAddr, u32)], selection: Selection) -> Said<Vec<Object>> {
    let attempts = attempts
        .iter()
        .map(|&(remote, rank)| Attempt {
            local: ground.address,
            remote,
            rank,
        })
        .collect();
    run(ground.engine, attempts, selection)
}

fn run(engine: &Engine, attempts: Vec<Attempt>, selection: Selection) -> Said<Vec<Object>> {
    let request = Request::Race {
        attempts,
        selection,
        options: ConnectOptions {
            timeout_ms: 2_000,
            ..ConnectOptions::default()
        },
    };
    bounded("the race", LIMIT, || engine.make(&request))?
}

/// These attempts won, with a connection and a circuit each; all work, and go.
fn won_by(ground: Ground<'_>, made: &[Object], winners: &[u32]) -> Checked {
    let engine = ground.engine;
    let kinds: Vec<_> = made.iter().map(|object| (object.index, object.kind)).collect();
    let wanted: Vec<_> = winners
        .iter()
        .flat_map(|&index| [(index, Kind::Connection), (index, Kind::Circuit)])
        .collect();
    equal("what was made", kinds, wanted)?;
    let facts = engine.query(ground.binding)??;
    let count = winners.len() as u32;
    equal("what stands", (facts.connections, facts.circuits), (count, count))?;
    for pair in made.chunks(2) {
        let [connection, circuit] = pair else { continue };
        equal("parent", circuit.parent, connection.handle)?;
        equal("sent", engine.send(circuit.handle, b"won")??, 3)?;
        engine.hears("the echo", connection.handle, |events| events.received == 3)?;
        engine.tear_down(circuit.handle)??;
        engine.tear_down(connection.handle)??;
    }
    ground.tear_down()
}

fn the_first_success_wins_over_a_dead_address(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    let peers = servers()?.peers;
    let attempts = [(peers.refusing, 0), (peers.echo, 0)];
    let made = race(&ground, &attempts, Selection::First)??;
    won_by(ground, &made, &[1])
}

fn the_first_success_does_not_wait_for_one_that_never_answers(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let nobody = Unanswering::open()?;
    let ground = engine.ground()?;
    let attempts = [(nobody.address, 0), (servers()?.peers.echo, 9)];
    let made = race(&ground, &attempts, Selection::First)??;
    won_by(ground, &made, &[1])
}

fn the_best_success_wins(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let echo = servers()?.peers.echo;
    for (ranks, winner) in [([3, 1, 2], 1), ([1, 1, 1], 0), ([2, 2, 1], 2)] {
        let ground = engine.ground()?;
        let attempts = ranks.map(|rank| (echo, rank));
        let made = race(&ground, &attempts, Selection::Best)??;
        won_by(ground, &made, &[winner])?;
    }
    Ok(())
}

fn the_best_is_not_one_that_is_dead(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let peers = servers()?.peers;
    let ground = engine.ground()?;
    let attempts = [(peers.refusing, 0), (peers.echo, 5), (peers.echo, 4)];
    let made = race(&ground, &attempts, Selection::Best)??;
    won_by(ground, &made, &[2])
}

fn all_successes_are_kept(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let peers = servers()?.peers;
    let ground = engine.ground()?;
    let attempts = [
        (peers.echo, 0),
        (peers.refusing, 0),
        (peers.echo, 0),
        (peers.echo, 0),
    ];
    let made = race(&ground, &attempts, Selection::All)??;
    won_by(ground, &made, &[0, 2, 3])
}

fn a_race_that_nobody_wins_leaves_nothing(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let refusing = servers()?.peers.refusing;
    for selection in [Selection::First, Selection::Best, Selection::All] {
        let ground = engine.ground()?;
        let said = race(&ground, &[(refusing, 0); 3], selection)?;
        refused("the race", said, Status::CONNECTION_REFUSED)?;
        ground.tear_down()?;
    }
    Ok(())
}

fn a_race_without_attempts_is_refused(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    for selection in [Selection::First, Selection::Best, Selection::All] {
        let said = run(&engine, Vec::new(), selection)?;
        refused("the race", said, Status::INVALID_PARAMETER)?;
    }
    equal("objects", engine.list()?.len(), 0)
}

fn a_dead_local_address_does_not_keep_from_the_others(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    let dead = engine.open_address(ground.binding, None)?;
    engine.tear_down(dead)??;
    let remote = servers()?.peers.echo;
    let attempt = |local: Handle| Attempt {
        local,
        remote,
        rank: 0,
    };
    let attempts = vec![attempt(dead), attempt(ground.address)];
    let made = run(&engine, attempts, Selection::First)??;
    won_by(ground, &made, &[1])?;
    let said = run(&engine, vec![attempt(dead); 2], Selection::All)?;
    refused("over dead ones alone", said, Status::INVALID_PARAMETER)
}

fn a_race_over_both_families_is_won(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let servers = servers()?;
    let v6 = v6(&engine, servers.echo_v6)?;
    let ground = engine.ground()?;
    let attempts = [(v6, 0), (servers.peers.echo, 0)];
    let made = race(&ground, &attempts, Selection::All)??;
    won_by(ground, &made, &[0, 1])
}
