//! Connecting over several local addresses at once.

use crate::address::Address;
use crate::circuit::VirtualCircuit;
use crate::connection::{ConnectOptions, Connection};
use crate::event::ConnectionEvents;
use crate::transport::Transport;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use executive::mem::{TryVec, try_box};
use executive::task::take_first;
use nt::Status;

/// Which of the connections that come about are kept (RXCE_CONNECTION_CREATE_OPTIONS).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selection {
    /// The first (RxCeSelectFirstSuccessfulTransport): the others are called off as soon as there is one.
    First,
    /// The one of the lowest rank, and of the lowest index among equals, once all have ended
    /// (RxCeSelectBestSuccessfulTransport).
    Best,
    /// Every one (RxCeSelectAllSuccessfulTransports).
    All,
}

/// One way to connect.
pub struct Attempt<T: Transport> {
    /// From where.
    pub address: Address<T>,
    /// To where: addresses of one host, best first, as for [`Connection::build_any`].
    pub remotes: Vec<SocketAddr>,
    /// The lower, the better.
    pub rank: u32,
    /// Who hears of what happens, should this one win.
    pub events: Box<dyn ConnectionEvents>,
}

/// A connection that was kept.
pub struct Winner<T: Transport> {
    /// Which attempt it comes from.
    pub index: usize,
    /// The rank of that.
    pub rank: u32,
    /// The connection.
    pub connection: Connection<T>,
    /// Its circuit, paused: [`VirtualCircuit::resume`] brings it to life.
    pub circuit: VirtualCircuit<T>,
}

/// Connects by all `attempts` at once and keeps what `selection` says, in the order of the attempts
/// (RxCeBuildConnectionOverMultipleTransports). `options.paused` is taken as set. When this returns, every attempt has
/// ended, and whatever the losers had is given back; no event of a loser's has come.
///
/// # Errors
/// `INVALID_PARAMETER` for no attempt at all; `INSUFFICIENT_RESOURCES`; when none succeeds, what the last one reported.
pub async fn race<T: Transport>(
    attempts: Vec<Attempt<T>>,
    selection: Selection,
    options: ConnectOptions,
) -> nt::Result<Vec<Winner<T>>> {
    let options = ConnectOptions {
        paused: true,
        ..options
    };
    let mut winners = Vec::try_with_room(attempts.len())?;
    let mut running = Vec::try_with_room(attempts.len())?;
    for (index, attempt) in attempts.into_iter().enumerate() {
        let Attempt {
            address,
            remotes,
            rank,
            events,
        } = attempt;
        let building = async move { Connection::build_any(&address, &remotes, options, events).await };
        running.try_push(((index, rank), Box::into_pin(try_box(building)?)))?;
    }
    let mut last = Status::INVALID_PARAMETER;
    while let Some(((index, rank), built)) = take_first(&mut running).await {
        match built {
            Ok((connection, circuit)) => {
                // Room for all of them was reserved.
                winners.try_push(Winner {
                    index,
                    rank,
                    connection,
                    circuit,
                })?;
                if selection == Selection::First {
                    running.clear();
                }
            }
            Err(status) => last = status,
        }
    }
    if selection == Selection::Best {
        keep_best(&mut winners).await;
    }
    winners.sort_unstable_by_key(|winner| winner.index);
    if winners.is_empty() {
        Err(last)
    } else {
        Ok(winners)
    }
}

/// Tears down all but the best.
async fn keep_best<T: Transport>(winners: &mut Vec<Winner<T>>) {
    winners.sort_unstable_by_key(|winner| (winner.rank, winner.index));
    while winners.len() > 1
        && let Some(loser) = winners.pop()
    {
        // Nobody has heard of it: there is nobody to tell that closing it went wrong.
        let _closed = loser.circuit.tear_down().await;
        let _left = loser.connection.tear_down();
    }
}
