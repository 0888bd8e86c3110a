//! What the memory manager and the cache manager ask for: pages of a file, whoever's handle they name, and the minor
//! functions of reads and writes that only cached files have.

use ioctl::irp::{Operation, TransferFlags};
use nt::{CreateDisposition, Status};

use super::check::{done, equal, refused, refused_with_one_of};
use super::content::{create, pattern};
use super::environment::Environment;
use super::relay::Relay;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{OpenFile, Reply, read_at, read_file, remove, write_file};
use crate::open::OpenRequest;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        pages_are_read_up_to_the_end,
        pages_are_written_but_the_file_does_not_grow,
        pages_move_no_file_pointer,
        pages_know_no_locks,
        pages_come_by_another_handle,
        pages_outlive_the_handle,
        pages_of_an_orphan_are_refused,
        pages_of_a_directory_are_refused,
        minor_functions_of_caching_are_refused,
        transfers_that_end_may_close_their_files,
    ]
}

const PAGE: usize = 4096;
/// Two whole pages and a part.
const LENGTH: usize = 2 * PAGE + 1000;

fn page_in(file: &dyn OpenFile, offset: usize) -> nt::Result<Vec<u8>> {
    read(
        file,
        offset,
        PAGE,
        TransferFlags::PAGING | TransferFlags::NO_CACHE,
    )?
    .data()
}

fn page_out(file: &dyn OpenFile, offset: usize, data: &[u8]) -> nt::Result<usize> {
    let reply = write(
        file,
        offset,
        data,
        TransferFlags::PAGING | TransferFlags::NO_CACHE,
    )?;
    reply.status.ok().map(|()| reply.information)
}

fn read(file: &dyn OpenFile, offset: usize, length: usize, flags: TransferFlags) -> nt::Result<Reply> {
    file.send(&Operation::Read {
        offset: offset as u64,
        length: u32::try_from(length).map_err(|_| Status::INVALID_PARAMETER)?,
        key: 0,
        flags,
    })
}

fn write(file: &dyn OpenFile, offset: usize, data: &[u8], flags: TransferFlags) -> nt::Result<Reply> {
    file.send(&Operation::Write {
        offset: offset as u64,
        data,
        key: 0,
        flags,
    })
}

fn part(from: usize, length: usize) -> Vec<u8> {
    pattern(LENGTH).into_iter().skip(from).take(length).collect()
}

/// Does `check` with a file of [`LENGTH`] bytes that is open as `request` says; the result is what the file holds when it is
/// closed.
fn with_file(
    environment: &Environment,
    request: &OpenRequest,
    check: impl FnOnce(&mut dyn OpenFile) -> Checked,
) -> Result<Vec<u8>, Failure> {
    environment.needs_irps()?;
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done(
        "writing",
        write_file(&*environment.files, &path, &pattern(LENGTH)),
    )?;
    let (mut file, _) = done("opening", environment.files.open(&path, request))?;
    check(&mut *file)?;
    done("closing", file.close())?;
    let content = done("reading", read_file(&*environment.files, &path))?;
    scratch.finish()?;
    Ok(content)
}

fn pages_are_read_up_to_the_end(environment: &Environment) -> Checked {
    let content = with_file(environment, &OpenRequest::read(), |file| {
        equal("a page", page_in(file, PAGE), Ok(part(PAGE, PAGE)))?;
        equal("the last", page_in(file, 2 * PAGE), Ok(part(2 * PAGE, 1000)))?;
        refused("behind it", page_in(file, 3 * PAGE), Status::END_OF_FILE)
    })?;
    equal("all of it", content == pattern(LENGTH), true)
}

fn pages_are_written_but_the_file_does_not_grow(environment: &Environment) -> Checked {
    let request = OpenRequest::write(CreateDisposition::OPEN);
    let content = with_file(environment, &request, |file| {
        equal("a page", page_out(file, 0, &[1; PAGE]), Ok(PAGE))?;
        equal("the last", page_out(file, 2 * PAGE, &[2; PAGE]), Ok(PAGE))?;
        equal("one behind it", page_out(file, 3 * PAGE, &[3; PAGE]), Ok(PAGE))
    })?;
    let expected = [vec![1; PAGE], part(PAGE, PAGE), vec![2; 1000]].concat();
    equal("all of it", content == expected, true)
}

fn pages_move_no_file_pointer(environment: &Environment) -> Checked {
    /// FILE_USE_FILE_POINTER_POSITION.
    const FILE_POINTER: u64 = u64::MAX - 1;
    let mut request = OpenRequest::write(CreateDisposition::OPEN);
    request.options |= nt::CreateOptions::SYNCHRONOUS_IO_NONALERT;
    with_file(environment, &request, |file| {
        equal("reading", read_at(file, 0, 10), Ok(part(0, 10)))?;
        equal("a page in", page_in(file, PAGE), Ok(part(PAGE, PAGE)))?;
        equal("a page out", page_out(file, 0, &part(0, PAGE)), Ok(PAGE))?;
        equal("reading on", read_at(file, FILE_POINTER, 10), Ok(part(10, 10)))
    })?;
    Ok(())
}

fn pages_know_no_locks(environment: &Environment) -> Checked {
    use ioctl::irp::{LockFlags, LockFunction};
    environment.needs_irps()?;
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    let mut owner = create(environment, &path)?;
    equal("writing", owner.write(0, &pattern(LENGTH)), Ok(LENGTH))?;
    let request = OpenRequest::write(CreateDisposition::OPEN);
    let (mut other, _) = done("opening", environment.files.open(&path, &request))?;
    let locked = owner.send(&Operation::Lock {
        function: LockFunction::LOCK,
        offset: 0,
        span: LENGTH as u64,
        key: 0,
        flags: LockFlags::EXCLUSIVE | LockFlags::FAIL_IMMEDIATELY,
    });
    done("locking", locked.and_then(|reply| reply.status.ok()))?;
    refused("reading", read_at(&*other, 0, 1), Status::FILE_LOCK_CONFLICT)?;
    equal("a page in", page_in(&*other, 0), Ok(part(0, PAGE)))?;
    equal("a page out", page_out(&*other, 0, &part(0, PAGE)), Ok(PAGE))?;
    done("closing", other.close())?;
    done("closing", owner.close())?;
    scratch.finish()
}

fn pages_come_by_another_handle(environment: &Environment) -> Checked {
    environment.needs_irps()?;
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done(
        "writing",
        write_file(&*environment.files, &path, &pattern(LENGTH)),
    )?;
    let mut appending = OpenRequest::write(CreateDisposition::OPEN);
    appending.access = nt::AccessMask::READ_ATTRIBUTES | nt::AccessMask::SYNCHRONIZE;
    let (mut bare, _) = done("opening", environment.files.open(&path, &appending))?;
    refused("a page in", page_in(&*bare, 0), Status::ACCESS_DENIED)?;
    refused(
        "a page out",
        page_out(&*bare, 0, &[1; PAGE]),
        Status::ACCESS_DENIED,
    )?;
    let (mut reader, _) = done("opening", environment.files.open(&path, &OpenRequest::read()))?;
    equal("a page in now", page_in(&*bare, 0), Ok(part(0, PAGE)))?;
    refused(
        "a page out",
        page_out(&*bare, 0, &[1; PAGE]),
        Status::ACCESS_DENIED,
    )?;
    let request = OpenRequest::write(CreateDisposition::OPEN);
    let (mut writer, _) = done("opening", environment.files.open(&path, &request))?;
    equal("a page out now", page_out(&*reader, 0, &[1; PAGE]), Ok(PAGE))?;
    equal("reading it", read_at(&*writer, 0, PAGE), Ok(vec![1; PAGE]))?;
    done("closing", writer.close())?;
    done("closing", reader.close())?;
    done("closing", bare.close())?;
    scratch.finish()
}

fn pages_outlive_the_handle(environment: &Environment) -> Checked {
    let request = OpenRequest::write(CreateDisposition::OPEN);
    let content = with_file(environment, &request, |file| {
        done("cleaning up", file.cleanup())?;
        refused("reading", read_at(file, 0, 1), Status::FILE_CLOSED)?;
        equal("a page in", page_in(file, PAGE), Ok(part(PAGE, PAGE)))?;
        equal("a page out", page_out(file, PAGE, &[1; PAGE]), Ok(PAGE))
    })?;
    let expected = [part(0, PAGE), vec![1; PAGE], part(2 * PAGE, 1000)].concat();
    equal("all of it", content == expected, true)
}

fn pages_of_an_orphan_are_refused(environment: &Environment) -> Checked {
    environment.needs_irps()?;
    let mut mapped = environment.mapped()?;
    let path = mapped
        .root()
        .join(&format!("mrx9p-pages-{}", std::process::id()))?;
    let mut file = create(environment, &path)?;
    equal("writing", file.write(0, &pattern(LENGTH)), Ok(LENGTH))?;
    done("unmapping by force", mapped.connected.cancel(true))?;
    let dead = Status::UNEXPECTED_NETWORK_ERROR;
    refused("a page in", page_in(&*file, 0), dead)?;
    refused("a page out", page_out(&*file, 0, &[1; PAGE]), dead)?;
    done("closing", file.close())?;
    super::finalize::clear(environment, &path)
}

fn pages_of_a_directory_are_refused(environment: &Environment) -> Checked {
    environment.needs_irps()?;
    let scratch = environment.scratch()?;
    let (mut directory, _) = done(
        "opening",
        environment.files.open(&scratch.directory, &OpenRequest::list()),
    )?;
    let invalid = Status::INVALID_DEVICE_REQUEST;
    refused("a page in", page_in(&*directory, 0), invalid)?;
    refused("a page out", page_out(&*directory, 0, &[1; PAGE]), invalid)?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn minor_functions_of_caching_are_refused(environment: &Environment) -> Checked {
    environment.needs_irps()?;
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &path, b"as it was"))?;
    let request = OpenRequest::write(CreateDisposition::OPEN);
    let (mut file, _) = done("opening", environment.files.open(&path, &request))?;
    let (mdl, complete) = (TransferFlags::MINOR_MDL, TransferFlags::MINOR_COMPLETE);
    let minors = [TransferFlags::MINOR_DPC, mdl, complete, mdl | complete];
    for minor in minors {
        for flags in [minor, minor | TransferFlags::PAGING] {
            let status = |reply: nt::Result<Reply>| reply.and_then(|reply| reply.status.ok());
            let what = format!("{flags:?}");
            let invalid = Status::INVALID_DEVICE_REQUEST;
            refused(&what, status(read(&*file, 0, 4, flags)), invalid)?;
            refused(&what, status(write(&*file, 0, b"gone", flags)), invalid)?;
        }
    }
    equal("reading", read_at(&*file, 0, 100), Ok(b"as it was".to_vec()))?;
    done("closing", file.close())?;
    scratch.finish()
}

/// The I/O manager sends CLOSE in the thread that ends the last request on a file, and waits there. That thread is one of the
/// few that the driver has: were CLOSE to need another of them, enough such files at once would stop them all.
fn transfers_that_end_may_close_their_files(environment: &Environment) -> Checked {
    const FILES: usize = 16;
    environment.needs_irps()?;
    let relay = Relay::new(environment.share()?)?;
    let mapped = environment.mapped_at(relay.share())?;
    let path = mapped
        .root()
        .join(&format!("mrx9p-closes-{}", std::process::id()))?;
    done("writing", write_file(&*environment.files, &path, b"content"))?;
    let mut files = Vec::new();
    for _ in 0..FILES {
        files.push(done("opening", environment.files.open(&path, &OpenRequest::read()))?.0);
    }
    relay.hold();
    let operation = Operation::Read {
        offset: 0,
        length: 7,
        key: 0,
        flags: TransferFlags::CLOSES,
    };
    let (mut reads, mut cleanups) = (Vec::new(), Vec::new());
    for file in &files {
        reads.push(done("reading", file.start(&operation))?);
    }
    for file in &files {
        cleanups.push(done("cleaning up", file.start(&Operation::Cleanup))?);
    }
    relay.let_through();
    for cleanup in cleanups {
        done("cleaning up", cleanup.wait()?.status.ok())?;
    }
    for read in reads {
        match read.wait()?.data() {
            Ok(data) => equal("what was read", data, b"content".to_vec())?,
            // The cleanup ends what is under way; on a busy machine the deadline may come first.
            ended => refused_with_one_of("reading", ended, &[Status::CANCELLED, Status::IO_TIMEOUT])?,
        }
    }
    for mut file in files {
        done("giving the handle back", file.close())?;
    }
    done("removing the file", remove(&*environment.files, &path))?;
    mapped.finish()
}
