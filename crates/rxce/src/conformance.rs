//! What every transport must pass, alone and under the engine: one list of named checks, for a test on a host and for the
//! driver's self-test in the kernel alike.
//!
//! The caller provides the transport, the runtime and the other sides ([`Peers`]). Nothing here panics, nothing allocates
//! infallibly, and no check waits for ever.

mod circuit;
mod datagrams;
mod endpoint;
mod log;

use crate::address::Address;
use crate::binding::Binding;
use crate::circuit::VirtualCircuit;
use crate::connection::{ConnectOptions, Connection};
use crate::datagram::Datagrams;
use crate::event::Indication;
use crate::transport::{Endpoint, Transport, unspecified};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::time::Duration;
use executive::mem::{AllocError, Arc, TryZeroed, try_box};
use executive::task::Runtime;
use log::Log;
use nt::Status;

/// How long one check may take before it has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// The other sides that the checks talk to.
#[derive(Clone, Copy, Debug)]
pub struct Peers {
    /// Sends back whatever it gets, in order, and closes when this side has closed.
    pub echo: SocketAddr,
    /// Nobody listens here.
    pub refusing: SocketAddr,
    /// Sends [`FAREWELL`] and closes in an orderly way, without having read anything.
    pub closing: SocketAddr,
    /// Waits for one byte, then resets the connection.
    pub resetting: SocketAddr,
    /// Neither reads nor writes, and keeps the connection.
    pub silent: SocketAddr,
}

/// What the closing peer says.
pub const FAREWELL: &[u8] = b"farewell";

/// What the checks run on.
pub struct Bench<T: Transport> {
    /// The transport under test, with nothing standing on it.
    pub binding: Binding<T>,
    /// The other sides.
    pub peers: Peers,
}

/// The outcome of a check.
pub type Verdict<R = ()> = Result<R, Failure>;

/// Why a check has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What was expected and did not happen.
    pub expected: &'static str,
    /// The status that came instead, if a status came.
    pub status: Option<Status>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected: {}", self.expected)?;
        match self.status {
            None => Ok(()),
            Some(status) => write!(f, "; got {status}"),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure {
            expected: "success",
            status: Some(status),
        }
    }
}

impl From<AllocError> for Failure {
    fn from(error: AllocError) -> Self {
        Status::from(error).into()
    }
}

type Running = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// One check.
pub struct Check<T: Transport> {
    /// Its name: `endpoint::…` for the transport alone, `circuit::…` for the engine on it, `datagrams::…` for both.
    pub name: &'static str,
    start: fn(Arc<Bench<T>>) -> Result<Running, AllocError>,
}

impl<T: Transport> Check<T> {
    /// Runs the check.
    ///
    /// # Errors
    /// Why it has failed; also when it takes longer than a minute.
    pub async fn run(&self, bench: &Arc<Bench<T>>) -> Verdict {
        let running = (self.start)(bench.clone())?;
        let late = Failure {
            expected: "an end within a minute",
            status: Some(Status::IO_TIMEOUT),
        };
        bench.runtime().timeout(LIMIT, running).await.unwrap_or(Err(late))
    }
}

/// What a check of datagrams expects that a transport without them fails, with `NOT_SUPPORTED`.
pub const NO_DATAGRAMS: &str = "a transport that has datagrams";

macro_rules! checks {
    ($(#[$doc:meta])* fn $name:ident<T: $transport:ident> { $($family:ident :: $check:ident),* $(,)? }) => {
        $(#[$doc])*
        pub fn $name<T: $transport>() -> impl Iterator<Item = Check<T>> {
            [$(Check::<T> {
                name: concat!(stringify!($family), "::", stringify!($check)),
                start: |bench| Ok(Box::into_pin(try_box($family::$check(bench))?)),
            }),*]
            .into_iter()
        }
    };
}

checks! {
/// The checks of connections, the simple ones first.
fn stream_checks<T: Transport> {
    endpoint::resolves_a_numeric_address,
    endpoint::connects_and_echoes,
    endpoint::connects_from_a_chosen_address,
    endpoint::is_refused,
    endpoint::sees_an_orderly_close,
    endpoint::sees_a_reset,
    endpoint::refuses_a_receive_without_room,
    endpoint::echoes_megabytes_in_odd_pieces,
    endpoint::keeps_concurrent_sends_apart,
    endpoint::abort_ends_a_pending_receive,
    endpoint::abort_ends_a_pending_send,
    endpoint::abort_cancels_what_comes_later,
    endpoint::survives_dropped_operations,
    endpoint::closes_twice,
    endpoint::holds_many_connections,
    circuit::hands_on_what_arrives_and_tears_down,
    circuit::fills_the_buffer_it_is_given,
    circuit::refuses_sends_after_the_other_side_closed,
    circuit::tells_of_a_reset,
    circuit::does_not_tell_of_its_own_disconnect,
    circuit::ends_every_send_before_it_is_torn_down,
    circuit::is_torn_down_once,
    circuit::parents_outlive_children,
    circuit::a_refused_connection_leaves_nothing,
    circuit::tries_the_next_address,
    circuit::many_circuits_on_one_connection,
    circuit::dropped_handles_leave_nothing,
}
}

checks! {
    /// The checks of datagrams.
    fn datagram_checks<T: Datagrams> {
        datagrams::an_address_is_its_own,
        datagrams::they_arrive_whole_and_say_where_from,
        datagrams::too_large_a_one_is_refused,
        datagrams::abort_ends_what_waits_and_what_comes_later,
        datagrams::the_engine_tells_of_them,
    }
}

/// All checks.
pub fn checks<T: Datagrams>() -> impl Iterator<Item = Check<T>> {
    stream_checks().chain(datagram_checks())
}

impl<T: Transport> Bench<T> {
    fn runtime(&self) -> &Runtime {
        self.binding.runtime()
    }

    /// A bare endpoint connected to `remote`.
    async fn connect(&self, remote: SocketAddr) -> Verdict<T::Endpoint> {
        Ok(self
            .binding
            .transport()
            .connect(unspecified(remote), remote)
            .await?)
    }

    /// An address with one connection to `remote` and one circuit on it, and what they tell.
    async fn build(&self, remote: SocketAddr) -> Verdict<Built<T>> {
        self.build_with(remote, |_| Indication::Taken).await
    }

    async fn build_with(
        &self,
        remote: SocketAddr,
        indicate: impl Fn(&[u8]) -> Indication + Send + Sync + 'static,
    ) -> Verdict<Built<T>> {
        let address = Address::build(&self.binding, None)?;
        let (log, sink) = Log::try_new(indicate)?;
        let (connection, circuit) =
            Connection::build(&address, remote, ConnectOptions::default(), sink).await?;
        Ok(Built {
            address,
            connection,
            circuit,
            log,
        })
    }

    /// That nothing stands on the binding any more.
    fn is_bare(&self) -> Verdict {
        ensure(
            self.binding.counts()? == crate::family::Counts::default(),
            "nothing left standing on the transport",
        )
    }
}

/// What most checks of the engine start from.
struct Built<T: Transport> {
    address: Address<T>,
    connection: Connection<T>,
    circuit: VirtualCircuit<T>,
    log: Arc<Log>,
}

impl<T: Transport> Built<T> {
    /// Takes it all down, in order.
    async fn tear_down(self) -> Verdict {
        self.circuit.tear_down().await?;
        self.connection.tear_down()?;
        Ok(self.address.tear_down()?)
    }
}

fn ensure(condition: bool, expected: &'static str) -> Verdict {
    if condition {
        Ok(())
    } else {
        Err(Failure {
            expected,
            status: None,
        })
    }
}

/// That `result` is an error with one of `statuses`.
fn ensure_status<R>(result: nt::Result<R>, statuses: &[Status], expected: &'static str) -> Verdict {
    let status = match result {
        Ok(_) => Status::SUCCESS,
        Err(status) => status,
    };
    if statuses.contains(&status) {
        Ok(())
    } else {
        Err(Failure {
            expected,
            status: Some(status),
        })
    }
}

/// `len` bytes that no other part of the same stream looks like.
fn pattern(start: usize, len: usize) -> Result<Vec<u8>, AllocError> {
    let mut data = Vec::try_zeroed(len)?;
    for (offset, byte) in data.iter_mut().enumerate() {
        *byte = pattern_byte(start + offset);
    }
    Ok(data)
}

fn pattern_byte(position: usize) -> u8 {
    let mixed = (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // CAST: the highest byte is what is wanted.
    (mixed >> 56) as u8
}

/// Receives until `data` holds `len` bytes.
async fn receive_exactly<E: Endpoint>(endpoint: &E, len: usize) -> Verdict<Vec<u8>> {
    let mut buffer = Vec::try_zeroed(len)?;
    let mut filled = 0;
    while filled < len {
        let (back, result) = endpoint.receive(buffer, filled).await;
        buffer = back;
        let count = result?;
        ensure(count > 0, "more bytes before the other side closes")?;
        ensure(buffer.len() == len, "a buffer of the same length back")?;
        filled += count;
    }
    Ok(buffer)
}
