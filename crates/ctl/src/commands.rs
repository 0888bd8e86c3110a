//! What the commands do, and what they say about it.

use std::process::ExitCode;

use client::device::Device;
use client::names::{DriveLetter, NameError};
use client::{drives, message, registry, service, wnet};

use crate::args::{Command, Local, USAGE};
use crate::order;

/// Win32 errors that are decided here.
const ERROR_NO_MORE_DEVICES: u32 = 1248;
const ERROR_BAD_DEVICE: u32 = 1200;
const ERROR_ALREADY_ASSIGNED: u32 = 85;
const ERROR_EXTENDED_ERROR: u32 = 1208;

/// Runs the command; the exit code says how it ended.
pub(crate) fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Map { local, remote, user } => map(&local, &remote, user.as_deref()),
        Command::Unmap { name, force } => unmap(&name, force),
        Command::List => list(),
        Command::Statistics => statistics(),
        Command::Start => start(),
        Command::Stop => stop(),
        Command::Register => change_order(order::with, "added to", "already in"),
        Command::Unregister => change_order(order::without, "removed from", "not in"),
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(error);
            ExitCode::from(2)
        }
    }
}

fn map(local: &Local, remote: &str, user: Option<&str>) -> Result<(), u32> {
    let provider = registry::provider_name();
    let remote: Vec<u16> = remote.encode_utf16().collect();
    let add = |drive| wnet::add(drive, &remote, user, &provider);
    match local {
        Local::Deviceless => add(None)?,
        Local::Drive(name) => add(Some(letter(name)?))?,
        Local::AnyFree => {
            let drive = map_any_free(add)?;
            println!(
                "Drive {drive} is now connected to {}.\n",
                String::from_utf16_lossy(&remote)
            );
        }
    }
    println!("The command completed successfully.");
    Ok(())
}

/// Tries the free letters from Z: down; one that is taken meanwhile is passed over.
fn map_any_free(add: impl Fn(Option<DriveLetter>) -> Result<(), u32>) -> Result<DriveLetter, u32> {
    for drive in DriveLetter::descending() {
        if drives::query(drive)?.is_some() {
            continue;
        }
        match add(Some(drive)) {
            Ok(()) => return Ok(drive),
            Err(ERROR_ALREADY_ASSIGNED) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ERROR_NO_MORE_DEVICES)
}

fn unmap(name: &str, force: bool) -> Result<(), u32> {
    // A share may be written with slashes here; the router passes the name on as it is.
    let units: Vec<u16> = name.replace('/', "\\").encode_utf16().collect();
    wnet::cancel(&units, force)?;
    println!("{name} was deleted successfully.");
    Ok(())
}

fn list() -> Result<(), u32> {
    let connections = wnet::connections()?;
    if connections.is_empty() {
        println!("There are no entries in the list.");
        return Ok(());
    }
    println!("{:<10}{:<50}Network", "Local", "Remote");
    for connection in connections {
        println!(
            "{:<10}{:<50}{}",
            connection.local, connection.remote, connection.provider
        );
    }
    Ok(())
}

fn statistics() -> Result<(), u32> {
    let device = Device::open().map_err(win32)?;
    for (name, value) in device.statistics().map_err(win32)?.iter() {
        println!("{name:<28}{value}");
    }
    Ok(())
}

/// Loads the driver when it is not there, then starts the redirector; one that runs already is fine.
fn start() -> Result<(), u32> {
    let device = match Device::open_for_control() {
        Ok(device) => device,
        Err(nt::Status::OBJECT_NAME_NOT_FOUND) => {
            service::load()?;
            Device::open_for_control().map_err(win32)?
        }
        Err(status) => return Err(win32(status)),
    };
    match device.start() {
        Ok(()) => println!("The redirector was started."),
        Err(nt::Status::REDIRECTOR_STARTED) => println!("The redirector is started already."),
        Err(status) => return Err(win32(status)),
    }
    Ok(())
}

fn stop() -> Result<(), u32> {
    Device::open_for_control()
        .and_then(|device| device.stop())
        .map_err(win32)?;
    println!("The redirector was stopped.");
    Ok(())
}

fn change_order(change: impl Fn(&str, &str) -> Option<String>, changed: &str, same: &str) -> Result<(), u32> {
    let name = registry::SERVICE_NAME;
    match change(&registry::provider_order()?, name) {
        Some(order) => {
            registry::set_provider_order(&order)?;
            println!("{name} was {changed} the provider order: {order}");
        }
        None => println!("{name} is {same} the provider order."),
    }
    Ok(())
}

fn letter(name: &str) -> Result<DriveLetter, u32> {
    DriveLetter::parse_str(name).map_err(|_: NameError| ERROR_BAD_DEVICE)
}

fn win32(status: nt::Status) -> u32 {
    nt::Win32Error::from(status).0
}

fn report(error: u32) {
    eprintln!("System error {error} has occurred.\n");
    if error == ERROR_EXTENDED_ERROR
        && let Some((code, text)) = wnet::last_extended_error()
    {
        eprintln!("{text} ({code})");
    } else if let Some(text) = message::text(error) {
        eprintln!("{text}");
    }
}
