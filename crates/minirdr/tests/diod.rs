//! Files on a mapped drive, with a real diod behind it. Ignored unless asked for (`--include-ignored`), as it needs
//! `diod` installed; asked for without it, it fails.
#[macro_use]
mod behaviour;
mod world;

behaviours! { "diod", crate::world::World::with_diod(), #[ignore = "needs diod"] }
