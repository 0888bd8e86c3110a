//! The records against their documented statuses, and properties over arbitrary bytes.

use ioctl::*;
use nt::{Name, NameBuf, Status};
use proptest::prelude::*;

fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

fn add() -> AddConnection {
    AddConnection::try_new(name(r"\;X:\host@5640\export").as_name(), name("alice").as_name()).unwrap()
}

/// A valid input of every control that takes one, with the byte offset of a name length in it, if any.
fn inputs() -> Vec<(ControlCode, Vec<u8>, Option<usize>)> {
    let delete = DeleteConnection::try_new(name("X:").as_name(), DeleteLevel::Force).unwrap();
    let get = GetConnection::try_new(name("X:").as_name()).unwrap();
    vec![
        (ControlCode::ADD_CONNECTION, add().build().unwrap(), Some(12)),
        (ControlCode::DELETE_CONNECTION, delete.build().unwrap(), Some(12)),
        (ControlCode::GET_CONNECTION, get.build().unwrap(), Some(8)),
        (
            ControlCode::ENUM_CONNECTIONS,
            EnumConnections { resume: 7 }.build().unwrap(),
            None,
        ),
    ]
}

fn parse(code: ControlCode, input: &[u8]) -> Result<Request, Status> {
    Request::parse(code, input, usize::MAX)
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn get_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn valid_inputs_are_accepted() {
    for (code, input, _) in inputs() {
        assert!(parse(code, &input).is_ok(), "{code:?}");
    }
    assert_eq!(parse(ControlCode::START, &[]), Ok(Request::Start));
    assert_eq!(
        parse(ControlCode::ADD_CONNECTION, &add().build().unwrap()),
        Ok(Request::AddConnection(add()))
    );
}

#[test]
fn every_short_input_is_a_length_mismatch() {
    for (code, input, _) in inputs() {
        for len in 0..input.len() {
            assert_eq!(
                parse(code, &input[..len]),
                Err(Status::INFO_LENGTH_MISMATCH),
                "{code:?} cut to {len}"
            );
        }
    }
}

#[test]
fn every_short_input_that_admits_it_is_refused_too() {
    for (code, input, _) in inputs() {
        for len in 8..input.len() {
            let mut cut = input[..len].to_vec();
            put_u32(&mut cut, 4, u32::try_from(len).unwrap());
            let status = parse(code, &cut).unwrap_err();
            let expected = [Status::INFO_LENGTH_MISMATCH, Status::INVALID_PARAMETER];
            assert!(expected.contains(&status), "{code:?} cut to {len}: {status}");
        }
    }
}

#[test]
fn a_long_input_is_a_length_mismatch_and_inconsistent_if_it_admits_it() {
    for (code, mut input, _) in inputs() {
        input.push(0);
        assert_eq!(parse(code, &input), Err(Status::INFO_LENGTH_MISMATCH), "{code:?}");
        let len = u32::try_from(input.len()).unwrap();
        put_u32(&mut input, 4, len);
        assert_eq!(parse(code, &input), Err(Status::INVALID_PARAMETER), "{code:?}");
    }
}

#[test]
fn another_version_is_an_unknown_revision_whatever_follows() {
    for (code, input, _) in inputs() {
        for version in [0, 2, u32::MAX] {
            let mut changed = input.clone();
            put_u32(&mut changed, 0, version);
            put_u32(&mut changed, 4, 1);
            assert_eq!(parse(code, &changed), Err(Status::UNKNOWN_REVISION), "{code:?}");
        }
    }
}

#[test]
fn name_lengths_that_are_odd_or_do_not_add_up_are_invalid() {
    for (code, input, at) in inputs() {
        let Some(at) = at else { continue };
        let length = get_u32(&input, at);
        for wrong in [
            0,
            length - 1,
            length - 2,
            length + 1,
            length + 2,
            0x1_0000,
            u32::MAX,
        ] {
            let mut changed = input.clone();
            put_u32(&mut changed, at, wrong);
            assert_eq!(
                parse(code, &changed),
                Err(Status::INVALID_PARAMETER),
                "{code:?} with {wrong}"
            );
        }
    }
}

#[test]
fn a_nul_in_a_name_is_invalid() {
    let mut input = add().build().unwrap();
    let at = input.len() - 4;
    input[at] = 0;
    assert_eq!(
        parse(ControlCode::ADD_CONNECTION, &input),
        Err(Status::INVALID_PARAMETER)
    );
}

#[test]
fn names_have_limits() {
    let long_user = NameBuf::try_from_units(&[0x61; 257]).unwrap();
    let record = AddConnection::try_new(name("x").as_name(), long_user.as_name())
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(
        parse(ControlCode::ADD_CONNECTION, &record),
        Err(Status::INVALID_PARAMETER)
    );
    let long_local = NameBuf::try_from_units(&[0x61; 81]).unwrap();
    let record = GetConnection::try_new(long_local.as_name())
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(
        parse(ControlCode::GET_CONNECTION, &record),
        Err(Status::INVALID_PARAMETER)
    );
    let longest = NameBuf::try_from_units(&[0x61; nt::name::MAX_UNITS]).unwrap();
    let record = AddConnection::try_new(longest.as_name(), Name::EMPTY).unwrap();
    assert_eq!(AddConnection::parse(&record.build().unwrap()), Ok(record));
}

#[test]
fn empty_connection_names_are_invalid() {
    let record = AddConnection::default().build().unwrap();
    assert_eq!(
        parse(ControlCode::ADD_CONNECTION, &record),
        Err(Status::INVALID_PARAMETER)
    );
}

#[test]
fn unknown_flags_levels_and_reserved_values_are_invalid() {
    let mut input = add().build().unwrap();
    put_u32(&mut input, 8, 1);
    assert!(parse(ControlCode::ADD_CONNECTION, &input).is_ok());
    put_u32(&mut input, 8, 2);
    assert_eq!(
        parse(ControlCode::ADD_CONNECTION, &input),
        Err(Status::INVALID_PARAMETER)
    );

    let mut input = add().build().unwrap();
    put_u32(&mut input, 20, 1);
    assert_eq!(
        parse(ControlCode::ADD_CONNECTION, &input),
        Err(Status::INVALID_PARAMETER)
    );

    let delete = DeleteConnection::try_new(name("X:").as_name(), DeleteLevel::Refuse).unwrap();
    for level in 0..=0x200_u32 {
        let mut input = delete.build().unwrap();
        put_u32(&mut input, 8, level);
        let accepted = parse(ControlCode::DELETE_CONNECTION, &input);
        match level {
            0 | 1 | 0xFF => assert!(accepted.is_ok(), "level {level}"),
            _ => assert_eq!(accepted, Err(Status::INVALID_PARAMETER), "level {level}"),
        }
    }
}

#[test]
fn controls_without_input_accept_none() {
    for code in [
        ControlCode::QUERY_VERSION,
        ControlCode::START,
        ControlCode::STOP,
        ControlCode::GET_STATISTICS,
    ] {
        assert!(parse(code, &[]).is_ok(), "{code:?}");
        assert_eq!(parse(code, &[0]), Err(Status::INFO_LENGTH_MISMATCH), "{code:?}");
    }
}

#[test]
fn unknown_codes_are_invalid_device_requests() {
    for (code, _) in ControlCode::TABLE {
        // Another method, access or function is another code.
        for changed in [
            code.0 ^ 1,
            code.0 ^ 3,
            code.0 ^ 1 << 14,
            code.0 ^ 1 << 8,
            code.0 ^ 1 << 31,
        ] {
            assert_eq!(
                parse(ControlCode(changed), &[]),
                Err(Status::INVALID_DEVICE_REQUEST),
                "{changed:#x}"
            );
        }
    }
}

#[test]
fn outputs_below_the_fixed_part_are_too_small() {
    let local = GetConnection::try_new(name("X:").as_name())
        .unwrap()
        .build()
        .unwrap();
    let list = EnumConnections::default().build().unwrap();
    for (code, input, least) in [
        (ControlCode::QUERY_VERSION, &[][..], VersionInfo::SIZE),
        (ControlCode::GET_STATISTICS, &[], Statistics::SIZE),
        (ControlCode::GET_CONNECTION, &local, Connection::FIXED_SIZE),
        (ControlCode::ENUM_CONNECTIONS, &list, ConnectionList::FIXED_SIZE),
    ] {
        assert_eq!(
            Request::parse(code, input, least - 1),
            Err(Status::BUFFER_TOO_SMALL),
            "{code:?}"
        );
        assert!(Request::parse(code, input, least).is_ok(), "{code:?}");
        assert!(Request::parse(code, input, least + 1).is_ok(), "{code:?}");
    }
}

/// `docs/ioctl.md` is what people outside this workspace build on.
#[test]
fn the_document_lists_every_code_and_figure() {
    let document = include_str!("../../../docs/ioctl.md");
    for (code, name) in ControlCode::TABLE {
        let access = ["any", "read", "write"][(code.0 >> 14 & 3) as usize];
        let row = format!("| {name} | 0x{:08X} | {access} |", code.0);
        assert!(document.contains(&row), "no row {row}");
    }
    for (figure, at) in Statistics::NAMES.iter().zip((8..).step_by(8)) {
        assert!(
            document.contains(&format!("{at} {figure}")),
            "no figure {figure} at {at}"
        );
    }
}

/// The sizes are part of the interface.
#[test]
fn sizes_are_fixed() {
    assert_eq!(VersionInfo::SIZE, 24);
    assert_eq!(Statistics::SIZE, 8 + 8 * 21);
    assert_eq!(Connection::FIXED_SIZE, 48);
    assert_eq!(ConnectionList::FIXED_SIZE, 24);
    assert_eq!(EnumConnections::default().encoded_len(), 16);
    assert_eq!(AddConnection::default().encoded_len(), 24);
}

#[test]
fn version_round_trips() {
    let version = VersionInfo::new(
        [1, 2, 3],
        Features::SELFTEST | Features::from_bits_retain(1 << 30),
    );
    let bytes = version.build().unwrap();
    assert_eq!(VersionInfo::parse(&bytes), Ok(version));
    assert_eq!(version.write(&mut [0; 23]), Err(Status::BUFFER_TOO_SMALL));
}

#[test]
fn statistics_round_trip_in_order() {
    let mut statistics = Statistics {
        srv_calls: 1,
        opens_revived: u64::MAX,
        ..Statistics::default()
    };
    statistics.bytes_read = 1 << 40;
    let bytes = statistics.build().unwrap();
    assert_eq!(Statistics::parse(&bytes), Ok(statistics));
    assert_eq!(bytes[8], 1);
    assert_eq!(statistics.iter().next(), Some(("srv_calls", 1)));
    assert_eq!(statistics.iter().last(), Some(("opens_revived", u64::MAX)));
}

fn view<'a>(local: &'a NameBuf, remote: &'a NameBuf, user: &'a NameBuf) -> ConnectionView<'a> {
    ConnectionView {
        local: local.as_name(),
        remote: remote.as_name(),
        user: user.as_name(),
        state: ConnectionState::CONNECTED,
        flags: ConnectionFlags::GLOBAL,
        open_files: 3,
        logon_id: 0x3E7,
    }
}

#[test]
fn a_connection_that_does_not_fit_says_how_much_it_needs() {
    let (local, remote, user) = (name("X:"), name(r"\\host@564\a\b"), name("alice"));
    let view = view(&local, &remote, &user);
    let needed = view.encoded_len();
    assert_eq!(needed % 8, 0);
    for len in 0..needed + 9 {
        let mut out = vec![0xAA; len];
        let (status, written) = view.answer(&mut out);
        assert!(
            out[written..].iter().all(|byte| *byte == 0xAA),
            "{len}: wrote beyond what it reports"
        );
        if len < Connection::FIXED_SIZE {
            assert_eq!((status, written), (Status::BUFFER_TOO_SMALL, 0));
        } else if len < needed {
            assert_eq!(
                (status, written),
                (Status::BUFFER_OVERFLOW, Connection::FIXED_SIZE)
            );
            assert_eq!(Connection::required_size(&out), Some(needed));
        } else {
            assert_eq!((status, written), (Status::SUCCESS, needed));
            assert_eq!(Connection::parse(&out[..written]).unwrap().view(), view);
        }
    }
}

/// Enumerates as a driver with these connections would, its keys 10, 20, 30 …
fn enumerate(connections: &[ConnectionView<'_>], resume: u64, out: &mut [u8]) -> (Status, usize) {
    let mut list = ConnectionListWriter::new(out).unwrap();
    for (connection, key) in connections.iter().zip((10..).step_by(10)) {
        if key > resume && !list.push(connection, key) {
            break;
        }
    }
    list.finish()
}

#[test]
fn an_enumeration_in_buffers_of_any_size_yields_each_connection_once() {
    let (local, remote, none) = (name("X:"), name(r"\\host\share"), NameBuf::new());
    let long = NameBuf::try_from_units(&[0x62; 100]).unwrap();
    let connections = [
        view(&local, &remote, &none),
        view(&none, &long, &local),
        view(&local, &none, &none),
    ];
    for start in ConnectionList::FIXED_SIZE..600 {
        let (mut size, mut resume, mut seen) = (start, 0, Vec::new());
        loop {
            let mut out = vec![0; size];
            let (status, written) = enumerate(&connections, resume, &mut out);
            let list = ConnectionList::parse(&out[..written]).unwrap();
            match status {
                Status::SUCCESS => {
                    resume = list.resume();
                    assert!(!list.is_empty());
                    seen.extend(list.map(|connection| connection.unwrap()));
                }
                Status::BUFFER_OVERFLOW => {
                    assert!(
                        list.required() > size,
                        "asks for {} and had {size}",
                        list.required()
                    );
                    size = list.required();
                }
                end => {
                    assert_eq!(end, Status::NO_MORE_ENTRIES);
                    break;
                }
            }
        }
        let views: Vec<_> = seen.iter().map(Connection::view).collect();
        assert_eq!(views, connections, "buffers of {start} bytes");
    }
}

#[test]
fn a_list_cut_or_stretched_ends_in_an_error() {
    let (local, remote, none) = (name("X:"), name(r"\\host\share"), NameBuf::new());
    let mut out = vec![0; 400];
    let (_, written) = enumerate(
        &[view(&local, &remote, &none), view(&none, &remote, &none)],
        0,
        &mut out,
    );
    out.truncate(written);
    assert_eq!(
        ConnectionList::parse(&out).unwrap().filter(Result::is_ok).count(),
        2
    );
    for count in [0_u32, 1, 3, u32::MAX] {
        let mut changed = out.clone();
        put_u32(&mut changed, 16, count);
        let results: Vec<_> = ConnectionList::parse(&changed).unwrap().collect();
        assert_eq!(
            results.last().unwrap().as_ref().err(),
            Some(&Status::INVALID_PARAMETER),
            "count {count}"
        );
    }
    for size in [0_u32, 8, u32::MAX] {
        let mut changed = out.clone();
        put_u32(&mut changed, ConnectionList::FIXED_SIZE + 4, size);
        assert!(
            ConnectionList::parse(&changed)
                .unwrap()
                .any(|entry| entry.is_err()),
            "size {size}"
        );
    }
}

#[test]
fn a_list_needs_room_for_its_header() {
    assert_eq!(
        ConnectionListWriter::new(&mut [0; 23]).err(),
        Some(Status::BUFFER_TOO_SMALL)
    );
}

fn codes() -> impl Strategy<Value = ControlCode> {
    prop::sample::select(ControlCode::TABLE).prop_map(|(code, _)| code)
}

/// Bytes that pass the first checks more often than random ones do.
fn near_records() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => 0..40_u8], 8..80).prop_map(|mut bytes| {
            let len = u32::try_from(bytes.len()).unwrap();
            put_u32(&mut bytes, 0, VERSION);
            put_u32(&mut bytes, 4, len);
            bytes
        }),
    ]
}

proptest! {
    /// Any bytes give a request or one of the documented statuses; what is accepted is rebuilt to the same bytes.
    #[test]
    fn any_input(code in codes(), input in near_records(), output_len in 0..200_usize) {
        match Request::parse(code, &input, output_len) {
            Ok(Request::AddConnection(record)) => prop_assert_eq!(record.build().unwrap(), input),
            Ok(Request::DeleteConnection(record)) => prop_assert_eq!(record.build().unwrap(), input),
            Ok(Request::GetConnection(record)) => prop_assert_eq!(record.build().unwrap(), input),
            Ok(Request::EnumConnections(record)) => prop_assert_eq!(record.build().unwrap(), input),
            Ok(_) => prop_assert!(input.is_empty()),
            Err(status) => prop_assert!(
                [
                    Status::INFO_LENGTH_MISMATCH,
                    Status::UNKNOWN_REVISION,
                    Status::INVALID_PARAMETER,
                    Status::BUFFER_TOO_SMALL,
                ]
                .contains(&status),
                "{}", status
            ),
        }
    }

    /// What user mode reads from a driver is no more trusted.
    #[test]
    fn any_output(bytes in near_records()) {
        if let Ok(connection) = Connection::parse(&bytes) {
            prop_assert_eq!(connection.view().build().unwrap(), bytes.clone());
        }
        if let Ok(list) = ConnectionList::parse(&bytes) {
            prop_assert!(list.count() <= bytes.len());
        }
        if let Ok(version) = VersionInfo::parse(&bytes) {
            prop_assert_eq!(version.build().unwrap(), bytes.clone());
        }
        let _ = Statistics::parse(&bytes);
        let _ = Connection::required_size(&bytes);
    }

    #[test]
    fn additions_round_trip(
        name_units in prop::collection::vec(1..=u16::MAX, 1..300),
        user_units in prop::collection::vec(1..=u16::MAX, 0..=256),
        deferred: bool,
    ) {
        let record = AddConnection {
            name: NameBuf::try_from_units(&name_units).unwrap(),
            user: NameBuf::try_from_units(&user_units).unwrap(),
            flags: if deferred { AddFlags::DEFERRED } else { AddFlags::empty() },
        };
        prop_assert_eq!(AddConnection::parse(&record.build().unwrap()), Ok(record));
    }
}
