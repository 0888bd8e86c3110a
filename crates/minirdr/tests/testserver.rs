//! Files on a mapped drive, with the server in this process behind it.
#[macro_use]
mod behaviour;
mod world;

behaviours! { "the embedded server", crate::world::World::new(), }
