//! Symbolic links as IO_REPARSE_TAG_SYMLINK: FSCTL_GET_REPARSE_POINT, FSCTL_SET_REPARSE_POINT and
//! FSCTL_DELETE_REPARSE_POINT. Other tags are not supported: a server of Unix files has nothing that could hold them.
//!
//! 9P turns no file into a link, so a link is made beside the file and takes its place, and the other way round.

mod data;
mod target;

use alloc::vec::Vec;

use executive::mem::{Arc, TryVec};
use executive::task::CancelToken;
use ninep::wire::{Mode, OpenFlags, Tlcreate, Tmkdir, Treadlink, Tsymlink};
use nt::{AccessMask, CreateOptions, Status};
use rdbss::MajorFunction;

use crate::create::lookup::Found;
use crate::delete::is_empty;
use crate::dialect::{move_name, remove_name};
use crate::dormant::FileIdentity;
use crate::file::OpenFile;
use crate::namespace::{TemporaryName, parent_of, same_at};
use crate::notify::{NotifyAction, NotifyFilter};
use crate::objects::Platform;
use crate::server::client::{OwnedFid, after_change, retried};
use data::{ReparseData, SYMLINK_TAG};
use target::Share;

/// FSCTL_SET_REPARSE_POINT, FSCTL_GET_REPARSE_POINT, FSCTL_DELETE_REPARSE_POINT ([MS-FSCC] 2.3).
const FSCTL_SET_REPARSE_POINT: u32 = 0x0009_00a4;
const FSCTL_GET_REPARSE_POINT: u32 = 0x0009_00a8;
const FSCTL_DELETE_REPARSE_POINT: u32 = 0x0009_00ac;

/// Permission bits of what takes a link's place, before the umask.
const FILE_MODE: u32 = 0o666;
const DIRECTORY_MODE: u32 = 0o777;

impl<P: Platform> OpenFile<P> {
    /// A file system control `code` with the METHOD_BUFFERED `buffer`, of which `input` bytes came from the caller and
    /// `output` may go back. The result is the number of bytes written, with `BUFFER_OVERFLOW` when not all fitted.
    ///
    /// # Errors
    /// - `INVALID_DEVICE_REQUEST`: any control but those of reparse points.
    /// - `NOT_A_REPARSE_POINT`; `IO_REPARSE_TAG_INVALID`, `IO_REPARSE_TAG_MISMATCH`, `IO_REPARSE_DATA_INVALID`;
    ///   `NOT_SUPPORTED`: a tag that is not a symbolic link's, or a file that holds data; `NOT_SAME_DEVICE`: a target on
    ///   another share; `DIRECTORY_NOT_EMPTY`; `ACCESS_DENIED`; `BUFFER_TOO_SMALL`.
    /// - otherwise as [`OpenFile::read`].
    pub async fn fs_control(
        &self,
        code: u32,
        buffer: &mut [u8],
        input: usize,
        output: usize,
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        let known = [
            FSCTL_SET_REPARSE_POINT,
            FSCTL_GET_REPARSE_POINT,
            FSCTL_DELETE_REPARSE_POINT,
        ];
        if !known.contains(&code) {
            return Err(Status::INVALID_DEVICE_REQUEST);
        }
        let running = self.begin(MajorFunction::FILE_SYSTEM_CONTROL, cancel)?;
        running
            .run(async {
                retried!(async {
                    let given = buffer.get(..input).ok_or(Status::INVALID_PARAMETER)?;
                    match code {
                        FSCTL_GET_REPARSE_POINT => {
                            let room = buffer.get_mut(..output).ok_or(Status::INVALID_PARAMETER)?;
                            return self.get_reparse_point(room).await;
                        }
                        FSCTL_SET_REPARSE_POINT => self.set_reparse_point(given).await?,
                        _ => self.delete_reparse_point(given).await?,
                    }
                    Ok((0, Status::SUCCESS))
                })
            })
            .await
    }

    async fn get_reparse_point(&self, room: &mut [u8]) -> nt::Result<(usize, Status)> {
        if !self.getattr().await?.mode.is_symlink() {
            return Err(Status::NOT_A_REPARSE_POINT);
        }
        let text = self
            .ask(
                |fid| Treadlink { fid },
                |reply| -> nt::Result<Vec<u8>> {
                    let mut copy = Vec::new();
                    copy.try_extend_from_slice(reply.target)?;
                    Ok(copy)
                },
            )
            .await??;
        let record = target::to_nt(&text, &self.reparse_share()?)?.encode()?;
        data::copy_out(&record, room)
    }

    async fn set_reparse_point(&self, given: &[u8]) -> nt::Result {
        self.check_reparse_rights()?;
        let data = ReparseData::parse(given)?;
        let share = self.reparse_share()?;
        let path = self.path()?;
        let text = target::to_server(&data, &share, &path)?;
        let gid = self.view()?.gid;
        self.take_place_of(None, false, async |parent: &OwnedFid, name: &[u8]| {
            let request = Tsymlink {
                dfid: parent.fid(),
                name,
                target: &text,
                gid,
            };
            parent.client().call(&request, |_| ()).await
        })
        .await
    }

    /// Leaves an empty file in the link's place, or an empty directory where the handle was opened as one.
    async fn delete_reparse_point(&self, given: &[u8]) -> nt::Result {
        self.check_reparse_rights()?;
        let tag = data::tag_to_delete(given)?;
        let gid = self.view()?.gid;
        let umask = self.redirector.settings().umask;
        let as_directory = self.options().contains(CreateOptions::DIRECTORY_FILE);
        self.take_place_of(Some(tag), as_directory, async |parent: &OwnedFid, name: &[u8]| {
            let client = parent.client();
            if as_directory {
                let request = Tmkdir {
                    dfid: parent.fid(),
                    name,
                    mode: Mode(DIRECTORY_MODE & !umask),
                    gid,
                };
                return client.call(&request, |_| ()).await;
            }
            // Tlcreate makes the fid the file's.
            let file = parent.walk(core::iter::empty()).await?;
            let request = Tlcreate {
                fid: file.fid(),
                name,
                flags: OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
                mode: Mode(FILE_MODE & !umask),
                gid,
            };
            client.call(&request, |_| ()).await
        })
        .await
    }

    fn check_reparse_rights(&self) -> nt::Result {
        let rights = AccessMask::WRITE_DATA | AccessMask::WRITE_ATTRIBUTES;
        if self.granted_access.intersects(rights) {
            Ok(())
        } else {
            Err(Status::ACCESS_DENIED)
        }
    }

    /// Has what `make` makes take this file's place; the handle is one of that from then on. `tag` is what the file must
    /// be: a reparse point of that tag, or (`None`) a link or something empty. `makes_directory`: what is made is one.
    async fn take_place_of(
        &self,
        tag: Option<u32>,
        makes_directory: bool,
        make: impl AsyncFnOnce(&OwnedFid, &[u8]) -> nt::Result,
    ) -> nt::Result {
        let place = self.place().await?;
        let (parent, name) = parent_of(&place.root, &place.path).await?;
        let Found {
            file: old,
            reply: found,
            ..
        } = same_at(&parent, name, place.file_id).await?;
        let is_directory = found.mode.is_directory();
        let refusal = match found.mode {
            mode if mode.is_symlink() => tag
                .is_some_and(|tag| tag != SYMLINK_TAG)
                .then_some(Status::IO_REPARSE_TAG_MISMATCH),
            _ if tag.is_some() => Some(Status::NOT_A_REPARSE_POINT),
            mode if mode.is_regular() => (found.size != 0).then_some(Status::NOT_SUPPORTED),
            _ if is_directory => {
                let listed = parent.walk(core::iter::once(name)).await?;
                (!is_empty(listed).await?).then_some(Status::DIRECTORY_NOT_EMPTY)
            }
            _ => Some(Status::NOT_SUPPORTED),
        };
        if let Some(status) = refusal {
            return Err(status);
        }
        let temporary = TemporaryName::new(&parent);
        let replacing = async {
            make(&parent, temporary.as_bytes()).await?;
            let placing = async {
                let made = parent.walk(core::iter::once(temporary.as_bytes())).await?;
                // A directory is replaced by nothing, and replaces nothing but a directory.
                if is_directory || makes_directory {
                    remove_name(&parent, name, old, is_directory).await?;
                }
                move_name(&parent, temporary.as_bytes(), made, &parent, name).await
            };
            placing.await.map_err(after_change)
        };
        if let Err(status) = replacing.await {
            // Somebody else's, then.
            if status != Status::OBJECT_NAME_COLLISION {
                self.take_back(&place.path, &temporary, makes_directory).await;
            }
            return Err(status);
        }
        let file = parent.walk(core::iter::once(name)).await.map_err(after_change)?;
        let found = file.client().identify(file.fid()).await.map_err(after_change)?;
        self.open
            .become_file(&Arc::try_new(file)?, FileIdentity::of(&found))?;
        let view = self.view()?;
        view.removed(&place.path);
        view.added(&place.path);
        self.report(NotifyFilter::ATTRIBUTES, NotifyAction::MODIFIED);
        Ok(())
    }

    /// The share that targets are below.
    fn reparse_share(&self) -> nt::Result<Share> {
        let tree = self.redirector.tree();
        let chain = tree.chain(tree.srv_open(self.srv_open)?.v_net_root())?;
        Share::try_new(
            chain.srv_call.host(),
            chain.srv_call.port(),
            chain.net_root.share(),
            chain.v_net_root.drive(),
            chain.v_net_root.prefix(),
        )
    }
}

/// Reads `record` as what FSCTL_SET_REPARSE_POINT and FSCTL_DELETE_REPARSE_POINT are given; what was read is written as it
/// was read.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(record: &[u8]) {
    let _ = data::tag_to_delete(record);
    let Ok(read) = data::ReparseData::parse(record) else {
        return;
    };
    let Ok(written) = read.encode() else { return };
    let again = data::ReparseData::parse(&written);
    assert!(again.is_ok_and(|again| {
        again.substitute.as_name() == read.substitute.as_name()
            && again.print.as_name() == read.print.as_name()
            && again.relative == read.relative
    }));
}

/// Shows a link that says `text` to a program, which may set it again.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz_text(text: &[u8]) {
    let name = |text| nt::NameBuf::try_from_str(text).unwrap_or_default();
    let (host, export) = (name("server"), name("\\srv\\export"));
    let share = Share::try_new(host.as_name(), 564, export.as_name(), None, nt::Name::default());
    let path = crate::names::ServerPath::from_components([&b"d"[..], b"link"].into_iter());
    let (Ok(share), Ok(path)) = (share, path) else {
        return;
    };
    let Ok(shown) = target::to_nt(text, &share) else {
        return;
    };
    if let Ok(record) = shown.encode() {
        assert!(data::ReparseData::parse(&record).is_ok());
    }
    let _ = target::to_server(&shown, &share, &path);
}
