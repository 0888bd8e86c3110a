//! IRP_MJ_CREATE: what there is × what to do about it × what it has to be.

use nt::{AccessMask, CreateAction, CreateDisposition, CreateOptions, Status};

use super::{Cell, same};
use crate::world::Open;

#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    File,
    Directory,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Any,
    Directory,
    NoDirectory,
}

const DISPOSITIONS: [(CreateDisposition, &str); 6] = [
    (CreateDisposition::SUPERSEDE, "FILE_SUPERSEDE"),
    (CreateDisposition::OPEN, "FILE_OPEN"),
    (CreateDisposition::CREATE, "FILE_CREATE"),
    (CreateDisposition::OPEN_IF, "FILE_OPEN_IF"),
    (CreateDisposition::OVERWRITE, "FILE_OVERWRITE"),
    (CreateDisposition::OVERWRITE_IF, "FILE_OVERWRITE_IF"),
];

/// What NT says.
fn expected(disposition: CreateDisposition, there: There, wanted: Wanted) -> Result<CreateAction, Status> {
    use CreateDisposition as D;
    let truncates = matches!(disposition, D::SUPERSEDE | D::OVERWRITE | D::OVERWRITE_IF);
    match (there, wanted) {
        // No directory is overwritten, whether there is one or not.
        (_, Wanted::Directory) if truncates => Err(Status::INVALID_PARAMETER),
        (There::Nothing, _) if matches!(disposition, D::OPEN | D::OVERWRITE) => {
            Err(Status::OBJECT_NAME_NOT_FOUND)
        }
        (There::Nothing, _) => Ok(CreateAction::CREATED),
        (_, _) if disposition == D::CREATE => Err(Status::OBJECT_NAME_COLLISION),
        (There::File, Wanted::Directory) => Err(Status::NOT_A_DIRECTORY),
        (There::Directory, Wanted::NoDirectory) => Err(Status::FILE_IS_A_DIRECTORY),
        (There::Directory, _) if truncates => Err(Status::OBJECT_NAME_COLLISION),
        (_, _) if disposition == D::SUPERSEDE => Ok(CreateAction::SUPERSEDED),
        (_, _) if truncates => Ok(CreateAction::OVERWRITTEN),
        _ => Ok(CreateAction::OPENED),
    }
}

pub(super) fn dispositions() -> Vec<Cell> {
    let kinds = [
        (There::Nothing, "nothing"),
        (There::File, "a file"),
        (There::Directory, "a directory"),
    ];
    let wishes = [
        (Wanted::Any, ""),
        (Wanted::Directory, ", FILE_DIRECTORY_FILE"),
        (Wanted::NoDirectory, ", FILE_NON_DIRECTORY_FILE"),
    ];
    let mut cells = Vec::new();
    for (disposition, word) in DISPOSITIONS {
        for (there, what) in kinds {
            for (wanted, wish) in wishes {
                let expected = expected(disposition, there, wanted);
                let outcome = match expected {
                    Ok(action) => format!("{action:?}"),
                    Err(status) => format!("{status:?}"),
                };
                cells.push(Cell {
                    name: format!("{word} of {what}{wish} gives {outcome}"),
                    check: Box::new(move |place| {
                        match there {
                            There::Nothing => {}
                            There::File => std::fs::write(place.local("it"), b"old").unwrap(),
                            There::Directory => std::fs::create_dir(place.local("it")).unwrap(),
                        }
                        let options = match wanted {
                            Wanted::Any => CreateOptions::empty(),
                            Wanted::Directory => CreateOptions::DIRECTORY_FILE,
                            Wanted::NoDirectory => CreateOptions::NON_DIRECTORY_FILE,
                        };
                        let access =
                            AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE | AccessMask::DELETE;
                        let open = Open::read()
                            .access(access)
                            .disposition(disposition)
                            .options(options);
                        let opened = place.world.open(&place.remote("it"), &open);
                        let found = opened.as_ref().map(|file| file.action).map_err(|status| *status);
                        // NTFS and FAT differ here, and both refuse.
                        let refused = [
                            Err(Status::OBJECT_NAME_COLLISION),
                            Err(Status::FILE_IS_A_DIRECTORY),
                        ];
                        if there == There::Directory
                            && refused.contains(&expected)
                            && refused.contains(&found)
                        {
                            return Ok(());
                        }
                        same(found, expected)?;
                        let is_directory = place.local("it").is_dir();
                        let should =
                            there == There::Directory || (found.is_ok() && wanted == Wanted::Directory);
                        same(is_directory, should)
                    }),
                });
            }
        }
    }
    cells
}

/// Names that NT refuses before anybody is asked.
pub(super) fn impossible_names() -> Vec<Cell> {
    let rows = [
        ("a*b", "an asterisk", Status::OBJECT_NAME_INVALID),
        ("a?b", "a question mark", Status::OBJECT_NAME_INVALID),
        ("a<b", "a less-than sign", Status::OBJECT_NAME_INVALID),
        ("a>b", "a greater-than sign", Status::OBJECT_NAME_INVALID),
        ("a\"b", "a quotation mark", Status::OBJECT_NAME_INVALID),
        ("a|b", "a vertical bar", Status::OBJECT_NAME_INVALID),
        ("a/b", "a slash", Status::OBJECT_NAME_INVALID),
        ("a\u{1}b", "a control character", Status::OBJECT_NAME_INVALID),
    ];
    let mut cells: Vec<Cell> = rows
        .into_iter()
        .map(|(name, what, status)| Cell {
            name: format!("a name with {what} is refused with {status:?}"),
            check: Box::new(move |place| {
                let make = Open::create();
                same(place.world.open(&place.remote(name), &make).err(), Some(status))
            }),
        })
        .collect();
    cells.push(Cell {
        name: "a name of more than 255 characters is refused".into(),
        check: Box::new(|place| {
            let long = "x".repeat(300);
            match place.world.open(&place.remote(&long), &Open::create()).err() {
                Some(Status::OBJECT_NAME_INVALID | Status::NAME_TOO_LONG) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }),
    });
    cells.push(Cell {
        name: "a missing directory on the way gives OBJECT_PATH_NOT_FOUND".into(),
        check: Box::new(|place| {
            let opened = place.world.open(&place.remote("none\\file"), &Open::create());
            same(opened.err(), Some(Status::OBJECT_PATH_NOT_FOUND))
        }),
    });
    cells.push(Cell {
        name: "a file on the way gives OBJECT_PATH_NOT_FOUND".into(),
        check: Box::new(|place| {
            std::fs::write(place.local("file"), b"").unwrap();
            let opened = place.world.open(&place.remote("file\\below"), &Open::read());
            same(opened.err(), Some(Status::OBJECT_PATH_NOT_FOUND))
        }),
    });
    cells
}
