//! What a session and an open file cost in memory, by the counting allocator: bytes that stay allocated.

use std::alloc::System;

use executive::mem::{AllocError, Counting};
use executive::task::{CancelToken, Runtime};
use minirdr::{CreateRequest, Level, LogonId, MiniRedirector, Platform, Settings};
use nt::{AccessMask, CreateDisposition, CreateOptions, FileAttributes, Name, NameBuf, ShareAccess};
use rxce::sockets::Sockets;

use crate::Result;
use crate::contest::Course;

/// How many files are open at once.
const FILES: usize = 1000;

/// In bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) per_session: usize,
    pub(crate) per_file: usize,
}

struct Host;

impl Platform for Host {
    type Transport = Sockets;
    type FcbHeader = ();

    fn new_fcb_header() -> std::result::Result<(), AllocError> {
        Ok(())
    }
}

pub(crate) fn measure(allocator: &Counting<System>, course: &Course) -> Result<Memory> {
    const OVER: &str = "the runtime has ended";
    let status = |status: nt::Status| format!("{status}");
    let runtime = Runtime::start(2).map_err(status)?;
    let redirector =
        MiniRedirector::<Host>::new(Sockets, runtime.clone(), Settings::default()).map_err(status)?;
    redirector.start().map_err(status)?;
    let share = course.export.to_string_lossy().replace('/', "\\");
    let full = format!("\\127.0.0.1@{}{share}", course.port);
    let full = NameBuf::try_from_str(&full).map_err(status)?;
    let cancel = CancelToken::try_new().map_err(|_| "no memory")?;
    let before = allocator.usage().live_bytes;
    let adding = redirector.add_connection(full.as_name(), Name::default(), LogonId::GLOBAL, &cancel);
    runtime.block_on(adding).map_err(|_| OVER)?.map_err(status)?;
    let mapped = allocator.usage().live_bytes;
    let mut files = Vec::with_capacity(FILES);
    let with_list = allocator.usage().live_bytes;
    for number in 0..FILES {
        let mut name = full.try_clone().map_err(status)?;
        let path = format!("\\p9-bench\\many\\entry {number:06}");
        name.try_push_name(NameBuf::try_from_str(&path).map_err(status)?.as_name())
            .map_err(status)?;
        let request = CreateRequest {
            name: name.as_name(),
            related: None,
            logon: LogonId::GLOBAL,
            desired_access: AccessMask::FILE_GENERIC_READ,
            share_access: ShareAccess::all(),
            disposition: CreateDisposition::OPEN,
            options: CreateOptions::empty(),
            file_attributes: FileAttributes::empty(),
            open_target_directory: false,
            case_sensitive: false,
        };
        let created = runtime.block_on(redirector.create(&request, &cancel));
        files.push(created.map_err(|_| OVER)?.map_err(status)?.file);
    }
    let opened = allocator.usage().live_bytes;
    drop(files);
    let deleting = redirector.delete_connection(full.as_name(), LogonId::GLOBAL, Level::Force, &cancel);
    runtime.block_on(deleting).map_err(|_| OVER)?.map_err(status)?;
    drop(redirector);
    runtime.shutdown();
    Ok(Memory {
        per_session: mapped.saturating_sub(before),
        per_file: opened.saturating_sub(with_list) / FILES,
    })
}
