//! Files: opening them in every way, sharing, renaming, deleting.

use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass, ShareAccess, Status};

use super::check::{done, equal, holds, refused, refused_with_one_of};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{self, OpenFile, read_at, read_file, write_all, write_file};
use crate::info::{self, Standard};
use crate::open::{OpenExtras, OpenRequest};
use crate::path::Target;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        every_disposition_on_a_missing_file,
        every_disposition_on_an_existing_file,
        missing_names_and_missing_directories,
        files_are_not_directories,
        sharing_is_obeyed,
        a_rename_moves_the_content,
        a_rename_replaces_only_when_asked,
        a_deleted_file_is_gone,
        delete_on_close_deletes,
        names_that_no_file_can_have,
        names_can_be_relative_to_a_directory,
    ]
}

const CREATED: u32 = 2;
const OPENED: u32 = 1;
const OVERWRITTEN: u32 = 3;
const SUPERSEDED: u32 = 0;

fn open(
    environment: &Environment,
    target: &Target,
    request: &OpenRequest,
) -> nt::Result<(Box<dyn OpenFile>, u32)> {
    environment.files.open(target, request)
}

fn every_disposition_on_a_missing_file(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    for (name, disposition, want) in [
        (
            "open",
            CreateDisposition::OPEN,
            Err(Status::OBJECT_NAME_NOT_FOUND),
        ),
        (
            "overwrite",
            CreateDisposition::OVERWRITE,
            Err(Status::OBJECT_NAME_NOT_FOUND),
        ),
        ("create", CreateDisposition::CREATE, Ok(CREATED)),
        ("open-if", CreateDisposition::OPEN_IF, Ok(CREATED)),
        ("overwrite-if", CreateDisposition::OVERWRITE_IF, Ok(CREATED)),
        ("supersede", CreateDisposition::SUPERSEDE, Ok(CREATED)),
    ] {
        let opened = open(
            environment,
            &scratch.path(name)?,
            &OpenRequest::write(disposition),
        );
        let got = opened.and_then(|(mut file, action)| file.close().map(|()| action));
        equal(name, got, want)?;
    }
    scratch.finish()
}

fn every_disposition_on_an_existing_file(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    for (name, disposition, want, left) in [
        ("open", CreateDisposition::OPEN, Ok(OPENED), 5),
        ("overwrite", CreateDisposition::OVERWRITE, Ok(OVERWRITTEN), 0),
        (
            "create",
            CreateDisposition::CREATE,
            Err(Status::OBJECT_NAME_COLLISION),
            5,
        ),
        ("open-if", CreateDisposition::OPEN_IF, Ok(OPENED), 5),
        (
            "overwrite-if",
            CreateDisposition::OVERWRITE_IF,
            Ok(OVERWRITTEN),
            0,
        ),
        ("supersede", CreateDisposition::SUPERSEDE, Ok(SUPERSEDED), 0),
    ] {
        let target = scratch.path(name)?;
        done("writing", write_file(&*environment.files, &target, b"12345"))?;
        let opened = open(environment, &target, &OpenRequest::write(disposition));
        let got = opened.and_then(|(mut file, action)| file.close().map(|()| action));
        equal(name, got, want)?;
        equal(
            &format!("length after {name}"),
            read_file(&*environment.files, &target)?.len(),
            left,
        )?;
    }
    scratch.finish()
}

fn missing_names_and_missing_directories(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let request = OpenRequest::attributes();
    let refusal = |name: &str| -> Result<nt::Result, Failure> {
        Ok(open(environment, &scratch.path(name)?, &request).map(drop))
    };
    refused("a missing file", refusal("none")?, Status::OBJECT_NAME_NOT_FOUND)?;
    refused(
        "a missing directory",
        refusal(r"none\file")?,
        Status::OBJECT_PATH_NOT_FOUND,
    )?;
    refused(
        "two missing directories",
        refusal(r"none\more\file")?,
        Status::OBJECT_PATH_NOT_FOUND,
    )?;
    let new = OpenRequest::write(CreateDisposition::CREATE);
    let refusal = open(environment, &scratch.path(r"none\new")?, &new);
    refused(
        "creating in a missing directory",
        refusal,
        Status::OBJECT_PATH_NOT_FOUND,
    )?;
    scratch.finish()
}

fn files_are_not_directories(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &target, b"x"))?;
    refused(
        "a file listed",
        open(environment, &target, &OpenRequest::list()),
        Status::NOT_A_DIRECTORY,
    )?;
    let directory = open(environment, &scratch.directory, &OpenRequest::read());
    refused("a directory read", directory, Status::FILE_IS_A_DIRECTORY)?;
    let below = open(environment, &target.join("below")?, &OpenRequest::read());
    refused_with_one_of(
        "below a file",
        below,
        &[Status::OBJECT_PATH_NOT_FOUND, Status::NOT_A_DIRECTORY],
    )?;
    let both = OpenRequest::list().with_options(CreateOptions::NON_DIRECTORY_FILE);
    refused(
        "both at once",
        open(environment, &target, &both),
        Status::INVALID_PARAMETER,
    )?;
    scratch.finish()
}

fn sharing_is_obeyed(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &target, b"x"))?;
    let alone = OpenRequest::read().sharing(ShareAccess::empty());
    let (mut file, _) = open(environment, &target, &alone)?;
    refused(
        "a second reader",
        open(environment, &target, &OpenRequest::read()),
        Status::SHARING_VIOLATION,
    )?;
    done("closing", file.close())?;
    let readers = OpenRequest::read().sharing(ShareAccess::READ);
    let (mut file, _) = open(environment, &target, &readers)?;
    let (mut other, _) = done("another reader", open(environment, &target, &readers))?;
    let writer = OpenRequest::write(CreateDisposition::OPEN);
    refused(
        "a writer",
        open(environment, &target, &writer),
        Status::SHARING_VIOLATION,
    )?;
    refused(
        "a deleter",
        open(environment, &target, &OpenRequest::delete()),
        Status::SHARING_VIOLATION,
    )?;
    done("closing", file.close())?;
    done("closing the other", other.close())?;
    let (mut file, _) = done("the writer, now alone", open(environment, &target, &writer))?;
    done("closing", file.close())?;
    scratch.finish()
}

fn a_rename_moves_the_content(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let (old, new) = (scratch.path("old")?, scratch.path("new näme")?);
    done("writing", write_file(files, &old, b"content"))?;
    done("renaming", files.rename(&old, &new, false))?;
    refused(
        "the old name",
        open(environment, &old, &OpenRequest::read()),
        Status::OBJECT_NAME_NOT_FOUND,
    )?;
    equal("content", read_file(files, &new)?, b"content".to_vec())?;
    let directory = scratch.path("directory")?;
    done("making a directory", files::make_directory(files, &directory))?;
    let moved = directory.join("moved")?;
    done("moving into it", files.rename(&new, &moved, false))?;
    equal("content there", read_file(files, &moved)?, b"content".to_vec())?;
    scratch.finish()
}

fn a_rename_replaces_only_when_asked(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let (old, new) = (scratch.path("old")?, scratch.path("new")?);
    done("writing", write_file(files, &old, b"old content"))?;
    done("writing the other", write_file(files, &new, b"new content"))?;
    refused(
        "without replacing",
        files.rename(&old, &new, false),
        Status::OBJECT_NAME_COLLISION,
    )?;
    equal("content kept", read_file(files, &new)?, b"new content".to_vec())?;
    done("replacing", files.rename(&old, &new, true))?;
    equal(
        "content replaced",
        read_file(files, &new)?,
        b"old content".to_vec(),
    )?;
    scratch.finish()
}

fn a_deleted_file_is_gone(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &target, b"x"))?;
    let (mut file, _) = open(environment, &target, &OpenRequest::delete())?;
    done("marking", file.set(FileInformationClass::DISPOSITION, &[1]))?;
    let data = file
        .query(FileInformationClass::STANDARD, info::STANDARD_BYTES)?
        .data()?;
    holds("it is pending", Standard::parse(&data)?.delete_pending)?;
    refused(
        "another open",
        open(environment, &target, &OpenRequest::read()),
        Status::DELETE_PENDING,
    )?;
    done("closing", file.close())?;
    refused(
        "after",
        open(environment, &target, &OpenRequest::read()),
        Status::OBJECT_NAME_NOT_FOUND,
    )?;

    done("writing again", write_file(&*environment.files, &target, b"x"))?;
    let (mut file, _) = open(environment, &target, &OpenRequest::delete())?;
    done("marking", file.set(FileInformationClass::DISPOSITION, &[1]))?;
    done("unmarking", file.set(FileInformationClass::DISPOSITION, &[0]))?;
    done("closing", file.close())?;
    equal(
        "it stays",
        read_file(&*environment.files, &target)?,
        b"x".to_vec(),
    )?;
    scratch.finish()
}

fn delete_on_close_deletes(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    let mut request =
        OpenRequest::write(CreateDisposition::CREATE).with_options(CreateOptions::DELETE_ON_CLOSE);
    request.access |= AccessMask::DELETE;
    let (mut file, _) = open(environment, &target, &request)?;
    done("writing", write_all(&*file, 0, b"short life"))?;
    equal("reading", read_at(&*file, 0, 5)?, b"short".to_vec())?;
    done("closing", file.close())?;
    refused(
        "after",
        open(environment, &target, &OpenRequest::read()),
        Status::OBJECT_NAME_NOT_FOUND,
    )?;
    scratch.finish()
}

fn names_that_no_file_can_have(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let request = OpenRequest::write(CreateDisposition::OPEN_IF);
    let long = "n".repeat(256);
    for name in [
        "a*b",
        "a?b",
        "a<b",
        "a>b",
        "a|b",
        "a\"b",
        r"a\..\..\b",
        r".\a",
        r"a\\b",
        long.as_str(),
    ] {
        let refusal = open(environment, &scratch.path(name)?, &request);
        let allowed = [
            Status::OBJECT_NAME_INVALID,
            Status::OBJECT_PATH_SYNTAX_BAD,
            Status::OBJECT_PATH_INVALID,
            Status::NAME_TOO_LONG,
        ];
        refused_with_one_of(name, refusal, &allowed)?;
    }
    equal(
        "what the directory holds",
        files::list(&*environment.files, &scratch.directory)?.len(),
        0,
    )?;
    scratch.finish()
}

fn names_can_be_relative_to_a_directory(environment: &Environment) -> Checked {
    if !environment.files.builds_irps() {
        return Err(Failure::Skipped(
            "the harness opens by whole paths there".to_owned(),
        ));
    }
    let scratch = environment.scratch()?;
    let target = scratch.path("relative")?;
    done("writing", write_file(&*environment.files, &target, b"found"))?;
    let (mut directory, _) = environment.files.open(&scratch.directory, &OpenRequest::list())?;
    let open = |name: &str| {
        let name: Vec<u16> = name.encode_utf16().collect();
        directory.open_relative(&name, &OpenRequest::read(), &OpenExtras::default())
    };
    let opened = done("opening", open("relative"))?;
    equal("reparse point's data", opened.data.len(), 0)?;
    let (mut file, _) = opened.open()?;
    equal("content", read_at(&*file, 0, 100)?, b"found".to_vec())?;
    done("closing", file.close())?;
    refused(
        "a name that is not there",
        open("absent")?.open(),
        Status::OBJECT_NAME_NOT_FOUND,
    )?;
    refused(
        "a name with a leading backslash",
        open(r"\relative")?.open(),
        Status::OBJECT_NAME_INVALID,
    )?;
    done("closing the directory", directory.close())?;
    scratch.finish()
}
