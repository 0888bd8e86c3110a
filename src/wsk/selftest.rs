//! The checks that every transport must pass, run on this one inside the loaded driver.

use super::Wsk;
use core::fmt::{self, Write};
use core::net::{Ipv4Addr, SocketAddr};
use executive::mem::Arc;
use executive::task::Runtime;
use nt::{NameBuf, Status};
use rxce::Binding;
use rxce::conformance::{Bench, Peers, checks};

/// The control: FILE_DEVICE_NETWORK_REDIRECTOR, function 0x8FF, METHOD_BUFFERED, write access.
pub(crate) const CONTROL_CODE: u32 = 0x28 << 16 | 2 << 14 | 0x8FF << 2;

/// Runs all checks against peers on the loopback interface.
///
/// `input` is five ports of sixteen bits, little-endian: those of the echoing, refusing, closing, resetting and silent peer
/// ([`Peers`] says what each does). `output` receives a line of text for each check, `ok NAME` or `FAILED NAME: REASON`; the
/// result is its length. IRQL = PASSIVE_LEVEL.
///
/// # Errors
/// INVALID_PARAMETER for another input, BUFFER_TOO_SMALL when the text does not fit (4 KiB do), INSUFFICIENT_RESOURCES.
pub(crate) async fn run(
    transport: Wsk,
    runtime: &Runtime,
    input: &[u8],
    output: &mut [u8],
) -> nt::Result<usize> {
    let peers = peers(input).ok_or(Status::INVALID_PARAMETER)?;
    let name = NameBuf::try_from_str("selftest")?;
    let binding = Binding::build(runtime, transport, name.as_name(), 0)?;
    let bench = Arc::try_new(Bench { binding, peers })?;
    let mut lines = Lines { output, used: 0 };
    for check in checks::<Wsk>() {
        let written = match check.run(&bench).await {
            Ok(()) => writeln!(lines, "ok {}", check.name),
            Err(failure) => writeln!(lines, "FAILED {}: {failure}", check.name),
        };
        written.map_err(|_| Status::BUFFER_TOO_SMALL)?;
    }
    Ok(lines.used)
}

fn peers(input: &[u8]) -> Option<Peers> {
    let (ports, rest) = input.as_chunks::<2>();
    let [echo, refusing, closing, resetting, silent] = ports else {
        return None;
    };
    let at = |port: &[u8; 2]| SocketAddr::from((Ipv4Addr::LOCALHOST, u16::from_le_bytes(*port)));
    rest.is_empty().then_some(Peers {
        echo: at(echo),
        refusing: at(refusing),
        closing: at(closing),
        resetting: at(resetting),
        silent: at(silent),
    })
}

/// Text into a buffer that does not grow.
struct Lines<'a> {
    output: &'a mut [u8],
    used: usize,
}

impl Write for Lines<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used.checked_add(text.len()).ok_or(fmt::Error)?;
        let place = self.output.get_mut(self.used..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}
