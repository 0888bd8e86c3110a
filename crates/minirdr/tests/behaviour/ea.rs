//! IRP_MJ_QUERY_EA and IRP_MJ_SET_EA.

use minirdr::EaQuery;
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileInformationClass as Class, FsInformationClass, Status,
};

use crate::world::file::{File, u32_at};
use crate::world::records::full_ea;
use crate::world::{Open, Server, World, token};

type Entry = (Vec<u8>, Vec<u8>);

fn query(file: &File<'_>, query: &EaQuery<'_>, len: usize) -> nt::Result<(Vec<u8>, Status)> {
    let mut buffer = vec![0xee; len];
    let (used, status) = file
        .world()
        .block(file.file.query_ea(query, &mut buffer, &token()))?;
    buffer.truncate(used);
    Ok((buffer, status))
}

fn set(file: &File<'_>, entries: &[(&str, &[u8])]) -> nt::Result {
    let (_, status) = file
        .world()
        .block(file.file.set_ea(&full_ea(entries), &token()))?;
    status.ok()
}

fn entries(list: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let entry = &list[at..];
        let name = 8 + usize::from(entry[5]);
        let value = usize::from(u16::from_le_bytes([entry[6], entry[7]]));
        assert_eq!(entry[name], 0, "names end with NUL");
        found.push((
            entry[8..name].to_vec(),
            entry[name + 1..name + 1 + value].to_vec(),
        ));
        match u32_at(entry, 0) as usize {
            0 => return found,
            next => {
                assert_eq!(next % 4, 0, "entries are aligned");
                at += next;
            }
        }
    }
}

pub(crate) fn all(file: &File<'_>) -> nt::Result<Vec<Entry>> {
    let whole = EaQuery {
        restart: true,
        ..EaQuery::default()
    };
    Ok(entries(&query(file, &whole, 4096)?.0))
}

fn entry(name: &str, value: &[u8]) -> Entry {
    (name.into(), value.into())
}

/// A file with attributes to work on, unless the server keeps none: then it must say so.
fn with_attributes<'w>(world: &'w World, values: &[(&str, &[u8])]) -> Option<File<'w>> {
    let file = world.open("file", &Open::create()).unwrap();
    match set(&file, values) {
        Ok(()) => Some(file),
        Err(status) => {
            assert_eq!(status, Status::EAS_NOT_SUPPORTED);
            let refused = query(&file, &EaQuery::default(), 4096);
            assert!(refused == Err(Status::EAS_NOT_SUPPORTED) || refused == Err(Status::NO_EAS_ON_FILE));
            match world.server {
                Server::Embedded(_) => {}
                Server::Diod(_) => eprintln!("not tested: the folder's file system keeps no user attributes"),
            }
            None
        }
    }
}

pub(crate) fn a_create_brings_attributes(world: &World) {
    let brought = full_ea(&[("BROUGHT", b"along")]);
    // A handle that could not set them by itself.
    let create = |path| world.open_with_ea(path, &Open::create(), &brought);
    let made = match create("new") {
        Err(Status::EAS_NOT_SUPPORTED) => {
            assert_eq!(
                world.open("new", &Open::read()).err(),
                Some(Status::OBJECT_NAME_NOT_FOUND),
                "what cannot have its attributes is not made"
            );
            return;
        }
        made => made.unwrap(),
    };
    assert_eq!(all(&made).unwrap(), [entry("BROUGHT", b"along")]);
    made.close();
    let other = full_ea(&[("OTHER", b"ignored")]);
    let opened = world.open_with_ea("new", &Open::read(), &other).unwrap();
    assert_eq!(
        all(&opened).unwrap(),
        [entry("BROUGHT", b"along")],
        "what is opened as it is keeps its own"
    );
    opened.close();
}

pub(crate) fn a_create_with_bad_attributes_makes_nothing(world: &World) {
    let mut bad = full_ea(&[("NAME", b"value")]);
    bad.truncate(10);
    let refused = world.open_with_ea("none", &Open::create(), &bad);
    assert_eq!(refused.err(), Some(Status::EA_LIST_INCONSISTENT));
    let ignorant = Open {
        options: CreateOptions::NO_EA_KNOWLEDGE,
        ..Open::create()
    };
    let refused = world.open_with_ea("none", &ignorant, &full_ea(&[("NAME", b"value")]));
    assert_eq!(refused.err(), Some(Status::ACCESS_DENIED));
    assert_eq!(
        world.open("none", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
}

pub(crate) fn attributes_come_back(world: &World) {
    let large = vec![7; 2000];
    let Some(file) = with_attributes(world, &[("ONE", b"1"), ("two", &large)]) else {
        return;
    };
    assert_eq!(all(&file).unwrap(), [entry("ONE", b"1"), entry("TWO", &large)]);
    set(&file, &[("One", b"changed"), ("three", b"3")]).unwrap();
    let expected = [
        entry("ONE", b"changed"),
        entry("THREE", b"3"),
        entry("TWO", &large),
    ];
    assert_eq!(all(&file).unwrap(), expected, "names know no case");
    file.close();
    let file = world.open("file", &Open::read()).unwrap();
    assert_eq!(all(&file).unwrap(), expected);
}

pub(crate) fn an_empty_value_removes(world: &World) {
    let Some(file) = with_attributes(world, &[("A", b"1"), ("B", b"2")]) else {
        return;
    };
    set(&file, &[("a", b""), ("NONE", b"")]).unwrap();
    assert_eq!(all(&file).unwrap(), [entry("B", b"2")]);
    set(&file, &[("B", b""), ("B", b"again")]).unwrap();
    assert_eq!(all(&file).unwrap(), [entry("B", b"again")], "one after the other");
    set(&file, &[("B", b"")]).unwrap();
    assert_eq!(all(&file).err(), Some(Status::NO_EAS_ON_FILE));
}

pub(crate) fn queries_go_on_where_the_last_ended(world: &World) {
    let Some(file) = with_attributes(world, &[("A", b"1"), ("B", b"2"), ("C", b"3")]) else {
        return;
    };
    let single = EaQuery {
        single: true,
        ..EaQuery::default()
    };
    for expected in [entry("A", b"1"), entry("B", b"2"), entry("C", b"3")] {
        assert_eq!(entries(&query(&file, &single, 4096).unwrap().0), [expected]);
    }
    assert_eq!(query(&file, &single, 4096).err(), Some(Status::NO_MORE_EAS));
    let again = EaQuery {
        restart: true,
        ..single
    };
    assert_eq!(
        entries(&query(&file, &again, 4096).unwrap().0),
        [entry("A", b"1")]
    );
    let third = EaQuery {
        index: Some(3),
        ..single
    };
    assert_eq!(
        entries(&query(&file, &third, 4096).unwrap().0),
        [entry("C", b"3")]
    );
    for (index, status) in [
        (4, Status::NO_MORE_EAS),
        (5, Status::NONEXISTENT_EA_ENTRY),
        (0, Status::NONEXISTENT_EA_ENTRY),
    ] {
        let beyond = EaQuery {
            index: Some(index),
            ..single
        };
        assert_eq!(query(&file, &beyond, 4096).err(), Some(status), "{index}");
    }
}

pub(crate) fn short_buffers_get_what_fits(world: &World) {
    let Some(file) = with_attributes(world, &[("A", b"1"), ("B", b"2")]) else {
        return;
    };
    let whole = EaQuery {
        restart: true,
        ..EaQuery::default()
    };
    assert_eq!(query(&file, &whole, 10).err(), Some(Status::BUFFER_TOO_SMALL));
    let (first, status) = query(&file, &whole, 11).unwrap();
    assert_eq!(
        (entries(&first), status),
        (vec![entry("A", b"1")], Status::BUFFER_OVERFLOW)
    );
    let (second, status) = query(&file, &EaQuery::default(), 11).unwrap();
    assert_eq!(
        (entries(&second), status),
        (vec![entry("B", b"2")], Status::SUCCESS)
    );
}

pub(crate) fn attributes_are_asked_for_by_name(world: &World) {
    let Some(file) = with_attributes(world, &[("A", b"1"), ("B", b"2")]) else {
        return;
    };
    let names = b"\x08\0\0\0\x01b\0\0\x08\0\0\0\x01x\0\0\0\0\0\0\x01B\0";
    let by_name = EaQuery {
        names: Some(names),
        ..EaQuery::default()
    };
    let (list, status) = query(&file, &by_name, 4096).unwrap();
    assert_eq!(status, Status::SUCCESS);
    let expected = [entry("B", b"2"), entry("X", b"")];
    assert_eq!(
        entries(&list),
        expected,
        "what is not there is empty, and no name counts twice"
    );
    let malformed = EaQuery {
        names: Some(&names[..20]),
        ..EaQuery::default()
    };
    let mut buffer = [0; 64];
    let answer = world.block(file.file.query_ea(&malformed, &mut buffer, &token()));
    assert_eq!(answer, Ok((16, Status::EA_LIST_INCONSISTENT)), "and where");
}

pub(crate) fn sizes_are_those_of_the_packed_list(world: &World) {
    let file = world.open("plain", &Open::create()).unwrap();
    assert_eq!(u32_at(&file.information(Class::EA).unwrap(), 0), 0);
    let Some(file) = with_attributes(world, &[("A", b"1"), ("LONGER", b"12345")]) else {
        return;
    };
    let size = u32_at(&file.information(Class::EA).unwrap(), 0);
    assert_eq!(size, 4 + (5 + 1 + 1) + (5 + 6 + 5));
    assert_eq!(u32_at(&file.information(Class::ALL).unwrap(), 72), size);
    let (attribute, _) = file.volume(FsInformationClass::ATTRIBUTE, 64).unwrap();
    let flag = u32_at(&attribute, 0) & 0x0080_0000;
    assert_ne!(flag, 0, "FILE_SUPPORTS_EXTENDED_ATTRIBUTES");
}

pub(crate) fn malformed_attributes_change_nothing(world: &World) {
    let Some(file) = with_attributes(world, &[("A", b"1")]) else {
        return;
    };
    let mut bad = full_ea(&[("A", b"2"), ("B?", b"2")]);
    let answer = world.block(file.file.set_ea(&bad, &token()));
    assert_eq!(answer, Ok((12, Status::INVALID_EA_NAME)));
    bad[12 + 4] = 1;
    bad[12 + 9] = b'b';
    let answer = world.block(file.file.set_ea(&bad, &token()));
    assert_eq!(answer, Ok((12, Status::INVALID_EA_FLAG)));
    assert_eq!(all(&file).unwrap(), [entry("A", b"1")]);
}

pub(crate) fn too_much_is_refused(world: &World) {
    let Some(file) = with_attributes(world, &[("A", b"1")]) else {
        return;
    };
    let huge = vec![1; 65_535];
    // Some file systems have room for it.
    match set(&file, &[("HUGE", &huge)]) {
        Ok(()) => set(&file, &[("HUGE", b"")]).unwrap(),
        Err(status) => assert_eq!(status, Status::EA_TOO_LARGE),
    }
    assert_eq!(all(&file).unwrap(), [entry("A", b"1")]);
}

pub(crate) fn what_is_overwritten_loses_them(world: &World) {
    for disposition in [CreateDisposition::OVERWRITE, CreateDisposition::SUPERSEDE] {
        let Some(file) = with_attributes(world, &[("A", b"1"), ("B", b"2")]) else {
            return;
        };
        file.close();
        let file = world
            .open("file", &Open::write().disposition(disposition))
            .unwrap();
        assert_eq!(all(&file).err(), Some(Status::NO_EAS_ON_FILE));
        file.close();
        std::fs::remove_file(world.path("file")).unwrap();
    }
}

pub(crate) fn attributes_need_their_rights(world: &World) {
    let file = world
        .open("file", &Open::create().access(AccessMask::READ_ATTRIBUTES))
        .unwrap();
    assert_eq!(set(&file, &[("A", b"1")]), Err(Status::ACCESS_DENIED));
    let asked = query(&file, &EaQuery::default(), 4096);
    assert_eq!(asked.err(), Some(Status::ACCESS_DENIED));
}

pub(crate) fn directories_have_attributes_too(world: &World) {
    if with_attributes(world, &[("A", b"1")]).is_none() {
        return;
    }
    std::fs::create_dir(world.path("folder")).unwrap();
    let open = Open::directory().access(AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE);
    let folder = world.open("folder", &open).unwrap();
    assert_eq!(all(&folder).err(), Some(Status::NO_EAS_ON_FILE));
    set(&folder, &[("D", b"4")]).unwrap();
    assert_eq!(all(&folder).unwrap(), [entry("D", b"4")]);
}
