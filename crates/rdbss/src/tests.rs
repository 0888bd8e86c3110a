//! Tests of the tree as a whole. Tests of one module alone live beside it.

mod connect;
mod dormant;
mod finalize;
mod model;
mod objects;
mod open;
mod storm;
mod world;
