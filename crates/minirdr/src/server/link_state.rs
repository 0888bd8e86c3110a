//! Whether a server can be reached, as a table of states and events.

use nt::Status;

/// Where the connection to a server stands. docs/ninep.md draws it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// Nobody has connected yet.
    Idle,
    /// There is a session.
    Up,
    /// There is a session, but a deadline has passed in silence: the server is asked for a sign of life.
    Suspect,
    /// The connection of a session in good standing was closed or reset, and the server is dialled at once: most likely it
    /// has started anew, or does not keep idle connections.
    Interrupted,
    /// There is no session, and not much hope of one. The prober tries again from time to time.
    Down,
    /// The same, and it is trying now.
    Reconnecting,
    /// Nobody wants the server any more.
    Closed,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A session has been made.
    Connected,
    /// A request's deadline has passed without a byte from the server.
    Silent,
    /// A byte has come.
    Heard,
    /// The connection of a session in good standing was closed or reset.
    Lost,
    /// The session ended in another way (no sign of life, a broken protocol, lost again too soon), or an attempt to
    /// connect failed or takes long.
    Failed,
    /// The server is being dialled.
    Dial,
    /// Nobody wants the server any more.
    Close,
}

/// What becomes of a new request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// It goes to the session.
    Go,
    /// It waits for the next change.
    Wait,
    /// It fails at once.
    Refuse(Status),
}

impl LinkState {
    /// What `event` makes of it.
    pub(crate) const fn on(self, event: Event) -> Self {
        use Event as E;
        use LinkState as S;
        match (self, event) {
            (S::Closed, _) | (_, E::Close) => S::Closed,
            (_, E::Connected) => S::Up,

            (S::Idle, E::Silent | E::Heard | E::Lost | E::Failed | E::Dial) => S::Idle,

            (S::Up, E::Silent) => S::Suspect,
            (S::Up, E::Heard | E::Dial) => S::Up,
            (S::Up, E::Lost) => S::Interrupted,
            (S::Up, E::Failed) => S::Down,

            (S::Suspect, E::Heard) => S::Up,
            (S::Suspect, E::Silent | E::Dial) => S::Suspect,
            // Silence came first: there is no good reason to hope.
            (S::Suspect, E::Lost | E::Failed) => S::Down,

            (S::Interrupted, E::Failed) => S::Down,
            (S::Interrupted, E::Silent | E::Heard | E::Lost | E::Dial) => S::Interrupted,

            (S::Down, E::Dial) => S::Reconnecting,
            (S::Down, E::Silent | E::Heard | E::Lost | E::Failed) => S::Down,

            (S::Reconnecting, E::Failed) => S::Down,
            (S::Reconnecting, E::Silent | E::Heard | E::Lost | E::Dial) => S::Reconnecting,
        }
    }

    /// What becomes of a request that comes in this state.
    pub(crate) const fn admission(self) -> Admission {
        match self {
            Self::Up | Self::Suspect => Admission::Go,
            Self::Interrupted => Admission::Wait,
            Self::Idle | Self::Down | Self::Reconnecting => Admission::Refuse(Status::BAD_NETWORK_PATH),
            Self::Closed => Admission::Refuse(Status::UNEXPECTED_NETWORK_ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, LinkState};
    use std::fmt::Write as _;
    use std::string::String;

    const STATES: [LinkState; 7] = [
        LinkState::Idle,
        LinkState::Up,
        LinkState::Suspect,
        LinkState::Interrupted,
        LinkState::Down,
        LinkState::Reconnecting,
        LinkState::Closed,
    ];
    const EVENTS: [Event; 7] = [
        Event::Connected,
        Event::Silent,
        Event::Heard,
        Event::Lost,
        Event::Failed,
        Event::Dial,
        Event::Close,
    ];

    #[test]
    fn the_whole_matrix() {
        let mut table = String::new();
        for state in STATES {
            writeln!(table, "{state:?}: requests {:?}", state.admission()).unwrap();
            for event in EVENTS {
                writeln!(
                    table,
                    "    {:<10} -> {:?}",
                    std::format!("{event:?}"),
                    state.on(event)
                )
                .unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn no_way_out_of_closed_and_one_into_it() {
        for state in STATES {
            for event in EVENTS {
                let next = state.on(event);
                let closed = state == LinkState::Closed || event == Event::Close;
                assert_eq!(next == LinkState::Closed, closed, "{state:?} on {event:?}");
            }
        }
    }
}
