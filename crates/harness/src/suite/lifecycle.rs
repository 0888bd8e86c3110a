//! Starting and stopping the redirector.

use std::time::Duration;

use client::device::Device;
use client::names::ConnectionName;
use ioctl::irp::OpenFlags;
use ioctl::{AddConnection, ControlCode, DeleteLevel, Encode};
use nt::{Name, Status};

use super::check::{done, equal, eventually, holds, refused};
use super::environment::Environment;
use super::relay::Relay;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files;
use crate::open::OpenRequest;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_second_start_is_told_so,
        stop_refuses_while_something_is_mapped,
        stop_refuses_while_a_connection_is_in_the_making,
        stop_refuses_while_an_orphan_is_open,
        a_stopped_redirector_answers_so,
        stopping_and_starting_leaves_a_working_redirector,
        an_open_that_meets_an_unload_is_refused,
        an_unload_that_was_refused_refuses_no_open,
    ]
}

/// What is certain to come does so before.
const LIMIT: Duration = Duration::from_secs(30);
/// A request that is held back fails at its deadline; on a machine too busy to be faster it is tried again.
const ATTEMPTS: u32 = 5;

fn a_second_start_is_told_so(_: &Environment) -> Checked {
    let device = Device::open_for_control()?;
    for _ in 0..2 {
        refused("start", device.start(), Status::REDIRECTOR_STARTED)?;
    }
    Ok(())
}

fn stop_refuses_while_something_is_mapped(environment: &Environment) -> Checked {
    let mapped = environment.mapped()?;
    let device = Device::open_for_control()?;
    refused("stop", device.stop(), Status::REDIRECTOR_HAS_OPEN_HANDLES)?;
    done(
        "the drive still lists",
        files::list(&*environment.files, &mapped.root()),
    )?;
    refused("start", device.start(), Status::REDIRECTOR_STARTED)?;
    mapped.finish()
}

fn stop_refuses_while_a_connection_is_in_the_making(environment: &Environment) -> Checked {
    let relay = Relay::new(environment.share()?)?;
    let name = ConnectionName {
        drive: Some(environment.free_drive()?),
        remote: relay.share().clone(),
    };
    let units = name.to_units();
    let request = AddConnection::try_new(Name::new(&units), Name::new(&[]))?.build()?;
    let control = Device::open_for_control()?;
    let device = environment.device()?;
    for _ in 0..ATTEMPTS {
        relay.hold();
        let adding = device.begin_raw(ControlCode::ADD_CONNECTION, &request, 0)?;
        eventually(LIMIT, || {
            let views = device.statistics()?.v_net_roots;
            holds("a connection is in the making", views > 0)
        })?;
        let stopped = control.stop();
        let in_time = adding.wait_for(Duration::ZERO);
        relay.let_through();
        match in_time {
            Err(adding) => {
                refused("stop", stopped, Status::REDIRECTOR_HAS_OPEN_HANDLES)?;
                done("the connection is made all the same", adding.wait().status.ok())?;
                let deleted = device.delete_connection(&name, DeleteLevel::Refuse);
                return done("taking it away", deleted);
            }
            // The deadline came first: this attempt shows nothing.
            Ok(_) => done("starting", control.start().or_else(started_already))?,
        }
    }
    Err(Failure::Wrong(format!("{ATTEMPTS} attempts were too slow")))
}

fn started_already(status: Status) -> nt::Result {
    if status == Status::REDIRECTOR_STARTED {
        Ok(())
    } else {
        Err(status)
    }
}

fn stop_refuses_while_an_orphan_is_open(environment: &Environment) -> Checked {
    let mut mapped = environment.mapped()?;
    let (mut root, _) = environment.files.open(&mapped.root(), &OpenRequest::list())?;
    done("unmapping by force", mapped.connected.cancel(true))?;
    let device = Device::open_for_control()?;
    refused("stop", device.stop(), Status::REDIRECTOR_HAS_OPEN_HANDLES)?;
    done("closing the orphan", root.close())
}

fn a_stopped_redirector_answers_so(environment: &Environment) -> Checked {
    let device = Device::open_for_control()?;
    done("stop", device.stop())?;
    let checks = while_stopped(environment, &device);
    done("start", device.start())?;
    checks
}

fn while_stopped(environment: &Environment, device: &Device) -> Checked {
    let stopped = Status::REDIRECTOR_NOT_STARTED;
    refused("stop", device.stop(), stopped)?;
    refused("list", device.connections(), stopped)?;
    let drive = environment.free_drive()?;
    refused("get", device.connection(drive), stopped)?;
    if let Ok(share) = environment.share() {
        let name = ConnectionName {
            drive: Some(drive),
            remote: share.clone(),
        };
        refused("add", device.add_connection(&name, &[]), stopped)?;
    }
    refused(
        "delete",
        device.delete_named(&drive.units(), ioctl::DeleteLevel::Force),
        stopped,
    )?;
    equal("its version is told", device.version()?.protocol, ioctl::VERSION)?;
    done("its statistics are told", device.statistics()).map(drop)
}

fn stopping_and_starting_leaves_a_working_redirector(environment: &Environment) -> Checked {
    let device = Device::open_for_control()?;
    for _ in 0..3 {
        done("stop", device.stop())?;
        done("start", device.start())?;
        let mapped = environment.mapped()?;
        done("listing", files::list(&*environment.files, &mapped.root()))?;
        mapped.finish()?;
    }
    Ok(())
}

fn an_open_that_meets_an_unload_is_refused(environment: &Environment) -> Checked {
    environment.needs_irps()?;
    // Handles of earlier tests may be closed a little later.
    eventually(LIMIT, || {
        let opened = environment.files.open_device(OpenFlags::UNLOAD_BEGUN).map(drop);
        refused("the open", opened, Status::NO_SUCH_DEVICE)
    })?;
    done("opening afterwards", environment.device()?.statistics().map(drop))
}

fn an_unload_that_was_refused_refuses_no_open(environment: &Environment) -> Checked {
    environment.needs_irps()?;
    let device = environment.device()?;
    let (begun, usual) = (OpenFlags::UNLOAD_BEGUN, OpenFlags::empty());
    let mut second = done("opening beside a handle", environment.files.open_device(begun))?;
    done("closing", second.close())?;
    drop(device);
    let mut third = done("opening by itself", environment.files.open_device(usual))?;
    done("closing", third.close())
}
