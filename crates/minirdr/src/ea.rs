//! IRP_MJ_QUERY_EA and IRP_MJ_SET_EA: NT's extended attributes as the `user.` attributes of Linux.
//!
//! NT's names know no case and are shown in upper case; Linux's do. An attribute keeps the spelling that the server has,
//! is found whatever its case, and a new one is made in upper case.

mod list;
pub(crate) mod xattr;

use core::sync::atomic::Ordering;

use executive::mem::Arc;
use executive::task::CancelToken;
use nt::{AccessMask, Status};
use rdbss::MajorFunction;

use crate::file::OpenFile;
use crate::namespace;
use crate::notify::{NotifyAction, NotifyFilter};
use crate::objects::Platform;
use crate::server::client::{OwnedFid, retried};
use list::{FullList, parse_names, parse_settings};
use xattr::Names;

/// What a query of extended attributes asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct EaQuery<'a> {
    /// FILE_GET_EA_INFORMATION entries: these attributes, whether they exist or not. It goes before the rest.
    pub names: Option<&'a [u8]>,
    /// SL_INDEX_SPECIFIED: from this attribute on, counted from 1.
    pub index: Option<u32>,
    /// SL_RESTART_SCAN: from the first.
    pub restart: bool,
    /// SL_RETURN_SINGLE_ENTRY.
    pub single: bool,
}

/// Looks whether extended attributes are well formed.
///
/// # Errors
/// What is wrong with the first that is not: a warning, such as `EA_LIST_INCONSISTENT`, or an error.
pub(crate) fn check_list(record: &[u8]) -> nt::Result {
    parse_settings(record).map(drop).map_err(|(status, _)| status)
}

impl<P: Platform> OpenFile<P> {
    /// Writes extended attributes as FILE_FULL_EA_INFORMATION entries, going on behind those of the last query unless
    /// `query` says otherwise. The result is the number of bytes written, with `BUFFER_OVERFLOW` when there was no room
    /// for all; or where a list is malformed, the offset in `query.names`, with the warning that says so.
    ///
    /// # Errors
    /// - `EAS_NOT_SUPPORTED`; `NO_EAS_ON_FILE`; `NO_MORE_EAS`: none behind the last; `NONEXISTENT_EA_ENTRY`: the index is
    ///   beyond the last;
    /// - `BUFFER_TOO_SMALL`: not even one fits; `ACCESS_DENIED` without FILE_READ_EA;
    /// - otherwise as [`OpenFile::read`].
    pub async fn query_ea(
        &self,
        query: &EaQuery<'_>,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        if !self.granted_access.contains(AccessMask::READ_EA) {
            return Err(Status::ACCESS_DENIED);
        }
        let running = self.begin(MajorFunction::QUERY_EA, cancel)?;
        running
            .run(async {
                retried!(async {
                    let mut list = FullList::new(buffer);
                    let status = match query.names {
                        Some(names) => match parse_names(names) {
                            Ok(names) => self.named(&names, query.single, &mut list).await?,
                            Err((status, at)) if status.is_warning() => return Ok((at, status)),
                            Err((status, _)) => return Err(status),
                        },
                        None => self.scan_ea(query, &mut list).await?,
                    };
                    Ok((list.used(), status))
                })
            })
            .await
    }

    /// Sets, and removes where a value is empty, the attributes that `record` says, FILE_FULL_EA_INFORMATION entries. The
    /// others stay. The result is the offset in a malformed list with the warning that says what is wrong there; else 0.
    ///
    /// # Errors
    /// - `EAS_NOT_SUPPORTED`; `EA_TOO_LARGE`; `ACCESS_DENIED` without FILE_WRITE_EA. What came before the attribute that
    ///   failed has been set then;
    /// - otherwise as [`OpenFile::read`].
    pub async fn set_ea(&self, record: &[u8], cancel: &CancelToken) -> nt::Result<(usize, Status)> {
        if !self.granted_access.contains(AccessMask::WRITE_EA) {
            return Err(Status::ACCESS_DENIED);
        }
        self.set_ea_as_creator(record, cancel).await
    }

    /// [`Self::set_ea`] for whoever makes the file, who needs no right to that.
    ///
    /// # Errors
    /// As [`Self::set_ea`].
    pub(crate) async fn set_ea_as_creator(
        &self,
        record: &[u8],
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        let settings = match parse_settings(record) {
            Ok(settings) => settings,
            Err((status, at)) if status.is_warning() => return Ok((at, status)),
            Err((status, _)) => return Err(status),
        };
        let running = self.begin(MajorFunction::SET_EA, cancel)?;
        running
            .run(async {
                retried!(async {
                    // Doing all of it again does no harm.
                    let (file, mut names) = self.ea_names().await?;
                    for (index, setting) in settings.iter().enumerate() {
                        let earlier = settings.get(..index).unwrap_or_default();
                        let again = |other: &list::Setting<'_>| other.name.eq_ignore_ascii_case(setting.name);
                        if earlier.iter().any(again) {
                            names = Names::of(&file).await?;
                        }
                        xattr::set_by_name(&file, &names, setting.name, setting.value).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.report(NotifyFilter::EA, NotifyAction::MODIFIED);
        Ok((0, Status::SUCCESS))
    }

    /// The size of all attributes in the packed form that FileEaInformation counts: 4 bytes, and for each attribute 5
    /// more than its name and value. 0 without any, and where there can be none.
    pub(crate) async fn ea_size(&self) -> nt::Result<u32> {
        let (file, names) = match self.ea_names().await {
            Err(Status::EAS_NOT_SUPPORTED | Status::ACCESS_DENIED) => return Ok(0),
            found => found?,
        };
        let mut size = 0_u64;
        for index in 0..names.len() {
            let Some((spelled, name)) = names.get(index) else {
                break;
            };
            let value = match xattr::value_len(&file, spelled).await {
                Err(Status::NONEXISTENT_EA_ENTRY) => continue,
                len => len?,
            };
            let name = u64::try_from(name.len()).unwrap_or(u64::MAX);
            size = size.saturating_add(5).saturating_add(name).saturating_add(value);
        }
        let all = if size == 0 { 0 } else { size.saturating_add(4) };
        Ok(u32::try_from(all).unwrap_or(u32::MAX))
    }

    /// Whether the server keeps extended attributes.
    pub(crate) async fn keeps_ea(&self) -> nt::Result<bool> {
        match self.ea_names().await {
            Ok(_) | Err(Status::ACCESS_DENIED) => Ok(true),
            Err(Status::EAS_NOT_SUPPORTED) => Ok(false),
            Err(status) => Err(status),
        }
    }

    /// The file as the server finds it now, and its attributes' names.
    async fn ea_names(&self) -> nt::Result<(Arc<OwnedFid>, Names)> {
        let file = self.fid().await?;
        match Names::of(&file).await {
            // Renamed by another handle, on a server whose fids are paths.
            Err(Status::OBJECT_NAME_NOT_FOUND) => {
                let file = Arc::try_new(namespace::find(&self.place().await?).await?)?;
                let names = Names::of(&file).await?;
                Ok((file, names))
            }
            names => Ok((file, names?)),
        }
    }

    /// The attributes of these names; one that does not exist has an empty value.
    async fn named(&self, wanted: &[&[u8]], single: bool, list: &mut FullList<'_>) -> nt::Result<Status> {
        let (file, names) = self.ea_names().await?;
        for (index, name) in wanted.iter().enumerate() {
            let earlier = wanted.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                continue;
            }
            let value = match names.find(name) {
                None => None,
                Some(spelled) => match xattr::value(&file, spelled).await {
                    Err(Status::NONEXISTENT_EA_ENTRY) => None,
                    value => value?,
                },
            };
            if list.push(name, value.as_deref().unwrap_or_default()).is_err() {
                return no_room(list);
            }
            if single {
                break;
            }
        }
        Ok(Status::SUCCESS)
    }

    /// The attributes from where the last query ended.
    async fn scan_ea(&self, query: &EaQuery<'_>, list: &mut FullList<'_>) -> nt::Result<Status> {
        let (file, names) = self.ea_names().await?;
        if names.len() == 0 {
            return Err(Status::NO_EAS_ON_FILE);
        }
        let mut index = self.first_ea(query, names.len())?;
        let mut status = Status::SUCCESS;
        while let Some((spelled, name)) = names.get(index) {
            let value = match xattr::value(&file, spelled).await {
                // Gone meanwhile, or longer than NT can say.
                Err(Status::NONEXISTENT_EA_ENTRY) | Ok(None) => {
                    index += 1;
                    continue;
                }
                Ok(Some(value)) => value,
                // A part would look like all there is: whoever copies them would lose the rest.
                Err(status) => return Err(status),
            };
            if list.push(name, &value).is_err() {
                status = no_room(list)?;
                break;
            }
            index += 1;
            if query.single {
                break;
            }
        }
        self.ea_position
            .store(u32::try_from(index).unwrap_or(u32::MAX), Ordering::Relaxed);
        if list.is_empty() {
            return Err(Status::NO_MORE_EAS);
        }
        Ok(status)
    }

    /// Which attribute a query of `count` attributes begins with.
    fn first_ea(&self, query: &EaQuery<'_>, count: usize) -> nt::Result<usize> {
        let index = match query.index {
            Some(index) => index.checked_sub(1).ok_or(Status::NONEXISTENT_EA_ENTRY)?,
            None if query.restart => 0,
            None => self.ea_position.load(Ordering::Relaxed),
        };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        match index.cmp(&count) {
            core::cmp::Ordering::Less => Ok(index),
            core::cmp::Ordering::Equal => Err(Status::NO_MORE_EAS),
            core::cmp::Ordering::Greater if query.index.is_some() => Err(Status::NONEXISTENT_EA_ENTRY),
            core::cmp::Ordering::Greater => Err(Status::NO_MORE_EAS),
        }
    }
}

/// There is more than fits.
fn no_room(list: &FullList<'_>) -> nt::Result<Status> {
    if list.is_empty() {
        Err(Status::BUFFER_TOO_SMALL)
    } else {
        Ok(Status::BUFFER_OVERFLOW)
    }
}

/// Reads `record` as each kind of list.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(record: &[u8]) {
    let _ = parse_settings(record);
    let _ = parse_names(record);
}

/// Reads `list` as a server's names: each that is shown is found.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz_names(list: &[u8]) {
    use executive::mem::TryVec;
    let mut copy = alloc::vec::Vec::new();
    if copy.try_extend_from_slice(list).is_err() {
        return;
    }
    let Ok(names) = Names::parse(copy) else { return };
    for index in 0..names.len() {
        let known = names.get(index);
        assert!(known.is_some_and(|(spelled, name)| names.find(name) == Some(spelled)));
    }
}

#[cfg(test)]
mod tests;
