//! The attributes of a run of directory entries: Twalk, Tgetattr and Tclunk for each, a window of them in flight. Where
//! entries may have attributes that the server keeps for NT, Txattrwalk besides, and Tread and Tclunk for those that do.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use executive::mem::{Arc, TryVec, try_box};
use ninep::session::Need;
use ninep::wire::{Request, Rgetattr, Tgetattr, Tread, Twalk, Txattrwalk, WalkNames};
use nt::Status;

use crate::information::attributes::Attributes;
use crate::information::dos_attributes;
use crate::server::client::{Client, OwnedFid, Pending, basic_attributes};

/// Entries in flight at a time, two messages each: half of what a session lets its callers have outstanding.
const WINDOW: usize = 32;

/// What is known of an entry.
enum Entry {
    /// With the fid that leads there, as long as something is to be asked by it.
    Known(Attributes, Option<OwnedFid>),
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
    walk(directory, client, names, kept, &mut entries).await?;
    look(client, names, kept, &mut entries).await?;
    if kept {
        Box::into_pin(try_box(add_kept(client, &mut entries))?).await?;
    }
    let mut attributes = Vec::try_with_room(entries.len())?;
    for entry in entries {
        attributes.try_push(match entry {
            Entry::Known(known, _) => Some(known),
            Entry::Gone | Entry::Walked(_) => None,
        })?;
    }
    Ok(attributes)
}

/// Walks to each entry, and looks at it without waiting for the walk where the server keeps order.
async fn walk<'a>(
    directory: &'a OwnedFid,
    client: &'a Arc<Client>,
    names: &'a [&'a [u8]],
    kept: bool,
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
                (None, Some(first)) => entries.try_push(finish(client, first, kept).await?)?,
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
        entries.try_push(finish(client, first, kept).await?)?;
    }
    Ok(())
}

async fn finish(client: &Client, entry: InFlight<'_>, kept: bool) -> nt::Result<Entry> {
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
        Some(Ok(reply)) => Ok(known(&reply, entry.name, entry.file, kept)),
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
async fn look(client: &Client, names: &[&[u8]], kept: bool, entries: &mut [Entry]) -> nt::Result {
    let walked = entries.iter_mut().zip(names).filter_map(|(entry, name)| {
        let Entry::Walked(file) = &*entry else { return None };
        let request = basic_attributes(file.fid());
        Some(((entry, *name), request))
    });
    ask_all(
        client,
        walked,
        |reply| reply,
        |(entry, name), looked| {
            let file = core::mem::replace(entry, Entry::Gone);
            match (looked, file) {
                (Ok(reply), Entry::Walked(file)) => *entry = known(&reply, name, file, kept),
                (Ok(_), _) => {}
                (Err(status), _) => *entry = gone(status)?,
            }
            Ok(())
        },
    )
    .await
}

/// Adds the attributes that the server keeps for NT: asks which entries have any, and then for those.
async fn add_kept(client: &Arc<Client>, entries: &mut [Entry]) -> nt::Result {
    let mut asked = Vec::try_with_room(entries.len())?;
    for entry in entries {
        if let Entry::Known(known, Some(file)) = entry {
            asked.try_push((known, &*file, OwnedFid::allocate(client)?))?;
        }
    }
    let mut kept = Vec::new();
    let questions = asked.into_iter().map(|(known, file, value)| {
        let request = Txattrwalk {
            fid: file.fid(),
            newfid: value.fid(),
            name: dos_attributes::NAME,
        };
        ((known, value), request)
    });
    ask_all(
        client,
        questions,
        |reply| reply.size,
        |(known, value), found| {
            match found {
                Ok(size) if size <= u64::from(dos_attributes::LONGEST) => kept.try_push((known, value))?,
                // Nobody here has written it.
                Ok(_) => {}
                Err(status) => not_kept(client, status)?,
            }
            Ok(())
        },
    )
    .await?;
    let readings = kept.into_iter().map(|(known, value)| {
        let request = Tread {
            fid: value.fid(),
            offset: 0,
            count: dos_attributes::LONGEST,
        };
        ((known, value), request)
    });
    ask_all(
        client,
        readings,
        |reply| dos_attributes::parse(reply.data.0),
        |(known, _), read| {
            match read {
                Ok(kept) => known.add(kept.unwrap_or_default()),
                Err(status) => not_kept(client, status)?,
            }
            Ok(())
        },
    )
    .await
}

/// What is made of a failure to say what is kept of an entry that was there a moment ago: it is shown as it was.
fn not_kept(client: &Client, status: Status) -> nt::Result {
    dos_attributes::absent(client, status).or_else(|status| gone(status).map(drop))
}

/// Makes requests, a window of them under way, and gives each answer to `take` with what it is about, in their order.
async fn ask_all<R: Request, T, V>(
    client: &Client,
    requests: impl Iterator<Item = (T, R)>,
    decode: impl Fn(R::Reply<'_>) -> V,
    mut take: impl FnMut(T, nt::Result<V>) -> nt::Result,
) -> nt::Result {
    let mut window: VecDeque<(T, Pending<'_, R>)> = VecDeque::new();
    window.try_reserve_exact(WINDOW)?;
    for (about, request) in requests {
        let pending = loop {
            let started = if window.len() < WINDOW {
                client.try_start(&request)?
            } else {
                None
            };
            if let Some(pending) = started {
                break pending;
            }
            match window.pop_front() {
                Some((about, pending)) => take(about, pending.reply(&decode).await)?,
                None => client.room(Need::of(&request)).await?,
            }
        };
        window.push_back((about, pending));
    }
    while let Some((about, pending)) = window.pop_front() {
        take(about, pending.reply(&decode).await)?;
    }
    Ok(())
}

/// An entry that was looked at by `file`, which is of use if it is to be asked what it keeps for NT.
fn known(reply: &Rgetattr, name: &[u8], file: OwnedFid, kept: bool) -> Entry {
    let asks = kept && dos_attributes::may_have(reply.mode);
    Entry::Known(Attributes::new(reply, name), asks.then_some(file))
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
