//! Symbolic links, followed and looked at.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use nt::{
    AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, Status,
};

use crate::world::file::{u32_at, utf16};
use crate::world::{File, Open, World};

const SET_REPARSE_POINT: u32 = 0x0009_00a4;
const GET_REPARSE_POINT: u32 = 0x0009_00a8;
const DELETE_REPARSE_POINT: u32 = 0x0009_00ac;
const SYMLINK: u32 = 0xa000_000c;

fn as_link() -> Open {
    let rights = AccessMask::READ_ATTRIBUTES | AccessMask::WRITE_ATTRIBUTES | AccessMask::DELETE;
    Open::read()
        .access(rights)
        .options(CreateOptions::OPEN_REPARSE_POINT)
}

/// REPARSE_DATA_BUFFER of a symbolic link whose two names are `target`.
fn reparse_data(target: &str, relative: bool) -> Vec<u8> {
    let name: Vec<u8> = target.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = name.len() as u16;
    let mut data = SYMLINK.to_le_bytes().to_vec();
    for field in [12 + 2 * length, 0, 0, length, length, length] {
        data.extend(field.to_le_bytes());
    }
    data.extend(u32::from(relative).to_le_bytes());
    data.extend(&name);
    data.extend(&name);
    data
}

/// The substitute name that a link shows, and whether it is relative.
fn shown(link: &File<'_>) -> (String, bool) {
    let (data, status) = link.fs_control(GET_REPARSE_POINT, &[], 1024).unwrap();
    assert_eq!(status, Status::SUCCESS);
    assert_eq!(u32_at(&data, 0), SYMLINK);
    let field = |at: usize| usize::from(u16::from_le_bytes([data[at], data[at + 1]]));
    assert_eq!(field(4) + 8, data.len());
    let substitute = utf16(&data[20 + field(8)..][..field(10)]);
    (substitute, u32_at(&data, 16) == 1)
}

/// Makes a link as CreateSymbolicLink does.
fn make(world: &World, name: &str, target: &str, relative: bool) -> nt::Result {
    let open = as_link().disposition(CreateDisposition::CREATE);
    let link = world.open(name, &open).unwrap();
    let set = link.fs_control(SET_REPARSE_POINT, &reparse_data(target, relative), 0);
    if set.is_err() {
        link.set_delete(true).unwrap();
    }
    set.map(drop)
}

pub(crate) fn opens_follow_a_link(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("folder/target"), b"old").unwrap();
    symlink("folder/target", world.path("link")).unwrap();
    let file = world.open("link", &Open::write()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"old");
    file.write(0, b"new").unwrap();
    // It is the target that is open: its other handles are met.
    let strict = Open::read().share(nt::ShareAccess::READ);
    assert_eq!(
        world.open("folder\\target", &strict).err(),
        Some(Status::SHARING_VIOLATION)
    );
    drop(file);
    assert_eq!(std::fs::read(world.path("folder/target")).unwrap(), b"new");
    let overwrite = Open::write().disposition(CreateDisposition::OVERWRITE_IF);
    assert_eq!(
        world.open("LINK", &overwrite).unwrap().action,
        CreateAction::OVERWRITTEN
    );
    assert_eq!(std::fs::read(world.path("folder/target")).unwrap(), b"");
    assert!(world.path("link").is_symlink());
}

pub(crate) fn opens_follow_links_on_the_way(world: &World) {
    std::fs::create_dir_all(world.path("real/deep")).unwrap();
    std::fs::write(world.path("real/deep/file"), b"found").unwrap();
    symlink("real", world.path("a")).unwrap();
    symlink("../a/deep", world.path("real/b")).unwrap();
    symlink("./../real//deep/", world.path("real/deep/up")).unwrap_or_default();
    symlink("deep/../deep/file", world.path("real/c")).unwrap();
    for path in [
        "a\\deep\\file",
        "a\\b\\file",
        "real\\b\\file",
        "A\\B\\FILE",
        "a\\c",
    ] {
        let file = world.open(path, &Open::read()).unwrap();
        assert_eq!(file.read(0, 9).unwrap(), b"found", "{path}");
    }
    let made = world.open("a\\b\\new", &Open::create()).unwrap();
    assert_eq!(made.action, CreateAction::CREATED);
    assert!(world.path("real/deep/new").exists());
    assert_eq!(
        world.open("a\\none\\file", &Open::read()).err(),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
    assert_eq!(
        world.open("a\\c\\below", &Open::read()).err(),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
}

pub(crate) fn dangling_links(world: &World) {
    symlink("nothing", world.path("link")).unwrap();
    symlink("none/nothing", world.path("lost")).unwrap();
    assert_eq!(
        world.open("link", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    let link = world.open("link", &as_link()).unwrap();
    assert_eq!(link.attributes(), FileAttributes::REPARSE_POINT);
    drop(link);
    assert_eq!(
        world.open("lost", &Open::read()).err(),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
    assert_eq!(
        world.open("link", &Open::create()).err(),
        Some(Status::OBJECT_NAME_COLLISION),
        "the name is taken"
    );
    let open = Open::create().disposition(CreateDisposition::OPEN_IF);
    assert_eq!(world.open("link", &open).unwrap().action, CreateAction::CREATED);
    assert!(world.path("nothing").exists() && world.path("link").is_symlink());
}

pub(crate) fn links_in_a_circle(world: &World) {
    symlink("two", world.path("one")).unwrap();
    symlink("one", world.path("two")).unwrap();
    symlink("self/x", world.path("self")).unwrap();
    for path in ["one", "two\\file", "self", "self\\x"] {
        assert_eq!(
            world.open(path, &Open::read()).err(),
            Some(Status::REPARSE_POINT_NOT_RESOLVED),
            "{path}"
        );
    }
    // A long way that ends is gone to its end.
    std::fs::write(world.path("link0"), b"end").unwrap();
    for number in 1..=40 {
        symlink(
            format!("link{}", number - 1),
            world.path(&format!("link{number}")),
        )
        .unwrap();
    }
    assert_eq!(
        world.open("link40", &Open::read()).unwrap().read(0, 9).unwrap(),
        b"end"
    );
}

pub(crate) fn links_that_leave_the_share(world: &World) {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), b"secret").unwrap();
    symlink(outside.path().join("secret"), world.path("absolute")).unwrap();
    symlink(outside.path(), world.path("directory")).unwrap();
    symlink("../secret", world.path("relative")).unwrap();
    symlink("../".repeat(8) + "etc/passwd", world.path("deep")).unwrap();
    for path in ["absolute", "directory", "directory\\secret", "relative", "deep"] {
        for open in [
            Open::read(),
            Open::write().disposition(CreateDisposition::OVERWRITE_IF),
        ] {
            assert_eq!(
                world.open(path, &open).err(),
                Some(Status::IO_REPARSE_TAG_NOT_HANDLED),
                "{path}"
            );
        }
    }
    // One that says the share's own path on the server stays below it.
    std::fs::write(world.path("inside"), b"found").unwrap();
    symlink(world.server_path("inside"), world.path("home")).unwrap();
    assert_eq!(
        world.open("home", &Open::read()).unwrap().read(0, 9).unwrap(),
        b"found"
    );
}

pub(crate) fn links_to_directories(world: &World) {
    std::fs::create_dir(world.path("real")).unwrap();
    std::fs::write(world.path("real/file"), b"").unwrap();
    symlink("real", world.path("link")).unwrap();
    let folder = world.open("link", &Open::directory()).unwrap();
    assert_eq!(folder.names().unwrap().len(), 3);
    assert_eq!(
        world
            .open("link", &Open::read().options(CreateOptions::NON_DIRECTORY_FILE))
            .err(),
        Some(Status::FILE_IS_A_DIRECTORY)
    );
    // RemoveDirectory and DeleteFile open the link itself, one as a directory and one as a file.
    for kind in [CreateOptions::DIRECTORY_FILE, CreateOptions::NON_DIRECTORY_FILE] {
        let link = world
            .open(
                "link",
                &as_link().options(CreateOptions::OPEN_REPARSE_POINT | kind),
            )
            .unwrap();
        let both = FileAttributes::REPARSE_POINT | FileAttributes::DIRECTORY;
        assert!(link.attributes().contains(both), "{:?}", link.attributes());
    }
    drop(folder);
    let link = world
        .open(
            "link",
            &as_link().options(CreateOptions::OPEN_REPARSE_POINT | CreateOptions::DIRECTORY_FILE),
        )
        .unwrap();
    link.set_delete(true).unwrap();
    drop(link);
    assert!(!world.path("link").is_symlink() && world.path("real/file").exists());
}

/// Explorer goes into what a listing calls a directory, and `rd` removes it: the listing and the link itself agree.
pub(crate) fn a_listing_shows_where_links_lead(world: &World) {
    std::fs::create_dir_all(world.path("folder/below")).unwrap();
    std::fs::create_dir(world.path("Cased")).unwrap();
    std::fs::write(world.path("folder/file"), b"data").unwrap();
    let mut links = vec![
        ("below".to_owned(), "to-below".to_owned(), true),
        ("file".to_owned(), "to-file".to_owned(), false),
        ("..".to_owned(), "to-parent".to_owned(), true),
        ("../folder/./below/".to_owned(), "round".to_owned(), true),
        ("to-below".to_owned(), "to-link".to_owned(), true),
        ("to-file".to_owned(), "to-file-link".to_owned(), false),
        ("../cased".to_owned(), "other-case".to_owned(), true),
        ("nowhere".to_owned(), "dangling".to_owned(), false),
        ("circle".to_owned(), "circle".to_owned(), false),
        ("../..".to_owned(), "out".to_owned(), false),
        ("/etc".to_owned(), "elsewhere".to_owned(), false),
        ("file/below".to_owned(), "through-a-file".to_owned(), false),
    ];
    links.extend((0..40).map(|n| ("below".to_owned(), format!("more{n}"), true)));
    for (target, link, _) in &links {
        symlink(target, world.path(&format!("folder/{link}"))).unwrap();
    }
    let folder = world.open("folder", &Open::directory()).unwrap();
    let listed = folder.entries("*", 4096).unwrap();
    assert_eq!(listed.len(), links.len() + 4);
    for (target, name, leads) in &links {
        let found = listed.iter().find(|entry| entry.name == *name).unwrap();
        let expected = if *leads {
            FileAttributes::REPARSE_POINT | FileAttributes::DIRECTORY
        } else {
            FileAttributes::REPARSE_POINT
        };
        assert_eq!(found.attributes, expected, "{name} -> {target}");
        assert_eq!(found.size, 0, "its text is no data: {name}");
        if name.starts_with("more") {
            continue;
        }
        let alone = folder.entries(name, 4096).unwrap();
        assert_eq!(&alone[..], std::slice::from_ref(found), "asked for by name");
        let link = world.open(&format!("folder\\{name}"), &as_link()).unwrap();
        assert_eq!(link.attributes(), expected, "{name} -> {target}");
        let standard = link.information(FileInformationClass::STANDARD).unwrap();
        assert_eq!(standard[..16], [0; 16], "no size: {name}");
        assert_eq!(standard[21] != 0, *leads, "Directory: {name}");
    }
}

pub(crate) fn a_link_can_be_read(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    for (number, (target, text, relative)) in [
        ("file", "file", true),
        ("../up/a:b", "..\\up\\a\u{f03a}b", true),
        ("/etc/passwd", "\\etc\\passwd", true),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("folder\\{number}");
        symlink(target, world.path(&format!("folder/{number}"))).unwrap();
        let link = world.open(&name, &as_link()).unwrap();
        assert_eq!(shown(&link), (text.into(), relative), "{target}");
    }
    symlink(world.server_path("folder"), world.path("home")).unwrap();
    let home = world.open("home", &as_link()).unwrap();
    let full = format!("\\??\\UNC{}\\folder", world.unc());
    assert_eq!(shown(&home), (full, false));
    // Short buffers.
    let get = |room| home.fs_control(GET_REPARSE_POINT, &[], room);
    assert_eq!(get(7).err(), Some(Status::BUFFER_TOO_SMALL));
    let (part, status) = get(20).unwrap();
    assert_eq!((part.len(), status), (20, Status::BUFFER_OVERFLOW));
    let file = world.open("plain", &Open::create()).unwrap();
    assert_eq!(
        file.fs_control(GET_REPARSE_POINT, &[], 1024).err(),
        Some(Status::NOT_A_REPARSE_POINT)
    );
}

pub(crate) fn a_link_can_be_made(world: &World) {
    std::fs::create_dir_all(world.path("a/b")).unwrap();
    std::fs::write(world.path("a/file"), b"found").unwrap();
    let drive = "\\??\\X:\\a\\file".to_owned();
    let unc = format!("\\??\\UNC{}\\a\\file", world.unc());
    for (name, target, relative, text) in [
        ("a\\b\\relative", "..\\file", true, "../file"),
        ("a\\b\\rooted", "\\a\\file", true, "../../a/file"),
        ("a\\b\\drive", &drive, false, "../../a/file"),
        ("a\\b\\unc", &unc, false, "../../a/file"),
        ("top", "a\\file", true, "a/file"),
    ] {
        let path = world.path(&name.replace('\\', "/"));
        let made = make(world, name, target, relative);
        if !world.makes_links() {
            // The server says no, and what was there is as it was before.
            assert_eq!(made, Err(Status::ACCESS_DENIED), "{name}");
            assert!(!path.is_symlink());
            continue;
        }
        assert_eq!(made, Ok(()), "{name}");
        assert_eq!(std::fs::read_link(&path).unwrap(), PathBuf::from(text), "{name}");
        let file = world.open(name, &Open::read()).unwrap();
        assert_eq!(file.read(0, 9).unwrap(), b"found", "{name}");
    }
    assert_eq!(
        make(world, "elsewhere", "\\??\\C:\\Windows", false),
        Err(Status::NOT_SAME_DEVICE)
    );
    let left = |folder: &str| std::fs::read_dir(world.path(folder)).unwrap().count();
    let made = usize::from(world.makes_links());
    assert_eq!(
        (left(""), left("a/b")),
        (1 + made, 4 * made),
        "nothing temporary is left"
    );
}

pub(crate) fn a_link_is_refused_in_a_full_place(world: &World) {
    std::fs::write(world.path("file"), b"data").unwrap();
    std::fs::create_dir_all(world.path("folder/sub")).unwrap();
    let data = reparse_data("target", true);
    let set = |name: &str, open: &Open| {
        let file = world.open(name, open).unwrap();
        file.fs_control(SET_REPARSE_POINT, &data, 0).err()
    };
    assert_eq!(set("file", &as_link()), Some(Status::NOT_SUPPORTED));
    assert_eq!(set("folder", &as_link()), Some(Status::DIRECTORY_NOT_EMPTY));
    let look = Open::read().options(CreateOptions::OPEN_REPARSE_POINT);
    assert_eq!(set("file", &look), Some(Status::ACCESS_DENIED));
    assert_eq!(set("", &as_link()), Some(Status::ACCESS_DENIED));
    assert_eq!(std::fs::read(world.path("file")).unwrap(), b"data");
}

pub(crate) fn other_tags_are_refused(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let mut junction = reparse_data("\\??\\X:\\x", false);
    junction[..4].copy_from_slice(&0xa000_0003_u32.to_le_bytes());
    let mut reserved = junction.clone();
    reserved[..4].copy_from_slice(&1_u32.to_le_bytes());
    let short = &reparse_data("x", true)[..14];
    for (data, status) in [
        (&junction[..], Status::NOT_SUPPORTED),
        (&reserved, Status::IO_REPARSE_TAG_INVALID),
        (short, Status::IO_REPARSE_DATA_INVALID),
        (&[], Status::IO_REPARSE_DATA_INVALID),
        (&reparse_data("", true), Status::IO_REPARSE_DATA_INVALID),
        (&reparse_data("a*b", true), Status::OBJECT_NAME_INVALID),
    ] {
        assert_eq!(file.fs_control(SET_REPARSE_POINT, data, 0).err(), Some(status));
    }
    assert_eq!(file.write(0, b"a file as before"), Ok(16));
}

pub(crate) fn a_link_can_be_unmade(world: &World) {
    symlink("target", world.path("link")).unwrap();
    let link = world.open("link", &as_link()).unwrap();
    let mut header = SYMLINK.to_le_bytes().to_vec();
    header.extend([0; 4]);
    let mut junction = header.clone();
    junction[0] = 3;
    assert_eq!(
        link.fs_control(DELETE_REPARSE_POINT, &junction, 0).err(),
        Some(Status::IO_REPARSE_TAG_MISMATCH)
    );
    assert!(world.path("link").is_symlink());
    let (_, status) = link.fs_control(DELETE_REPARSE_POINT, &header, 0).unwrap();
    assert_eq!(status, Status::SUCCESS);
    assert_eq!(std::fs::symlink_metadata(world.path("link")).unwrap().len(), 0);
    assert!(world.path("link").is_file());
    // The handle is one of the file now.
    assert!(!link.attributes().contains(FileAttributes::REPARSE_POINT));
    for header in [&header, &junction] {
        let unmade = link.fs_control(DELETE_REPARSE_POINT, header, 0);
        assert_eq!(unmade.err(), Some(Status::NOT_A_REPARSE_POINT));
    }
    link.set_delete(true).unwrap();
    drop(link);
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 0);
}

pub(crate) fn links_are_renamed_and_deleted_themselves(world: &World) {
    std::fs::write(world.path("target"), b"kept").unwrap();
    symlink("target", world.path("link")).unwrap();
    let link = world.open("link", &as_link()).unwrap();
    link.rename("renamed", false, None).unwrap();
    assert!(world.path("renamed").is_symlink());
    drop(link);
    let delete = as_link().options(CreateOptions::OPEN_REPARSE_POINT | CreateOptions::DELETE_ON_CLOSE);
    drop(world.open("renamed", &delete).unwrap());
    assert!(!world.path("renamed").is_symlink());
    assert_eq!(std::fs::read(world.path("target")).unwrap(), b"kept");
}

pub(crate) fn other_controls_are_refused(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    // FSCTL_GET_COMPRESSION, FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA, FSCTL_CREATE_OR_GET_OBJECT_ID, nothing at all.
    for code in [0x0009_003c, 0x0009_00c4, 0x0009_80c8, 0x0009_00c0, 0, u32::MAX] {
        assert_eq!(
            file.fs_control(code, &[0; 16], 16).err(),
            Some(Status::INVALID_DEVICE_REQUEST),
            "{code:x}"
        );
    }
}
