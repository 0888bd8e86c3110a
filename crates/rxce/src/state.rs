//! The life of a virtual circuit, as a table of states and events.

use core::fmt;
use nt::Status;

/// Where a circuit stands. RXCE_VC.State has the same three beside "no valid signature".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Not built yet, or torn down.
    Uninitialised,
    /// Connected: both sides may send.
    Active,
    /// One of both sides has ended it; it waits to be torn down.
    Disconnected,
    /// A tear-down waits for what is still in flight.
    TearDown,
}

/// What can happen to a circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The transport has connected it.
    Connected,
    /// Someone wants to send.
    Send,
    /// Bytes have arrived.
    Received,
    /// This side wants it disconnected.
    Disconnect,
    /// The other side has closed or reset it.
    RemoteClosed,
    /// The transport has failed.
    Failed,
    /// This side wants it torn down.
    TearDown,
    /// Nothing is in flight any more, and the transport has closed.
    Quiet,
}

/// What is to be done about an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing, and that is fine.
    Ignore,
    /// Nothing, and the caller hears why.
    Refuse(Status),
    /// Begin to receive.
    Open,
    /// Hand the data to the transport.
    Submit,
    /// Hand the bytes to the sink.
    Deliver,
    /// Have the transport end the connection.
    Abort,
    /// Tell the sink of the disconnection.
    IndicateDisconnect,
    /// Tell the sink of the failure.
    IndicateError,
    /// Have the transport end the connection, wait for what is in flight, close.
    AbortAndDrain,
    /// Wait for what is in flight, close.
    Drain,
    /// Leave the parents.
    Release,
}

impl State {
    /// All of them.
    pub const ALL: [State; 4] = [
        State::Uninitialised,
        State::Active,
        State::Disconnected,
        State::TearDown,
    ];

    /// What `event` makes of a circuit in this state.
    pub const fn on(self, event: Event) -> (State, Action) {
        use Action as A;
        use Event as E;
        use State as S;
        const INVALID: Action = A::Refuse(Status::INVALID_PARAMETER);
        const GONE: Action = A::Refuse(Status::CONNECTION_DISCONNECTED);
        match (self, event) {
            (S::Uninitialised, E::Connected) => (S::Active, A::Open),
            (S::Uninitialised, E::Send) => (S::Uninitialised, GONE),
            (S::Uninitialised, E::Disconnect | E::TearDown) => (S::Uninitialised, INVALID),
            (S::Uninitialised, E::Received | E::RemoteClosed | E::Failed | E::Quiet) => {
                (S::Uninitialised, A::Ignore)
            }

            (S::Active, E::Connected) => (S::Active, INVALID),
            (S::Active, E::Send) => (S::Active, A::Submit),
            (S::Active, E::Received) => (S::Active, A::Deliver),
            (S::Active, E::Disconnect) => (S::Disconnected, A::Abort),
            (S::Active, E::RemoteClosed) => (S::Disconnected, A::IndicateDisconnect),
            (S::Active, E::Failed) => (S::Disconnected, A::IndicateError),
            (S::Active, E::TearDown) => (S::TearDown, A::AbortAndDrain),
            (S::Active, E::Quiet) => (S::Active, A::Ignore),

            (S::Disconnected, E::Connected) => (S::Disconnected, INVALID),
            (S::Disconnected, E::Send) => (S::Disconnected, GONE),
            (S::Disconnected, E::TearDown) => (S::TearDown, A::Drain),
            (S::Disconnected, E::Received | E::Disconnect | E::RemoteClosed | E::Failed | E::Quiet) => {
                (S::Disconnected, A::Ignore)
            }

            (S::TearDown, E::Connected | E::Disconnect | E::TearDown) => (S::TearDown, INVALID),
            (S::TearDown, E::Send) => (S::TearDown, GONE),
            (S::TearDown, E::Received | E::RemoteClosed | E::Failed) => (S::TearDown, A::Ignore),
            (S::TearDown, E::Quiet) => (S::Uninitialised, A::Release),
        }
    }
}

impl Event {
    /// All of them.
    pub const ALL: [Event; 8] = [
        Event::Connected,
        Event::Send,
        Event::Received,
        Event::Disconnect,
        Event::RemoteClosed,
        Event::Failed,
        Event::TearDown,
        Event::Quiet,
    ];
}

/// Writes the whole table, one line for each state and event. For documentation and tests.
///
/// # Errors
/// What `out` reports.
pub fn write_matrix(out: &mut impl fmt::Write) -> fmt::Result {
    for state in State::ALL {
        for event in Event::ALL {
            let (next, action) = state.on(event);
            write!(out, "{state:?} {event:?} -> {next:?} ")?;
            match action {
                Action::Refuse(status) => {
                    writeln!(out, "Refuse({})", status.name().unwrap_or("unnamed"))?;
                }
                other => writeln!(out, "{other:?}")?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn the_whole_matrix() {
        let mut matrix = String::new();
        write_matrix(&mut matrix).unwrap();
        insta::assert_snapshot!(matrix);
    }

    #[test]
    fn only_a_tear_down_makes_a_circuit_uninitialised_again() {
        for state in State::ALL {
            for event in Event::ALL {
                let (next, action) = state.on(event);
                if next == State::Uninitialised && state != next {
                    assert_eq!(
                        (state, event, action),
                        (State::TearDown, Event::Quiet, Action::Release)
                    );
                }
                if matches!(action, Action::Refuse(_) | Action::Ignore) {
                    assert_eq!(next, state, "a refused or ignored event changes nothing");
                }
            }
        }
    }
}
