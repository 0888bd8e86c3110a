//! From a path to a file on the server: Twalk, Tgetattr and, where that is safe, Tlopen, sent one behind the other without
//! waiting for answers in between. Fids are the client's to number, so a request may name one that the request before it
//! makes.
//!
//! A walk is followed name by name: a symbolic link on the way is met here and never passed through, whatever the
//! server would make of it, and so is the name that is missing.

use ninep::session::Need;
use ninep::wire::{Fid, MAX_WALK, OpenFlags, Rgetattr, Tlopen, Twalk, WalkNames, WalkQids};
use nt::Status;

use crate::names::ServerPath;
use crate::server::client::{Client, OwnedFid, identifying_attributes};

/// Where a path leads.
pub(crate) enum Lookup {
    /// To a file.
    Found(Found),
    /// Nowhere: the component of this index is not there. All before it are directories.
    Missing(usize),
    /// To a symbolic link at the component of this index, which is not the last.
    Link(usize),
}

/// A file that a path leads to.
pub(crate) struct Found {
    /// Its fid.
    pub(crate) file: OwnedFid,
    /// What it is. A symbolic link is not followed.
    pub(crate) reply: Rgetattr,
    /// Whether it is open already, as was asked for ahead.
    pub(crate) is_open: bool,
}

/// Looks `path` up below `root`. `ahead` opens the file without waiting to hear what it is: for those that are known to be
/// directories or regular files, or that nothing but a directory would be opened of (O_DIRECTORY).
///
/// # Errors
/// `OBJECT_PATH_NOT_FOUND` below what is no directory; the server's; otherwise as [`Client::call`].
pub(crate) async fn look_up(
    root: &OwnedFid,
    path: &ServerPath,
    ahead: Option<OpenFlags>,
) -> nt::Result<Lookup> {
    let client = root.client();
    let target = OwnedFid::allocate(client)?;
    let total = path.len();
    let mut done = 0;
    loop {
        let step = total.saturating_sub(done).min(MAX_WALK);
        let is_last = done.saturating_add(step) >= total;
        let from = if done == 0 { root.fid() } else { target.fid() };
        let walking = loop {
            // Gone before anything is waited for: futures are to be small.
            let need = {
                let mut names: [&[u8]; MAX_WALK] = [&[]; MAX_WALK];
                let request = walk_step(path, done, step, from, target.fid(), &mut names);
                match client.try_start(&request)? {
                    Some(walking) => break walking.detach::<Twalk<'static>>(),
                    None => Need::of(&request),
                }
            };
            client.room(need).await?;
        };
        // Only of a fid that the walk makes: one that leads somewhere already would give the attributes of that to a server
        // that acts on requests in no order.
        let looking = if is_last && done == 0 && client.keeps_order() {
            client.try_start(&identifying_attributes(target.fid()))?
        } else {
            None
        };
        let opening = match ahead {
            Some(flags) if looking.is_some() => client.try_start(&open(target.fid(), flags))?,
            _ => None,
        };
        let walked = walking.reply(|reply| Walked::new(reply.qids)).await;
        // They are on their way: their answers are waited for even where the walk has failed, as flushing them would
        // only be more messages.
        let looked = match looking {
            Some(looking) => Some(looking.reply(|reply| reply).await),
            None => None,
        };
        let opened = match opening {
            Some(opening) => opening.reply(|reply| reply.qid.is_directory()).await.ok(),
            None => None,
        };
        if let Some(elsewhere) = judge(walked, done, step, total)? {
            return Ok(elsewhere);
        }
        if is_last {
            let (reply, opened) = match looked {
                Some(Ok(reply)) => (reply, opened),
                // What was sent ahead of the walk's end was refused, if it was sent at all.
                looked => {
                    let ahead = ahead.filter(|_| opened.is_none());
                    let (reply, opened_now) = look_and_open(client, &target, ahead).await?;
                    if looked.is_some() {
                        client.set_out_of_order();
                    }
                    (reply, opened_now.or(opened))
                }
            };
            if let Some(is_directory) = opened {
                same_type(&reply, is_directory)?;
            }
            return Ok(Lookup::Found(Found {
                file: target,
                reply,
                is_open: opened.is_some(),
            }));
        }
        done = done.saturating_add(step);
    }
}

/// Asks what the file that was walked to is, and opens it meanwhile if `ahead` says so; whether that was a directory, if it
/// was opened.
async fn look_and_open(
    client: &Client,
    target: &OwnedFid,
    ahead: Option<OpenFlags>,
) -> nt::Result<(Rgetattr, Option<bool>)> {
    let request = identifying_attributes(target.fid());
    let looking = loop {
        match client.try_start(&request)? {
            Some(looking) => break looking,
            None => client.room(Need::of(&request)).await?,
        }
    };
    let opening = match ahead {
        Some(flags) => client.try_start(&open(target.fid(), flags))?,
        None => None,
    };
    let looked = looking.reply(|reply| reply).await;
    let opened = match opening {
        Some(opening) => match opening.reply(|reply| reply.qid.is_directory()).await {
            Ok(is_directory) => Some(is_directory),
            // The server may have opened it: the same fid is not opened again.
            Err(status @ (Status::INSUFFICIENT_RESOURCES | Status::IO_TIMEOUT)) => {
                return looked.and(Err(status));
            }
            Err(_) => None,
        },
        None => None,
    };
    Ok((looked?, opened))
}

/// Opens a file that was looked at.
///
/// # Errors
/// `INVALID_NETWORK_RESPONSE` where what the server opened is of another type; otherwise as [`Client::call`].
pub(crate) async fn open_found(file: &OwnedFid, looked: &Rgetattr, flags: OpenFlags) -> nt::Result {
    let request = open(file.fid(), flags);
    let is_directory = file
        .client()
        .call(&request, |reply| reply.qid.is_directory())
        .await?;
    same_type(looked, is_directory)
}

/// A directory must not be taken for a file, nor the other way round, because a server said two things of it. That need not
/// be a lie, as where a fid stands for a path another file may have the name by now: it ends the open, not the session. What a
/// server opens by the name of a symbolic link may be what it leads to; nothing is done with that.
fn same_type(looked: &Rgetattr, is_directory: bool) -> nt::Result {
    if looked.mode.is_symlink() || looked.mode.is_directory() == is_directory {
        Ok(())
    } else {
        Err(Status::INVALID_NETWORK_RESPONSE)
    }
}

fn walk_step<'n>(
    path: &'n ServerPath,
    done: usize,
    step: usize,
    fid: Fid,
    newfid: Fid,
    names: &'n mut [&'n [u8]; MAX_WALK],
) -> Twalk<'n> {
    for (slot, name) in names.iter_mut().zip(path.components().skip(done).take(step)) {
        *slot = name;
    }
    Twalk {
        fid,
        newfid,
        names: WalkNames::new(names.get(..step).unwrap_or_default()),
    }
}

fn open(fid: Fid, flags: OpenFlags) -> Tlopen {
    Tlopen { fid, flags }
}

/// How far a walk came.
struct Walked {
    names: usize,
    /// The first symbolic link among them.
    link: Option<usize>,
    /// The last of them is a directory; so is where a walk begins.
    at_directory: bool,
}

impl Walked {
    fn new(qids: WalkQids<'_>) -> Self {
        Self {
            names: qids.len(),
            link: qids.iter().position(|qid| qid.is_symlink()),
            at_directory: qids.iter().last().is_none_or(|qid| qid.is_directory()),
        }
    }
}

/// What a step of a walk came to: `None` if it went all its way.
fn judge(walked: nt::Result<Walked>, done: usize, step: usize, total: usize) -> nt::Result<Option<Lookup>> {
    let walked = match walked {
        Ok(walked) => walked,
        // Only a walk that fails at its first name is answered with an error.
        Err(Status::OBJECT_NAME_NOT_FOUND) => return Ok(Some(Lookup::Missing(done))),
        Err(Status::NOT_A_DIRECTORY) => return Err(Status::OBJECT_PATH_NOT_FOUND),
        Err(status) => return Err(status),
    };
    let link = walked.link.map(|at| done.saturating_add(at));
    match link {
        Some(at) if at.saturating_add(1) < total => return Ok(Some(Lookup::Link(at))),
        _ => {}
    }
    if walked.names == step {
        Ok(None)
    } else if walked.at_directory {
        Ok(Some(Lookup::Missing(done.saturating_add(walked.names))))
    } else {
        Err(Status::OBJECT_PATH_NOT_FOUND)
    }
}
