//! What MUP asks: whose a path is.

use client::names::Unc;
use ioctl::ControlCode;
use ioctl::irp::{ControlFlags, OpenFlags, Operation};
use nt::{NameBuf, Status};

use super::check::{done, equal, refused};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::OpenFile;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_name_below_a_mapped_share_is_claimed,
        a_name_with_a_port_is_tried,
        a_mapping_does_not_claim_its_server,
        foreign_names_are_told_by_their_text,
        a_server_that_cannot_be_reached_is_not_ours,
        users_may_not_ask,
        short_requests_are_refused,
    ]
}

const FORMS: [ControlFlags; 2] = [ControlFlags::empty(), ControlFlags::EXTENDED];
const CODES: [ControlCode; 2] = [ControlCode(0x0014_018F), ControlCode(0x0014_0193)];
const NOT_OURS: Status = Status::BAD_NETWORK_PATH;

/// The redirector's device, as MUP has it open.
fn device(environment: &Environment) -> Result<Box<dyn OpenFile>, Failure> {
    if environment.files.builds_irps() {
        Ok(environment.files.open_device(OpenFlags::empty())?)
    } else {
        Err(Failure::Skipped("only drivers may ask".to_owned()))
    }
}

/// How many bytes of the name are claimed.
fn ask(device: &dyn OpenFile, path: &[u16], flags: ControlFlags) -> nt::Result<usize> {
    let path = NameBuf::try_from_units(path)?;
    let reply = device.send(&Operation::QueryPath { flags, path })?;
    let answer = reply.data()?;
    let accepted = answer.first_chunk().ok_or(Status::INFO_LENGTH_MISMATCH)?;
    usize::try_from(u32::from_le_bytes(*accepted)).map_err(|_| Status::INFO_LENGTH_MISMATCH)
}

fn below(share: &Unc, rest: &str) -> Vec<u16> {
    share
        .server_relative()
        .iter()
        .copied()
        .chain(rest.encode_utf16())
        .collect()
}

fn a_name_below_a_mapped_share_is_claimed(environment: &Environment) -> Checked {
    let device = device(environment)?;
    let mapped = environment.mapped()?;
    let share = environment.share()?;
    let share_bytes = size_of_val(share.server_relative());
    let requests = environment.device()?.statistics()?.requests;
    for flags in FORMS {
        for rest in ["", r"\", r"\file", r"\no\such\file"] {
            let claimed = done(rest, ask(&*device, &below(share, rest), flags))?;
            equal(rest, claimed, share_bytes)?;
        }
    }
    let asked = environment.device()?.statistics()?.requests;
    equal("requests that it took", asked.wrapping_sub(requests), 0)?;
    mapped.finish()
}

fn a_name_with_a_port_is_tried(environment: &Environment) -> Checked {
    let device = device(environment)?;
    let share = environment.share()?;
    let name = below(share, r"\no\such\file");
    for flags in FORMS {
        let claimed = done("asking", ask(&*device, &name, flags))?;
        // Which of the parents the server exports is its own affair; the server alone is not enough.
        let server = share.server_relative().len().saturating_sub(share.share().len());
        let fits = claimed > server.saturating_mul(2) && claimed <= size_of_val(share.server_relative());
        equal("claimed a part of the share's name", fits, true)?;
    }
    equal("connections", environment.device()?.connections()?.len(), 0)
}

fn a_mapping_does_not_claim_its_server(environment: &Environment) -> Checked {
    let device = device(environment)?;
    let mapped = environment.mapped()?;
    let share = environment.share()?;
    let host: String = String::from_utf16_lossy(share.host());
    for rest in [
        r"\IPC$",
        r"\pipe\srvsvc",
        r"\mailslot\browse",
        r"\davwwwroot\file",
    ] {
        let name: Vec<u16> = format!(r"\{host}{rest}").encode_utf16().collect();
        for flags in FORMS {
            refused(rest, ask(&*device, &name, flags), NOT_OURS)?;
        }
    }
    mapped.finish()
}

fn foreign_names_are_told_by_their_text(environment: &Environment) -> Checked {
    let device = device(environment)?;
    let before = environment.device()?.statistics()?.requests;
    let names = [
        "",
        r"\",
        r"\server",
        r"\server\",
        r"server\share",
        r"\server\share\file",
        r"\server@SSL\share",
        r"\server@99999\share",
        r"\;X:\server@5640\share",
        r"\server\IPC$",
    ];
    for name in names {
        let units: Vec<u16> = name.encode_utf16().collect();
        for flags in FORMS {
            refused(name, ask(&*device, &units, flags), NOT_OURS)?;
        }
    }
    let after = environment.device()?.statistics()?.requests;
    equal("requests that it took", after.wrapping_sub(before), 0)
}

fn a_server_that_cannot_be_reached_is_not_ours(environment: &Environment) -> Checked {
    let device = device(environment)?;
    let name: Vec<u16> = r"\127.0.0.1@1\share\file".encode_utf16().collect();
    for flags in FORMS {
        refused("asking", ask(&*device, &name, flags), NOT_OURS)?;
    }
    Ok(())
}

fn users_may_not_ask(environment: &Environment) -> Checked {
    for code in CODES {
        let answer = environment.device()?.control_raw(code, &[0; 64], 4)?;
        equal("status for a user", answer.status, Status::INVALID_DEVICE_REQUEST)?;
    }
    let device = device(environment)?;
    let name = below(environment.share()?, "");
    for flags in FORMS {
        let asked = ask(&*device, &name, flags | ControlFlags::AS_USER);
        refused("on behalf of a user", asked, Status::INVALID_DEVICE_REQUEST)?;
    }
    Ok(())
}

fn short_requests_are_refused(environment: &Environment) -> Checked {
    let device = device(environment)?;
    // A name that is longer than the input.
    let mut long = [0_u8; 24];
    long[..4].copy_from_slice(&10_u32.to_le_bytes());
    for code in CODES {
        for (input, length) in [
            (&long[..0], 4),
            (&long[..15], 4),
            (&long[..], 4),
            (&[0; 39][..], 4),
        ] {
            let reply = device.send(&Operation::DeviceControl {
                control: code.0,
                flags: ControlFlags::empty(),
                input,
                length,
            })?;
            // An empty name in a request that is long enough is not ours.
            let whole = code == CODES[0] && input.len() == 39;
            let expected = if whole {
                NOT_OURS
            } else {
                Status::INVALID_PARAMETER
            };
            equal(
                &format!("{} bytes of {:#x}", input.len(), code.0),
                reply.status,
                expected,
            )?;
        }
        let reply = device.send(&Operation::DeviceControl {
            control: code.0,
            flags: ControlFlags::empty(),
            input: &[0; 64],
            length: 3,
        })?;
        equal("no room for the answer", reply.status, Status::INVALID_PARAMETER)?;
    }
    Ok(())
}
