//! The checks of a transport alone.

use super::{Bench, FAREWELL, Verdict, ensure, ensure_status, pattern, pattern_byte, receive_exactly};
use crate::transport::{Endpoint, Transport, unspecified};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use executive::mem::{Arc, TryVec, TryZeroed};
use executive::task::{join, select};
use nt::{NameBuf, Status};

pub(super) async fn resolves_a_numeric_address<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let name = NameBuf::try_from_str("127.0.0.1")?;
    let found = bench.binding.transport().resolve(name.as_name(), 564).await?;
    let good = found
        .iter()
        .all(|address| address.port() == 564 && address.ip().is_loopback());
    ensure(
        good && !found.is_empty(),
        "the loopback address with the port asked for",
    )
}

pub(super) async fn connects_and_echoes<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let endpoint = bench.connect(bench.peers.echo).await?;
    let (data, sent) = endpoint.send(pattern(0, 10)?).await;
    ensure(sent? == 10, "all of the data sent")?;
    ensure(data == pattern(0, 10)?, "the data back as it was")?;
    ensure(
        receive_exactly(&endpoint, 10).await? == data,
        "the echo of the data",
    )?;
    Ok(endpoint.close().await?)
}

pub(super) async fn connects_from_a_chosen_address<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let remote = bench.peers.echo;
    let local = SocketAddr::new(remote.ip(), 0);
    let endpoint = bench.binding.transport().connect(local, remote).await?;
    endpoint.send(pattern(0, 10)?).await.1?;
    let echoed = receive_exactly(&endpoint, 10).await?;
    ensure(echoed == pattern(0, 10)?, "the echo of the data")?;
    Ok(endpoint.close().await?)
}

pub(super) async fn is_refused<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let remote = bench.peers.refusing;
    let result = bench
        .binding
        .transport()
        .connect(unspecified(remote), remote)
        .await;
    ensure_status(result, &[Status::CONNECTION_REFUSED], "CONNECTION_REFUSED")
}

pub(super) async fn sees_an_orderly_close<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let endpoint = bench.connect(bench.peers.closing).await?;
    let said = receive_exactly(&endpoint, FAREWELL.len()).await?;
    ensure(said == FAREWELL, "what was sent before the close")?;
    for _ in 0..2 {
        let (_, end) = endpoint.receive(Vec::try_zeroed(8)?, 0).await;
        ensure(end? == 0, "zero bytes at the end, and again")?;
    }
    Ok(endpoint.close().await?)
}

pub(super) async fn sees_a_reset<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let endpoint = bench.connect(bench.peers.resetting).await?;
    endpoint.send(pattern(0, 64)?).await.1?;
    let (_, end) = endpoint.receive(Vec::try_zeroed(8)?, 0).await;
    let reset = [Status::CONNECTION_RESET, Status::CONNECTION_ABORTED];
    ensure_status(end, &reset, "CONNECTION_RESET or CONNECTION_ABORTED")?;
    Ok(endpoint.close().await?)
}

pub(super) async fn refuses_a_receive_without_room<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let endpoint = bench.connect(bench.peers.silent).await?;
    for offset in [4, 5, usize::MAX] {
        let (buffer, result) = endpoint.receive(Vec::try_zeroed(4)?, offset).await;
        ensure_status(result, &[Status::INVALID_PARAMETER], "INVALID_PARAMETER")?;
        ensure(buffer.len() == 4, "the buffer back")?;
    }
    Ok(endpoint.close().await?)
}

/// Sizes of the pieces that a long stream is sent and received in: around everything that could be a boundary.
const PIECES: [usize; 12] = [
    1, 2, 3, 1459, 1460, 1461, 4096, 4097, 65_535, 65_536, 65_537, 200_001,
];

pub(super) async fn echoes_megabytes_in_odd_pieces<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    const TOTAL: usize = 8 * 1024 * 1024;
    let endpoint = bench.connect(bench.peers.echo).await?;
    let sending = async {
        let mut sent = 0;
        for piece in PIECES.into_iter().cycle() {
            if sent == TOTAL {
                break;
            }
            let piece = piece.min(TOTAL - sent);
            ensure(
                endpoint.send(pattern(sent, piece)?).await.1? == piece,
                "all of a piece sent",
            )?;
            sent += piece;
        }
        Verdict::Ok(())
    };
    let receiving = async {
        let mut received = 0;
        for piece in PIECES.into_iter().rev().cycle() {
            if received == TOTAL {
                break;
            }
            let (buffer, result) = endpoint.receive(Vec::try_zeroed(piece)?, 0).await;
            let count = result?;
            ensure(
                count > 0 && count <= piece,
                "at least a byte and no more than there is room for",
            )?;
            let data = buffer.get(..count).unwrap_or_default();
            let good = data
                .iter()
                .enumerate()
                .all(|(offset, byte)| *byte == pattern_byte(received + offset));
            ensure(good, "the bytes in the order they were sent in")?;
            received += count;
        }
        Verdict::Ok(())
    };
    let (sent, received) = join(sending, receiving).await;
    sent.and(received)?;
    Ok(endpoint.close().await?)
}

pub(super) async fn keeps_concurrent_sends_apart<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    const LEN: usize = 300_000;
    let endpoint = bench.connect(bench.peers.echo).await?;
    let mut ones = Vec::try_zeroed(LEN)?;
    ones.fill(1);
    let sending = join(endpoint.send(Vec::try_zeroed(LEN)?), endpoint.send(ones));
    let (((_, first), (_, second)), received) = join(sending, receive_exactly(&endpoint, 2 * LEN)).await;
    ensure(first? == LEN && second? == LEN, "both sends complete")?;
    let received = received?;
    let (zeroes, ones) = received.split_at_checked(LEN).unwrap_or_default();
    let apart = zeroes.iter().all(|byte| *byte == 0) && ones.iter().all(|byte| *byte == 1);
    ensure(apart, "one send after the other, in the order they were begun")?;
    Ok(endpoint.close().await?)
}

pub(super) async fn abort_ends_a_pending_receive<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let endpoint = bench.connect(bench.peers.silent).await?;
    let aborting = async {
        bench.runtime().sleep(Duration::from_millis(20)).await;
        endpoint.abort();
    };
    let ((buffer, result), ()) = join(endpoint.receive(Vec::try_zeroed(16)?, 0), aborting).await;
    ensure_status(result, &[Status::CANCELLED], "CANCELLED")?;
    ensure(buffer.len() == 16, "the buffer back")?;
    Ok(endpoint.close().await?)
}

pub(super) async fn abort_ends_a_pending_send<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    const PIECE: usize = 1024 * 1024;
    let endpoint = bench.connect(bench.peers.silent).await?;
    // However much the network takes up, at some point a send waits for the silent peer to read.
    let sending = async {
        let mut data = Vec::try_zeroed(PIECE)?;
        loop {
            let (back, result) = endpoint.send(data).await;
            data = back;
            if let Err(status) = result {
                return Verdict::Ok(status);
            }
        }
    };
    let aborting = async {
        bench.runtime().sleep(Duration::from_millis(300)).await;
        endpoint.abort();
    };
    let (ended, ()) = join(sending, aborting).await;
    ensure_status::<()>(Err(ended?), &[Status::CANCELLED], "CANCELLED")?;
    Ok(endpoint.close().await?)
}

pub(super) async fn abort_cancels_what_comes_later<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let endpoint = bench.connect(bench.peers.echo).await?;
    endpoint.abort();
    endpoint.abort();
    ensure_status(
        endpoint.send(pattern(0, 4)?).await.1,
        &[Status::CANCELLED],
        "CANCELLED",
    )?;
    let (_, received) = endpoint.receive(Vec::try_zeroed(4)?, 0).await;
    ensure_status(received, &[Status::CANCELLED], "CANCELLED")?;
    Ok(endpoint.close().await?)
}

pub(super) async fn survives_dropped_operations<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let wait = || bench.runtime().sleep(Duration::from_millis(10));
    let endpoint = bench.connect(bench.peers.silent).await?;
    select(endpoint.receive(Vec::try_zeroed(4096)?, 0), wait()).await;
    select(endpoint.send(Vec::try_zeroed(16 * 1024 * 1024)?), wait()).await;
    endpoint.close().await?;
    // And with the endpoint gone before its operations.
    let endpoint = bench.connect(bench.peers.silent).await?;
    select(endpoint.receive(Vec::try_zeroed(4096)?, 0), wait()).await;
    drop(endpoint);
    // And a connect that nobody waits for.
    let remote = bench.peers.echo;
    let transport = bench.binding.transport();
    select(
        transport.connect(unspecified(remote), remote),
        core::future::ready(()),
    )
    .await;
    Ok(())
}

pub(super) async fn closes_twice<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let endpoint = bench.connect(bench.peers.echo).await?;
    endpoint.close().await?;
    Ok(endpoint.close().await?)
}

pub(super) async fn holds_many_connections<T: Transport>(bench: Arc<Bench<T>>) -> Verdict {
    let mut endpoints = Vec::new();
    for n in 0..32 {
        let endpoint = bench.connect(bench.peers.echo).await?;
        endpoint.send(pattern(n, 100)?).await.1?;
        endpoints.try_push(endpoint)?;
    }
    for (n, endpoint) in endpoints.iter().enumerate() {
        ensure(
            receive_exactly(endpoint, 100).await? == pattern(n, 100)?,
            "each connection its own echo",
        )?;
    }
    for endpoint in &endpoints {
        endpoint.close().await?;
    }
    Ok(())
}
