//! What an open is of, and the way there.

use alloc::vec::Vec;

use executive::mem::Arc;
use nt::{AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, Name, NameBuf, Status};

use super::CreateRequest;
use crate::create::disposition::{Outcome, Wanted, look_at};
use crate::create::symlink;
use crate::file::OpenFile;
use crate::file::reopen::may_pass;
use crate::names::{ServerPath, to_server};
use crate::objects::{Platform, View};
use crate::server::client::OwnedFid;

/// Spellings and links that the way from a name to its file may turn at: all links, and every name spelled otherwise.
const TURNS_MAX: usize = symlink::LINKS_MAX + 88;

/// What an open is of.
pub(super) enum Target {
    /// The file at this path below the share.
    Path(NameBuf),
    /// The directory at this path, and the name in it that a rename or link is to take.
    DirectoryOf(NameBuf, NameBuf),
    /// The file of this id.
    FileId(u64),
}

impl Target {
    /// What a request opens, given the path that its name leads to.
    pub(super) fn new<P: Platform>(request: &CreateRequest<'_, P>, path: NameBuf) -> nt::Result<Self> {
        if !request.open_target_directory {
            return Ok(Self::Path(path));
        }
        let (directory, last) = path
            .as_name()
            .rsplit_once(nt::name::SEPARATOR)
            .ok_or(Status::OBJECT_NAME_INVALID)?;
        Ok(Self::DirectoryOf(
            NameBuf::try_from_name(directory)?,
            NameBuf::try_from_name(last)?,
        ))
    }

    pub(super) fn path(&self, view: &View) -> nt::Result<ServerPath> {
        match self {
            Self::Path(path) | Self::DirectoryOf(path, _) => ServerPath::parse(path.as_name()),
            // What NTFS says of an id that no file has.
            Self::FileId(id) => view.known_files.path_of(*id)?.ok_or(Status::INVALID_PARAMETER),
        }
    }

    pub(super) const fn file_id(&self) -> Option<u64> {
        match self {
            Self::FileId(id) => Some(*id),
            Self::Path(_) | Self::DirectoryOf(..) => None,
        }
    }
}

/// The way from a name to its file: spellings and links make it turn.
pub(super) struct Way {
    pub(super) path: ServerPath,
    turns: usize,
    /// No link has been followed, and it has not begun again: the path differs from what was asked for in spelling alone.
    is_first: bool,
    /// It does differ.
    pub(super) is_respelled: bool,
}

impl Way {
    pub(super) fn new(path: ServerPath) -> Self {
        Self {
            path,
            turns: 0,
            is_first: true,
            is_respelled: false,
        }
    }

    /// Goes on to `path`.
    ///
    /// # Errors
    /// `REPARSE_POINT_NOT_RESOLVED` when it does not come to an end.
    pub(super) fn turn(&mut self, path: ServerPath) -> nt::Result {
        self.turns = self.turns.saturating_add(1);
        if self.turns > TURNS_MAX {
            return Err(Status::REPARSE_POINT_NOT_RESOLVED);
        }
        self.path = path;
        self.is_respelled = self.is_first;
        Ok(())
    }

    /// Goes back to what was asked for, once. Errors as [`Self::turn`].
    pub(super) fn begin_again(&mut self, path: ServerPath) -> nt::Result {
        self.is_first = false;
        self.turn(path)
    }

    /// Follows the link at a component. Errors as [`Self::turn`] and [`symlink::resolve`].
    pub(super) fn follow(&mut self, at: usize, text: &[u8], share: &ServerPath) -> nt::Result {
        self.is_first = false;
        self.turn(symlink::resolve(&self.path, at, text, share)?)
    }
}

/// The share that symbolic links are followed on.
pub(crate) struct Links<'a> {
    pub(crate) view: &'a View,
    /// The fid of the share's root.
    pub(crate) root: Arc<OwnedFid>,
    /// What the server calls the share's root.
    pub(crate) share: ServerPath,
    pub(crate) case_sensitive: bool,
}

impl Links<'_> {
    /// Whether the link at `path` leads to a directory: then NT takes it for one. One that leads nowhere is none.
    ///
    /// # Errors
    /// Where the server did not say.
    pub(crate) async fn lead_to_directory(&self, path: ServerPath) -> nt::Result<bool> {
        match self.follow(path).await {
            Err(status) if may_pass(status) => Err(status),
            followed => Ok(followed.unwrap_or(false)),
        }
    }

    async fn follow(&self, path: ServerPath) -> nt::Result<bool> {
        let wanted = Wanted {
            access: AccessMask::READ_ATTRIBUTES,
            disposition: CreateDisposition::OPEN,
            options: CreateOptions::empty(),
            file_attributes: FileAttributes::empty(),
            umask: 0,
            dos_attributes: false,
            case_sensitive: self.case_sensitive,
            is_respelled: false,
            file_id: None,
        };
        let mut way = Way::new(path);
        loop {
            match look_at(self.view, &self.root, &way.path, &wanted).await? {
                Outcome::Here(found) => return Ok(found.is_some_and(|found| found.reply.mode.is_directory())),
                Outcome::At(path) => way.turn(path)?,
                Outcome::Link(at, text) => way.follow(at, &text, &self.share)?,
            }
        }
    }
}

impl<P: Platform> OpenFile<P> {
    /// What it takes to follow links on the share of this file, whose view is `view`. Errors as [`Self::fid`].
    pub(crate) async fn links<'a>(&self, view: &'a View) -> nt::Result<Links<'a>> {
        let v_net_root = self.redirector.tree().srv_open(self.srv_open)?.v_net_root();
        Ok(Links {
            view,
            root: self.root().await?,
            share: self.redirector.share(v_net_root)?,
            case_sensitive: self.redirector.settings().case_sensitive,
        })
    }
}

/// Whether a rename to `last` in `directory` would meet a file: what SL_OPEN_TARGET_DIRECTORY reports.
pub(super) async fn exists(
    view: &View,
    root: &OwnedFid,
    directory: &ServerPath,
    last: &NameBuf,
    wanted: &Wanted,
) -> nt::Result<CreateAction> {
    let mut path = ServerPath::from_components(directory.components())?;
    let mut name = Vec::new();
    to_server(last.as_name(), &mut name)?;
    path.push(&name)?;
    let wanted = Wanted {
        options: CreateOptions::OPEN_REPARSE_POINT,
        is_respelled: false,
        ..*wanted
    };
    Ok(match look_at(view, root, &path, &wanted).await? {
        Outcome::Here(None) => CreateAction::DOES_NOT_EXIST,
        Outcome::Here(Some(_)) | Outcome::At(_) | Outcome::Link(..) => CreateAction::EXISTS,
    })
}

/// The file id that an open by id has in place of a name: 8 bytes, or 16 (FILE_ID_128) of which the upper half is zero.
///
/// # Errors
/// `INVALID_PARAMETER`.
pub(super) fn file_id(name: Name<'_>) -> nt::Result<u64> {
    let number = |units: &[u16]| {
        units
            .iter()
            .rev()
            .fold(0_u64, |number, &unit| number << 16 | u64::from(unit))
    };
    match name.as_units() {
        units @ [_, _, _, _] => Ok(number(units)),
        [low @ .., 0, 0, 0, 0] if low.len() == 4 => Ok(number(low)),
        _ => Err(Status::INVALID_PARAMETER),
    }
}
