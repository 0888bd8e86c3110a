//! The attributes of a run of directory entries: Twalk, Tgetattr and Tclunk for each, a window of them in flight.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::pin::Pin;

use executive::mem::{Arc, TryVec, try_box};
use executive::task::join_all;
use ninep::session::Need;
use ninep::wire::{Rgetattr, Tgetattr, Twalk, WalkNames};
use nt::Status;

use crate::information::attributes::Attributes;
use crate::information::dos_attributes;
use crate::server::client::{Client, OwnedFid, Pending, basic_attributes};

/// Entries in flight at a time, two messages each: half of what a session lets its callers have outstanding.
const WINDOW: usize = 32;

/// Entries whose kept attributes are asked for at a time, on shares that have any.
const KEPT_AT_A_TIME: usize = 16;

/// What is known of an entry.
enum Entry {
    Known(Attributes),
    /// It has vanished, or may not be looked at.
    Gone,
    /// It was walked to, and has not been looked at.
    Walked(OwnedFid),
}

/// An entry under way.
struct InFlight<'a> {
    file: OwnedFid,
    name: &'a [u8],
    walking: Pending<'a, Twalk<'a>>,
    looking: Option<Pending<'a, Tgetattr>>,
}

/// The attributes of the entries `names`, in their order; `None` for one that is gone, or not to be looked at. Dots are
/// not for here.
pub(in crate::dialect) async fn attributes_of<'a>(
    directory: &'a OwnedFid,
    names: &'a [&'a [u8]],
    kept: bool,
) -> nt::Result<Vec<Option<Attributes>>> {
    let client = directory.client();
    let mut entries = Vec::try_with_room(names.len())?;
    walk(directory, client, names, &mut entries).await?;
    look(client, names, &mut entries).await?;
    if kept {
        Box::into_pin(try_box(add_kept(directory, names, &mut entries))?).await?;
    }
    let mut attributes = Vec::try_with_room(entries.len())?;
    for entry in entries {
        attributes.try_push(match entry {
            Entry::Known(known) => Some(known),
            Entry::Gone | Entry::Walked(_) => None,
        })?;
    }
    Ok(attributes)
}

/// Adds the attributes that the server keeps for NT, some entries at a time.
async fn add_kept(directory: &OwnedFid, names: &[&[u8]], entries: &mut [Entry]) -> nt::Result {
    let mut entries = entries
        .iter_mut()
        .zip(names)
        .filter_map(|(entry, name)| match entry {
            Entry::Known(known) if dos_attributes::may_have(known.mode) => Some((known, *name)),
            _ => None,
        });
    loop {
        let mut some = Vec::try_with_room(KEPT_AT_A_TIME)?;
        let mut reading = Vec::try_with_room(KEPT_AT_A_TIME)?;
        for (known, name) in entries.by_ref().take(KEPT_AT_A_TIME) {
            some.try_push(known)?;
            reading.try_push(try_pin(async move {
                let file = directory.walk(core::iter::once(name)).await?;
                dos_attributes::read(&file).await
            })?)?;
        }
        if some.is_empty() {
            return Ok(());
        }
        for (known, read) in some.into_iter().zip(join_all(reading).await?) {
            match read.map_err(gone) {
                Ok(kept) => known.add(kept),
                // It was there a moment ago: it is shown as it was.
                Err(Ok(_)) => {}
                Err(Err(status)) => return Err(status),
            }
        }
    }
}

fn try_pin<F: Future>(future: F) -> nt::Result<Pin<Box<F>>> {
    Ok(Box::into_pin(try_box(future)?))
}

/// Walks to each entry, and looks at it without waiting for the walk where the server keeps order.
async fn walk<'a>(
    directory: &'a OwnedFid,
    client: &'a Arc<Client>,
    names: &'a [&'a [u8]],
    entries: &mut Vec<Entry>,
) -> nt::Result {
    let mut window = VecDeque::new();
    window.try_reserve_exact(WINDOW)?;
    for name in names {
        let file = OwnedFid::allocate(client)?;
        let request = Twalk {
            fid: directory.fid(),
            newfid: file.fid(),
            names: WalkNames::new(core::slice::from_ref(name)),
        };
        let walking = loop {
            let started = if window.len() < WINDOW {
                client.try_start(&request)?
            } else {
                None
            };
            match (started, window.pop_front()) {
                (Some(walking), first) => {
                    if let Some(first) = first {
                        window.push_front(first);
                    }
                    break walking;
                }
                (None, Some(first)) => entries.try_push(finish(client, first).await?)?,
                (None, None) => client.room(Need::of(&request)).await?,
            }
        };
        let looking = if client.keeps_order() {
            client.try_start(&basic_attributes(file.fid()))?
        } else {
            None
        };
        window.push_back(InFlight {
            file,
            name,
            walking,
            looking,
        });
    }
    while let Some(first) = window.pop_front() {
        entries.try_push(finish(client, first).await?)?;
    }
    Ok(())
}

async fn finish(client: &Client, entry: InFlight<'_>) -> nt::Result<Entry> {
    let walked = entry.walking.reply(|reply| reply.qids.len()).await;
    // It is on its way, so its answer is waited for, whatever came of the walk: a flush would be one more message.
    let looked = match entry.looking {
        Some(looking) => Some(looking.reply(|reply| reply).await),
        None => None,
    };
    match walked {
        Ok(1) => {}
        // A walk that stops early makes no fid.
        Ok(_) => return Ok(Entry::Gone),
        Err(status) => return gone(status),
    }
    match looked {
        Some(Ok(reply)) => Ok(known(&reply, entry.name)),
        // Gone since, or answered before the walk was done.
        Some(Err(status)) => {
            if !matches!(gone(status), Ok(Entry::Gone)) {
                client.set_out_of_order();
            }
            Ok(Entry::Walked(entry.file))
        }
        None => Ok(Entry::Walked(entry.file)),
    }
}

/// Looks at the entries that were only walked to.
async fn look(client: &Arc<Client>, names: &[&[u8]], entries: &mut [Entry]) -> nt::Result {
    let mut window: VecDeque<(&mut Entry, &[u8], Pending<'_, Tgetattr>)> = VecDeque::new();
    window.try_reserve_exact(WINDOW)?;
    for (entry, name) in entries.iter_mut().zip(names) {
        let Entry::Walked(file) = &*entry else { continue };
        let request = basic_attributes(file.fid());
        let looking = loop {
            let started = if window.len() < WINDOW {
                client.try_start(&request)?
            } else {
                None
            };
            if let Some(looking) = started {
                break looking;
            }
            match window.pop_front() {
                Some((entry, name, looking)) => *entry = looked_at(looking, name).await?,
                None => client.room(Need::of(&request)).await?,
            }
        };
        window.push_back((entry, name, looking));
    }
    while let Some((entry, name, looking)) = window.pop_front() {
        *entry = looked_at(looking, name).await?;
    }
    Ok(())
}

async fn looked_at(looking: Pending<'_, Tgetattr>, name: &[u8]) -> nt::Result<Entry> {
    match looking.reply(|reply| reply).await {
        Ok(reply) => Ok(known(&reply, name)),
        Err(status) => gone(status),
    }
}

fn known(reply: &Rgetattr, name: &[u8]) -> Entry {
    Entry::Known(Attributes::new(reply, name))
}

/// A name that vanished, or that the user may not look at, is left out; any other failure ends the query.
fn gone(status: Status) -> nt::Result<Entry> {
    match status {
        Status::OBJECT_NAME_NOT_FOUND
        | Status::OBJECT_PATH_NOT_FOUND
        | Status::NOT_A_DIRECTORY
        | Status::ACCESS_DENIED => Ok(Entry::Gone),
        status => Err(status),
    }
}
