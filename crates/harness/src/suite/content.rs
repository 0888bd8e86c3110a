//! What files hold: reading, writing, sizes, and what the server sees of it.

use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass, Status};

use super::check::{done, equal, holds, refused, refused_with_one_of};
use super::environment::{Environment, Scratch};
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{OpenFile, read_at, read_file, write_all, write_file};
use crate::info::{self, Standard};
use crate::open::{CHUNK, OpenRequest};
use crate::path::Target;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        what_is_written_is_read_back,
        reads_end_at_the_end_of_the_file,
        writes_behind_the_end_leave_zeros,
        large_transfers_cross_every_message_size,
        two_handles_see_one_file,
        the_size_can_be_set,
        the_special_offsets,
        handles_that_only_append,
        whole_sectors_without_buffering,
        flush_succeeds,
        the_figures_follow_the_work,
        the_server_sees_what_is_written,
        what_the_server_writes_is_read,
    ]
}

/// Bytes in which every misplaced piece shows.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from((at / 256 + at * 7 + at / 65_536) % 251).unwrap_or(0))
        .collect()
}

fn open(
    environment: &Environment,
    target: &Target,
    request: &OpenRequest,
) -> nt::Result<(Box<dyn OpenFile>, u32)> {
    environment.files.open(target, request)
}

/// A new file, open for reading and writing.
pub(crate) fn create(environment: &Environment, target: &Target) -> Result<Box<dyn OpenFile>, Failure> {
    let request = OpenRequest::write(CreateDisposition::CREATE);
    Ok(done(&format!("creating {target}"), open(environment, target, &request))?.0)
}

fn size_of_open(file: &dyn OpenFile) -> Result<u64, Failure> {
    let data = file
        .query(FileInformationClass::STANDARD, info::STANDARD_BYTES)?
        .data()?;
    Ok(Standard::parse(&data)?.size)
}

fn what_is_written_is_read_back(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file.bin")?;
    let mut file = create(environment, &target)?;
    let content = pattern(10_000);
    done("writing", write_all(&*file, 0, &content))?;
    equal(
        "read through the same handle",
        read_at(&*file, 0, 20_000)? == content,
        true,
    )?;
    equal(
        "a piece from the middle",
        read_at(&*file, 5_000, 100)?,
        content.get(5_000..5_100).unwrap_or_default().to_vec(),
    )?;
    done("overwriting a piece", write_all(&*file, 10, b"overwritten"))?;
    equal(
        "the piece",
        read_at(&*file, 8, 15)?.get(2..13).unwrap_or_default().to_vec(),
        b"overwritten".to_vec(),
    )?;
    equal("size", size_of_open(&*file)?, 10_000)?;
    done("closing", file.close())?;
    let mut expected = content;
    expected.splice(10..21, *b"overwritten");
    equal(
        "read after closing",
        read_file(&*environment.files, &target)? == expected,
        true,
    )?;
    scratch.finish()
}

fn reads_end_at_the_end_of_the_file(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    done(
        "writing",
        write_file(&*environment.files, &target, &pattern(1_000)),
    )?;
    let (mut file, _) = open(environment, &target, &OpenRequest::read())?;
    equal("a read across the end", read_at(&*file, 990, 100)?.len(), 10)?;
    for offset in [1_000, 1_001, 1 << 40] {
        let reply = file.start_read(offset, 10)?.wait()?;
        equal(&format!("a read at {offset}"), reply.status, Status::END_OF_FILE)?;
    }
    let nothing = file.start_read(0, 0)?.wait()?;
    equal(
        "a read of nothing",
        (nothing.status, nothing.information),
        (Status::SUCCESS, 0),
    )?;
    done("closing", file.close())?;
    let empty = scratch.path("empty")?;
    done("writing nothing", write_file(&*environment.files, &empty, b""))?;
    equal("an empty file", read_file(&*environment.files, &empty)?.len(), 0)?;
    scratch.finish()
}

fn writes_behind_the_end_leave_zeros(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    let mut file = create(environment, &target)?;
    done("writing", write_all(&*file, 0, b"start"))?;
    done("writing far behind", write_all(&*file, 70_000, b"end"))?;
    equal("size", size_of_open(&*file)?, 70_003)?;
    done("closing", file.close())?;
    let mut expected = vec![0; 70_003];
    expected.splice(..5, *b"start");
    expected.splice(70_000.., *b"end");
    equal(
        "content",
        read_file(&*environment.files, &target)? == expected,
        true,
    )?;
    scratch.finish()
}

fn large_transfers_cross_every_message_size(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    for length in [
        4_095,
        4_096,
        4_097,
        65_535,
        65_537,
        CHUNK - 1,
        CHUNK,
        3 * CHUNK + 77,
    ] {
        let target = scratch.path(&format!("file-{length}"))?;
        let content = pattern(length);
        done(
            &format!("writing {length} bytes"),
            write_file(&*environment.files, &target, &content),
        )?;
        let back = done(
            &format!("reading {length} bytes"),
            read_file(&*environment.files, &target),
        )?;
        equal(&format!("length of {length} bytes"), back.len(), length)?;
        holds(&format!("{length} bytes come back as they were"), back == content)?;
    }
    scratch.finish()
}

fn two_handles_see_one_file(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    let mut writer = create(environment, &target)?;
    let (mut reader, _) = open(environment, &target, &OpenRequest::read())?;
    done("writing", write_all(&*writer, 0, b"first"))?;
    equal("read by the other", read_at(&*reader, 0, 100)?, b"first".to_vec())?;
    done("appending", write_all(&*writer, 5, b" second"))?;
    equal("size for the other", size_of_open(&*reader)?, 12)?;
    equal(
        "read by the other again",
        read_at(&*reader, 5, 100)?,
        b" second".to_vec(),
    )?;
    done("closing the writer", writer.close())?;
    equal(
        "read after the writer closed",
        read_at(&*reader, 0, 5)?,
        b"first".to_vec(),
    )?;
    done("closing the reader", reader.close())?;
    scratch.finish()
}

fn the_size_can_be_set(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    let mut file = create(environment, &target)?;
    done("writing", write_all(&*file, 0, &pattern(1_000)))?;
    for size in [100_u64, 5_000, 0] {
        done(
            &format!("setting {size}"),
            file.set(FileInformationClass::END_OF_FILE, &size.to_le_bytes()),
        )?;
        equal("size", size_of_open(&*file)?, size)?;
    }
    refused_with_one_of(
        "a negative size",
        file.set(FileInformationClass::END_OF_FILE, &(-1_i64).to_le_bytes()),
        &[Status::INVALID_PARAMETER],
    )?;
    done("closing", file.close())?;
    equal(
        "size after closing",
        read_file(&*environment.files, &target)?.len(),
        0,
    )?;
    scratch.finish()
}

fn flush_succeeds(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    let mut file = create(environment, &target)?;
    done("writing", write_all(&*file, 0, b"to be kept"))?;
    done("flushing", file.flush())?;
    done("flushing with nothing to flush", file.flush())?;
    done("closing", file.close())?;
    scratch.finish()
}

fn behind(scratch: &Scratch<'_>, name: &str) -> Result<std::path::PathBuf, Failure> {
    Ok(scratch.export()?.join(name))
}

fn the_server_sees_what_is_written(environment: &Environment) -> Checked {
    environment.export()?;
    let scratch = environment.scratch()?;
    let content = pattern(200_000);
    done(
        "writing",
        write_file(&*environment.files, &scratch.path("schöner Name")?, &content),
    )?;
    let seen = std::fs::read(behind(&scratch, "schöner Name")?)?;
    holds("the bytes are those written", seen == content)?;
    scratch.finish()
}

fn what_the_server_writes_is_read(environment: &Environment) -> Checked {
    environment.export()?;
    let scratch = environment.scratch()?;
    let content = pattern(200_000);
    std::fs::write(behind(&scratch, "from behind")?, &content)?;
    let target = scratch.path("from behind")?;
    holds(
        "the bytes are those written",
        read_file(&*environment.files, &target)? == content,
    )?;
    let (mut file, _) = open(environment, &target, &OpenRequest::read())?;
    equal("size", size_of_open(&*file)?, 200_000)?;
    done("closing", file.close())?;
    scratch.finish()
}

fn the_figures_follow_the_work(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let device = environment.device()?;
    let before = device.statistics()?;
    let target = scratch.path("file")?;
    done(
        "writing",
        write_file(&*environment.files, &target, &pattern(50_000)),
    )?;
    equal(
        "length read",
        read_file(&*environment.files, &target)?.len(),
        50_000,
    )?;
    let (mut file, _) = open(environment, &target, &OpenRequest::read())?;
    let after = device.statistics()?;
    equal(
        "bytes written",
        after.bytes_written,
        before.bytes_written + 50_000,
    )?;
    equal("bytes read", after.bytes_read, before.bytes_read + 50_000)?;
    holds("requests were counted", after.requests > before.requests)?;
    holds("a session is up", after.sessions >= 1)?;
    let open_now = [after.fcbs, after.srv_opens, after.fobxs].map(|count| count >= 1);
    equal("the open file is counted", open_now, [true; 3])?;
    done("closing", file.close())?;
    scratch.finish()
}

/// FILE_WRITE_TO_END_OF_FILE and FILE_USE_FILE_POINTER_POSITION.
const END_OF_FILE: u64 = u64::MAX;
const FILE_POINTER: u64 = u64::MAX - 1;

fn the_special_offsets(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &path, b"0123456789"))?;
    let mut request = OpenRequest::write(CreateDisposition::OPEN);
    request.options |= CreateOptions::SYNCHRONOUS_IO_NONALERT;
    let mut file = done("opening", open(environment, &path, &request))?.0;
    let read = |offset, length| read_at(&*file, offset, length);
    equal("reading", read(0, 4), Ok(b"0123".to_vec()))?;
    equal("reading on", read(FILE_POINTER, 3), Ok(b"456".to_vec()))?;
    equal("appending", file.write(END_OF_FILE, b"ab"), Ok(2))?;
    equal("writing on", file.write(FILE_POINTER, b"cd"), Ok(2))?;
    equal("all of it", read(0, 100), Ok(b"0123456789abcd".to_vec()))?;
    refused(
        "reading at no offset",
        read(END_OF_FILE, 1),
        Status::INVALID_PARAMETER,
    )?;
    refused(
        "writing before the file",
        file.write(u64::MAX - 5, b"x"),
        Status::INVALID_PARAMETER,
    )?;
    done("closing", file.close())?;
    scratch.finish()
}

fn handles_that_only_append(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let path = scratch.path("log")?;
    done("writing", write_file(&*environment.files, &path, b"one "))?;
    let mut request = OpenRequest::write(CreateDisposition::OPEN);
    request.access = AccessMask::APPEND_DATA | AccessMask::SYNCHRONIZE;
    let mut file = done("opening", open(environment, &path, &request))?.0;
    equal("writing at the start", file.write(0, b"two "), Ok(4))?;
    equal("writing far out", file.write(1 << 40, b"three"), Ok(5))?;
    refused("reading", read_at(&*file, 0, 1), Status::ACCESS_DENIED)?;
    done("closing", file.close())?;
    let content = done("reading", read_file(&*environment.files, &path))?;
    equal("content", content, b"one two three".to_vec())?;
    scratch.finish()
}

fn whole_sectors_without_buffering(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &path, &pattern(1500)))?;
    let mut request = OpenRequest::write(CreateDisposition::OPEN);
    request.options |= CreateOptions::NO_INTERMEDIATE_BUFFERING | CreateOptions::WRITE_THROUGH;
    let mut file = done("opening", open(environment, &path, &request))?.0;
    let invalid = Status::INVALID_PARAMETER;
    refused("a part of a sector", read_at(&*file, 0, 100), invalid)?;
    refused("across sectors", read_at(&*file, 100, 512), invalid)?;
    refused("writing a part", file.write(0, b"x"), invalid)?;
    let first = pattern(1500).into_iter().take(512).collect();
    equal("a sector", read_at(&*file, 0, 512), Ok(first))?;
    equal("writing a sector", file.write(1024, &[1; 512]), Ok(512))?;
    done("closing", file.close())?;
    scratch.finish()
}
