//! Extended attributes and security descriptors of files.

use ioctl::irp::{Operation, ScanFlags};
use nt::{AccessMask, CreateDisposition, CreateOptions, SecurityInformation, Status};

use super::check::{done, equal, holds};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{OpenFile, Reply};
use crate::info;
use crate::open::{OpenExtras, OpenRequest};
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        extended_attributes_come_back,
        a_create_brings_extended_attributes,
        lists_of_extended_attributes_are_checked,
        the_security_of_a_file_is_shown,
        permissions_are_set_by_a_list,
    ]
}

/// A new file with every right on it.
fn open(environment: &Environment, target: &crate::path::Target) -> Result<Box<dyn OpenFile>, Failure> {
    let request = OpenRequest {
        access: AccessMask::FILE_ALL_ACCESS,
        ..OpenRequest::write(CreateDisposition::CREATE)
    };
    Ok(done("making a file", environment.files.open(target, &request))?.0)
}

/// Does an operation; where such requests cannot be made here, the test is skipped.
fn send(file: &dyn OpenFile, operation: &Operation<'_>) -> Result<Reply, Failure> {
    match file.send(operation) {
        Err(Status::NOT_SUPPORTED) => Err(Failure::Skipped(
            "only the test driver makes such requests".to_owned(),
        )),
        sent => Ok(done("sending", sent)?),
    }
}

/// FILE_FULL_EA_INFORMATION entries of names of three letters.
fn ea_list(entries: &[(&[u8; 3], u8)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (index, (name, value)) in entries.iter().enumerate() {
        let next: u32 = if index + 1 < entries.len() { 16 } else { 0 };
        list.extend(next.to_le_bytes());
        list.extend([0, 3, 1, 0]);
        list.extend(*name);
        list.extend([0, *value]);
        if next != 0 {
            list.extend([0; 3]);
        }
    }
    list
}

fn query_ea(file: &dyn OpenFile, flags: ScanFlags, list: &[u8], length: u32) -> Result<Reply, Failure> {
    send(
        file,
        &Operation::QueryEa {
            flags,
            index: 0,
            list,
            length,
        },
    )
}

/// Sets attributes, unless the server's file system keeps none.
fn set_ea(file: &dyn OpenFile, data: &[u8]) -> Result<Reply, Failure> {
    let reply = send(file, &Operation::SetEa { data })?;
    match reply.status {
        Status::EAS_NOT_SUPPORTED => Err(Failure::Skipped(
            "the server keeps no extended attributes".to_owned(),
        )),
        _ => Ok(reply),
    }
}

fn extended_attributes_come_back(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let mut file = open(environment, &scratch.path("file")?)?;
    let list = ea_list(&[(b"ONE", 1), (b"TWO", 2)]);
    equal("setting", set_ea(&*file, &list)?.status, Status::SUCCESS)?;
    let all = query_ea(&*file, ScanFlags::RESTART_SCAN, b"", 4_096)?;
    equal("all of them", (all.status, &all.data), (Status::SUCCESS, &list))?;
    let single = ScanFlags::RESTART_SCAN | ScanFlags::RETURN_SINGLE_ENTRY;
    let first = query_ea(&*file, single, b"", 4_096)?;
    equal("the first", first.data, ea_list(&[(b"ONE", 1)]))?;
    let second = query_ea(&*file, ScanFlags::RETURN_SINGLE_ENTRY, b"", 4_096)?;
    equal("the next", second.data, ea_list(&[(b"TWO", 2)]))?;
    let none = query_ea(&*file, ScanFlags::RETURN_SINGLE_ENTRY, b"", 4_096)?;
    equal("behind the last", none.status, Status::NO_MORE_EAS)?;
    let by_name = query_ea(&*file, ScanFlags::empty(), b"\0\0\0\0\x03two\0", 4_096)?;
    equal("by name", by_name.data, ea_list(&[(b"TWO", 2)]))?;
    let cut = query_ea(&*file, ScanFlags::RESTART_SCAN, b"", 14)?;
    equal("room for one", cut.status, Status::BUFFER_OVERFLOW)?;
    done("closing", file.close())
}

fn lists_of_extended_attributes_are_checked(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let mut file = open(environment, &scratch.path("file")?)?;
    set_ea(&*file, &ea_list(&[(b"ONE", 1)]))?;
    let bad = set_ea(&*file, &ea_list(&[(b"ONE", 2), (b"T?O", 2)]))?;
    equal(
        "a wrong name, and where",
        (bad.status, bad.information),
        (Status::INVALID_EA_NAME, 16),
    )?;
    let cut = set_ea(&*file, &[0; 5])?;
    equal("half an entry", cut.status, Status::EA_LIST_INCONSISTENT)?;
    let all = query_ea(&*file, ScanFlags::RESTART_SCAN, b"", 4_096)?;
    equal("what was there", all.data, ea_list(&[(b"ONE", 1)]))?;
    done("closing", file.close())
}

fn query_security(file: &dyn OpenFile, parts: SecurityInformation, length: u32) -> Result<Reply, Failure> {
    let information = parts.bits();
    send(file, &Operation::QuerySecurity { information, length })
}

fn the_security_of_a_file_is_shown(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let mut file = open(environment, &scratch.path("file")?)?;
    let parts = SecurityInformation::OWNER | SecurityInformation::GROUP | SecurityInformation::DACL;
    let short = query_security(&*file, parts, 0)?;
    equal("no room", short.status, Status::BUFFER_OVERFLOW)?;
    let length = u32::try_from(short.information).unwrap_or(u32::MAX);
    let whole = query_security(&*file, parts, length)?;
    equal("room for all", whole.status, Status::SUCCESS)?;
    equal("its length", whole.information, short.information)?;
    for (part, at) in [("owner", 4), ("group", 8), ("list", 16)] {
        let offset = info::u32_at(&whole.data, at)? as usize;
        holds(part, offset >= 20 && offset < whole.data.len())?;
    }
    done("closing", file.close())
}

fn permissions_are_set_by_a_list(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let mut file = open(environment, &scratch.path("file")?)?;
    let parts = SecurityInformation::DACL;
    let before = query_security(&*file, parts, 4_096)?.data;
    let set = |descriptor: &[u8]| -> Result<Status, Failure> {
        let operation = Operation::SetSecurity {
            information: parts.bits(),
            descriptor,
        };
        Ok(send(&*file, &operation)?.status)
    };
    // A list of one entry, which lets everyone read; then what there was.
    let mut everyone = vec![1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0];
    everyone.extend([2, 0, 28, 0, 1, 0, 0, 0]);
    everyone.extend([0, 0, 20, 0, 0x89, 0, 0x12, 0]);
    everyone.extend([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    equal("a list for everyone", set(&everyone)?, Status::SUCCESS)?;
    let now = query_security(&*file, parts, 4_096)?.data;
    holds("another list is shown", now != before)?;
    equal("the first list again", set(&before)?, Status::SUCCESS)?;
    let again = query_security(&*file, parts, 4_096)?.data;
    equal("what is shown", again, before)?;
    equal("no descriptor", set(&[9; 20])?, Status::INVALID_SECURITY_DESCR)?;
    done("closing", file.close())
}

fn a_create_brings_extended_attributes(environment: &Environment) -> Checked {
    if !environment.files.builds_irps() {
        return Err(Failure::Skipped(
            "only the test driver makes such requests".to_owned(),
        ));
    }
    let scratch = environment.scratch()?;
    let target = scratch.path("brought")?;
    let list = ea_list(&[(b"ONE", 1), (b"TWO", 2)]);
    // The right to set attributes is not needed by whoever brings them.
    let create = |ea: &[u8], options| {
        let request = OpenRequest {
            access: AccessMask::READ_EA | AccessMask::SYNCHRONIZE,
            ..OpenRequest::write(CreateDisposition::CREATE).with_options(options)
        };
        let extras = OpenExtras {
            ea,
            ..OpenExtras::default()
        };
        Ok::<_, Failure>(environment.files.try_open(&target, &request, &extras)?.open())
    };
    let nothing = CreateOptions::empty();
    let malformed = create(list.get(..12).unwrap_or_default(), nothing)?.map(drop);
    equal("a malformed list", malformed, Err(Status::EA_LIST_INCONSISTENT))?;
    let contradiction = create(&list, CreateOptions::NO_EA_KNOWLEDGE)?.map(drop);
    equal(
        "knowing nothing of attributes",
        contradiction,
        Err(Status::ACCESS_DENIED),
    )?;
    let mut file = match create(&list, nothing)? {
        Err(Status::EAS_NOT_SUPPORTED) => {
            return Err(Failure::Skipped(
                "the server keeps no extended attributes".to_owned(),
            ));
        }
        created => done("making the file", created)?.0,
    };
    let found = query_ea(&*file, ScanFlags::RESTART_SCAN, &[], 64)?;
    equal("status", found.status, Status::SUCCESS)?;
    equal("attributes", found.data, list)?;
    done("closing", file.close())?;
    scratch.finish()
}
