//! How large requests are as futures. A dispatch routine makes its future on the caller's kernel stack, which is 24 KiB
//! for everybody on it, before the future moves into pool.

mod world;

use minirdr::{
    CreateRequest, DirectoryQuery, Level, LockRequest, NotifyFilter, NotifyRequest, Requestor, Unlock,
    WritePosition,
};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, FsInformationClass,
    ShareAccess,
};
use world::{ME, World, name, token};

/// The size of what the driver makes a task of, which any thread may run.
fn size_of_task(task: &impl Send) -> usize {
    std::mem::size_of_val(task)
}

/// Bytes that one request may take.
const LIMIT: usize = 2560;

#[test]
fn requests_fit_on_a_kernel_stack() {
    let world = World::new();
    world.map("X:").unwrap();
    std::fs::write(world.path("file"), b"data").unwrap();
    let (redirector, cancel) = (&world.redirector, token());
    let full = name(&world.full("X:", "file"));
    let request = CreateRequest {
        name: full.as_name(),
        related: None,
        logon: ME,
        desired_access: AccessMask::READ_DATA,
        share_access: ShareAccess::all(),
        disposition: CreateDisposition::OPEN,
        options: CreateOptions::empty(),
        file_attributes: FileAttributes::empty(),
        open_target_directory: false,
        case_sensitive: false,
    };
    let file = world.block(redirector.create(&request, &cancel)).unwrap().file;
    let query = DirectoryQuery {
        class: FileInformationClass::NAMES,
        pattern: None,
        restart: false,
        single: false,
    };
    let (lock, who) = (
        LockRequest {
            start: 0,
            length: 1,
            exclusive: true,
            fail_immediately: false,
        },
        Requestor::default(),
    );
    let watch = NotifyRequest {
        filter: NotifyFilter::FILE_NAME,
        watch_tree: true,
    };
    let class = FileInformationClass::BASIC;
    let any = full.as_name();
    for (what, size) in [
        ("create", size_of_task(&redirector.create(&request, &cancel))),
        (
            "create_with_ea",
            size_of_task(&redirector.create_with_ea(&request, &[0; 8], &cancel)),
        ),
        (
            "add_connection",
            size_of_task(&redirector.add_connection(any, any, ME, &cancel)),
        ),
        (
            "delete_connection",
            size_of_task(&redirector.delete_connection(any, ME, Level::Force, &cancel)),
        ),
        ("read", size_of_task(&file.read(0, &mut [0; 64], &cancel))),
        (
            "write",
            size_of_task(&file.write(WritePosition::At(0), &[0], &cancel)),
        ),
        ("flush", size_of_task(&file.flush(&cancel))),
        ("lock", size_of_task(&file.lock(&lock, &who, &cancel))),
        ("unlock", size_of_task(&file.unlock(Unlock::All, &who, &cancel))),
        (
            "notify_change",
            size_of_task(&file.notify_change(watch, &mut [0; 64], &cancel)),
        ),
        (
            "query_information",
            size_of_task(&file.query_information(class, 0, &mut [0; 64], &cancel)),
        ),
        (
            "set_information",
            size_of_task(&file.set_information(class, &[], None, &cancel)),
        ),
        (
            "fs_control",
            size_of_task(&file.fs_control(0, &mut [0; 64], 64, 64, &cancel)),
        ),
        (
            "query_directory",
            size_of_task(&file.query_directory(&query, &mut [0; 64], &cancel)),
        ),
        (
            "query_volume",
            size_of_task(&file.query_volume(FsInformationClass::SIZE, &mut [0; 64], &cancel)),
        ),
        ("cleanup", size_of_task(&file.cleanup())),
    ] {
        println!("{what}: {size}");
        assert!(size <= LIMIT, "{what} takes {size} bytes");
    }
}
