//! A machine of the simulation, and its drive X: on the server at [`ADDRESS`](super::simulated::ADDRESS).

use executive::task::Runtime;
use minirdr::{MiniRedirector, Settings};
use rxce::memory::Network;

use crate::drive::{Drive, SHARE};
use crate::simulated::Simulated;

pub(crate) struct Machine {
    pub(crate) runtime: Runtime,
    pub(crate) redirector: MiniRedirector<Simulated>,
}

impl Machine {
    /// With the drive mapped.
    pub(crate) fn new(runtime: &Runtime, network: &Network, settings: Settings) -> Self {
        let redirector = MiniRedirector::new(network.clone(), runtime.clone(), settings).unwrap();
        redirector.start().unwrap();
        let machine = Self {
            runtime: runtime.clone(),
            redirector,
        };
        machine.block(machine.drive().map()).unwrap();
        machine
    }

    pub(crate) fn drive(&self) -> Drive<'_> {
        Drive {
            redirector: &self.redirector,
            letter: "X:",
            share: SHARE,
        }
    }

    pub(crate) fn block<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future).unwrap()
    }
}
