//! The self-test control as a program sees it, and the objects that most checks start from.

use std::time::Duration;

use client::device::Device;
use ioctl::selftest::{
    Answer, CODE, ConnectOptions, Events, Facts, Handle, OUTPUT_SIZE, Object, Reply, Request,
};
use ioctl::{Encode, Features};
use nt::{NameBuf, Result, Status};
use std::net::SocketAddr;

use super::super::Checked;
use super::super::check::{equal, eventually};
use crate::failure::Failure;

/// Far beyond what anything on loopback takes.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// A circuit's states.
pub(super) mod state {
    pub(in super::super) const UNINITIALISED: u32 = 0;
    pub(in super::super) const ACTIVE: u32 = 1;
    pub(in super::super) const DISCONNECTED: u32 = 2;
}

/// A control handle, and so a set of objects of its own.
pub(super) struct Engine(Device);

/// What the engine said: `Err` of the outer result is the control's failure or a broken reply.
pub(super) type Said<T> = core::result::Result<Result<T>, Failure>;

impl Engine {
    /// # Errors
    /// `Skipped` when the driver was built without self tests.
    pub(super) fn open() -> core::result::Result<Self, Failure> {
        let device = Device::open_for_control()?;
        if device.version()?.features.contains(Features::SELFTEST) {
            Ok(Self(device))
        } else {
            Err(Failure::Skipped(
                "the driver was built without self tests".to_owned(),
            ))
        }
    }

    /// Sends any bytes.
    pub(super) fn raw(&self, input: &[u8], output: usize) -> Result<Vec<u8>> {
        let answer = self.0.control_raw(CODE, input, output)?;
        answer.status.ok()?;
        let written = answer.output.get(..answer.information);
        written.map(<[u8]>::to_vec).ok_or(Status::INFO_LENGTH_MISMATCH)
    }

    /// Begins a request and cancels it if it still runs after `patience`: the control's status then, and none if it was done
    /// before.
    pub(super) fn cancelled_after(&self, request: &Request<'_>, patience: Duration) -> Option<Status> {
        let input = request.build().ok()?;
        let pending = self.0.begin_raw(CODE, &input, OUTPUT_SIZE).ok()?;
        let pending = pending.wait_for(patience).err()?;
        let _asked = pending.cancel();
        Some(pending.wait().status)
    }

    fn ask<T>(&self, request: &Request<'_>, read: impl FnOnce(Answer<'_>) -> Option<T>) -> Said<T> {
        let bytes = self.raw(&request.build()?, OUTPUT_SIZE)?;
        let reply = Reply::parse(&bytes)?;
        if reply.status.is_error() {
            return Ok(Err(reply.status));
        }
        match read(reply.answer) {
            Some(answer) => Ok(Ok(answer)),
            None => Err(Failure::Wrong(format!(
                "{request:?}: an answer of the wrong kind"
            ))),
        }
    }

    /// A request that answers objects.
    pub(super) fn make(&self, request: &Request<'_>) -> Said<Vec<Object>> {
        self.ask(request, |answer| match answer {
            Answer::Objects(objects) => Some(objects),
            _ => None,
        })
    }

    /// A request that answers nothing but its status.
    pub(super) fn tell(&self, request: &Request<'_>) -> Said<()> {
        self.ask(request, |answer| matches!(answer, Answer::Nothing).then_some(()))
    }

    /// A request that answers text.
    pub(super) fn text(&self, request: &Request<'_>) -> Said<String> {
        self.ask(request, |answer| match answer {
            Answer::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        })
    }

    pub(super) fn query(&self, object: Handle) -> Said<Facts> {
        self.ask(&Request::Query { object }, |answer| match answer {
            Answer::Facts(facts) => Some(facts),
            _ => None,
        })
    }

    pub(super) fn send(&self, circuit: Handle, data: &[u8]) -> Said<u64> {
        self.ask(&Request::Send { circuit, data }, |answer| match answer {
            Answer::Count(count) => Some(count),
            _ => None,
        })
    }

    pub(super) fn submit(&self, circuit: Handle, context: u64, data: &[u8]) -> Said<()> {
        self.tell(&Request::Submit {
            circuit,
            context,
            data,
        })
    }

    pub(super) fn disconnect(&self, circuit: Handle) -> Said<()> {
        self.tell(&Request::Disconnect { circuit })
    }

    pub(super) fn tear_down(&self, object: Handle) -> Said<()> {
        self.tell(&Request::TearDown { object })
    }

    pub(super) fn release(&self, object: Handle) -> Said<()> {
        self.tell(&Request::Release { object })
    }

    pub(super) fn events(&self, connection: Handle) -> core::result::Result<(Events, Vec<u8>), Failure> {
        let request = Request::Events { connection };
        Ok(self.ask(&request, |answer| match answer {
            Answer::Events(events, bytes) => Some((events, bytes.to_vec())),
            _ => None,
        })??)
    }

    /// Waits until `enough` holds of what a connection has heard.
    pub(super) fn hears(
        &self,
        what: &str,
        connection: Handle,
        enough: impl Fn(&Events) -> bool,
    ) -> core::result::Result<Events, Failure> {
        let mut heard = Events::default();
        eventually(LIMIT, || {
            heard = self.events(connection)?.0;
            if enough(&heard) {
                Ok(())
            } else {
                Err(Failure::Wrong(format!("{what}: heard {heard:?}")))
            }
        })?;
        Ok(heard)
    }

    pub(super) fn resolve(&self, binding: Handle, host: &str, port: u16) -> Said<Vec<SocketAddr>> {
        let request = Request::Resolve {
            binding,
            host: NameBuf::try_from_str(host)?,
            port,
        };
        self.ask(&request, |answer| match answer {
            Answer::Addresses(addresses) => Some(addresses),
            _ => None,
        })
    }

    /// Every object that has a handle.
    pub(super) fn list(&self) -> core::result::Result<Vec<Object>, Failure> {
        let mut all: Vec<Object> = Vec::new();
        loop {
            let after = all.last().map_or(Handle::NONE, |object| object.handle);
            let more = self.make(&Request::List { after })??;
            if more.is_empty() {
                return Ok(all);
            }
            all.extend(more);
        }
    }

    pub(super) fn bind(&self) -> core::result::Result<Handle, Failure> {
        one(self.make(&Request::Bind {
            name: NameBuf::try_from_str(r"\Device\Wsk")?,
            quality_of_service: 0,
        })?)
    }

    pub(super) fn open_address(
        &self,
        binding: Handle,
        local: Option<SocketAddr>,
    ) -> core::result::Result<Handle, Failure> {
        one(self.make(&Request::OpenAddress { binding, local })?)
    }

    pub(super) fn connect(
        &self,
        address: Handle,
        remotes: &[SocketAddr],
        options: ConnectOptions,
    ) -> Said<[Handle; 2]> {
        let made = self.make(&Request::Connect {
            address,
            remotes: remotes.to_vec(),
            options,
        })?;
        match made.as_deref() {
            Ok([connection, circuit]) => Ok(Ok([connection.handle, circuit.handle])),
            Ok(other) => Err(Failure::Wrong(format!("two objects expected: {other:?}"))),
            Err(status) => Ok(Err(*status)),
        }
    }

    pub(super) fn build_circuit(&self, connection: Handle) -> core::result::Result<Handle, Failure> {
        one(self.make(&Request::BuildCircuit { connection })?)
    }

    /// A binding with one address on it.
    pub(super) fn ground(&self) -> core::result::Result<Ground<'_>, Failure> {
        let binding = self.bind()?;
        let address = self.open_address(binding, None)?;
        Ok(Ground {
            engine: self,
            binding,
            address,
        })
    }
}

/// The one object that was made.
fn one(made: Result<Vec<Object>>) -> core::result::Result<Handle, Failure> {
    match made?.as_slice() {
        [object] => Ok(object.handle),
        other => Err(Failure::Wrong(format!("one object expected: {other:?}"))),
    }
}

/// A binding with one address on it.
pub(super) struct Ground<'a> {
    pub(super) engine: &'a Engine,
    pub(super) binding: Handle,
    pub(super) address: Handle,
}

/// A connection with one circuit.
pub(super) struct Built<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) connection: Handle,
    pub(super) circuit: Handle,
}

impl<'a> Ground<'a> {
    /// Connects, and takes the ground over.
    pub(super) fn build(
        self,
        remote: SocketAddr,
        options: ConnectOptions,
    ) -> core::result::Result<Built<'a>, Failure> {
        let [connection, circuit] = self.engine.connect(self.address, &[remote], options)??;
        Ok(Built {
            ground: self,
            connection,
            circuit,
        })
    }

    /// Nothing stands on it.
    pub(super) fn is_bare(&self) -> Checked {
        let facts = self.engine.query(self.binding)??;
        let counts = (facts.addresses, facts.connections, facts.circuits);
        equal("what stands on the transport", counts, (1, 0, 0))
    }

    /// Takes both down, in order.
    pub(super) fn tear_down(self) -> Checked {
        self.is_bare()?;
        self.engine.tear_down(self.address)??;
        Ok(self.engine.tear_down(self.binding)??)
    }
}

impl Built<'_> {
    pub(super) fn engine(&self) -> &Engine {
        self.ground.engine
    }

    /// The circuit's state.
    pub(super) fn state(&self) -> core::result::Result<u32, Failure> {
        Ok(self.engine().query(self.circuit)??.state)
    }

    /// Takes it all down, in order.
    pub(super) fn tear_down(self) -> Checked {
        self.engine().tear_down(self.circuit)??;
        self.engine().tear_down(self.connection)??;
        self.ground.tear_down()
    }
}
