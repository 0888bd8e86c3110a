//! Names and what else leads to files: links of both kinds, reparse points, file ids, other spellings; and how files lose
//! their names by the newer classes.

use ioctl::irp::{ControlFlags, Operation};
use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass, Result, Status};

use super::check::{done, equal, holds, refused};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{OpenFile, Reply, write_file};
use crate::info;
use crate::open::{OpenExtras, OpenRequest};
use crate::path::Target;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_symbolic_link_is_made_and_followed,
        reparse_points_that_are_none,
        a_hard_link_is_another_name,
        posix_rename_replaces_an_open_file,
        posix_deletion_frees_the_name,
        a_read_only_file_is_deleted_on_demand,
        a_file_is_opened_by_its_id,
        another_case_finds_the_file,
    ]
}

const SET_REPARSE_POINT: u32 = 0x0009_00a4;
const GET_REPARSE_POINT: u32 = 0x0009_00a8;
const DELETE_REPARSE_POINT: u32 = 0x0009_00ac;
const SYMLINK: u32 = 0xa000_000c;
/// `FILE_RENAME_*`, `FILE_LINK_*`.
const REPLACE: u32 = 0x1;
const POSIX: u32 = 0x2;
/// `FILE_DISPOSITION_*`.
const DELETE: u32 = 0x1;
const IGNORE_READONLY: u32 = 0x10;

/// All rights that the tests here need.
fn request(disposition: CreateDisposition, options: CreateOptions) -> OpenRequest {
    let whole = OpenRequest::write(disposition);
    OpenRequest {
        access: whole.access | AccessMask::DELETE,
        options,
        ..whole
    }
}

fn open(
    environment: &Environment,
    path: &Target,
    disposition: CreateDisposition,
    options: CreateOptions,
) -> Result<Box<dyn OpenFile>> {
    let opened = environment.files.open(path, &request(disposition, options));
    opened.map(|(file, _)| file)
}

fn control(file: &dyn OpenFile, code: u32, input: &[u8], length: u32) -> Result<Reply> {
    let reply = file.send(&Operation::FsControl {
        control: code,
        flags: ControlFlags::empty(),
        input,
        length,
    })?;
    reply.status.ok().map(|()| reply)
}

/// REPARSE_DATA_BUFFER of a relative symbolic link.
fn relative_link(target: &str) -> Vec<u8> {
    let name: Vec<u8> = target.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let mut data = SYMLINK.to_le_bytes().to_vec();
    for field in [
        length.saturating_mul(2).saturating_add(12),
        0,
        0,
        length,
        length,
        length,
    ] {
        data.extend(field.to_le_bytes());
    }
    data.extend(1_u32.to_le_bytes());
    data.extend(&name);
    data.extend(&name);
    data
}

/// FILE_RENAME_INFORMATION or FILE_LINK_INFORMATION with flags.
fn new_name(flags: u32, name: &str) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut record = flags.to_le_bytes().to_vec();
    record.extend([0; 12]);
    record.extend(u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
    record.extend(name);
    record
}

fn content(environment: &Environment, path: &Target) -> Result<Vec<u8>> {
    let (file, _) = environment.files.open(path, &OpenRequest::read())?;
    file.start_read(0, 100)?.wait()?.data()
}

fn a_symbolic_link_is_made_and_followed(environment: &Environment) -> Checked {
    if !environment.files.builds_irps() {
        return Err(Failure::Skipped(
            "reparse points need the test driver here".to_owned(),
        ));
    }
    let scratch = environment.scratch()?;
    let (target, path) = (scratch.path("target")?, scratch.path("link")?);
    done("writing", write_file(&*environment.files, &target, b"behind"))?;
    let as_link = CreateOptions::OPEN_REPARSE_POINT;
    // As CreateSymbolicLink does.
    let mut link = done(
        "making",
        open(environment, &path, CreateDisposition::CREATE, as_link),
    )?;
    done(
        "setting",
        control(&*link, SET_REPARSE_POINT, &relative_link("target"), 0),
    )?;
    done("closing", link.close())?;
    equal(
        "through the link",
        content(environment, &path),
        Ok(b"behind".to_vec()),
    )?;
    let mut link = done(
        "opening as such",
        open(environment, &path, CreateDisposition::OPEN, as_link),
    )?;
    let shown = done("getting", control(&*link, GET_REPARSE_POINT, &[], 1024))?;
    equal("what it says", shown.data, relative_link("target"))?;
    let basic = done(
        "looking",
        link.query(FileInformationClass::BASIC, info::BASIC_BYTES),
    )?;
    let attributes = info::Basic::parse(&done("looking", basic.data())?)?.attributes;
    holds("a reparse point", attributes & info::ATTRIBUTE_REPARSE_POINT != 0)?;
    refused(
        "with little room",
        control(&*link, GET_REPARSE_POINT, &[], 4),
        Status::BUFFER_TOO_SMALL,
    )?;
    let mut header = SYMLINK.to_le_bytes().to_vec();
    header.extend([0; 4]);
    done("unmaking", control(&*link, DELETE_REPARSE_POINT, &header, 0))?;
    done("closing", link.close())?;
    equal(
        "the file in its place",
        content(environment, &path),
        Err(Status::END_OF_FILE),
    )?;
    equal(
        "the target",
        content(environment, &target),
        Ok(b"behind".to_vec()),
    )?;
    scratch.finish()
}

fn reparse_points_that_are_none(environment: &Environment) -> Checked {
    if !environment.files.builds_irps() {
        return Err(Failure::Skipped(
            "reparse points need the test driver here".to_owned(),
        ));
    }
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    let options = CreateOptions::OPEN_REPARSE_POINT;
    let mut file = done(
        "making",
        open(environment, &path, CreateDisposition::CREATE, options),
    )?;
    refused(
        "a file's",
        control(&*file, GET_REPARSE_POINT, &[], 1024),
        Status::NOT_A_REPARSE_POINT,
    )?;
    let mut junction = relative_link("target");
    if let Some(tag) = junction.first_mut() {
        *tag = 3;
    }
    refused(
        "a junction",
        control(&*file, SET_REPARSE_POINT, &junction, 0),
        Status::NOT_SUPPORTED,
    )?;
    // FSCTL_GET_COMPRESSION, FSCTL_SET_SPARSE, and a control that is not METHOD_BUFFERED.
    for code in [0x0009_003c, 0x0009_00c4, 0x0009_00a7] {
        refused(
            "another control",
            control(&*file, code, &[], 16),
            Status::INVALID_DEVICE_REQUEST,
        )?;
    }
    done("closing", file.close())?;
    scratch.finish()
}

fn a_hard_link_is_another_name(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (path, other) = (scratch.path("one")?, scratch.path("two")?);
    done("writing", write_file(&*environment.files, &path, b"shared"))?;
    let any = CreateOptions::NON_DIRECTORY_FILE;
    let mut file = done("opening", open(environment, &path, CreateDisposition::OPEN, any))?;
    let link = |flags| file.set(FileInformationClass::LINK, &new_name(flags, "two"));
    done("linking", link(0))?;
    refused("linking again", link(0), Status::OBJECT_NAME_COLLISION)?;
    done("linking again and replacing", link(REPLACE))?;
    equal(
        "by its other name",
        content(environment, &other),
        Ok(b"shared".to_vec()),
    )?;
    let standard = done(
        "looking",
        file.query(FileInformationClass::STANDARD, info::STANDARD_BYTES),
    )?;
    let standard = info::Standard::parse(&done("looking", standard.data())?)?;
    equal("links", standard.links, 2)?;
    done("closing", file.close())?;
    scratch.finish()
}

fn posix_rename_replaces_an_open_file(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (new, old) = (scratch.path("new")?, scratch.path("old")?);
    done("writing", write_file(&*environment.files, &new, b"new"))?;
    done("writing", write_file(&*environment.files, &old, b"old"))?;
    let any = CreateOptions::NON_DIRECTORY_FILE;
    let mut reader = done("opening", open(environment, &old, CreateDisposition::OPEN, any))?;
    let mut file = done("opening", open(environment, &new, CreateDisposition::OPEN, any))?;
    let rename = |flags| file.set(FileInformationClass::RENAME_EX, &new_name(flags, "old"));
    refused("by the older rules", rename(REPLACE), Status::ACCESS_DENIED)?;
    done("by POSIX's", rename(REPLACE | POSIX))?;
    equal(
        "what was open",
        reader.start_read(0, 100)?.wait()?.data(),
        Ok(b"old".to_vec()),
    )?;
    equal("what is there", content(environment, &old), Ok(b"new".to_vec()))?;
    done("closing", reader.close())?;
    done("closing", file.close())?;
    scratch.finish()
}

fn posix_deletion_frees_the_name(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &path, b"old"))?;
    let any = CreateOptions::NON_DIRECTORY_FILE;
    let open = |disposition| open(environment, &path, disposition, any);
    let mut keeper = done("opening", open(CreateDisposition::OPEN))?;
    let mut file = done("opening", open(CreateDisposition::OPEN))?;
    let flags = (DELETE | POSIX).to_le_bytes();
    done("deleting", file.set(FileInformationClass::DISPOSITION_EX, &flags))?;
    done("closing", file.close())?;
    let mut again = done("making it anew", open(CreateDisposition::CREATE))?;
    equal(
        "what was open",
        keeper.start_read(0, 100)?.wait()?.data(),
        Ok(b"old".to_vec()),
    )?;
    done("closing", again.close())?;
    done("closing", keeper.close())?;
    equal(
        "the new one",
        content(environment, &path),
        Err(Status::END_OF_FILE),
    )?;
    scratch.finish()
}

fn a_read_only_file_is_deleted_on_demand(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let path = scratch.path("fixed")?;
    let any = CreateOptions::NON_DIRECTORY_FILE;
    let extras = OpenExtras {
        attributes: nt::FileAttributes::READONLY,
        ..OpenExtras::default()
    };
    let made = environment
        .files
        .try_open(&path, &request(CreateDisposition::CREATE, any), &extras);
    let (mut file, _) = done("making", made.and_then(|opened| opened.open()))?;
    let delete = |flags: u32| file.set(FileInformationClass::DISPOSITION_EX, &flags.to_le_bytes());
    refused("deleting", delete(DELETE), Status::CANNOT_DELETE)?;
    done("deleting all the same", delete(DELETE | IGNORE_READONLY))?;
    done("closing", file.close())?;
    refused(
        "opening it",
        content(environment, &path),
        Status::OBJECT_NAME_NOT_FOUND,
    )?;
    scratch.finish()
}

fn a_file_is_opened_by_its_id(environment: &Environment) -> Checked {
    if !environment.files.builds_irps() {
        return Err(Failure::Skipped(
            "opens by id need the test driver here".to_owned(),
        ));
    }
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &path, b"by id"))?;
    let (mut file, _) = done("opening", environment.files.open(&path, &OpenRequest::read()))?;
    let internal = done("its id", file.query(FileInformationClass::INTERNAL, 8))?;
    let id = info::u64_at(&done("its id", internal.data())?, 0)?;
    let units = |id: u64| [0, 16, 32, 48].map(|shift| (id >> shift & 0xffff) as u16);
    let by_id = OpenRequest {
        options: CreateOptions::OPEN_BY_FILE_ID,
        ..OpenRequest::read()
    };
    let again = file.open_relative(&units(id), &by_id, &OpenExtras::default());
    let (mut again, _) = done("by id", again.and_then(|opened| opened.open()))?;
    equal(
        "its content",
        again.start_read(0, 100)?.wait()?.data(),
        Ok(b"by id".to_vec()),
    )?;
    done("closing", again.close())?;
    let none = file.open_relative(&units(!id), &by_id, &OpenExtras::default());
    refused(
        "by an id of nothing",
        none.and_then(|opened| opened.open().map(|_| ())),
        Status::INVALID_PARAMETER,
    )?;
    done("closing", file.close())?;
    scratch.finish()
}

fn another_case_finds_the_file(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (path, other) = (scratch.path("ReadMe.txt")?, scratch.path("README.TXT")?);
    done("writing", write_file(&*environment.files, &path, b"found"))?;
    equal("in capitals", content(environment, &other), Ok(b"found".to_vec()))?;
    let any = CreateOptions::NON_DIRECTORY_FILE;
    refused(
        "making it in capitals",
        open(environment, &other, CreateDisposition::CREATE, any).map(|_| ()),
        Status::OBJECT_NAME_COLLISION,
    )?;
    scratch.finish()
}
