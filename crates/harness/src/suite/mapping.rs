//! Making, finding and refusing connections, through the router and through the driver itself.

use std::time::Duration;

use client::names::{ConnectionName, DriveLetter, Unc};
use client::{drives, registry, wnet};
use ioctl::{ConnectionState, DeleteLevel};
use nt::Status;

use super::check::{bounded, done, equal, holds, refused, refused_win32, refused_with_one_of};
use super::environment::Environment;
use super::{Checked, tests};
use crate::connect::Connected;
use crate::failure::Failure;
use crate::files;
use crate::path::Target;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_mapped_drive_is_seen_everywhere,
        a_lower_case_letter_is_the_same_drive,
        a_deviceless_connection_has_no_letter,
        a_user_name_is_kept,
        two_drives_on_one_share_are_independent,
        a_drive_and_a_deviceless_view_are_independent,
        a_taken_letter_is_refused,
        the_driver_refuses_a_second_connection_of_a_letter,
        a_deviceless_connection_twice_needs_one_delete,
        the_list_comes_whole_through_small_buffers,
        bad_names_are_refused_before_any_traffic,
        the_router_is_told_what_is_not_ours,
        an_absent_server_is_a_clear_error,
        a_share_that_is_not_exported_is_refused,
        a_user_name_that_is_too_long_is_refused,
        unmapping_what_is_not_mapped,
        mapping_again_after_unmapping,
    ]
}

const ERROR_BAD_NETPATH: u32 = 53;
const ERROR_ACCESS_DENIED: u32 = 5;
const ERROR_BAD_NET_NAME: u32 = 67;
const ERROR_ALREADY_ASSIGNED: u32 = 85;
const ERROR_BAD_USERNAME: u32 = 2202;
const ERROR_NOT_CONNECTED: u32 = 2250;

/// Far beyond what an honest refusal takes, far below for ever.
const REFUSAL_LIMIT: Duration = Duration::from_secs(60);

fn connect(drive: Option<DriveLetter>, remote: &Unc) -> Result<Connected, Failure> {
    done("connecting", Connected::new(drive, remote, None))
}

/// What the router lists for a drive.
fn listed(drive: DriveLetter) -> Result<Option<wnet::Listed>, Failure> {
    let connections = done("listing", wnet::connections())?;
    Ok(connections
        .into_iter()
        .find(|one| one.local.eq_ignore_ascii_case(&drive.to_string())))
}

fn a_mapped_drive_is_seen_everywhere(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let drive = environment.free_drive()?;
    let mut connected = connect(Some(drive), share)?;

    let entry = listed(drive)?.ok_or_else(|| Failure::Wrong("the router does not list it".to_owned()))?;
    equal("remote name", entry.remote, share.to_string())?;
    equal("provider", entry.provider, registry::provider_name())?;

    let connection = environment.device()?.connection(drive)?;
    equal("the driver's name for it", &connection.name.remote, share)?;
    equal("state", connection.state, ConnectionState::CONNECTED)?;
    equal("open files", connection.open_files, 0)?;

    let target = done("looking the letter up", drives::query(drive))?.unwrap_or_default();
    let name = ConnectionName {
        drive: Some(drive),
        remote: share.clone(),
    };
    equal(
        "link",
        String::from_utf16_lossy(&target),
        String::from_utf16_lossy(&name.device_target()),
    )?;

    done(
        "listing its root",
        files::list(&*environment.files, &Target::root(drive)),
    )?;
    done("unmapping", connected.cancel(false))?;
    equal("listed after", listed(drive)?, None)?;
    equal(
        "link after",
        done("looking the letter up", drives::query(drive))?,
        None,
    )?;
    refused(
        "the driver's record after",
        environment.device()?.connection(drive),
        Status::NOT_FOUND,
    )
}

fn a_lower_case_letter_is_the_same_drive(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let drive = environment.free_drive()?;
    let lower: Vec<u16> = drive.to_string().to_lowercase().encode_utf16().collect();
    let mut connected = connect(Some(drive), share)?;
    done("unmapping by the small letter", wnet::cancel(&lower, false))?;
    connected.forget();
    equal(
        "link after",
        done("looking the letter up", drives::query(drive))?,
        None,
    )
}

fn a_deviceless_connection_has_no_letter(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let mut connected = connect(None, share)?;
    let connections = done("listing", wnet::connections())?;
    let ours = |one: &wnet::Listed| one.local.is_empty() && one.remote == share.to_string();
    holds("it is listed without a letter", connections.iter().any(ours))?;
    let root = Target::Unc(share.clone());
    done("listing its root", files::list(&*environment.files, &root))?;
    done("disconnecting", connected.cancel(false))?;
    let connections = done("listing", wnet::connections())?;
    holds("it is gone from the list", !connections.iter().any(ours))
}

fn a_user_name_is_kept(environment: &Environment) -> Checked {
    let drive = environment.free_drive()?;
    // A name that any server of these tests lets in: the one it would get without it is not known here.
    let user = "root";
    let mut connected = done(
        "connecting",
        Connected::new(Some(drive), environment.share()?, Some(user)),
    )?;
    equal(
        "user",
        environment.device()?.connection(drive)?.user.as_str(),
        user,
    )?;
    done("unmapping", connected.cancel(false))
}

fn two_drives_on_one_share_are_independent(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let drives = environment.free_drives(2)?;
    let [first, second] = *drives.as_slice() else {
        return Err(Failure::Wrong("too few drives".to_owned()));
    };
    let mut one = connect(Some(first), share)?;
    let mut two = connect(Some(second), share)?;
    done("unmapping the first", one.cancel(true))?;
    done(
        "listing through the second",
        files::list(&*environment.files, &Target::root(second)),
    )?;
    done("unmapping the second", two.cancel(false))
}

fn a_drive_and_a_deviceless_view_are_independent(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let mapped = environment.mapped()?;
    let mut deviceless = connect(None, share)?;
    done(
        "disconnecting by the remote name",
        wnet::cancel(&share.to_units(), true),
    )?;
    deviceless.forget();
    done(
        "listing through the drive",
        files::list(&*environment.files, &mapped.root()),
    )?;
    refused_win32(
        "the remote name again",
        wnet::cancel(&share.to_units(), false),
        ERROR_NOT_CONNECTED,
    )?;
    mapped.finish()
}

fn a_taken_letter_is_refused(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let provider = registry::provider_name();
    let system = DriveLetter::parse_str("C:").map_err(|problem| Failure::Wrong(format!("{problem:?}")))?;
    let refusal = wnet::add(Some(system), &share.to_units(), None, &provider);
    refused_win32("C:", refusal, ERROR_ALREADY_ASSIGNED)?;
    let mapped = environment.mapped()?;
    let refusal = wnet::add(Some(mapped.drive), &share.to_units(), None, &provider);
    refused_win32("our own drive", refusal, ERROR_ALREADY_ASSIGNED)?;
    done(
        "listing through it",
        files::list(&*environment.files, &mapped.root()),
    )?;
    mapped.finish()
}

fn the_driver_refuses_a_second_connection_of_a_letter(environment: &Environment) -> Checked {
    let mapped = environment.mapped()?;
    let name = ConnectionName {
        drive: Some(mapped.drive),
        remote: environment.share()?.clone(),
    };
    let device = environment.device()?;
    refused(
        "the same again",
        device.add_connection(&name, &[]),
        Status::OBJECT_NAME_COLLISION,
    )?;
    equal("connections", device.connections()?.len(), 1)?;
    mapped.finish()
}

/// A connection without a letter is a state, not a count.
fn a_deviceless_connection_twice_needs_one_delete(environment: &Environment) -> Checked {
    let name = ConnectionName {
        drive: None,
        remote: environment.share()?.clone(),
    };
    let device = environment.device()?;
    device.add_connection(&name, &[])?;
    // Accepted or refused as known: either way it is there once.
    let again = device.add_connection(&name, &[]);
    if again.is_err() {
        refused("the same again", again, Status::OBJECT_NAME_COLLISION)?;
    }
    let deleted = device.delete_connection(&name, DeleteLevel::Refuse);
    done("deleting it", deleted)?;
    refused(
        "deleting it again",
        device.delete_connection(&name, DeleteLevel::Refuse),
        Status::NOT_FOUND,
    )
}

fn the_list_comes_whole_through_small_buffers(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let letters = environment.free_drives(4)?;
    let mut connected = Vec::new();
    for &letter in &letters {
        connected.push(connect(Some(letter), share)?);
    }
    let device = environment.device()?;
    for room in [ioctl::ConnectionList::FIXED_SIZE, 64, 200, 400, 65_536] {
        let mut found: Vec<_> = device
            .connections_through(room)?
            .iter()
            .filter_map(|one| one.name.drive)
            .collect();
        found.sort();
        let mut expected = letters.clone();
        expected.sort();
        equal(&format!("drives through {room} bytes"), found, expected)?;
    }
    for mut one in connected {
        done("unmapping", one.cancel(false))?;
    }
    Ok(())
}

fn bad_names_are_refused_before_any_traffic(environment: &Environment) -> Checked {
    let device = environment.device()?;
    let before = device.statistics()?;
    let long = format!(r"\;Q:\host@9\{}", "a".repeat(2000));
    let names = [
        r"\",
        r"host\share",
        r"\host",
        r"\host\",
        r"\;Q:",
        r"\;Q:\",
        r"\;Q:\host",
        r"\;Q:\host\",
        r"\;Q:\\share",
        r"\;Q:\host\..\etc",
        r"\;Q:\host\a\.\b",
        r"\;Q:\host\a\\b",
        r"\;Q:\host\a*b",
        r"\;Q:\host@\share",
        r"\;Q:\host@0\share",
        r"\;Q:\host@65536\share",
        r"\;Q:\host@port\share",
        r"\;QQ:\host\share",
        r"\;1:\host\share",
        long.as_str(),
    ];
    for name in names {
        let units: Vec<u16> = name.encode_utf16().collect();
        let refusal = bounded(name, REFUSAL_LIMIT, || device.add_named(&units, &[]))?;
        refused_with_one_of(
            name,
            refusal,
            &[
                Status::OBJECT_NAME_INVALID,
                Status::OBJECT_PATH_INVALID,
                Status::OBJECT_PATH_SYNTAX_BAD,
                Status::BAD_NETWORK_NAME,
                Status::NAME_TOO_LONG,
            ],
        )?;
    }
    let after = device.statistics()?;
    equal("servers known", after.srv_calls, before.srv_calls)?;
    // A session of an earlier test may still be closing: fewer are fine.
    holds("no session was begun", after.sessions <= before.sessions)?;
    equal("connections", device.connections()?.len(), 0)
}

fn the_router_is_told_what_is_not_ours(environment: &Environment) -> Checked {
    let provider = registry::provider_name();
    let drive = environment.free_drive()?;
    for name in [
        r"\\host",
        r"\\host\..\share",
        r"\\host\\share",
        r"\\host@SSL\dav",
        r"\\host@0\share",
        "host:/share",
    ] {
        let units: Vec<u16> = name.encode_utf16().collect();
        let refusal = bounded(name, REFUSAL_LIMIT, || {
            wnet::add(Some(drive), &units, None, &provider)
        })?;
        refused_win32(name, refusal, ERROR_BAD_NET_NAME)?;
    }
    equal("link", done("looking the letter up", drives::query(drive))?, None)
}

/// Port 9 (discard) of this machine, where nobody listens.
fn an_absent_server_is_a_clear_error(environment: &Environment) -> Checked {
    environment.share()?;
    let drive = environment.free_drive()?;
    let remote: Vec<u16> = r"\\127.0.0.1@9\share".encode_utf16().collect();
    let provider = registry::provider_name();
    let refusal = bounded("mapping", REFUSAL_LIMIT, || {
        wnet::add(Some(drive), &remote, None, &provider)
    })?;
    refused_win32("mapping", refusal, ERROR_BAD_NETPATH)?;
    equal("link", done("looking the letter up", drives::query(drive))?, None)?;
    equal("connections", environment.device()?.connections()?.len(), 0)
}

fn a_share_that_is_not_exported_is_refused(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let host = String::from_utf16_lossy(share.host());
    let remote: Vec<u16> = format!(r"\\{host}\mrx9p-no-such-export\x")
        .encode_utf16()
        .collect();
    let drive = environment.free_drive()?;
    let refusal = wnet::add(Some(drive), &remote, None, &registry::provider_name());
    match refusal {
        Err(ERROR_BAD_NET_NAME | ERROR_ACCESS_DENIED) => {}
        other => refused_win32("mapping", other, ERROR_BAD_NET_NAME)?,
    }
    equal("link", done("looking the letter up", drives::query(drive))?, None)?;
    equal("connections", environment.device()?.connections()?.len(), 0)
}

fn a_user_name_that_is_too_long_is_refused(_: &Environment) -> Checked {
    let remote: Vec<u16> = r"\\127.0.0.1@9\share".encode_utf16().collect();
    let user = "u".repeat(300);
    let refusal = wnet::add(None, &remote, Some(&user), &registry::provider_name());
    refused_win32("a user of 300 letters", refusal, ERROR_BAD_USERNAME)
}

fn unmapping_what_is_not_mapped(environment: &Environment) -> Checked {
    let drive = environment.free_drive()?;
    for force in [false, true] {
        refused_win32(
            "a free letter",
            wnet::cancel(&drive.units(), force),
            ERROR_NOT_CONNECTED,
        )?;
        for name in [r"\\host@9\share", "C:"] {
            let units: Vec<u16> = name.encode_utf16().collect();
            refused_win32(name, wnet::cancel(&units, force), ERROR_NOT_CONNECTED)?;
        }
    }
    Ok(())
}

fn mapping_again_after_unmapping(environment: &Environment) -> Checked {
    let share = environment.share()?;
    let drive = environment.free_drive()?;
    for round in 0..5 {
        let mut connected = connect(Some(drive), share)?;
        let what = format!("listing in round {round}");
        done(&what, files::list(&*environment.files, &Target::root(drive)))?;
        done("unmapping", connected.cancel(round % 2 == 1))?;
    }
    Ok(())
}
