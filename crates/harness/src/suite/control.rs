//! The control interface: every malformed request gets its documented status and changes nothing.

use client::device::Device;
use ioctl::{
    AddConnection, ControlCode, DeleteConnection, DeleteLevel, Encode, EnumConnections, GetConnection,
    Statistics,
};
use nt::{Name, Status};

use super::check::{equal, holds, refused};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        version_is_spoken_by_both_sides,
        codes_that_are_not_ours,
        the_self_test_control_is_for_drivers_that_are_built_for_it,
        input_where_none_is_taken,
        output_too_short_for_the_answer,
        output_longer_than_the_answer,
        input_shorter_than_a_header,
        versions_of_another_time,
        sizes_that_are_not_the_length,
        records_cut_anywhere,
        names_of_odd_length,
        names_with_a_nul,
        names_that_are_empty,
        lengths_that_do_not_add_up,
        flags_and_reserved_fields,
        levels_that_do_not_exist,
        users_that_are_too_long,
        output_of_odd_length,
        asking_for_a_drive_that_is_not_connected,
        start_and_stop_need_write_access,
        statistics_name_every_figure,
    ]
}

const ADD: ControlCode = ControlCode::ADD_CONNECTION;

/// Where fields stand in the records.
const VERSION_AT: usize = 0;
const SIZE_AT: usize = 4;
const ADD_FLAGS_AT: usize = 8;
const ADD_NAME_LENGTH_AT: usize = 12;
const ADD_USER_LENGTH_AT: usize = 16;
const ADD_RESERVED_AT: usize = 20;
const ADD_NAMES_AT: usize = 24;

/// Sends a control that must be refused with this status, and checks that nothing changed.
fn refuses(environment: &Environment, what: &str, code: ControlCode, input: &[u8], want: Status) -> Checked {
    refuses_into(environment, what, code, input, 0, want)
}

fn refuses_into(
    environment: &Environment,
    what: &str,
    code: ControlCode,
    input: &[u8],
    output: usize,
    want: Status,
) -> Checked {
    // Write access, so that the driver's checks decide and not the handle's.
    let device = Device::open_for_control()?;
    let before = existing(&environment.device()?.statistics()?);
    let answer = device.control_raw(code, input, output)?;
    refused(what, answer.status.ok(), want)?;
    equal(&format!("{what}: bytes returned"), answer.information, 0)?;
    let after = existing(&environment.device()?.statistics()?);
    equal(&format!("{what}: what exists"), after, before)
}

/// What exists now; a refused request neither makes nor frees any of it.
fn existing(figures: &Statistics) -> [u64; 9] {
    [
        figures.srv_calls,
        figures.net_roots,
        figures.v_net_roots,
        figures.fcbs,
        figures.srv_opens,
        figures.fobxs,
        figures.sessions,
        figures.bytes_read,
        figures.bytes_written,
    ]
}

/// A well-formed request to connect; the letter and the host are nobody's.
fn add_record() -> Result<Vec<u8>, Failure> {
    add_record_of(r"\;Q:\host.invalid@9\share", "user")
}

fn add_record_of(name: &str, user: &str) -> Result<Vec<u8>, Failure> {
    let name: Vec<u16> = name.encode_utf16().collect();
    let user: Vec<u16> = user.encode_utf16().collect();
    Ok(AddConnection::try_new(Name::new(&name), Name::new(&user))?.build()?)
}

/// The record with one field replaced.
fn with_field(record: &[u8], at: usize, value: u32) -> Vec<u8> {
    let mut changed = record.to_vec();
    if let Some(field) = changed.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *field = value.to_le_bytes();
    }
    changed
}

fn field(record: &[u8], at: usize) -> u32 {
    record
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn version_is_spoken_by_both_sides(environment: &Environment) -> Checked {
    let version = environment.device()?.version()?;
    equal("protocol", version.protocol, ioctl::VERSION)?;
    let driver = version.driver.map(|part| part.to_string()).join(".");
    equal("driver version", driver.as_str(), env!("CARGO_PKG_VERSION"))
}

fn codes_that_are_not_ours(environment: &Environment) -> Checked {
    let ours = ControlCode::QUERY_VERSION.0;
    for (what, code) in [
        ("an unused function", ours | 0x7F << 2),
        ("another device type", (ours & 0xFFFF) | 0x22 << 16),
        ("another method", ours | 3),
        ("another access", ours & !(3 << 14)),
        ("zero", 0),
    ] {
        for input in [&[][..], &[0; 64][..]] {
            refuses_into(
                environment,
                what,
                ControlCode(code),
                input,
                64,
                Status::INVALID_DEVICE_REQUEST,
            )?;
        }
    }
    Ok(())
}

fn the_self_test_control_is_for_drivers_that_are_built_for_it(environment: &Environment) -> Checked {
    if environment.has_self_tests() {
        return Err(Failure::Skipped("this driver is".to_owned()));
    }
    let request = ioctl::selftest::Request::Checks.build()?;
    let device = Device::open_for_control()?;
    let answer = device.control_raw(ioctl::selftest::CODE, &request, ioctl::selftest::OUTPUT_SIZE);
    let said = answer.and_then(|completion| completion.status.ok());
    refused("the control", said, Status::INVALID_DEVICE_REQUEST)
}

fn input_where_none_is_taken(environment: &Environment) -> Checked {
    for code in [
        ControlCode::QUERY_VERSION,
        ControlCode::START,
        ControlCode::STOP,
        ControlCode::GET_STATISTICS,
    ] {
        for length in [1, 8, 24, 4096] {
            let what = format!("{code:?} with {length} bytes");
            refuses_into(
                environment,
                &what,
                code,
                &vec![0; length],
                4096,
                Status::INFO_LENGTH_MISMATCH,
            )?;
        }
    }
    Ok(())
}

fn output_too_short_for_the_answer(environment: &Environment) -> Checked {
    let list = EnumConnections::default().build()?;
    let get = GetConnection::try_new(Name::new(&[u16::from(b'Q'), u16::from(b':')]))?.build()?;
    for (code, input, needed) in [
        (ControlCode::QUERY_VERSION, &[][..], ioctl::VersionInfo::SIZE),
        (ControlCode::GET_STATISTICS, &[][..], Statistics::SIZE),
        (
            ControlCode::ENUM_CONNECTIONS,
            &list[..],
            ioctl::ConnectionList::FIXED_SIZE,
        ),
        (
            ControlCode::GET_CONNECTION,
            &get[..],
            ioctl::Connection::FIXED_SIZE,
        ),
    ] {
        for room in [0, 1, needed.saturating_sub(1)] {
            let what = format!("{code:?} into {room} bytes");
            refuses_into(environment, &what, code, input, room, Status::BUFFER_TOO_SMALL)?;
        }
    }
    Ok(())
}

fn output_longer_than_the_answer(environment: &Environment) -> Checked {
    let answer = environment
        .device()?
        .control_raw(ControlCode::GET_STATISTICS, &[], 4096)?;
    answer.status.ok()?;
    equal("bytes returned", answer.information, Statistics::SIZE)?;
    holds(
        "the rest of the buffer is left alone",
        answer.output.iter().skip(Statistics::SIZE).all(|&byte| byte == 0),
    )
}

fn input_shorter_than_a_header(environment: &Environment) -> Checked {
    let record = add_record()?;
    for code in [
        ADD,
        ControlCode::DELETE_CONNECTION,
        ControlCode::GET_CONNECTION,
        ControlCode::ENUM_CONNECTIONS,
    ] {
        for length in 0..8 {
            let input = record.get(..length).unwrap_or_default();
            let what = format!("{code:?} with {length} bytes");
            refuses_into(
                environment,
                &what,
                code,
                input,
                4096,
                Status::INFO_LENGTH_MISMATCH,
            )?;
        }
    }
    Ok(())
}

fn versions_of_another_time(environment: &Environment) -> Checked {
    let record = add_record()?;
    for version in [0, 2, 0x0100_0000, u32::MAX] {
        let changed = with_field(&record, VERSION_AT, version);
        refuses(
            environment,
            &format!("version {version}"),
            ADD,
            &changed,
            Status::UNKNOWN_REVISION,
        )?;
    }
    Ok(())
}

fn sizes_that_are_not_the_length(environment: &Environment) -> Checked {
    let record = add_record()?;
    let size = field(&record, SIZE_AT);
    for other in [0, 8, size.wrapping_sub(1), size.wrapping_add(1), u32::MAX] {
        let changed = with_field(&record, SIZE_AT, other);
        refuses(
            environment,
            &format!("size {other}"),
            ADD,
            &changed,
            Status::INFO_LENGTH_MISMATCH,
        )?;
    }
    let mut longer = record.clone();
    longer.push(0);
    refuses(
        environment,
        "a byte too many",
        ADD,
        &longer,
        Status::INFO_LENGTH_MISMATCH,
    )
}

fn records_cut_anywhere(environment: &Environment) -> Checked {
    let record = add_record()?;
    for length in (8..record.len()).step_by(5) {
        let cut = record.get(..length).unwrap_or_default();
        let what = format!("cut to {length} bytes");
        refuses(environment, &what, ADD, cut, Status::INFO_LENGTH_MISMATCH)?;
        // The same with a size that agrees: now it is too short inside.
        let agreed = with_field(cut, SIZE_AT, u32::try_from(length).unwrap_or(0));
        let want = if length < ADD_NAMES_AT {
            Status::INFO_LENGTH_MISMATCH
        } else {
            Status::INVALID_PARAMETER
        };
        refuses(environment, &format!("{what}, size agreeing"), ADD, &agreed, want)?;
    }
    Ok(())
}

fn names_of_odd_length(environment: &Environment) -> Checked {
    let record = add_record()?;
    let (name, user) = (
        field(&record, ADD_NAME_LENGTH_AT),
        field(&record, ADD_USER_LENGTH_AT),
    );
    let shifted = with_field(&record, ADD_NAME_LENGTH_AT, name.wrapping_sub(1));
    let shifted = with_field(&shifted, ADD_USER_LENGTH_AT, user.wrapping_add(1));
    refuses(
        environment,
        "odd lengths",
        ADD,
        &shifted,
        Status::INVALID_PARAMETER,
    )
}

fn names_with_a_nul(environment: &Environment) -> Checked {
    let name = add_record_of("\\;Q:\\host\\sh\0are", "")?;
    refuses(
        environment,
        "NUL in the name",
        ADD,
        &name,
        Status::INVALID_PARAMETER,
    )?;
    let user = add_record_of(r"\;Q:\host\share", "us\0er")?;
    refuses(
        environment,
        "NUL in the user",
        ADD,
        &user,
        Status::INVALID_PARAMETER,
    )
}

fn names_that_are_empty(environment: &Environment) -> Checked {
    refuses(
        environment,
        "add",
        ADD,
        &add_record_of("", "user")?,
        Status::INVALID_PARAMETER,
    )?;
    let delete = DeleteConnection::try_new(Name::new(&[]), DeleteLevel::Force)?.build()?;
    refuses(
        environment,
        "delete",
        ControlCode::DELETE_CONNECTION,
        &delete,
        Status::INVALID_PARAMETER,
    )?;
    let get = GetConnection::try_new(Name::new(&[]))?.build()?;
    refuses_into(
        environment,
        "get",
        ControlCode::GET_CONNECTION,
        &get,
        4096,
        Status::INVALID_PARAMETER,
    )
}

fn lengths_that_do_not_add_up(environment: &Environment) -> Checked {
    let record = add_record()?;
    for (what, at) in [("name", ADD_NAME_LENGTH_AT), ("user", ADD_USER_LENGTH_AT)] {
        let length = field(&record, at);
        for other in [
            length.wrapping_sub(2),
            length.wrapping_add(2),
            0x8000_0000,
            u32::MAX,
            u32::MAX - 1,
        ] {
            let changed = with_field(&record, at, other);
            let what = format!("{what} length {other}");
            refuses(environment, &what, ADD, &changed, Status::INVALID_PARAMETER)?;
        }
    }
    Ok(())
}

fn flags_and_reserved_fields(environment: &Environment) -> Checked {
    let record = add_record()?;
    for flags in [2, 0x8000_0000, u32::MAX] {
        let changed = with_field(&record, ADD_FLAGS_AT, flags);
        refuses(
            environment,
            &format!("flags {flags:#x}"),
            ADD,
            &changed,
            Status::INVALID_PARAMETER,
        )?;
    }
    let changed = with_field(&record, ADD_RESERVED_AT, 1);
    refuses(
        environment,
        "a reserved field",
        ADD,
        &changed,
        Status::INVALID_PARAMETER,
    )
}

fn levels_that_do_not_exist(environment: &Environment) -> Checked {
    let name: Vec<u16> = "Q:".encode_utf16().collect();
    let record = DeleteConnection::try_new(Name::new(&name), DeleteLevel::Refuse)?.build()?;
    for level in [2, 3, 254, 256, u32::MAX] {
        let changed = with_field(&record, 8, level);
        let code = ControlCode::DELETE_CONNECTION;
        refuses(
            environment,
            &format!("level {level}"),
            code,
            &changed,
            Status::INVALID_PARAMETER,
        )?;
    }
    Ok(())
}

fn users_that_are_too_long(environment: &Environment) -> Checked {
    let record = add_record_of(r"\;Q:\host\share", &"u".repeat(257))?;
    refuses(
        environment,
        "a user of 257 units",
        ADD,
        &record,
        Status::INVALID_PARAMETER,
    )
}

/// The output's length need not be a multiple of anything.
fn output_of_odd_length(environment: &Environment) -> Checked {
    let device = environment.device()?;
    let request = EnumConnections::default().build()?;
    for room in 4097..4105 {
        let answer = device.control_raw(ControlCode::ENUM_CONNECTIONS, &request, room)?;
        let listed = matches!(answer.status, Status::SUCCESS | Status::NO_MORE_ENTRIES);
        holds(&format!("the list, or its end, fits into {room} bytes"), listed)?;
    }
    Ok(())
}

fn asking_for_a_drive_that_is_not_connected(environment: &Environment) -> Checked {
    let drive = environment.free_drive()?;
    let device = environment.device()?;
    refused("get", device.connection(drive), Status::NOT_FOUND)?;
    for level in [
        DeleteLevel::Refuse,
        DeleteLevel::Force,
        DeleteLevel::DropReference,
    ] {
        let refusal = device.delete_named(&drive.units(), level);
        refused(
            &format!("delete with level {level:?}"),
            refusal,
            Status::NOT_FOUND,
        )?;
    }
    Ok(())
}

/// The handle decides, so even an administrator is refused on a handle that was opened for reading.
fn start_and_stop_need_write_access(environment: &Environment) -> Checked {
    let device = environment.device()?;
    refused("start", device.start(), Status::ACCESS_DENIED)?;
    refused("stop", device.stop(), Status::ACCESS_DENIED)
}

fn statistics_name_every_figure(environment: &Environment) -> Checked {
    let figures = environment.device()?.statistics()?;
    equal("figures", figures.iter().count(), Statistics::NAMES.len())?;
    holds(
        "the driver has memory of its own",
        figures.pool_allocations > 0 && figures.pool_bytes > 0,
    )?;
    holds("no allocation ever failed", figures.pool_failures == 0)
}
