//! IRP_MJ_QUERY_INFORMATION and IRP_MJ_QUERY_VOLUME_INFORMATION, carried out.

use alloc::boxed::Box;

use executive::mem::try_box;
use executive::task::CancelToken;
use ninep::wire::Tstatfs;
use nt::{CreateOptions, FileInformationClass, FsInformationClass, Name, NameBuf, Status};
use rdbss::MajorFunction;

use crate::file::OpenFile;
use crate::information::attributes::Attributes;
use crate::information::set_information::SETTABLE_MODE;
use crate::information::volume::{self, Volume};
use crate::information::{self, OpenState};
use crate::objects::Platform;
use crate::server::client::retried;

/// The options that FileModeInformation reports. FILE_DELETE_ON_CLOSE is never among them (`[MS-FSCC]` 2.4.26).
const MODE_OPTIONS: CreateOptions = SETTABLE_MODE.union(CreateOptions::NO_INTERMEDIATE_BUFFERING);

impl<P: Platform> OpenFile<P> {
    /// Answers a query of `class` into `buffer`; `position` is the file object's current byte offset. The result is
    /// the number of bytes written, with `BUFFER_OVERFLOW` when the name was cut.
    ///
    /// # Errors
    /// `INVALID_INFO_CLASS`, `INFO_LENGTH_MISMATCH`; otherwise as [`Self::read`].
    pub async fn query_information(
        &self,
        class: FileInformationClass,
        position: u64,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        let sources = information::sources(class, buffer.len())?;
        let running = self.begin(MajorFunction::QUERY_INFORMATION, cancel)?;
        running
            .run(async {
                let identity = self.identity()?;
                let attributes = if sources.attributes {
                    retried!(self.attributes(sources.dos_attributes))?
                } else {
                    Attributes::unknown()
                };
                let ea_size = if sources.ea_size {
                    retried!(self.ea_size())?
                } else {
                    0
                };
                let open = OpenState {
                    granted_access: self.granted_access.bits(),
                    mode: (self.options() & MODE_OPTIONS).bits(),
                    position,
                    delete_pending: identity.delete_pending,
                    ea_size,
                    volume_serial: identity.volume_serial(),
                    file_id: self.file_id(),
                    name: identity.name.as_name(),
                };
                information::query(class, &attributes, &open, buffer)
            })
            .await
    }

    /// Answers a volume query of `class` into `buffer`. Result and errors as [`Self::query_information`].
    ///
    /// # Errors
    /// As [`Self::query_information`].
    pub async fn query_volume(
        &self,
        class: FsInformationClass,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        let needs_figures = volume::needs_figures(class, buffer.len())?;
        let running = self.begin(MajorFunction::QUERY_VOLUME_INFORMATION, cancel)?;
        running
            .run(async {
                let statfs = if needs_figures {
                    Some(self.ask(|fid| Tstatfs { fid }, |reply| reply).await?)
                } else {
                    None
                };
                let identity = self.identity()?;
                let volume = Volume {
                    label: identity.label(),
                    serial: identity.volume_serial(),
                    file_system_name: self.redirector.settings().file_system_name.as_name(),
                    extended_attributes: class == FsInformationClass::ATTRIBUTE && self.keeps_ea().await?,
                };
                volume::query(class, statfs.as_ref(), &volume, buffer)
            })
            .await
    }

    /// IRP_MJ_SET_VOLUME_INFORMATION of `class` from `record`, which no 9P server can carry out.
    ///
    /// # Errors
    /// Always: `NOT_SUPPORTED`, `INFO_LENGTH_MISMATCH`, `INVALID_INFO_CLASS`.
    pub fn set_volume(&self, class: FsInformationClass, record: &[u8]) -> nt::Result {
        volume::set(class, record.len())
    }

    /// What the file is called, and whether it is about to go.
    fn identity(&self) -> nt::Result<Identity> {
        let tree = self.redirector.tree();
        let srv_open = tree.srv_open(tree.fobx(self.fobx)?.srv_open())?;
        let fcb = tree.fcb(srv_open.fcb())?;
        let chain = tree.chain(srv_open.v_net_root())?;
        let mut name = NameBuf::default();
        name.try_push(u16::from(b'\\'))?;
        name.try_push_name(chain.srv_call.host())?;
        if chain.srv_call.port() != crate::DEFAULT_PORT {
            name.try_push(u16::from(b'@'))?;
            name.try_push_decimal(u64::from(chain.srv_call.port()))?;
        }
        name.try_push_name(chain.net_root.share())?;
        let share_units = name.len();
        name.try_push_name(fcb.path())?;
        Ok(Identity {
            name,
            share_units,
            delete_pending: fcb.state().contains(rdbss::FcbState::DELETE_ON_CLOSE),
        })
    }

    /// What the server says of the file now, with what it keeps for NT if that is `wanted`.
    async fn attributes(&self, wanted: bool) -> nt::Result<Attributes> {
        let (mut attributes, moved) = match self.just_seen() {
            Some(attributes) => (attributes, None),
            None => {
                let (reply, moved) = self.look().await?;
                let path = self.path()?;
                // The root of a share has no name, whatever the share is called.
                let name = path.split_last().map_or(&b""[..], |(_, name)| name);
                (Attributes::new(&reply, name), moved)
            }
        };
        if wanted {
            // Boxed: few queries need the room.
            let kept = Box::into_pin(try_box(self.kept(attributes.mode, moved.as_ref()))?).await?;
            attributes.add(kept);
        }
        if attributes.mode.is_symlink() {
            let path = self.path()?;
            let view = self.view()?;
            let links = self.links(&view).await?;
            // Boxed for the same reason.
            if Box::into_pin(try_box(links.lead_to_directory(path))?).await? {
                attributes.show_directory();
            }
        }
        Ok(attributes)
    }
}

/// What an open file is called.
struct Identity {
    /// `\server@port\share\path`.
    name: NameBuf,
    /// How much of `name` is the share's.
    share_units: usize,
    delete_pending: bool,
}

impl Identity {
    fn share(&self) -> Name<'_> {
        Name::new(self.name.as_units().get(..self.share_units).unwrap_or_default())
    }

    /// The serial number of the share as a volume: made of its name, so that it is the same whenever and from wherever
    /// it is asked for. A file system's id would change where a share reaches over several.
    fn volume_serial(&self) -> u64 {
        self.share().hash_upcased()
    }

    /// The label of the share as a volume: the last part of its name.
    fn label(&self) -> Name<'_> {
        self.share()
            .rsplit_once(u16::from(b'\\'))
            .map_or(Name::EMPTY, |(_, last)| last)
    }
}
