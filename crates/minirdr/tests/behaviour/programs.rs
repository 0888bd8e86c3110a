//! What well-known programs do to files, step by step, with the rules of NT that they lean on.

use std::os::unix::fs::MetadataExt;

use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass as Class, FileTime,
    ShareAccess, Status,
};

use crate::world::file::{File, u64_at};
use crate::world::{Open, Server, World};

/// A new file with `data`.
fn write(world: &World, name: &str, data: &[u8]) {
    let file = world.open(name, &Open::create()).unwrap();
    assert_eq!(file.write(0, data), Ok(data.len()));
}

fn read(world: &World, name: &str) -> nt::Result<Vec<u8>> {
    world.open(name, &Open::read())?.read(0, 1000)
}

fn rename(world: &World, from: &str, to: &str, replace: bool) -> nt::Result {
    world.open(from, &Open::delete())?.rename(to, replace, None)
}

fn delete(world: &World, name: &str) -> nt::Result {
    let on_close = Open::delete().options(CreateOptions::DELETE_ON_CLOSE);
    world.open(name, &on_close).map(drop)
}

/// FILE_BASIC_INFORMATION: the time of the last write, and attributes.
fn basic(written: FileTime, attributes: FileAttributes) -> [u8; 40] {
    let mut record = [0; 40];
    record[16..24].copy_from_slice(&written.0.to_le_bytes());
    record[32..36].copy_from_slice(&attributes.bits().to_le_bytes());
    record
}

fn written(file: &File<'_>) -> FileTime {
    FileTime(u64_at(&file.information(Class::BASIC).unwrap(), 16).cast_signed())
}

/// Word: the new text under a name of its own, the old file aside, the new one into its place, the old one away. Names are
/// free as soon as a rename or deletion has succeeded.
pub(crate) fn saving_through_temporary_names(world: &World) {
    write(world, "letter.docx", b"first");
    for (number, text) in [&b"second"[..], b"third"].into_iter().enumerate() {
        let (new, old) = (format!("~WRD{number}.tmp"), format!("~WRL{number}.tmp"));
        write(world, &new, text);
        rename(world, "letter.docx", &old, false).unwrap();
        assert_eq!(
            read(world, "letter.docx").err(),
            Some(Status::OBJECT_NAME_NOT_FOUND)
        );
        rename(world, &new, "letter.docx", false).unwrap();
        delete(world, &old).unwrap();
        assert_eq!(read(world, "letter.docx").unwrap(), text);
    }
    assert_eq!(world.list("").unwrap(), [".", "..", "letter.docx"]);
}

/// ReplaceFile: who reads the old file meanwhile goes on reading it, under its name as a backup, if he shares deletion.
pub(crate) fn replacing_a_file_that_is_read(world: &World) {
    write(world, "notes", b"old");
    write(world, "notes.bak", b"older");
    write(world, "notes.new", b"new");
    let reader = world.open("notes", &Open::read()).unwrap();
    rename(world, "notes", "notes.bak", true).unwrap();
    rename(world, "notes.new", "notes", false).unwrap();
    assert_eq!(reader.read(0, 9).unwrap(), b"old");
    assert_eq!(read(world, "notes").unwrap(), b"new");
    assert_eq!(read(world, "notes.bak").unwrap(), b"old");
    // And who does not share deletion keeps the name.
    let strict = Open::read().share(ShareAccess::READ | ShareAccess::WRITE);
    let _strict = world.open("notes", &strict).unwrap();
    assert_eq!(
        rename(world, "notes", "notes.bak", true),
        Err(Status::SHARING_VIOLATION)
    );
}

/// robocopy /COPY:DAT /DCOPY:T: a half-copied file has the time of 1980; times and attributes come last, a directory's
/// after its files'. What was set is what a second run compares.
pub(crate) fn a_copied_tree_is_not_copied_again(world: &World) {
    let (half, whole) = (
        FileTime::from_unix(315_532_800, 0),
        FileTime::from_unix(1_600_000_000, 123_456_700),
    );
    let folder = Open::create().options(CreateOptions::DIRECTORY_FILE);
    let folder = world.open("tree", &folder).unwrap();
    let file = world.open("tree\\data.bin", &Open::create()).unwrap();
    file.set(Class::BASIC, &basic(half, FileAttributes::empty()))
        .unwrap();
    file.set_size(300_000).unwrap();
    assert_eq!(file.write(0, &[7; 300_000]), Ok(300_000));
    file.set(Class::BASIC, &basic(whole, FileAttributes::READONLY))
        .unwrap();
    drop(file);
    folder
        .set(Class::BASIC, &basic(whole, FileAttributes::empty()))
        .unwrap();
    drop(folder);
    let look = Open::read().access(AccessMask::READ_ATTRIBUTES);
    assert_eq!(written(&world.open("tree", &look).unwrap()), whole);
    let file = world.open("tree\\data.bin", &look).unwrap();
    assert_eq!(written(&file), whole, "to the last 100 ns");
    assert!(file.attributes().contains(FileAttributes::READONLY));
    let entries = world
        .open("tree", &Open::directory())
        .unwrap()
        .entries("*.bin", 4096)
        .unwrap();
    assert_eq!((entries.len(), entries[0].size), (1, 300_000));
    assert!(entries[0].attributes.contains(FileAttributes::READONLY));
}

/// robocopy /MIR, rd /s: a read-only file is deleted once the attribute is taken away, and a directory once it is empty.
pub(crate) fn a_tree_with_read_only_files_is_purged(world: &World) {
    std::fs::create_dir_all(world.path("old/deeper")).unwrap();
    write(world, "old\\deeper\\fixed", b"x");
    let fixed = world.open("old\\deeper\\fixed", &Open::write()).unwrap();
    let now = written(&fixed);
    fixed
        .set(Class::BASIC, &basic(now, FileAttributes::READONLY))
        .unwrap();
    drop(fixed);
    assert_eq!(delete(world, "old\\deeper\\fixed"), Err(Status::CANNOT_DELETE));
    let attributes = Open::read().access(AccessMask::WRITE_ATTRIBUTES | AccessMask::READ_ATTRIBUTES);
    let fixed = world.open("old\\deeper\\fixed", &attributes).unwrap();
    fixed
        .set(Class::BASIC, &basic(now, FileAttributes::NORMAL))
        .unwrap();
    drop(fixed);
    let folder = Open::delete().options(CreateOptions::DIRECTORY_FILE);
    let full = world.open("old\\deeper", &folder).unwrap();
    assert_eq!(full.set_delete(true), Err(Status::DIRECTORY_NOT_EMPTY));
    drop(full);
    delete(world, "old\\deeper\\fixed").unwrap();
    for path in ["old\\deeper", "old"] {
        world.open(path, &folder).unwrap().set_delete(true).unwrap();
    }
    assert!(!world.path("old").exists());
}

/// git: `index.lock` is made by one alone; it takes the place of `index` by a rename that replaces. A classic one is refused
/// while somebody has the old index open; one with POSIX rules is not, if he shares deletion.
pub(crate) fn an_index_is_replaced_through_its_lock(world: &World) {
    write(world, "index", b"old");
    let lock = world.open("index.lock", &Open::create()).unwrap();
    assert_eq!(
        world.open("index.lock", &Open::create()).err(),
        Some(Status::OBJECT_NAME_COLLISION)
    );
    lock.write(0, b"new").unwrap();
    drop(lock);
    let reader = world.open("index", &Open::read()).unwrap();
    assert_eq!(
        rename(world, "index.lock", "index", true),
        Err(Status::ACCESS_DENIED)
    );
    let lock = world.open("index.lock", &Open::delete()).unwrap();
    // FILE_RENAME_REPLACE_IF_EXISTS, FILE_RENAME_POSIX_SEMANTICS.
    lock.rename_ex("index", 3).unwrap();
    drop(lock);
    assert_eq!(reader.read(0, 9).unwrap(), b"old");
    assert_eq!(read(world, "index").unwrap(), b"new");
    drop(reader);
    write(world, "index.lock", b"newer");
    rename(world, "index.lock", "index", true).unwrap();
    assert_eq!(read(world, "index").unwrap(), b"newer");
}

/// git: an object is written aside, made read-only, and moved to its name, which it gets once; then nobody writes it.
pub(crate) fn an_object_is_made_once(world: &World) {
    std::fs::create_dir(world.path("objects")).unwrap();
    for (attempt, expected) in [Ok(()), Err(Status::OBJECT_NAME_COLLISION)]
        .into_iter()
        .enumerate()
    {
        let aside = format!("objects\\tmp_obj_{attempt}");
        let object = world.open(&aside, &Open::create()).unwrap();
        object.write(0, b"blob").unwrap();
        let now = written(&object);
        object
            .set(Class::BASIC, &basic(now, FileAttributes::READONLY))
            .unwrap();
        drop(object);
        assert_eq!(rename(world, &aside, "e69de29b", false), expected);
    }
    assert_eq!(read(world, "objects\\e69de29b").unwrap(), b"blob");
    assert_eq!(
        world.open("objects\\e69de29b", &Open::write()).err(),
        Some(Status::ACCESS_DENIED)
    );
    // FILE_DISPOSITION_DELETE, FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE.
    let left = world.open("objects\\tmp_obj_1", &Open::delete()).unwrap();
    left.set_disposition(0x11).unwrap();
}

/// SQLite: shared, reserved, pending and exclusive are locks on bytes behind a gigabyte, far behind the file's end; reads
/// and writes of its pages do not meet them.
pub(crate) fn a_database_locks_bytes_behind_its_end(world: &World) {
    const PENDING: u64 = 0x4000_0000;
    const RESERVED: u64 = PENDING + 1;
    const SHARED: u64 = PENDING + 2;
    const SHARED_SIZE: u64 = 510;
    write(world, "app.db", &[1; 1000]);
    let (reader, writer) = (
        world.open("app.db", &Open::write()).unwrap(),
        world.open("app.db", &Open::write()).unwrap(),
    );
    for file in [&reader, &writer] {
        file.lock(PENDING, 1, false).unwrap();
        file.lock(SHARED, SHARED_SIZE, false).unwrap();
        file.unlock(PENDING, 1).unwrap();
    }
    writer.lock(RESERVED, 1, true).unwrap();
    assert_eq!(reader.lock(RESERVED, 1, true), Err(Status::LOCK_NOT_GRANTED));
    writer.lock(PENDING, 1, true).unwrap();
    writer.unlock(SHARED, SHARED_SIZE).unwrap();
    assert_eq!(
        writer.lock(SHARED, SHARED_SIZE, true),
        Err(Status::LOCK_NOT_GRANTED)
    );
    assert_eq!(reader.read(0, 4).unwrap(), [1; 4]);
    // No new reader comes by the pending byte; the old one goes.
    assert_eq!(reader.lock(PENDING, 1, false), Err(Status::LOCK_NOT_GRANTED));
    reader.unlock(SHARED, SHARED_SIZE).unwrap();
    writer.lock(SHARED, SHARED_SIZE, true).unwrap();
    assert_eq!(writer.write(0, &[2; 4]), Ok(4));
    assert_eq!(
        reader.lock(SHARED, SHARED_SIZE, false),
        Err(Status::LOCK_NOT_GRANTED)
    );
    drop(writer);
    reader.lock(SHARED, SHARED_SIZE, false).unwrap();
    assert_eq!(reader.read(0, 4).unwrap(), [2; 4]);
}

/// The loader: a program that runs is open to be executed; others read it, nobody writes or deletes it.
pub(crate) fn a_running_program_is_not_replaced(world: &World) {
    write(world, "tool.exe", b"MZ");
    let image = Open::read()
        .access(AccessMask::EXECUTE | AccessMask::READ_DATA | AccessMask::SYNCHRONIZE)
        .share(ShareAccess::READ);
    let image = world.open("tool.exe", &image).unwrap();
    assert_eq!(image.read(0, 2).unwrap(), b"MZ");
    let strict = Open::read().share(ShareAccess::READ | ShareAccess::DELETE);
    assert_eq!(
        world.open("tool.exe", &strict).unwrap().read(0, 2).unwrap(),
        b"MZ"
    );
    for open in [
        Open::write(),
        Open::delete(),
        Open::write().disposition(CreateDisposition::OVERWRITE_IF),
        Open::read().disposition(CreateDisposition::SUPERSEDE),
    ] {
        assert_eq!(
            world.open("tool.exe", &open).err(),
            Some(Status::SHARING_VIOLATION),
            "{open:?}"
        );
    }
    write(world, "tool.new", b"MZ2");
    assert_eq!(
        rename(world, "tool.new", "tool.exe", true),
        Err(Status::ACCESS_DENIED)
    );
}

/// Compilers: a temporary file goes with its last handle, whichever that is and however its program ends; nobody opens it
/// any more once it is to go.
pub(crate) fn temporary_files_go_by_themselves(world: &World) {
    let temporary = Open::create()
        .options(CreateOptions::DELETE_ON_CLOSE)
        .attributes(FileAttributes::TEMPORARY);
    let file = world.open("cc1234.tmp", &temporary).unwrap();
    file.write(0, b"object code").unwrap();
    // Who does not share deletion does not get at it.
    let strict = Open::read().share(ShareAccess::READ | ShareAccess::WRITE);
    assert_eq!(
        world.open("cc1234.tmp", &strict).err(),
        Some(Status::SHARING_VIOLATION)
    );
    let reader = world.open("cc1234.tmp", &Open::read()).unwrap();
    drop(file);
    assert_eq!(
        world.open("cc1234.tmp", &Open::read()).err(),
        Some(Status::DELETE_PENDING)
    );
    assert_eq!(reader.read(0, 6).unwrap(), b"object");
    drop(reader);
    assert_eq!(world.list("").unwrap(), [".", ".."]);
}

/// Node: trees far deeper than a path of DOS, with names that are long in NT's units and longer in bytes.
pub(crate) fn a_deep_tree_comes_and_goes(world: &World) {
    let name = "node_modules_ä".repeat(6);
    let folder = Open::create().options(CreateOptions::DIRECTORY_FILE);
    let mut paths = vec![name.clone()];
    for _ in 1..20 {
        paths.push(format!("{}\\{name}", paths[paths.len() - 1]));
    }
    for path in &paths {
        drop(world.open(path, &folder).unwrap());
    }
    let deepest = paths.last().unwrap();
    assert!(deepest.len() > 1500);
    let file = format!("{deepest}\\package.json");
    write(world, &file, b"{}");
    assert_eq!(
        read(world, &file.to_uppercase()).unwrap(),
        b"{}",
        "in another case all the way"
    );
    assert_eq!(world.list(deepest).unwrap(), [".", "..", "package.json"]);
    delete(world, &file).unwrap();
    for path in paths.iter().rev() {
        delete(world, path).unwrap();
    }
    assert_eq!(world.list("").unwrap(), [".", ".."]);
}

/// Downloads: the size is set first, the parts come in any order, and what is missing reads as zeros and takes no room.
pub(crate) fn a_large_file_is_filled_from_behind(world: &World) {
    const SIZE: u64 = (5 << 30) + 123;
    let file = world.open("image.iso", &Open::create()).unwrap();
    file.set_size(SIZE).unwrap();
    assert_eq!(file.write(SIZE - 4, b"tail"), Ok(4));
    assert_eq!(file.write(1 << 32, b"middle"), Ok(6));
    assert_eq!(file.read((1 << 32) - 2, 10).unwrap(), b"\0\0middle\0\0");
    assert_eq!(file.read(SIZE - 4, 100).unwrap(), b"tail", "and no more");
    assert_eq!(file.read(SIZE, 1), Err(Status::END_OF_FILE));
    assert_eq!(file.size(), Ok(SIZE));
    let record = file.information(Class::STANDARD).unwrap();
    let on_server = std::fs::metadata(world.path("image.iso")).unwrap();
    assert_eq!((on_server.len(), u64_at(&record, 8)), (SIZE, SIZE));
    assert!(on_server.blocks() * 512 < 1 << 20, "holes take no room");
    assert!(
        u64_at(&record, 0) < 1 << 20,
        "AllocationSize is what the server has set aside"
    );
}

/// Two machines: what one writes, the other reads at once, through handles that both have open; a size that one sets is the
/// other's, too. Nothing is cached.
pub(crate) fn another_machine_reads_what_is_written(world: &World) {
    let there = world.neighbour();
    write(world, "shared.txt", b"from here");
    let (ours, theirs) = (
        world.open("shared.txt", &Open::write()).unwrap(),
        there.open("shared.txt", &Open::write()).unwrap(),
    );
    assert_eq!(theirs.read(0, 99).unwrap(), b"from here");
    theirs.write(5, b"there, and longer").unwrap();
    assert_eq!(ours.read(0, 99).unwrap(), b"from there, and longer");
    assert_eq!(ours.size(), Ok(22));
    ours.set_size(4).unwrap();
    assert_eq!(theirs.read(0, 99).unwrap(), b"from");
    assert_eq!(theirs.append(b"!"), Ok(1));
    assert_eq!(ours.read(0, 99).unwrap(), b"from!");
    drop((ours, theirs));
    there.end();
}

/// Two machines: names that one makes, renames and deletes are the other's at once, as they are written. Share modes are
/// each machine's own: 9P has none.
pub(crate) fn another_machine_has_the_same_names(world: &World) {
    let there = world.neighbour();
    let alone = Open::create().share(ShareAccess::empty());
    let made = there.open("made", &alone).unwrap();
    assert_eq!(
        there.open("made", &Open::read()).err(),
        Some(Status::SHARING_VIOLATION)
    );
    drop(world.open("made", &Open::read()).unwrap());
    made.rename("renamed", false, None).unwrap();
    assert_eq!(read(world, "made").err(), Some(Status::OBJECT_NAME_NOT_FOUND));
    assert_eq!(world.list("").unwrap(), [".", "..", "renamed"]);
    drop(made);
    delete(world, "renamed").unwrap();
    assert_eq!(
        there.open("renamed", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    there.end();
}

/// Two machines: a range that one has locked the other does not get, until it is unlocked or its handle goes.
pub(crate) fn another_machines_locks_are_met(world: &World) {
    let there = world.neighbour();
    write(world, "ledger", &[0; 100]);
    let (ours, theirs) = (
        world.open("ledger", &Open::write()).unwrap(),
        there.open("ledger", &Open::write()).unwrap(),
    );
    ours.lock(0, 10, true).unwrap();
    let met = theirs.lock(0, 10, true);
    match world.server {
        Server::Diod(_) => assert_eq!(met, Err(Status::LOCK_NOT_GRANTED)),
        // A server without locks leaves each machine its own.
        Server::Embedded(_) => assert_eq!(met, Ok(())),
    }
    drop(ours);
    if met.is_err() {
        theirs.lock(0, 10, true).unwrap();
    }
    assert_eq!(theirs.write(0, b"paid"), Ok(4));
    drop(theirs);
    there.end();
}
