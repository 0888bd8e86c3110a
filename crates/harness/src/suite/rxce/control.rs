//! The control itself: who may use it, what it refuses, whose the objects are.

use client::device::Device;
use ioctl::Encode;
use ioctl::selftest::{CODE, ConnectOptions, Handle, OUTPUT_SIZE, Request};
use nt::{NameBuf, Status};

use super::super::check::{equal, refused};
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::engine::Engine;
use super::servers::servers;
use crate::runner::Test;

pub(super) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_handle_without_write_access_is_refused,
        malformed_requests_get_their_status_and_make_nothing,
        an_output_that_is_too_short_is_refused_before_anything_is_made,
        an_unknown_handle_is_refused,
        an_object_of_another_kind_is_refused,
        an_unknown_check_is_refused,
        objects_belong_to_the_control_handle_they_were_made_through,
        closing_the_control_handle_takes_its_objects_away,
    ]
}

fn bind() -> Result<Vec<u8>, Status> {
    let request = Request::Bind {
        name: NameBuf::try_from_str("wsk")?,
        quality_of_service: 0,
    };
    request.build()
}

fn a_handle_without_write_access_is_refused(_: &Environment) -> Checked {
    Engine::open()?;
    let device = Device::open()?;
    let answer = device.control_raw(CODE, &bind()?, OUTPUT_SIZE);
    let said = answer.and_then(|completion| completion.status.ok());
    refused("a reader's request", said, Status::ACCESS_DENIED)
}

fn malformed_requests_get_their_status_and_make_nothing(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let good = bind()?;
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        bytes
    };
    let longer = [good.as_slice(), &[0]].concat();
    let cases: [(&str, &[u8], Status); 7] = [
        ("nothing", &[], Status::INFO_LENGTH_MISMATCH),
        (
            "a header cut short",
            &[1, 0, 0, 0, 7],
            Status::INFO_LENGTH_MISMATCH,
        ),
        ("another version", &with(0, 9), Status::UNKNOWN_REVISION),
        ("a byte too many", &longer, Status::INFO_LENGTH_MISMATCH),
        ("an unknown operation", &with(9, 1), Status::INVALID_PARAMETER),
        (
            "a field that is not used",
            &with(24, 1),
            Status::INVALID_PARAMETER,
        ),
        ("a name of odd length", &with(44, 5), Status::INVALID_PARAMETER),
    ];
    for (what, bytes, status) in cases {
        refused(what, engine.raw(bytes, OUTPUT_SIZE), status)?;
    }
    for len in 8..good.len() {
        let cut = good.get(..len).unwrap_or_default();
        refused(
            "a cut record",
            engine.raw(cut, OUTPUT_SIZE),
            Status::INFO_LENGTH_MISMATCH,
        )?;
    }
    equal("objects", engine.list()?.len(), 0)
}

fn an_output_that_is_too_short_is_refused_before_anything_is_made(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    for output in [0, 24, OUTPUT_SIZE - 1] {
        refused("a bind", engine.raw(&bind()?, output), Status::BUFFER_TOO_SMALL)?;
    }
    equal("objects", engine.list()?.len(), 0)?;
    engine.raw(&bind()?, OUTPUT_SIZE)?;
    equal("objects", engine.list()?.len(), 1)
}

/// The control fails: the engine is not asked.
fn control_fails(engine: &Engine, request: &Request<'_>, status: Status) -> Checked {
    let said = engine.raw(&request.build()?, OUTPUT_SIZE);
    refused(&format!("{request:?}"), said, status)
}

fn an_unknown_handle_is_refused(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    for object in [Handle::NONE, Handle(u32::MAX)] {
        for request in [
            Request::Query { object },
            Request::TearDown { object },
            Request::Release { object },
            Request::Disconnect { circuit: object },
            Request::Events { connection: object },
            Request::Send {
                circuit: object,
                data: b"x",
            },
        ] {
            control_fails(&engine, &request, Status::INVALID_HANDLE)?;
        }
    }
    Ok(())
}

fn an_object_of_another_kind_is_refused(_: &Environment) -> Checked {
    let engine = Engine::open()?;
    let ground = engine.ground()?;
    for request in [
        Request::OpenAddress {
            binding: ground.address,
            local: None,
        },
        Request::Connect {
            address: ground.binding,
            remotes: vec![servers()?.peers.echo],
            options: ConnectOptions::default(),
        },
        Request::BuildCircuit {
            connection: ground.address,
        },
        Request::Disconnect {
            circuit: ground.binding,
        },
    ] {
        control_fails(&engine, &request, Status::INVALID_HANDLE)?;
    }
    ground.tear_down()
}

fn an_unknown_check_is_refused(_: &Environment) -> Checked {
    let request = Request::Check {
        name: NameBuf::try_from_str("endpoint::no_such_check")?,
        peers: servers()?.peers,
    };
    control_fails(&Engine::open()?, &request, Status::OBJECT_NAME_NOT_FOUND)
}

fn objects_belong_to_the_control_handle_they_were_made_through(_: &Environment) -> Checked {
    let (mine, other) = (Engine::open()?, Engine::open()?);
    let binding = mine.bind()?;
    equal("the other's objects", other.list()?.len(), 0)?;
    for request in [
        Request::Query { object: binding },
        Request::TearDown { object: binding },
        Request::Release { object: binding },
    ] {
        control_fails(&other, &request, Status::INVALID_HANDLE)?;
    }
    equal("mine", mine.list()?.len(), 1)?;
    mine.tear_down(binding)??;
    mine.release(binding)??;
    equal("mine in the end", mine.list()?.len(), 0)
}

fn closing_the_control_handle_takes_its_objects_away(environment: &Environment) -> Checked {
    // Every state that an object can be in: unused, connected, disconnected, torn down, with sends that cannot end.
    super::super::leak::takes_no_memory(environment, || {
        let engine = Engine::open()?;
        let peers = servers()?.peers;
        let options = ConnectOptions::default();
        engine.bind()?;
        let ground = engine.ground()?;
        for remote in [peers.echo, peers.closing, peers.silent, peers.resetting] {
            let [connection, circuit] = engine.connect(ground.address, &[remote], options)??;
            engine.build_circuit(connection)?;
            // Some of them are gone already.
            let _refused = engine.submit(circuit, 1, &[7; 1 << 20])?;
        }
        let [_, circuit] = engine.connect(ground.address, &[peers.echo], options)??;
        engine.disconnect(circuit)??;
        let [_, circuit] = engine.connect(ground.address, &[peers.echo], options)??;
        engine.tear_down(circuit)??;
        equal("objects", engine.list()?.len(), 19)
    })
}
