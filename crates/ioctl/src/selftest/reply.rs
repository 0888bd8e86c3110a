//! What the driver answers.

use alloc::vec::Vec;
use core::net::SocketAddr;

use nt::{Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::attempt::{Attempt, AttemptLayout};
use super::{Handle, Kind};
use crate::record::{Encode, Fixed, Header, Sink, Tail, data_len, read};

/// The outcome of an operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// What the engine said.
    pub status: Status,
    /// What it answered: [`Answer::Nothing`] unless the status is a success.
    pub answer: Answer<'a>,
}

/// What an operation answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Nothing but the status.
    Nothing,
    /// Objects that were made, or found.
    Objects(Vec<Object>),
    /// What is known of an object.
    Facts(Facts),
    /// What a handler has heard, and bytes that it received.
    Events(Events, &'a [u8]),
    /// Addresses of a host.
    Addresses(Vec<SocketAddr>),
    /// Text in UTF-8.
    Text(&'a [u8]),
    /// A number of bytes.
    Count(u64),
}

/// An object with a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub handle: Handle,
    /// What it is.
    pub kind: Kind,
    /// The object it was built on; none for a binding.
    pub parent: Handle,
    /// Of a race: which of its attempts this comes from.
    pub index: u32,
}

/// What is known of an object. What does not concern its kind is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// A circuit's state: 0 uninitialised, 1 active, 2 disconnected, 3 being torn down.
    pub state: u32,
    /// A binding's quality of service.
    pub quality_of_service: u32,
    /// Addresses on it.
    pub addresses: u32,
    /// Connections on it (ConnectionCount).
    pub connections: u32,
    /// Circuits on it (VirtualCircuitCount).
    pub circuits: u32,
    /// Where a connection leads to.
    pub remote: Option<SocketAddr>,
}

macro_rules! events {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// What a connection's handler has heard of all its circuits.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Events {
            $($(#[$meta])* pub $name: u64,)*
        }

        #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        struct EventsLayout {
            $($name: U64,)*
        }

        impl Events {
            fn layout(&self) -> EventsLayout {
                EventsLayout { $($name: U64::new(self.$name),)* }
            }
        }

        impl EventsLayout {
            fn events(&self) -> Events {
                Events { $($name: self.$name.get(),)* }
            }
        }
    };
}

events! {
    /// Bytes received.
    received,
    /// Received bytes for which there was no room until the harness would ask.
    lost,
    /// Circuits that the other side closed.
    released,
    /// Circuits that the other side reset.
    aborted,
    /// Circuits that failed.
    errors,
    /// The status of the last failure.
    last_error,
    /// Submitted sends that ended well.
    sends_completed,
    /// Submitted sends that ended otherwise.
    sends_failed,
    /// The context of the last submitted send that ended.
    last_context,
    /// Its status.
    last_send,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    status: U32,
    answer: U32,
    /// Items, or bytes.
    count: U32,
    reserved: U32,
}

impl Fixed for Layout {}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ObjectLayout {
    handle: U32,
    kind: U32,
    parent: U32,
    index: U32,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FactsLayout {
    kind: U32,
    state: U32,
    quality_of_service: U32,
    addresses: U32,
    connections: U32,
    circuits: U32,
}

/// The answers' numbers.
mod answer {
    pub(super) const NOTHING: u32 = 0;
    pub(super) const OBJECTS: u32 = 1;
    pub(super) const FACTS: u32 = 2;
    pub(super) const EVENTS: u32 = 3;
    pub(super) const ADDRESSES: u32 = 4;
    pub(super) const TEXT: u32 = 5;
    pub(super) const COUNT: u32 = 6;
}

impl<'a> Reply<'a> {
    /// The most objects that one answer has room for in an output buffer of [`super::OUTPUT_SIZE`].
    pub const MAX_OBJECTS: usize = (super::OUTPUT_SIZE - Layout::SIZE) / size_of::<ObjectLayout>();

    /// The most addresses.
    pub const MAX_ADDRESSES: usize = (super::OUTPUT_SIZE - Layout::SIZE) / size_of::<AttemptLayout>();

    /// The most bytes of text.
    pub const MAX_TEXT: usize = super::OUTPUT_SIZE - Layout::SIZE;

    /// The most received bytes beside events.
    pub const MAX_RECEIVED: usize = super::OUTPUT_SIZE - Layout::SIZE - size_of::<EventsLayout>();

    /// A refusal, or a success without more to say.
    #[must_use]
    pub const fn of(status: Status) -> Self {
        Self {
            status,
            answer: Answer::Nothing,
        }
    }

    /// Reads a reply: exactly the bytes the driver returned.
    ///
    /// # Errors
    /// As [`crate::request`] says, and `INSUFFICIENT_RESOURCES`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (layout, rest) = read::<Layout>(bytes)?;
        let mut tail = Tail(rest);
        let count = layout.count;
        if layout.reserved.get() != 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        let answer = match layout.answer.get() {
            answer::NOTHING if count.get() == 0 => Answer::Nothing,
            answer::OBJECTS => Answer::Objects(list(&mut tail, count, ObjectLayout::object)?),
            answer::FACTS => Answer::Facts(FactsLayout::facts(&mut tail, count)?),
            answer::EVENTS => {
                let events = item::<EventsLayout>(&mut tail)?.events();
                Answer::Events(events, tail.bytes(count)?)
            }
            answer::ADDRESSES => Answer::Addresses(list(&mut tail, count, |layout: &AttemptLayout| {
                let attempt = layout.attempt()?;
                (attempt == Attempt::from(attempt.remote))
                    .then_some(attempt.remote)
                    .ok_or(Status::INVALID_PARAMETER)
            })?),
            answer::TEXT => Answer::Text(tail.bytes(count)?),
            answer::COUNT if count.get() == 0 => Answer::Count(item::<U64>(&mut tail)?.get()),
            _ => return Err(Status::INVALID_PARAMETER),
        };
        tail.finish()?;
        Ok(Self {
            status: Status(layout.status.get()),
            answer,
        })
    }
}

impl Answer<'_> {
    fn number(&self) -> u32 {
        match self {
            Self::Nothing => answer::NOTHING,
            Self::Objects(_) => answer::OBJECTS,
            Self::Facts(_) => answer::FACTS,
            Self::Events(..) => answer::EVENTS,
            Self::Addresses(_) => answer::ADDRESSES,
            Self::Text(_) => answer::TEXT,
            Self::Count(_) => answer::COUNT,
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Nothing | Self::Count(_) => 0,
            Self::Objects(objects) => objects.len(),
            Self::Facts(facts) => usize::from(facts.remote.is_some()),
            Self::Events(_, bytes) | Self::Text(bytes) => bytes.len(),
            Self::Addresses(addresses) => addresses.len(),
        }
    }

    fn body_len(&self) -> usize {
        let count = self.count();
        match self {
            Self::Nothing => 0,
            Self::Objects(_) => count * size_of::<ObjectLayout>(),
            Self::Facts(_) => size_of::<FactsLayout>() + count * size_of::<AttemptLayout>(),
            Self::Events(..) => size_of::<EventsLayout>() + count,
            Self::Addresses(_) => count * size_of::<AttemptLayout>(),
            Self::Text(_) => count,
            Self::Count(_) => size_of::<U64>(),
        }
    }
}

impl Encode for Reply<'_> {
    fn encoded_len(&self) -> usize {
        Layout::SIZE + self.answer.body_len()
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let layout = Layout {
            header: Header::new(self.encoded_len()),
            status: U32::new(self.status.0),
            answer: U32::new(self.answer.number()),
            count: data_len(self.answer.count()),
            reserved: U32::ZERO,
        };
        let mut sink = Sink::new(out);
        sink.bytes(layout.as_bytes())?;
        match &self.answer {
            Answer::Nothing => {}
            Answer::Objects(objects) => {
                for object in objects {
                    sink.bytes(ObjectLayout::new(object).as_bytes())?;
                }
            }
            Answer::Facts(facts) => {
                sink.bytes(FactsLayout::new(facts).as_bytes())?;
                if let Some(remote) = &facts.remote {
                    sink.bytes(AttemptLayout::new(&(*remote).into()).as_bytes())?;
                }
            }
            Answer::Events(events, bytes) => {
                sink.bytes(events.layout().as_bytes())?.bytes(bytes)?;
            }
            Answer::Addresses(addresses) => {
                for address in addresses {
                    sink.bytes(AttemptLayout::new(&(*address).into()).as_bytes())?;
                }
            }
            Answer::Text(text) => {
                sink.bytes(text)?;
            }
            Answer::Count(count) => {
                sink.bytes(U64::new(*count).as_bytes())?;
            }
        }
        Ok(sink.finish())
    }
}

impl ObjectLayout {
    fn new(object: &Object) -> Self {
        Self {
            handle: U32::new(object.handle.0),
            kind: U32::new(object.kind as u32),
            parent: U32::new(object.parent.0),
            index: U32::new(object.index),
        }
    }

    fn object(&self) -> Result<Object> {
        Ok(Object {
            handle: Handle(self.handle.get()),
            kind: Kind::try_from(self.kind.get())?,
            parent: Handle(self.parent.get()),
            index: self.index.get(),
        })
    }
}

impl FactsLayout {
    fn new(facts: &Facts) -> Self {
        Self {
            kind: U32::new(facts.kind as u32),
            state: U32::new(facts.state),
            quality_of_service: U32::new(facts.quality_of_service),
            addresses: U32::new(facts.addresses),
            connections: U32::new(facts.connections),
            circuits: U32::new(facts.circuits),
        }
    }

    /// The facts, with as many remote addresses as `count` says: none or one.
    fn facts(tail: &mut Tail<'_>, count: U32) -> Result<Facts> {
        let this = item::<Self>(tail)?;
        let remote = match count.get() {
            0 => None,
            1 => {
                let attempt = item::<AttemptLayout>(tail)?.attempt()?;
                if attempt != Attempt::from(attempt.remote) {
                    return Err(Status::INVALID_PARAMETER);
                }
                Some(attempt.remote)
            }
            _ => return Err(Status::INVALID_PARAMETER),
        };
        Ok(Facts {
            kind: Kind::try_from(this.kind.get())?,
            state: this.state.get(),
            quality_of_service: this.quality_of_service.get(),
            addresses: this.addresses.get(),
            connections: this.connections.get(),
            circuits: this.circuits.get(),
            remote,
        })
    }
}

/// The next structure of a reply.
fn item<'a, T: FromBytes + KnownLayout + Immutable + Unaligned>(tail: &mut Tail<'a>) -> Result<&'a T> {
    T::ref_from_bytes(tail.bytes(data_len(size_of::<T>()))?).map_err(|_| Status::INVALID_PARAMETER)
}

/// So many structures, each made into what it stands for.
fn list<'a, T, R>(tail: &mut Tail<'a>, count: U32, make: impl Fn(&T) -> Result<R>) -> Result<Vec<R>>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned + 'a,
{
    let count = usize::try_from(count.get()).map_err(|_| Status::INVALID_PARAMETER)?;
    // Before memory is asked for: the bytes are all there.
    if count > tail.0.len() / size_of::<T>() {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut items = Vec::new();
    items.try_reserve_exact(count)?;
    for _ in 0..count {
        items.push(make(item(tail)?)?);
    }
    Ok(items)
}
