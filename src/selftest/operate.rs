//! One request, carried out.

use core::fmt::{self, Write};
use core::mem::transmute;
use core::ptr;
use core::time::Duration;

use alloc::vec::Vec;
use executive::mem::{AllocError, Arc, TryVec};
use executive::stack::{self, Call, Entrance};
use executive::task::{CancelToken, Runtime};
use ioctl::selftest::{
    Answer, ConnectFlags, ConnectOptions, Facts, Handle, MARKER, Object as Made, Peers, Reply, Request,
};
use nt::{Name, Status, ascii};
use rxce::conformance::{self, Failure, NO_DATAGRAMS};
use rxce::state::State;
use rxce::{Address, Attempt, Binding, Connection, Transport, VirtualCircuit};

use wdk_sys::PVOID;

use super::Owner;
use super::heard::Heard;
use super::routines;
use super::table::{Object, Table};
use crate::guarded;
use crate::unicode;
use crate::wsk::Wsk;

/// What a request is carried out on.
pub(super) struct Bench {
    pub(super) transport: Wsk,
    pub(super) runtime: Runtime,
    pub(super) table: Arc<Table>,
    pub(super) owner: Owner,
}

/// Why there is no answer.
enum Refusal {
    /// The control itself fails.
    Control(Status),
    /// The engine has refused.
    Engine(Status),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Engine(status)
    }
}

impl From<AllocError> for Refusal {
    fn from(error: AllocError) -> Self {
        Self::Control(error.into())
    }
}

type Answered<'a> = Result<Answer<'a>, Refusal>;

/// Carries out the request in `input`, which has been parsed once, and answers; bytes of the answer are put into `scratch`.
///
/// # Errors
/// Those of the control, as `ioctl::selftest` lists them; CANCELLED.
pub(super) async fn carry_out<'a>(
    bench: &Bench,
    input: &[u8],
    scratch: &'a mut Vec<u8>,
    cancel: &CancelToken,
) -> nt::Result<Reply<'a>> {
    let answered = match Request::parse(input)? {
        // Begun, a tear-down must be brought to its end.
        Request::TearDown { object } => bench.tear_down(object).await,
        request => match cancel.run(bench.answer(request, scratch)).await {
            Ok(answered) => answered,
            Err(_) => return Err(Status::CANCELLED),
        },
    };
    match answered {
        Ok(answer) => Ok(Reply {
            status: Status::SUCCESS,
            answer,
        }),
        Err(Refusal::Engine(status)) => Ok(Reply::of(status)),
        Err(Refusal::Control(status)) => Err(status),
    }
}

impl Bench {
    async fn answer<'a>(&self, request: Request<'_>, scratch: &'a mut Vec<u8>) -> Answered<'a> {
        match request {
            Request::Bind {
                name,
                quality_of_service,
            } => {
                let binding = self.bind(name.as_name(), quality_of_service)?;
                self.one(Handle::NONE, Object::Binding(binding))
            }
            Request::OpenAddress { binding, local } => {
                let address = Address::build(&self.binding(binding)?, local)?;
                self.one(binding, Object::Address(address))
            }
            Request::Connect {
                address,
                remotes,
                options,
            } => {
                let (heard, events) = Heard::try_new(options.flags.contains(ConnectFlags::REFUSE_DATA))?;
                let parent = self.address(address)?;
                let built = Connection::build_any(&parent, &remotes, engine_options(options), events).await?;
                let mut made = Vec::new();
                self.keep(&mut made, address, 0, built, heard)?;
                Ok(Answer::Objects(made))
            }
            Request::Race { .. } => self.race(request).await,
            Request::BuildCircuit { connection } => {
                let circuit = self.connection(connection)?.0.build_circuit().await?;
                self.one(connection, Object::Circuit(circuit))
            }
            Request::Resume { circuit } => nothing(self.circuit(circuit)?.resume()),
            Request::Send { circuit, data } => {
                let (_, sent) = self.circuit(circuit)?.send(copy(data)?).await;
                Ok(Answer::Count(sent? as u64))
            }
            Request::Submit {
                circuit,
                context,
                data,
            } => nothing(self.circuit(circuit)?.submit(copy(data)?, context as usize)),
            Request::Disconnect { circuit } => nothing(self.circuit(circuit)?.initiate_disconnect()),
            Request::TearDown { object } => self.tear_down(object).await,
            Request::Release { object } => match self.table.remove(self.owner, object) {
                Some(_released) => Ok(Answer::Nothing),
                None => Err(Refusal::Control(Status::INVALID_HANDLE)),
            },
            Request::Query { object } => Ok(Answer::Facts(facts(&self.find(object)?)?)),
            Request::Events { connection } => {
                let events = self.connection(connection)?.1.take(scratch)?;
                Ok(Answer::Events(events, scratch))
            }
            Request::Resolve { binding, host, port } => {
                let binding = self.binding(binding)?;
                let mut addresses = binding.transport().resolve(host.as_name(), port).await?;
                addresses.truncate(Reply::MAX_ADDRESSES);
                Ok(Answer::Addresses(addresses))
            }
            Request::List { after } => {
                let objects = self.table.list(self.owner, after, Reply::MAX_OBJECTS);
                Ok(Answer::Objects(objects.map_err(Refusal::Control)?))
            }
            Request::Checks => {
                scratch.try_extend_from_slice(MARKER.as_bytes())?;
                for check in conformance::checks::<Wsk>() {
                    scratch.try_push(b'\n')?;
                    scratch.try_extend_from_slice(check.name.as_bytes())?;
                }
                routines::list(scratch)?;
                Ok(Answer::Text(scratch))
            }
            Request::Stacks => {
                stacks(scratch)?;
                Ok(Answer::Text(scratch))
            }
            Request::Raise { exception } => nothing(raise(exception)),
            Request::Check { name, peers } => self.check(name.as_name(), peers, scratch).await,
        }
    }

    /// Tears down whatever it is.
    async fn tear_down<'a>(&self, handle: Handle) -> Answered<'a> {
        nothing(self.find(handle)?.tear_down().await)
    }

    async fn race<'a>(&self, request: Request<'_>) -> Answered<'a> {
        let Request::Race {
            attempts,
            selection,
            options,
        } = request
        else {
            return Err(Refusal::Control(Status::INVALID_PARAMETER));
        };
        let mut ways = Vec::try_with_room(attempts.len())?;
        let mut ears = Vec::try_with_room(attempts.len())?;
        for attempt in attempts {
            let (heard, events) = Heard::try_new(options.flags.contains(ConnectFlags::REFUSE_DATA))?;
            let mut remotes = Vec::new();
            remotes.try_push(attempt.remote)?;
            ears.try_push((attempt.local, heard))?;
            ways.try_push(Attempt {
                address: self.address(attempt.local)?,
                remotes,
                rank: attempt.rank,
                events,
            })?;
        }
        let selection = match selection {
            ioctl::selftest::Selection::First => rxce::Selection::First,
            ioctl::selftest::Selection::Best => rxce::Selection::Best,
            ioctl::selftest::Selection::All => rxce::Selection::All,
        };
        let winners = rxce::race(ways, selection, engine_options(options)).await?;
        let mut made = Vec::new();
        for winner in winners {
            if !options.flags.contains(ConnectFlags::PAUSED) {
                winner.circuit.resume()?;
            }
            if let Some((local, heard)) = ears.get(winner.index) {
                let built = (winner.connection, winner.circuit);
                self.keep(&mut made, *local, winner.index, built, heard.clone())?;
            }
        }
        Ok(Answer::Objects(made))
    }

    /// Runs one conformance check on a binding of its own, which must be bare in the end.
    async fn check<'a>(&self, name: Name<'_>, peers: Peers, text: &'a mut Vec<u8>) -> Answered<'a> {
        let named = |check: &conformance::Check<Wsk>| {
            let units = check.name.bytes().map(u16::from);
            units.eq(name.as_units().iter().copied())
        };
        let check = conformance::checks::<Wsk>()
            .find(named)
            .ok_or(Refusal::Control(Status::OBJECT_NAME_NOT_FOUND))?;
        let bench = Arc::try_new(conformance::Bench {
            binding: self.bind(Name::new(&[u16::from(b'c')]), 0)?,
            peers: conformance::Peers {
                echo: peers.echo,
                refusing: peers.refusing,
                closing: peers.closing,
                resetting: peers.resetting,
                silent: peers.silent,
            },
        })?;
        let verdict = check.run(&bench).await;
        if let Err(Failure {
            expected: NO_DATAGRAMS,
            status: Some(status),
        }) = verdict
        {
            bench.binding.tear_down()?;
            return Err(Refusal::Engine(status));
        }
        let mut writer = Text(text);
        let written = match (verdict, bench.binding.tear_down()) {
            (Ok(()), Ok(())) => Ok(()),
            (Ok(()), Err(_)) => writer.write_str("something still stands on the transport"),
            (Err(failure), _) => write!(writer, "{failure}"),
        };
        written.map_err(|_| Refusal::Control(Status::INSUFFICIENT_RESOURCES))?;
        Ok(Answer::Text(text.get(..Reply::MAX_TEXT).unwrap_or(text)))
    }

    fn bind(&self, name: Name<'_>, quality_of_service: u32) -> Result<Binding<Wsk>, Refusal> {
        Ok(Binding::build(
            &self.runtime,
            self.transport.clone(),
            name,
            quality_of_service,
        )?)
    }

    /// Gives a connection and its circuit handles.
    fn keep(
        &self,
        made: &mut Vec<Made>,
        address: Handle,
        index: usize,
        built: (Connection<Wsk>, VirtualCircuit<Wsk>),
        heard: Arc<Heard>,
    ) -> Result<(), Refusal> {
        let (connection, circuit) = built;
        let parent = self.insert(made, address, index, Object::Connection(connection, heard))?;
        self.insert(made, parent, index, Object::Circuit(circuit))?;
        Ok(())
    }

    /// The answer that one object was made.
    fn one<'a>(&self, parent: Handle, object: Object) -> Answered<'a> {
        let mut made = Vec::new();
        self.insert(&mut made, parent, 0, object)?;
        Ok(Answer::Objects(made))
    }

    fn insert(
        &self,
        made: &mut Vec<Made>,
        parent: Handle,
        index: usize,
        object: Object,
    ) -> Result<Handle, Refusal> {
        made.try_reserve(1).map_err(AllocError::from)?;
        let kind = object.kind();
        let handle = self
            .table
            .insert(self.owner, parent, object)
            .map_err(Refusal::Control)?;
        made.try_push(Made {
            handle,
            kind,
            parent,
            // CAST: an index of at most a few attempts.
            index: index as u32,
        })?;
        Ok(handle)
    }

    fn find(&self, handle: Handle) -> Result<Object, Refusal> {
        self.table
            .find(self.owner, handle)
            .ok_or(Refusal::Control(Status::INVALID_HANDLE))
    }

    fn binding(&self, handle: Handle) -> Result<Binding<Wsk>, Refusal> {
        match self.find(handle)? {
            Object::Binding(binding) => Ok(binding),
            _ => Err(Refusal::Control(Status::INVALID_HANDLE)),
        }
    }

    fn address(&self, handle: Handle) -> Result<Address<Wsk>, Refusal> {
        match self.find(handle)? {
            Object::Address(address) => Ok(address),
            _ => Err(Refusal::Control(Status::INVALID_HANDLE)),
        }
    }

    fn connection(&self, handle: Handle) -> Result<(Connection<Wsk>, Arc<Heard>), Refusal> {
        match self.find(handle)? {
            Object::Connection(connection, heard) => Ok((connection, heard)),
            _ => Err(Refusal::Control(Status::INVALID_HANDLE)),
        }
    }

    fn circuit(&self, handle: Handle) -> Result<VirtualCircuit<Wsk>, Refusal> {
        match self.find(handle)? {
            Object::Circuit(circuit) => Ok(circuit),
            _ => Err(Refusal::Control(Status::INVALID_HANDLE)),
        }
    }
}

fn nothing<'a>(result: nt::Result) -> Answered<'a> {
    result?;
    Ok(Answer::Nothing)
}

fn copy(data: &[u8]) -> Result<Vec<u8>, AllocError> {
    let mut copy = Vec::new();
    copy.try_extend_from_slice(data)?;
    Ok(copy)
}

fn engine_options(options: ConnectOptions) -> rxce::ConnectOptions {
    rxce::ConnectOptions {
        deadline: Duration::from_millis(options.timeout_ms.into()),
        receive_buffer: options.receive_buffer as usize,
        paused: options.flags.contains(ConnectFlags::PAUSED),
    }
}

/// What the engine tells of an object.
fn facts(object: &Object) -> nt::Result<Facts> {
    let mut facts = Facts {
        kind: object.kind(),
        state: 0,
        quality_of_service: 0,
        addresses: 0,
        connections: 0,
        circuits: 0,
        remote: None,
    };
    let counts = match object {
        Object::Binding(binding) => {
            facts.quality_of_service = binding.information()?.quality_of_service;
            binding.counts()?
        }
        Object::Address(address) => address.counts()?,
        Object::Connection(connection, _) => {
            facts.remote = Some(connection.remote());
            connection.counts()?
        }
        Object::Circuit(circuit) => {
            facts.state = match circuit.state() {
                State::Uninitialised => 0,
                State::Active => 1,
                State::Disconnected => 2,
                State::TearDown => 3,
            };
            return Ok(facts);
        }
    };
    // CAST: far fewer than 2^32 objects fit in memory.
    facts.addresses = counts.addresses as u32;
    facts.connections = counts.connections as u32;
    facts.circuits = counts.circuits as u32;
    Ok(facts)
}

/// What the guard makes of an exception.
fn raise(exception: u32) -> nt::Result {
    // Not ExRaiseStatus: Wine lacks it.
    let raise = unicode::routine(&ascii!("RtlRaiseStatus")).ok_or(Status::NOT_SUPPORTED)?;
    // SAFETY: the routine of this name takes a status, in the first argument's register, and never returns.
    let raise = unsafe { transmute::<PVOID, guarded::Raising>(raise) };
    // SAFETY: it raises an exception with this code, and does nothing else.
    unsafe { guarded::call(raise, ptr::without_provenance_mut(exception as usize), 0, 0) }
}

/// What was noted of the stacks.
fn stacks(text: &mut Vec<u8>) -> Result<(), AllocError> {
    for (beginning, entrance) in [
        ("dispatch", Entrance::Dispatch),
        ("worker", Entrance::Worker),
        ("load", Entrance::Load),
    ] {
        for (called, call) in [
            ("network", Call::Network),
            ("completion", Call::Completion),
            ("pool", Call::Pool),
        ] {
            let bytes = stack::deepest(entrance, call);
            writeln!(Text(text), "{beginning} {called} {bytes}").map_err(|_| AllocError)?;
        }
    }
    Ok(())
}

/// Text into a buffer that grows with a way to fail.
pub(super) struct Text<'a>(pub(super) &'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0
            .try_extend_from_slice(text.as_bytes())
            .map_err(|_| fmt::Error)
    }
}
