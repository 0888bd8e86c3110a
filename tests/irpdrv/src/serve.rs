//! A request, from parsing to the reply.

use crate::control::{Outer, World};
use crate::file::File;
use crate::handles::Owner;
use crate::inner::{Inner, Outcome};
use crate::parameters::{Control, Create, Lock, Parameters, QueryPath, Text};
use crate::target::Target;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use executive::mem::{Arc, TryVec, TryZeroed};
use ioctl::ControlCode;
use ioctl::irp::{Handle, Live, Open, Operation, Reply, Request};
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
    let (handle, operation) = match request {
        Request::Open(open) => return create(world, owner, open).await,
        Request::Count => return count(world),
        Request::On(Handle::NONE, Operation::Cancel) => return cancel_opens(world, owner),
        Request::On(handle, operation) => (handle, operation),
    };
    let file = world.file(handle, owner)?;
    match operation {
        Operation::Close => {
            // The I/O manager closes what nothing refers to any more.
            if !file.is_quiet() {
                return Err(Status::DEVICE_BUSY);
            }
            let file = world
                .handles
                .lock()
                .remove(handle, owner)
                .ok_or(Status::INVALID_HANDLE)?;
            if !file.closes() {
                return Ok(Answer::success());
            }
            send(world, file, Parameters::Close, Vec::new()).await
        }
        // The thread that ended the last IRP has closed it.
        Operation::Cleanup if file.is_closed() => Ok(Answer::success()),
        Operation::Cleanup => {
            file.cleaned();
            send(world, file, Parameters::Cleanup, Vec::new()).await
        }
        Operation::Cancel => Ok(cancelled(file.cancel()?)),
        operation => {
            let (parameters, buffer) = irp_of(world, owner, operation)?;
            send(world, file, parameters, buffer).await
        }
    }
}

fn cancelled(count: usize) -> Answer {
    Answer::plain(Outcome {
        status: Status::SUCCESS,
        information: count as u64,
    })
}

/// Cancels the opens that are under way.
fn cancel_opens(world: &World, owner: Owner) -> nt::Result<Answer> {
    let files = world.handles.lock().all_of(owner)?;
    let mut count = 0;
    for file in files {
        let (opened, _) = file.stage();
        if !opened {
            count += file.cancel()?;
        }
    }
    Ok(cancelled(count))
}

/// The IRP of an operation on an open file: what, and with which buffer.
fn irp_of(world: &World, owner: Owner, operation: Operation<'_>) -> nt::Result<(Parameters, Vec<u8>)> {
    let room = |length: u32| Vec::try_zeroed(length as usize);
    Ok(match operation {
        Operation::Read {
            offset,
            length,
            key,
            flags,
        } => (Parameters::Read { offset, key, flags }, room(length)?),
        Operation::Write {
            offset,
            data,
            key,
            flags,
        } => (Parameters::Write { offset, key, flags }, copy(data)?),
        Operation::QueryInformation { class, length } => (Parameters::QueryInformation(class), room(length)?),
        Operation::SetInformation { class, target, data } => {
            let target = if target == Handle::NONE {
                None
            } else {
                Some(world.file(target, owner)?)
            };
            let replace = Parameters::replaces(class, data);
            let parameters = Parameters::SetInformation {
                class,
                target,
                replace,
            };
            (parameters, copy(data)?)
        }
        Operation::QueryDirectory {
            class,
            flags,
            index,
            pattern,
            length,
        } => {
            let pattern = if pattern.as_name().is_empty() {
                None
            } else {
                Some(Text::try_new(pattern.as_name())?)
            };
            let parameters = Parameters::QueryDirectory {
                class,
                flags,
                index,
                pattern,
            };
            (parameters, room(length)?)
        }
        Operation::QueryVolume { class, length } => (Parameters::QueryVolume(class), room(length)?),
        operation => return irp_of_rare(operation),
    })
}

/// [`irp_of`] for what is asked less often.
fn irp_of_rare(operation: Operation<'_>) -> nt::Result<(Parameters, Vec<u8>)> {
    let room = |length: u32| Vec::try_zeroed(length as usize);
    Ok(match operation {
        Operation::Flush => (Parameters::Flush, Vec::new()),
        Operation::NotifyChange {
            filter,
            flags,
            length,
        } => (Parameters::NotifyChange { filter, flags }, room(length)?),
        Operation::SetVolume { class, data } => (Parameters::SetVolume(class), copy(data)?),
        Operation::Lock {
            function,
            offset,
            span,
            key,
            flags,
        } => {
            let lock = Lock::new(function, offset, span, key, flags);
            (Parameters::Lock(lock), Vec::new())
        }
        Operation::QueryEa {
            flags,
            index,
            list,
            length,
        } => {
            let list = copy(list)?;
            (Parameters::QueryEa { flags, index, list }, room(length)?)
        }
        Operation::SetEa { data } => (Parameters::SetEa, copy(data)?),
        Operation::QuerySecurity { information, length } => {
            (Parameters::QuerySecurity(information), room(length)?)
        }
        Operation::SetSecurity {
            information,
            descriptor,
        } => {
            let descriptor = copy(descriptor)?;
            let parameters = Parameters::SetSecurity {
                information,
                descriptor,
            };
            (parameters, Vec::new())
        }
        Operation::FsControl {
            control,
            flags,
            input,
            length,
        } => {
            let (control, buffer) = Control::try_new(true, control, flags, input, length)?;
            (Parameters::Control(control), buffer)
        }
        Operation::DeviceControl {
            control,
            flags,
            input,
            length,
        } => {
            let (control, buffer) = Control::try_new(false, control, flags, input, length)?;
            (Parameters::Control(control), buffer)
        }
        Operation::QueryPath { flags, path } => {
            let query = QueryPath::try_new(flags, path.as_name())?;
            (Parameters::QueryPath(query), room(4)?)
        }
        // The others have been answered.
        _ => return Err(Status::INVALID_DEVICE_REQUEST),
    })
}

fn copy(data: &[u8]) -> nt::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_extend_from_slice(data)?;
    Ok(buffer)
}

async fn create(world: &World, owner: Owner, open: Open<'_>) -> nt::Result<Answer> {
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
    let unload_begun = matches!(&parameters, Parameters::Create(create) if create.unload_begun);
    if unload_begun {
        file.target.say_unload_begun(true);
    }
    let answer = send(world, file.clone(), parameters, Vec::new()).await;
    if unload_begun {
        file.target.say_unload_begun(false);
    }
    match answer {
        Ok(mut answer) if opens(answer.outcome.status) => {
            answer.handle = handle;
            Ok(answer)
        }
        // A file whose create failed gets neither cleanup nor close.
        failed => {
            let gone = world.handles.lock().remove(handle, owner);
            drop(gone);
            failed.map(|mut answer| {
                answer.data.truncate(open.length as usize);
                answer
            })
        }
    }
}

/// Whether a file is open after a create that ended so. STATUS_REPARSE is a success that opens nothing.
fn opens(status: Status) -> bool {
    /// The name is to be looked up anew.
    const REPARSE: Status = Status(0x104);
    status.is_success() && status != REPARSE
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
    if parameters.closes() {
        file.close_with_last(Inner::try_new(file.clone(), Parameters::Close, Vec::new())?);
    }
    let inner = Inner::try_new(file.clone(), parameters, buffer)?;
    file.begin(&inner)?;
    world.sent.fetch_add(1, Ordering::SeqCst);
    world.pending.fetch_add(1, Ordering::SeqCst);
    let outcome = Inner::send(&inner).await;
    world.pending.fetch_sub(1, Ordering::SeqCst);
    let mut answer = Answer::plain(outcome);
    if matches!(inner.parameters, Parameters::Create(_)) {
        if opens(outcome.status) {
            file.opened();
        } else {
            answer.data = inner.take_reparse_data();
        }
    }
    file.end(&inner);
    if !outcome.status.is_error() && answer.data.is_empty() {
        answer.data = inner.take_buffer();
        let len = inner.parameters.answer_len(answer.data.len());
        let information = usize::try_from(outcome.information).unwrap_or(usize::MAX);
        answer.data.truncate(information.min(len));
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
        if opened && file.closes() {
            let _sent = send(&world, file, Parameters::Close, Vec::new()).await;
        }
    }
}
