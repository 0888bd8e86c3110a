//! The self-test records: every request and reply comes through whole, and no bytes do harm.

use ioctl::Encode;
use ioctl::selftest::*;
use nt::{NameBuf, Status};
use proptest::prelude::*;
use std::net::SocketAddr;

fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn requests() -> Vec<Request<'static>> {
    let handle = Handle(7);
    let (v4, v6) = (address("127.0.0.1:564"), address("[fe80::1%3]:564"));
    let options = ConnectOptions {
        timeout_ms: 500,
        receive_buffer: 4096,
        flags: ConnectFlags::PAUSED,
    };
    let attempt = |remote, rank| Attempt {
        local: handle,
        remote,
        rank,
    };
    let peers = Peers {
        echo: v4,
        refusing: v6,
        closing: v4,
        resetting: v4,
        silent: v6,
    };
    let bind = Request::Bind {
        name: name(r"\Device\Wsk"),
        quality_of_service: 5,
    };
    vec![
        bind,
        Request::OpenAddress {
            binding: handle,
            local: None,
        },
        Request::OpenAddress {
            binding: handle,
            local: Some(v6),
        },
        Request::Connect {
            address: handle,
            remotes: vec![v4, v6],
            options,
        },
        Request::Race {
            attempts: vec![attempt(v4, 1), attempt(v6, 0)],
            selection: Selection::Best,
            options,
        },
        Request::BuildCircuit { connection: handle },
        Request::Resume { circuit: handle },
        Request::Send {
            circuit: handle,
            data: b"some bytes",
        },
        Request::Submit {
            circuit: handle,
            context: u64::MAX,
            data: b"more",
        },
        Request::Disconnect { circuit: handle },
        Request::TearDown { object: handle },
        Request::Release { object: handle },
        Request::Query { object: handle },
        Request::Events { connection: handle },
        Request::Resolve {
            binding: handle,
            host: name("localhost"),
            port: 564,
        },
        Request::List { after: Handle::NONE },
        Request::Checks,
        Request::Stacks,
        Request::Raise { exception: u32::MAX },
        Request::Check {
            name: name("endpoint::closes_twice"),
            peers,
        },
    ]
}

fn replies() -> Vec<Reply<'static>> {
    let object = Object {
        handle: Handle(3),
        kind: Kind::Circuit,
        parent: Handle(2),
        index: 1,
    };
    let facts = |remote| Facts {
        kind: Kind::Connection,
        state: 1,
        quality_of_service: 2,
        addresses: 3,
        connections: 4,
        circuits: 5,
        remote,
    };
    let events = Events {
        received: 1,
        lost: 2,
        last_send: u64::MAX,
        ..Events::default()
    };
    let answers = [
        Answer::Nothing,
        Answer::Objects(vec![]),
        Answer::Objects(vec![object, object]),
        Answer::Facts(facts(None)),
        Answer::Facts(facts(Some(address("[::1]:9")))),
        Answer::Events(events, b"received"),
        Answer::Addresses(vec![address("10.0.0.1:1"), address("[::1]:2")]),
        Answer::Text(b"text"),
        Answer::Count(1 << 40),
    ];
    answers
        .into_iter()
        .map(|answer| Reply {
            status: Status::SUCCESS,
            answer,
        })
        .collect()
}

/// `bytes` with a header that says the truth about their length.
fn admitting(mut bytes: Vec<u8>) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    if let Some(size) = bytes.get_mut(4..8) {
        size.copy_from_slice(&len);
    }
    bytes
}

#[test]
fn the_code_needs_write_access_and_is_fixed() {
    assert_eq!(CODE.0, 0x0028_A3FC);
    assert_eq!(CODE.name(), None, "a released driver does not know it");
}

#[test]
fn every_request_comes_through() {
    for request in requests() {
        let bytes = request.build().unwrap();
        assert_eq!(Request::parse(&bytes).as_ref(), Ok(&request));
    }
}

#[test]
fn every_reply_comes_through() {
    for reply in replies() {
        let bytes = reply.build().unwrap();
        assert!(bytes.len() <= OUTPUT_SIZE);
        assert_eq!(Reply::parse(&bytes).as_ref(), Ok(&reply));
    }
}

#[test]
fn whatever_is_cut_off_is_refused() {
    let refusals = [Status::INFO_LENGTH_MISMATCH, Status::INVALID_PARAMETER];
    for bytes in requests().iter().map(|request| request.build().unwrap()) {
        for len in 0..bytes.len() {
            let status = Request::parse(&bytes[..len]).unwrap_err();
            assert_eq!(status, Status::INFO_LENGTH_MISMATCH);
            let status = Request::parse(&admitting(bytes[..len].to_vec())).unwrap_err();
            assert!(refusals.contains(&status));
        }
    }
    for bytes in replies().iter().map(|reply| reply.build().unwrap()) {
        for len in 0..bytes.len() {
            assert!(Reply::parse(&bytes[..len]).is_err());
            assert!(Reply::parse(&admitting(bytes[..len].to_vec())).is_err());
        }
    }
}

#[test]
fn what_an_operation_does_not_use_is_refused() {
    /// The offsets of the 32-bit fields that only some operations use.
    const FIELDS: [usize; 9] = [12, 16, 24, 28, 32, 36, 44, 48, 52];
    let bytes = Request::Checks.build().unwrap();
    for field in FIELDS {
        let mut bytes = bytes.clone();
        bytes[field] = 1;
        assert_eq!(Request::parse(&bytes), Err(Status::INVALID_PARAMETER), "{field}");
    }
    let unknown_flag = Request::Connect {
        address: Handle(1),
        remotes: vec![],
        options: ConnectOptions {
            flags: ConnectFlags::from_bits_retain(1 << 9),
            ..ConnectOptions::default()
        },
    };
    let bytes = unknown_flag.build().unwrap();
    assert_eq!(Request::parse(&bytes), Err(Status::INVALID_PARAMETER));
}

#[test]
fn more_addresses_than_allowed_are_refused() {
    let request = |count| Request::Connect {
        address: Handle(1),
        remotes: vec![address("127.0.0.1:1"); count],
        options: ConnectOptions::default(),
    };
    assert!(Request::parse(&request(8).build().unwrap()).is_ok());
    let bytes = request(9).build().unwrap();
    assert_eq!(Request::parse(&bytes), Err(Status::INVALID_PARAMETER));
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Request::parse(&bytes);
        let _ = Reply::parse(&bytes);
        let mut bytes = admitting(bytes);
        if let Some(version) = bytes.get_mut(..4) {
            version.copy_from_slice(&1_u32.to_le_bytes());
        }
        let _ = Request::parse(&bytes);
        let _ = Reply::parse(&bytes);
    }

    #[test]
    fn what_is_accepted_is_written_the_same(which in 0..18_usize, at in 8..200_usize, value in any::<u8>()) {
        let mut bytes = requests()[which].build().unwrap();
        let len = bytes.len();
        bytes[8 + at % (len - 8)] = value;
        if let Ok(request) = Request::parse(&bytes) {
            prop_assert_eq!(request.build().unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_accepted_of_replies_is_written_the_same(which in 0..9_usize, at in 8..200_usize, value in any::<u8>()) {
        let mut bytes = replies()[which].build().unwrap();
        let len = bytes.len();
        bytes[8 + at % (len - 8)] = value;
        if let Ok(reply) = Reply::parse(&bytes) {
            prop_assert_eq!(reply.build().unwrap(), bytes);
        }
    }
}
