//! Tests of the wire format.

mod garbage;
mod round_trip;
mod vectors;
