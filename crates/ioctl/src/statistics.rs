//! `GET_STATISTICS`.

use nt::Result;
use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::record::{Encode, Fixed, Header, Sink, Tail, read};

macro_rules! statistics {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// The answer to `GET_STATISTICS`: what exists now, and what happened since the driver was loaded.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Statistics {
            $($(#[$meta])* pub $name: u64,)*
        }

        #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        struct Layout {
            header: Header,
            $($name: U64,)*
        }

        impl Statistics {
            /// The names of the figures, in the order of the record.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// The figures with their names, in the order of the record.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }

            /// Reads the driver's answer.
            ///
            /// # Errors
            /// The statuses of every record, see [`crate::request`].
            pub fn parse(bytes: &[u8]) -> Result<Self> {
                let (layout, rest) = read::<Layout>(bytes)?;
                Tail(rest).finish()?;
                Ok(Self { $($name: layout.$name.get(),)* })
            }

            fn layout(&self) -> Layout {
                Layout { header: Header::new(Layout::SIZE), $($name: U64::new(self.$name),)* }
            }
        }
    };
}

statistics! {
    /// Servers known now (`SRV_CALL`).
    srv_calls,
    /// Shares known now (`NET_ROOT`).
    net_roots,
    /// Views of shares known now (`V_NET_ROOT`): mappings and deviceless uses.
    v_net_roots,
    /// Files known now (`FCB`).
    fcbs,
    /// Opens on servers now (`SRV_OPEN`).
    srv_opens,
    /// File objects now (`FOBX`).
    fobxs,
    /// Requests in progress now (`RX_CONTEXT`).
    contexts,
    /// 9P sessions up now.
    sessions,
    /// Requests ever begun.
    requests,
    /// Bytes ever read from servers.
    bytes_read,
    /// Bytes ever written to servers.
    bytes_written,
    /// Sessions ever set up anew after a loss.
    reconnects,
    /// Pool allocations outstanding now.
    pool_allocations,
    /// Bytes in pool allocations outstanding now.
    pool_bytes,
    /// Pool allocations ever made.
    pool_allocations_total,
    /// Pool allocations that ever failed.
    pool_failures,
    /// Opens on servers that no handle has now, kept for the next open: part of `srv_opens`.
    dormant,
    /// Handles that watch their directories now.
    watches,
    /// Opens that ever succeeded.
    opens,
    /// Of these, the ones that shared an open on a server which was there: another handle's, or a dormant one.
    opens_shared,
    /// Times that an open began to share a dormant one.
    opens_revived,
}

impl Fixed for Layout {}

impl Statistics {
    /// The length of the record.
    pub const SIZE: usize = Layout::SIZE;
}

impl Encode for Statistics {
    fn encoded_len(&self) -> usize {
        Layout::SIZE
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        Ok(Sink::new(out).bytes(self.layout().as_bytes())?.finish())
    }
}
