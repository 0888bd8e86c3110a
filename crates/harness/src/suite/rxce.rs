//! The connection engine inside the loaded driver, over Winsock Kernel: the conformance checks of every transport, and the
//! life of each object, built and torn down one by one; and how much of its stacks the driver uses. Needs a driver built with
//! self tests.

mod circuits;
mod conformance;
mod connecting;
mod control;
mod engine;
mod names;
mod objects;
mod racing;
mod routines;
mod servers;
mod stack;
mod weight;

use super::environment::Environment;
use super::{Checked, tests};
use crate::runner::Test;

/// All of them, or without self tests in the driver the one that says so.
pub(crate) fn tests(self_tests: bool) -> Vec<Test<Environment>> {
    if !self_tests {
        return tests![needs_a_driver_with_self_tests];
    }
    let mut all = conformance::tests();
    for tests in [
        control::tests(),
        objects::tests(),
        circuits::tests(),
        connecting::tests(),
        racing::tests(),
        names::tests(),
        routines::tests(),
        weight::tests(),
        stack::tests(),
    ] {
        all.extend(tests);
    }
    all
}

fn needs_a_driver_with_self_tests(_: &Environment) -> Checked {
    engine::Engine::open().map(drop)
}
