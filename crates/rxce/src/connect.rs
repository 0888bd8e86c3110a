//! Connecting to a host that has several addresses.

use crate::address::Opened;
use crate::transport::Transport;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use executive::mem::{TryVec, try_box};
use executive::task::{TimedOut, take_first};
use executive::time::Instant;
use nt::Status;

/// How long an address is tried alone before the next is tried beside it: the "Connection Attempt Delay" that RFC 8305,
/// section 5, recommends.
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);

/// An endpoint from the one of `remotes` that answers first. They are tried in order: the next as soon as one has failed,
/// or has been silent for [`HEAD_START`]. Those that are still silent when one answers are called off.
pub(crate) async fn connect_any<T: Transport>(
    opened: &Opened<T>,
    remotes: &[SocketAddr],
    deadline: Instant,
) -> nt::Result<(SocketAddr, T::Endpoint)> {
    let connecting = async {
        match remotes {
            &[remote] => Ok((remote, connect(opened, remote).await?)),
            _ => contest(opened, remotes).await,
        }
    };
    let ended = opened.bound.runtime.timeout_at(deadline, connecting).await;
    ended.unwrap_or(Err(Status::IO_TIMEOUT))
}

async fn connect<T: Transport>(opened: &Opened<T>, remote: SocketAddr) -> nt::Result<T::Endpoint> {
    let local = opened.local_for(remote)?;
    opened.bound.transport.connect(local, remote).await
}

async fn contest<T: Transport>(
    opened: &Opened<T>,
    remotes: &[SocketAddr],
) -> nt::Result<(SocketAddr, T::Endpoint)> {
    let mut last = Status::INVALID_PARAMETER;
    let mut running = Vec::try_with_room(remotes.len())?;
    let mut rest = remotes.iter();
    loop {
        if let Some(&remote) = rest.next() {
            running.try_push((remote, Box::into_pin(try_box(connect(opened, remote))?)))?;
        }
        let ended = take_first(&mut running);
        let ended = if rest.as_slice().is_empty() {
            ended.await
        } else {
            match opened.bound.runtime.timeout(HEAD_START, ended).await {
                Ok(ended) => ended,
                Err(TimedOut) => continue,
            }
        };
        match ended {
            None => return Err(last),
            Some((remote, Ok(endpoint))) => return Ok((remote, endpoint)),
            // Another address would need memory as well.
            Some((_, Err(Status::INSUFFICIENT_RESOURCES))) => return Err(Status::INSUFFICIENT_RESOURCES),
            Some((_, Err(status))) => last = status,
        }
    }
}
