//! Attributes that NT has and Unix has not.

use nt::{
    CreateAction, CreateDisposition, CreateOptions, FileAttributes as F, FileInformationClass as Class,
    Status,
};

use super::ea;
use crate::world::file::{File, u32_at};
use crate::world::{Open, World};

/// Sets attributes by FileBasicInformation.
fn set(file: &File<'_>, attributes: F) -> nt::Result {
    let mut record = [0; 40];
    record[32..36].copy_from_slice(&attributes.bits().to_le_bytes());
    file.set(Class::BASIC, &record)
}

fn listed(world: &World, name: &str) -> F {
    let root = world.open("", &Open::directory()).unwrap();
    let entries = root.entries("*", 4096).unwrap();
    let entry = entries.iter().find(|entry| entry.name == name).unwrap();
    let alone = root.entries(name, 4096).unwrap();
    assert_eq!(alone[0].attributes, entry.attributes, "asked for by name");
    entry.attributes
}

/// Whether the server keeps them; where it does not, they are accepted and dropped.
fn keeps(world: &World) -> bool {
    let file = world.open("probe", &Open::create()).unwrap();
    set(&file, F::SYSTEM).unwrap();
    let kept = file.attributes() == F::ARCHIVE | F::SYSTEM;
    assert!(kept || file.attributes() == F::ARCHIVE);
    kept
}

/// Every file is ARCHIVE, whatever is set, and at no cost.
pub(crate) fn every_file_is_to_be_archived(world: &World) {
    for attributes in [F::NORMAL, F::ARCHIVE] {
        let file = world
            .open("file", &Open::create().attributes(attributes))
            .unwrap();
        set(&file, attributes).unwrap();
        assert_eq!(file.attributes(), F::ARCHIVE);
        assert_eq!(listed(world, "file"), F::ARCHIVE);
        file.close();
        std::fs::remove_file(world.path("file")).unwrap();
    }
    let folder = Open::create().options(CreateOptions::DIRECTORY_FILE);
    let folder = world.open("folder", &folder.attributes(F::ARCHIVE)).unwrap();
    assert_eq!(folder.attributes(), F::DIRECTORY);
}

pub(crate) fn what_is_set_is_shown(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    if !keeps(world) {
        return;
    }
    for (set_to, shown) in [
        (F::HIDDEN | F::ARCHIVE, F::HIDDEN | F::ARCHIVE),
        (F::HIDDEN | F::READONLY, F::HIDDEN | F::READONLY | F::ARCHIVE),
        (F::SYSTEM, F::SYSTEM | F::ARCHIVE),
        (F::TEMPORARY, F::TEMPORARY | F::ARCHIVE),
        (F::NORMAL, F::ARCHIVE),
    ] {
        set(&file, set_to).unwrap();
        assert_eq!(file.attributes(), shown);
        assert_eq!(listed(world, "file"), shown);
        let record = file.information(Class::ATTRIBUTE_TAG).unwrap();
        assert_eq!(u32_at(&record, 0), shown.bits());
    }
    std::fs::create_dir(world.path("folder")).unwrap();
    let root = world.open("", &Open::write()).unwrap();
    set(&root, F::HIDDEN | F::SYSTEM | F::NOT_CONTENT_INDEXED).unwrap();
    assert_eq!(
        root.attributes(),
        F::DIRECTORY | F::NOT_CONTENT_INDEXED,
        "a root stays in sight"
    );
    let folder = world.open("folder", &Open::write()).unwrap();
    // READONLY of a directory takes nothing away: Explorer marks folders with it that look otherwise.
    set(&folder, F::READONLY | F::SYSTEM).unwrap();
    assert_eq!(listed(world, "folder"), F::READONLY | F::SYSTEM | F::DIRECTORY);
    drop(world.open("folder\\new", &Open::create()).unwrap());
    set(&folder, F::HIDDEN | F::DIRECTORY).unwrap();
    assert_eq!(listed(world, "folder"), F::HIDDEN | F::DIRECTORY);
    // Another mapping learns of it from the share alone.
    drop((file, folder, root));
    world.unmap("X:").unwrap();
    world.map("X:").unwrap();
    assert_eq!(listed(world, "folder"), F::HIDDEN | F::DIRECTORY);
}

pub(crate) fn a_new_file_keeps_its_attributes(world: &World) {
    let wish = F::HIDDEN | F::READONLY;
    let file = world.open("file", &Open::create().attributes(wish)).unwrap();
    file.write(0, b"who made it may write").unwrap();
    let kept = keeps(world);
    let shown = F::ARCHIVE | if kept { wish } else { F::READONLY };
    assert_eq!(file.attributes(), shown);
    assert_eq!(listed(world, "file"), shown);
    assert!(
        std::fs::metadata(world.path("file"))
            .unwrap()
            .permissions()
            .readonly()
    );
    let hidden = Open::create().attributes(F::HIDDEN);
    drop(world.open(".dotted", &hidden).unwrap());
    assert_eq!(listed(world, ".dotted"), F::HIDDEN | F::ARCHIVE);
    std::fs::rename(world.path(".dotted"), world.path("undotted")).unwrap();
    assert_eq!(listed(world, "undotted"), F::ARCHIVE, "the dot alone hid it");
}

pub(crate) fn a_hidden_file_is_not_overwritten_unawares(world: &World) {
    if !keeps(world) {
        return;
    }
    let over = Open::write().disposition(CreateDisposition::OVERWRITE_IF);
    for guard in [F::HIDDEN, F::SYSTEM] {
        let file = world.open("file", &Open::create().attributes(guard)).unwrap();
        file.write(0, b"data").unwrap();
        file.close();
        for unaware in [F::NORMAL, F::ARCHIVE, (F::HIDDEN | F::SYSTEM) - guard] {
            let refused = world.open("file", &over.attributes(unaware));
            assert_eq!(
                refused.err(),
                Some(Status::ACCESS_DENIED),
                "{guard:?} by {unaware:?}"
            );
            assert_eq!(std::fs::read(world.path("file")).unwrap(), b"data");
        }
        let file = world.open("file", &over.attributes(guard | F::ARCHIVE)).unwrap();
        assert_eq!(file.action, CreateAction::OVERWRITTEN);
        assert_eq!(file.attributes(), guard | F::ARCHIVE);
        file.close();
        std::fs::remove_file(world.path("file")).unwrap();
    }
}

pub(crate) fn a_supersede_replaces_attributes(world: &World) {
    if !keeps(world) {
        return;
    }
    for (disposition, left) in [
        (CreateDisposition::OVERWRITE, F::ARCHIVE | F::NOT_CONTENT_INDEXED),
        (CreateDisposition::SUPERSEDE, F::ARCHIVE),
    ] {
        let first = Open::create().attributes(F::NOT_CONTENT_INDEXED);
        world.open("file", &first).unwrap().close();
        let over = Open::write().disposition(disposition).attributes(F::ARCHIVE);
        assert_eq!(world.open("file", &over).unwrap().attributes(), left);
        std::fs::remove_file(world.path("file")).unwrap();
    }
}

pub(crate) fn nothing_shows_among_extended_attributes(world: &World) {
    if !keeps(world) {
        return;
    }
    let file = world.open("file", &Open::create()).unwrap();
    set(&file, F::HIDDEN).unwrap();
    assert_eq!(ea::all(&file).err(), Some(Status::NO_EAS_ON_FILE));
    assert_eq!(u32_at(&file.information(Class::EA).unwrap(), 0), 0);
    let root = world.open("", &Open::read()).unwrap();
    assert_eq!(
        ea::all(&root).err(),
        Some(Status::NO_EAS_ON_FILE),
        "nor does the mark"
    );
}
