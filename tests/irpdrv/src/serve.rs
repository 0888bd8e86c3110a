//! A request, from parsing to the reply.

use crate::control::{Outer, World};
use crate::file::File;
use crate::handles::Owner;
use crate::inner::{Inner, Outcome};
use crate::parameters::{Create, Parameters, Text};
use crate::target::Target;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use executive::mem::{Arc, TryVec, TryZeroed};
use ioctl::ControlCode;
use ioctl::irp::{Handle, Live, Open, Reply, Request};
use nt::Status;

/// A reply with the memory of its data.
struct Answer {
    outcome: Outcome,
    handle: Handle,
    data: Vec<u8>,
}

impl Answer {
    fn plain(outcome: Outcome) -> Self {
        Answer {
            outcome,
            handle: Handle::NONE,
            data: Vec::new(),
        }
    }

    fn success() -> Self {
        Self::plain(Outcome {
            status: Status::SUCCESS,
            information: 0,
        })
    }
}

/// Answers a request: everything that a device control of this driver does. IRQL = PASSIVE_LEVEL.
pub(crate) async fn serve(world: Arc<World>, mut outer: Outer) {
    let (owner, output) = (outer.owner(), outer.output_len());
    let code = ControlCode(outer.code());
    let answer = match outer
        .input()
        .and_then(|input| Request::parse(code, input, output))
    {
        Ok(request) => act(&world, owner, request).await,
        Err(status) => Err(status),
    };
    let written = answer.and_then(|answer| {
        let reply = Reply {
            status: answer.outcome.status,
            information: answer.outcome.information,
            handle: answer.handle,
            data: &answer.data,
        };
        ioctl::Encode::write(&reply, outer.output()?)
    });
    match written {
        Ok(len) => outer.complete(Status::SUCCESS, len),
        Err(status) => outer.complete(status, 0),
    }
}

async fn act(world: &World, owner: Owner, request: Request<'_>) -> nt::Result<Answer> {
    match request {
        Request::Open(open) => return create(world, owner, open).await,
        Request::Close { handle } => {
            let file = world.file(handle, owner)?;
            // The I/O manager closes what nothing refers to any more.
            if !file.is_quiet() {
                return Err(Status::DEVICE_BUSY);
            }
            let file = world
                .handles
                .lock()
                .remove(handle, owner)
                .ok_or(Status::INVALID_HANDLE)?;
            return send(world, file, Parameters::Close, Vec::new()).await;
        }
        Request::Cleanup { handle } => {
            let file = world.file(handle, owner)?;
            file.cleaned();
            return send(world, file, Parameters::Cleanup, Vec::new()).await;
        }
        Request::Cancel { handle } => {
            let cancelled = world.file(handle, owner)?.cancel()?;
            return Ok(Answer::plain(Outcome {
                status: Status::SUCCESS,
                information: cancelled as u64,
            }));
        }
        Request::Count => return count(world),
        _ => {}
    }
    let (handle, parameters, buffer) = on_open_file(world, owner, request)?;
    send(world, world.file(handle, owner)?, parameters, buffer).await
}

/// The IRP of a request on an open file: whose, what, and with which buffer.
fn on_open_file(
    world: &World,
    owner: Owner,
    request: Request<'_>,
) -> nt::Result<(Handle, Parameters, Vec<u8>)> {
    let room = |length: u32| Vec::try_zeroed(length as usize);
    Ok(match request {
        Request::Read {
            handle,
            offset,
            length,
        } => (handle, Parameters::Read { offset }, room(length)?),
        Request::Write { handle, offset, data } => (handle, Parameters::Write { offset }, copy(data)?),
        Request::QueryInformation {
            handle,
            class,
            length,
        } => (handle, Parameters::QueryInformation(class), room(length)?),
        Request::SetInformation {
            handle,
            class,
            target,
            data,
        } => {
            let target = if target == Handle::NONE {
                None
            } else {
                Some(world.file(target, owner)?)
            };
            let replace = Parameters::replaces(class, data);
            (
                handle,
                Parameters::SetInformation {
                    class,
                    target,
                    replace,
                },
                copy(data)?,
            )
        }
        Request::QueryDirectory {
            handle,
            class,
            flags,
            pattern,
            length,
        } => {
            let pattern = if pattern.as_name().is_empty() {
                None
            } else {
                Some(Text::try_new(pattern.as_name())?)
            };
            (
                handle,
                Parameters::QueryDirectory {
                    class,
                    flags,
                    pattern,
                },
                room(length)?,
            )
        }
        Request::Flush { handle } => (handle, Parameters::Flush, Vec::new()),
        Request::QueryVolume {
            handle,
            class,
            length,
        } => (handle, Parameters::QueryVolume(class), room(length)?),
        // The others have been answered.
        _ => return Err(Status::INVALID_DEVICE_REQUEST),
    })
}

fn copy(data: &[u8]) -> nt::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_extend_from_slice(data)?;
    Ok(buffer)
}

async fn create(world: &World, owner: Owner, open: Open) -> nt::Result<Answer> {
    let related = if open.related == Handle::NONE {
        None
    } else {
        Some(world.file(open.related, owner)?)
    };
    let mut name = Vec::new();
    name.try_extend_from_slice(open.path.as_units())?;
    let file = File::try_new(Target::find()?, name, related, open.options)?;
    let parameters = Parameters::Create(Create::try_new(&open)?);
    // The number comes first: a file that is open can then not be lost.
    let handle = world.handles.lock().insert(file.clone(), owner)?;
    let answer = send(world, file.clone(), parameters, Vec::new()).await;
    match answer {
        Ok(mut answer) if !answer.outcome.status.is_error() => {
            answer.handle = handle;
            Ok(answer)
        }
        // A file whose create failed gets neither cleanup nor close.
        failed => {
            let gone = world.handles.lock().remove(handle, owner);
            drop(gone);
            failed
        }
    }
}

fn count(world: &World) -> nt::Result<Answer> {
    let live = Live {
        handles: world.handles.lock().len() as u64,
        pending: world.pending.load(Ordering::SeqCst),
        sent: world.sent.load(Ordering::SeqCst),
    };
    let mut answer = Answer::success();
    answer.data.try_extend_from_slice(&live.to_bytes())?;
    answer.outcome.information = Live::SIZE as u64;
    Ok(answer)
}

/// Sends an IRP and waits for its end.
async fn send(world: &World, file: Arc<File>, parameters: Parameters, buffer: Vec<u8>) -> nt::Result<Answer> {
    let inner = Inner::try_new(file.clone(), parameters, buffer)?;
    file.begin(&inner)?;
    world.sent.fetch_add(1, Ordering::SeqCst);
    world.pending.fetch_add(1, Ordering::SeqCst);
    let outcome = Inner::send(&inner).await;
    world.pending.fetch_sub(1, Ordering::SeqCst);
    if matches!(inner.parameters, Parameters::Create(_)) && !outcome.status.is_error() {
        file.opened();
    }
    file.end(&inner);
    let mut answer = Answer::plain(outcome);
    if inner.parameters.answers() && !outcome.status.is_error() {
        answer.data = inner.take_buffer();
        answer
            .data
            .truncate(usize::try_from(outcome.information).unwrap_or(usize::MAX));
    }
    Ok(answer)
}

/// Ends everything that a user left open when closing the device. IRQL = PASSIVE_LEVEL.
pub(crate) async fn abandon(world: Arc<World>, owner: Owner) {
    loop {
        let file = world.handles.lock().remove_one_of(owner);
        let Some(file) = file else { break };
        // Whatever fails for lack of memory here is left as it is: this is a driver for tests.
        let _cancelled = file.cancel();
        file.until_quiet().await;
        let (opened, cleaned) = file.stage();
        if opened && !cleaned {
            let _sent = send(&world, file.clone(), Parameters::Cleanup, Vec::new()).await;
        }
        if opened {
            let _sent = send(&world, file, Parameters::Close, Vec::new()).await;
        }
    }
}
