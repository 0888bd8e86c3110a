//! IRP_MJ_DEVICE_CONTROL: the control interface, `docs/ioctl.md`. Every buffer passes through the `ioctl` crate's checks
//! before anything else sees it.

use ::ioctl::{
    AddConnection, AddFlags, ConnectionFlags, ConnectionListWriter, ConnectionState, ConnectionView,
    ControlCode, DeleteConnection, DeleteLevel, Encode, Features, Request, Statistics, VersionInfo,
};
use minirdr::{Connection, Level, LinkState, LogonId};
use nt::{NameBuf, Status};
use wdk_sys::NTSTATUS;

use crate::driver::Driver;
use crate::file_object::Target;
use crate::irp::{Irp, Outcome, pend};
use crate::sections::Unwritten;
use crate::{logon, pool, query_path};

/// IRP_MJ_DEVICE_CONTROL.
pub(crate) fn control(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a DEVICE_CONTROL request, so its parameters are the DeviceIoControl member.
    let parameters = unsafe { irp.stack().Parameters.DeviceIoControl };
    if query_path::is_query(parameters.IoControlCode) {
        return query_path::query(driver, irp);
    }
    let code = ControlCode(parameters.IoControlCode);
    let output = parameters.OutputBufferLength as usize;
    let input = parameters.InputBufferLength as usize;
    #[cfg(feature = "selftest")]
    if code == ::ioctl::selftest::CODE {
        return match control_handle(&irp) {
            Ok(()) => crate::selftest::control(driver, irp, input, output),
            Err(status) => irp.answer(Err(status)),
        };
    }
    let request = match decode(&mut irp, code, input, output) {
        Ok(request) => request,
        Err(status) => return irp.answer(Err(status)),
    };
    // Here and not in a task: the caller's token is known in the caller's context only.
    let logon = match request {
        Request::QueryVersion | Request::Start | Request::Stop | Request::GetStatistics => Ok(LogonId(0)),
        _ => logon::of_caller(driver.parameters().global_mappings),
    };
    let logon = match logon {
        Ok(logon) => logon,
        Err(status) => return irp.answer(Err(status)),
    };
    match request {
        Request::AddConnection(request) => add(driver, irp, request, logon),
        Request::DeleteConnection(request) => delete(driver, irp, request, logon),
        request => {
            let result = irp
                .system_buffer(output)
                .and_then(|out| answer(driver, &request, logon, out));
            match result {
                Ok((status, written)) => irp.complete(status, written),
                Err(status) => irp.answer(Err(status)),
            }
        }
    }
}

/// # Errors
/// `INVALID_DEVICE_REQUEST` for a code that is not ours; `INVALID_HANDLE` for a handle to a file; those of [`Request::parse`].
fn decode(irp: &mut Irp, code: ControlCode, input: usize, output: usize) -> nt::Result<Request> {
    // Before anything else is looked at: an unknown code need not be METHOD_BUFFERED, and programs try those of others' on
    // files, too, by whose refusal they know that it is another driver's.
    if code.name().is_none() {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    control_handle(irp)?;
    Request::parse(code, irp.system_buffer(input)?, output)
}

/// # Errors
/// `INVALID_HANDLE` for a handle to a file.
fn control_handle(irp: &Irp) -> nt::Result {
    let file_object = irp.file_object().ok_or(Status::INVALID_DEVICE_REQUEST)?;
    match file_object.target()? {
        Target::Control => Ok(()),
        Target::File(_) => Err(Status::INVALID_HANDLE),
    }
}

/// The requests that need nobody else.
fn answer(driver: &Driver, request: &Request, logon: LogonId, out: &mut [u8]) -> nt::Result<Outcome> {
    let redirector = driver.redirector();
    match request {
        Request::QueryVersion => written(VersionInfo::new(version(), features(driver)).write(out)),
        Request::Start => redirector.start().map(|()| (Status::SUCCESS, 0)),
        Request::Stop => redirector.stop().map(|()| (Status::SUCCESS, 0)),
        Request::GetStatistics => written(statistics(driver).write(out)),
        Request::EnumConnections(request) => enumerate(driver, request.resume, logon, out),
        Request::GetConnection(request) => {
            let connection = redirector.find_connection(request.local.as_name(), logon)?;
            Ok(Shown::new(driver, connection)?.view().answer(out))
        }
        Request::AddConnection(_) | Request::DeleteConnection(_) => Err(Status::INVALID_DEVICE_REQUEST),
    }
}

fn written(result: nt::Result<usize>) -> nt::Result<Outcome> {
    result.map(|written| (Status::SUCCESS, written))
}

fn add(driver: &Driver, irp: Irp, request: AddConnection, logon: LogonId) -> NTSTATUS {
    if request.flags.contains(AddFlags::DEFERRED) {
        return irp.answer(Err(Status::NOT_SUPPORTED));
    }
    let redirector = driver.redirector().clone();
    let gate = driver.gate();
    pend(driver.runtime(), irp, |pending, cancel| async move {
        let result = redirector
            .add_connection(request.name.as_name(), request.user.as_name(), logon, &cancel)
            .await;
        gate.refresh(&redirector);
        let result = result.map_err(|status| match status {
            // RDBSS's own word for a letter that is taken; callers know the object manager's.
            Status::CONNECTION_ACTIVE => Status::OBJECT_NAME_COLLISION,
            status => status,
        });
        pending.complete(result.map(|()| (Status::SUCCESS, 0)));
    })
}

fn delete(driver: &Driver, irp: Irp, request: DeleteConnection, logon: LogonId) -> NTSTATUS {
    let redirector = driver.redirector().clone();
    let gate = driver.gate();
    let unwritten = if request.level == DeleteLevel::Force {
        Unwritten::Lost
    } else {
        Unwritten::Kept
    };
    // The memory manager keeps files open that nobody uses any more: that is not to count. Nor is what views have
    // changed to be lost where that can be helped: where the server answers. One that has stopped to is found out by a
    // deadline, which is not waited for with every file again. What fails here fails again below, or is as it was.
    let name = request.name.as_name();
    let reachable = || {
        redirector
            .find_connection(name, logon)
            .is_ok_and(|connection| matches!(connection.state, LinkState::Up | LinkState::Idle))
    };
    let _closed = redirector.each_open_file(name, logon, |header| {
        header.sections().close_unused(unwritten, reachable);
    });
    let level = match request.level {
        DeleteLevel::Refuse => Level::Refuse,
        DeleteLevel::Force => Level::Force,
        DeleteLevel::DropReference => Level::RefuseDropRef,
    };
    pend(driver.runtime(), irp, move |pending, cancel| async move {
        let result = redirector
            .delete_connection(request.name.as_name(), logon, level, &cancel)
            .await;
        gate.refresh(&redirector);
        pending.complete(result.map(|()| (Status::SUCCESS, 0)));
    })
}

/// As many connections as fit, from index `resume` on.
fn enumerate(driver: &Driver, resume: u64, logon: LogonId, out: &mut [u8]) -> nt::Result<Outcome> {
    let mut list = ConnectionListWriter::new(out)?;
    let mut index = u32::try_from(resume).map_err(|_| Status::INVALID_PARAMETER)?;
    loop {
        let connection = match driver.redirector().connection(index, logon) {
            Ok(connection) => connection,
            Err(Status::NO_MORE_ENTRIES) => break,
            Err(status) => return Err(status),
        };
        index = connection.next_index;
        // One that came into being by a UNC path is nobody's to delete; it goes with its last file.
        if connection.explicit && !list.push(&Shown::new(driver, connection)?.view(), index.into()) {
            break;
        }
    }
    Ok(list.finish())
}

/// A connection in the form that the control interface shows.
struct Shown {
    connection: Connection,
    /// `\\server@port\share`, with the two backslashes that user mode writes.
    remote: NameBuf,
    flags: ConnectionFlags,
}

impl Shown {
    fn new(driver: &Driver, connection: Connection) -> nt::Result<Self> {
        let mut remote = NameBuf::try_from_units(&[u16::from(b'\\')])?;
        remote.try_push_name(connection.remote.as_name())?;
        let global = driver.parameters().global_mappings;
        let flags = if global {
            ConnectionFlags::GLOBAL
        } else {
            ConnectionFlags::empty()
        };
        Ok(Self {
            connection,
            remote,
            flags,
        })
    }

    fn view(&self) -> ConnectionView<'_> {
        let connection = &self.connection;
        ConnectionView {
            local: connection.local.as_name(),
            remote: self.remote.as_name(),
            user: connection.user.as_name(),
            state: match connection.state {
                LinkState::Up => ConnectionState::CONNECTED,
                LinkState::Suspect => ConnectionState::SUSPECT,
                LinkState::Idle | LinkState::Interrupted | LinkState::Reconnecting => {
                    ConnectionState::CONNECTING
                }
                LinkState::Down | LinkState::Closed => ConnectionState::DISCONNECTED,
            },
            flags: self.flags,
            open_files: connection.open_handles,
            logon_id: connection.logon.0,
        }
    }
}

fn statistics(driver: &Driver) -> Statistics {
    let (figures, pool) = (driver.redirector().statistics(), pool::usage());
    let objects = figures.objects;
    Statistics {
        srv_calls: objects.srv_calls as u64,
        net_roots: objects.net_roots as u64,
        v_net_roots: objects.v_net_roots as u64,
        fcbs: objects.fcbs as u64,
        srv_opens: objects.srv_opens as u64,
        fobxs: objects.fobxs as u64,
        contexts: objects.contexts as u64,
        sessions: figures.sessions,
        requests: figures.requests,
        bytes_read: figures.bytes_read,
        bytes_written: figures.bytes_written,
        reconnects: figures.reconnects,
        pool_allocations: pool.live_blocks as u64,
        pool_bytes: pool.live_bytes as u64,
        pool_allocations_total: pool.total_blocks as u64,
        pool_failures: pool.refused_blocks as u64,
        dormant: objects.dormant as u64,
        watches: figures.watches,
        opens: figures.opens.opens,
        opens_shared: figures.opens.collapsed,
        opens_revived: figures.opens.revived,
    }
}

/// The package's version.
fn version() -> [u16; 3] {
    const fn number(text: &str) -> u16 {
        match u16::from_str_radix(text, 10) {
            Ok(number) => number,
            // Cargo takes numbers only; one beyond 16 bits is not worth a word.
            Err(_) => u16::MAX,
        }
    }
    const VERSION: [u16; 3] = [
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    ];
    VERSION
}

fn features(driver: &Driver) -> Features {
    let mut features = Features::empty();
    features.set(Features::DOWNLEVEL, cfg!(feature = "downlevel"));
    features.set(Features::SELFTEST, cfg!(feature = "selftest"));
    features.set(Features::UNC_PROVIDER, driver.device().is_behind_mup());
    features.set(Features::GLOBAL_MAPPINGS, driver.parameters().global_mappings);
    features
}
