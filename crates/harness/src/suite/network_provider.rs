//! mrx9pnp.dll itself, called as the router calls it and as it never does.

use client::provider::Provider;
use nt::Win32Error;

use super::check::{equal, holds};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        capabilities_tell_what_is_exported,
        logon_entry_points_do_not_exist,
        foreign_names_and_bad_letters_are_refused,
        missing_arguments_are_refused,
        the_remote_name_comes_with_its_size_protocol,
        an_enumeration_obeys_count_and_buffer,
        enumeration_handles_are_checked,
        only_connections_are_enumerated,
    ]
}

const WNNC_NET_TYPE: u32 = 2;
const WNNC_CONNECTION: u32 = 6;
const WNNC_ENUMERATION: u32 = 11;
const WNNC_START: u32 = 12;

const RESOURCE_CONNECTED: u32 = 1;
const RESOURCE_GLOBALNET: u32 = 2;
const TYPE_ANY: u32 = 0;
const TYPE_DISK: u32 = 1;
const TYPE_PRINT: u32 = 2;

const BAD_HANDLE: u32 = 6;
const NOT_SUPPORTED: u32 = 50;
const BAD_NETNAME: u32 = 67;
const ALREADY_CONNECTED: u32 = 85;
const BAD_VALUE: u32 = 87;
const MORE_DATA: u32 = 234;
const NO_MORE_ENTRIES: u32 = 259;
const BAD_POINTER: u32 = 487;
const BAD_LOCALNAME: u32 = 1200;
const NOT_CONNECTED: u32 = 2250;

fn provider() -> Result<Provider, Failure> {
    Provider::load("mrx9pnp.dll")
        .map_err(|error| Failure::Wrong(format!("mrx9pnp.dll cannot be loaded: {}", Win32Error(error))))
}

fn code(what: &str, got: u32, want: u32) -> Checked {
    equal(what, Win32Error(got), Win32Error(want))
}

fn capabilities_tell_what_is_exported(_: &Environment) -> Checked {
    let provider = provider()?;
    equal("connection", provider.capability(WNNC_CONNECTION), 0xF)?;
    equal("enumeration", provider.capability(WNNC_ENUMERATION), 0x2)?;
    equal("start", provider.capability(WNNC_START), 1)?;
    equal("an unknown question", provider.capability(0x7FFF_FFFF), 0)?;
    let kind = provider.capability(WNNC_NET_TYPE);
    holds(
        "the net type is in the upper word",
        kind & 0xFFFF == 0 && kind != 0,
    )?;
    for name in [
        "NPAddConnection",
        "NPAddConnection3",
        "NPCancelConnection",
        "NPGetConnection",
    ] {
        holds(name, provider.exports(name))?;
    }
    Ok(())
}

/// A provider with these would be handed every password at logon.
fn logon_entry_points_do_not_exist(_: &Environment) -> Checked {
    let provider = provider()?;
    for name in ["NPLogonNotify", "NPPasswordChangeNotify"] {
        holds(&format!("{name} is not exported"), !provider.exports(name))?;
    }
    Ok(())
}

fn foreign_names_and_bad_letters_are_refused(_: &Environment) -> Checked {
    let provider = provider()?;
    for remote in [
        "",
        r"\\",
        r"\\host",
        r"\\host\..",
        r"\\host\\s",
        r"\\h@x\s",
        "share",
        r"\\h\a?b",
    ] {
        code(
            remote,
            provider.add(TYPE_DISK, None, Some(remote), None),
            BAD_NETNAME,
        )?;
    }
    let long = format!(r"\\host\{}", "a".repeat(40_000));
    code(
        "a name of 40000 letters",
        provider.add(TYPE_DISK, None, Some(&long), None),
        BAD_NETNAME,
    )?;
    code(
        "a printer",
        provider.add(TYPE_PRINT, None, Some(r"\\h@9\p"), None),
        BAD_NETNAME,
    )?;
    for local in ["X", "XY:", "LPT1:", "X:\\", "1:", &"x".repeat(500)] {
        code(
            local,
            provider.add(TYPE_DISK, Some(local), Some(r"\\h@9\s"), None),
            BAD_LOCALNAME,
        )?;
    }
    code(
        "C:",
        provider.add(TYPE_DISK, Some("c:"), Some(r"\\h@9\s"), None),
        ALREADY_CONNECTED,
    )
}

fn missing_arguments_are_refused(_: &Environment) -> Checked {
    let provider = provider()?;
    code("no resource", provider.add_nothing(), BAD_POINTER)?;
    code(
        "no remote name",
        provider.add(TYPE_ANY, Some("X:"), None, None),
        BAD_NETNAME,
    )?;
    code("cancelling nothing", provider.cancel(None, true), NOT_CONNECTED)?;
    code(
        "cancelling an empty name",
        provider.cancel(Some(""), false),
        NOT_CONNECTED,
    )
}

fn the_remote_name_comes_with_its_size_protocol(environment: &Environment) -> Checked {
    let provider = provider()?;
    for local in ["C:", "", "LPT1:", r"\\h\s"] {
        code(local, provider.remote_name(local, 100).0, NOT_CONNECTED)?;
    }
    let mapped = environment.mapped()?;
    let share = environment.share()?.to_string();
    let needed = u32::try_from(share.encode_utf16().count())
        .unwrap_or(0)
        .saturating_add(1);
    let small = mapped.drive.to_string().to_lowercase();
    for room in [0, 1, needed.saturating_sub(1)] {
        let (result, length, _) = provider.remote_name(&small, room);
        code(&format!("room for {room}"), result, MORE_DATA)?;
        equal("the length needed", length, needed)?;
    }
    for room in [needed, needed.saturating_add(100)] {
        let (result, _, name) = provider.remote_name(&small, room);
        code(&format!("room for {room}"), result, 0)?;
        equal("remote name", &name, &share)?;
    }
    mapped.finish()
}

fn an_enumeration_obeys_count_and_buffer(environment: &Environment) -> Checked {
    let provider = provider()?;
    let first = environment.mapped()?;
    let second = environment.mapped()?;
    let share = environment.share()?.to_string();

    let (result, handle) = provider.open_enumeration(RESOURCE_CONNECTED, TYPE_DISK);
    code("open", result, 0)?;
    code(
        "no entries wanted",
        provider.next_portion(handle, 0, 4096).result,
        BAD_VALUE,
    )?;
    let nothing = provider.next_portion(handle, u32::MAX, 16);
    code("a buffer too small for one", nothing.result, MORE_DATA)?;
    let one = provider.next_portion(handle, u32::MAX, nothing.size);
    code("the buffer that was asked for", one.result, 0)?;
    equal("entries in it", one.count, 1)?;
    let rest = provider.next_portion(handle, u32::MAX, 65_536);
    code("the rest", rest.result, 0)?;
    code(
        "behind the end",
        provider.next_portion(handle, 1, 65_536).result,
        NO_MORE_ENTRIES,
    )?;
    code("close", provider.close_enumeration(handle), 0)?;

    let mut found: Vec<(String, String)> = one.names.into_iter().chain(rest.names).collect();
    found.sort();
    let mut expected = vec![
        (first.drive.to_string(), share.clone()),
        (second.drive.to_string(), share),
    ];
    expected.sort();
    equal("entries", found, expected)?;
    second.finish()?;
    first.finish()
}

fn enumeration_handles_are_checked(_: &Environment) -> Checked {
    let provider = provider()?;
    let (result, handle) = provider.open_enumeration(RESOURCE_CONNECTED, TYPE_ANY);
    code("open", result, 0)?;
    code("close", provider.close_enumeration(handle), 0)?;
    for stale in [handle, 0, usize::MAX, 0x1000] {
        code(
            "closing a stale handle",
            provider.close_enumeration(stale),
            BAD_HANDLE,
        )?;
        code(
            "using a stale handle",
            provider.next_portion(stale, 1, 4096).result,
            BAD_HANDLE,
        )?;
    }
    Ok(())
}

fn only_connections_are_enumerated(environment: &Environment) -> Checked {
    let provider = provider()?;
    code(
        "the global network",
        provider.open_enumeration(RESOURCE_GLOBALNET, TYPE_ANY).0,
        NOT_SUPPORTED,
    )?;
    let mapped = environment.mapped()?;
    let (result, handle) = provider.open_enumeration(RESOURCE_CONNECTED, TYPE_PRINT);
    code("printers", result, 0)?;
    code(
        "there are none",
        provider.next_portion(handle, u32::MAX, 65_536).result,
        NO_MORE_ENTRIES,
    )?;
    code("close", provider.close_enumeration(handle), 0)?;
    mapped.finish()
}
