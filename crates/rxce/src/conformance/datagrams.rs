//! The checks of a transport that has datagrams, alone and under the engine.

use super::{Bench, Failure, NO_DATAGRAMS, Verdict, ensure, ensure_status, pattern};
use crate::datagram::{AddressEvents, DatagramAddress, Datagrams, Port};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use executive::mem::{AllocError, Arc, TryVec, TryZeroed, try_box};
use executive::sync::SpinLock;
use executive::task::{join, select};
use nt::Status;

/// A loopback address whose port the transport chooses.
fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn open<T: Datagrams>(bench: &Bench<T>) -> Verdict<T::Port> {
    let opened = bench.binding.transport().open(any()).await;
    opened.map_err(|status| Failure {
        expected: if status == Status::NOT_SUPPORTED {
            NO_DATAGRAMS
        } else {
            "an open address"
        },
        status: Some(status),
    })
}

pub(super) async fn an_address_is_its_own<T: Datagrams>(bench: Arc<Bench<T>>) -> Verdict {
    let (one, two) = (open(&bench).await?, open(&bench).await?);
    ensure(
        one.local().ip() == any().ip() && one.local().port() != 0,
        "a port that the transport has chosen",
    )?;
    ensure(one.local() != two.local(), "another one for another")?;
    let taken = bench.binding.transport().open(one.local()).await;
    ensure_status(taken, &[Status::ADDRESS_ALREADY_EXISTS], "ADDRESS_ALREADY_EXISTS")?;
    let local = one.local();
    one.close().await?;
    let again = bench.binding.transport().open(local).await?;
    ensure(again.local() == local, "the address again, once it is free")?;
    again.close().await?;
    Ok(two.close().await?)
}

pub(super) async fn they_arrive_whole_and_say_where_from<T: Datagrams>(bench: Arc<Bench<T>>) -> Verdict {
    let (one, two) = (open(&bench).await?, open(&bench).await?);
    for len in [1, 100, 1400, 9000] {
        let (data, sent) = one.send_to(pattern(len, len)?, two.local()).await;
        ensure(
            sent? == len && data == pattern(len, len)?,
            "all sent, and the data back",
        )?;
        let (buffer, received) = two.receive_from(Vec::try_zeroed(10_000)?).await;
        let (count, source) = received?;
        ensure(
            buffer.get(..count) == Some(data.as_slice()),
            "one datagram as it was sent",
        )?;
        ensure(source == one.local(), "its sender's address")?;
    }
    one.close().await?;
    Ok(two.close().await?)
}

pub(super) async fn too_large_a_one_is_refused<T: Datagrams>(bench: Arc<Bench<T>>) -> Verdict {
    let port = open(&bench).await?;
    let (data, sent) = port.send_to(Vec::try_zeroed(65_508)?, port.local()).await;
    ensure_status(sent, &[Status::INVALID_BUFFER_SIZE], "INVALID_BUFFER_SIZE")?;
    ensure(data.len() == 65_508, "the data back")?;
    Ok(port.close().await?)
}

pub(super) async fn abort_ends_what_waits_and_what_comes_later<T: Datagrams>(
    bench: Arc<Bench<T>>,
) -> Verdict {
    let port = open(&bench).await?;
    let aborting = async {
        bench.runtime().sleep(Duration::from_millis(20)).await;
        port.abort();
    };
    let ((buffer, result), ()) = join(port.receive_from(Vec::try_zeroed(16)?), aborting).await;
    ensure_status(result, &[Status::CANCELLED], "CANCELLED")?;
    ensure(buffer.len() == 16, "the buffer back")?;
    let (_, sent) = port.send_to(pattern(0, 4)?, port.local()).await;
    ensure_status(sent, &[Status::CANCELLED], "CANCELLED")?;
    port.close().await?;
    port.close().await?;
    // And with the port gone before its receive.
    let port = open(&bench).await?;
    let waiting = bench.runtime().sleep(Duration::from_millis(10));
    select(port.receive_from(Vec::try_zeroed(16)?), waiting).await;
    drop(port);
    Ok(())
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    source: Option<SocketAddr>,
    sent: Option<(usize, nt::Result<usize>)>,
    lost: bool,
}

struct Mailbox(Arc<SpinLock<Heard>>);

impl AddressEvents for Mailbox {
    fn receive(&self, source: SocketAddr, data: &[u8]) {
        let mut heard = self.0.lock();
        heard.lost |= heard.bytes.try_extend_from_slice(data).is_err();
        heard.source = Some(source);
    }

    fn error(&self, _: Status) {
        self.0.lock().lost = true;
    }

    fn send_complete(&self, context: usize, result: nt::Result<usize>) {
        self.0.lock().sent = Some((context, result));
    }
}

pub(super) async fn the_engine_tells_of_them<T: Datagrams>(bench: Arc<Bench<T>>) -> Verdict {
    open(&bench).await?.close().await?;
    let heard = || -> Result<_, AllocError> { Arc::try_new(SpinLock::new(Heard::default())) };
    let (by_one, by_two) = (heard()?, heard()?);
    let one = DatagramAddress::build(&bench.binding, any(), try_box(Mailbox(by_one.clone()))?).await?;
    let two = DatagramAddress::build(&bench.binding, any(), try_box(Mailbox(by_two.clone()))?).await?;
    ensure(
        bench.binding.counts()?.addresses == 2,
        "both counted by their parent",
    )?;
    one.submit(pattern(0, 100)?, two.local(), 7)?;
    for _ in 0..1000 {
        if by_one.lock().sent.is_some() && by_two.lock().source.is_some() {
            break;
        }
        bench.runtime().sleep(Duration::from_millis(10)).await;
    }
    ensure(by_one.lock().sent == Some((7, Ok(100))), "the end of the send")?;
    let good = by_two.lock().bytes == pattern(0, 100)? && by_two.lock().source == Some(one.local());
    ensure(
        good && !by_two.lock().lost,
        "the datagram, and where it came from",
    )?;
    for address in [&one, &two] {
        address.tear_down().await?;
        ensure_status(
            address.tear_down().await,
            &[Status::INVALID_PARAMETER],
            "INVALID_PARAMETER of a second tear-down",
        )?;
    }
    bench.is_bare()
}
