//! Crashes in a Wine prefix, as Wine tells of them.
//!
//! The registry names the program that Wine starts when a process dies of an exception. Ours writes the report of
//! `winedbg --auto` to a file of the prefix; the drivers' process has no output of its own that would keep it. Now and
//! then, when other threads have exceptions of their own, the debugger reports on none; what is left then is the line
//! in the log of the one who died.

use crate::prefix::Prefix;
use anyhow::Result;
use std::fs;

/// Where the reports go.
const FILE: &str = r"C:\crashes.txt";

/// Wine's Winsock Kernel.
const NETIO: &str = "netio.sys";

/// The end of one program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    /// The exception, and the stack of the thread that it happened on, innermost call first; or Wine's line about it.
    text: String,
    /// The place of the code.
    address: Option<u64>,
    pub(crate) culprit: Culprit,
}

/// Whose the code is that crashed, or had called what did: the libraries of the system do what they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Culprit {
    /// Wine's Winsock Kernel is the innermost driver on the stack.
    Netio,
    /// The debugger has missed it, and the code is that of a library of the system: nobody knows who called it.
    Unseen,
    /// Another driver, or a program.
    Other,
}

impl std::fmt::Display for Crash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text)
    }
}

/// Has crashes in `prefix` reported from now on, and what the drivers' process frees overwritten and not given out again for
/// a while: who uses it after that, meets what cannot be taken for something that is alive.
pub(crate) fn arm(prefix: &Prefix) -> Result<()> {
    // Services have no search path.
    let system = r"C:\windows\system32";
    let debugger = format!(r"{system}\cmd.exe /c {system}\winedbg.exe --auto %ld %ld >>{FILE} 2>&1");
    let debuggers = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug";
    prefix.set_registry(debuggers, "Debugger", "REG_SZ", &debugger)?;
    // FLG_HEAP_ENABLE_TAIL_CHECK and FLG_HEAP_ENABLE_FREE_CHECK.
    let image =
        r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\Image File Execution Options\winedevice.exe";
    prefix.set_registry(image, "GlobalFlag", "REG_DWORD", "0x30")
}

/// What has crashed so far.
pub(crate) fn told(prefix: &Prefix) -> Vec<Crash> {
    let bytes = fs::read(prefix.path(FILE)).unwrap_or_default();
    let reports = reports(&String::from_utf8_lossy(&bytes));
    with_unreported(reports, &prefix.driver_log(), |address| {
        let modules = [NETIO, "ntdll.dll", "kernelbase.dll"];
        modules.into_iter().find(|module| prefix.is_in(module, address))
    })
}

/// From each report: the line with the exception, and those of the stack.
fn reports(text: &str) -> Vec<Crash> {
    let mut crashes: Vec<Crash> = Vec::new();
    let mut driver = None;
    for line in text.lines().map(str::trim_end) {
        if line.starts_with("Unhandled exception: ") {
            let address = line.rsplit_once("(0x");
            crashes.push(Crash {
                text: format!("{line}\n"),
                address: address.and_then(|(_, place)| hexadecimal(place)),
                culprit: Culprit::Other,
            });
            driver = None;
        } else if let (Some(module), Some(crash)) = (module(line), crashes.last_mut()) {
            crash.text.push_str(line);
            crash.text.push('\n');
            if driver.is_none() && module.ends_with(".sys") {
                driver = Some(module);
                if module == NETIO {
                    crash.culprit = Culprit::Netio;
                }
            }
        }
    }
    crashes
}

/// The `crashes`, and those that only a line of the log tells of. Of these, only the module of the code itself is known, if it
/// is one of Wine's that `module` tells.
fn with_unreported(
    mut crashes: Vec<Crash>,
    log: &str,
    module: impl Fn(u64) -> Option<&'static str>,
) -> Vec<Crash> {
    for line in log.lines().filter(|line| line.contains("wine: Unhandled ")) {
        let address = line
            .split_once(" at address ")
            .and_then(|(_, place)| hexadecimal(place));
        if !crashes.iter().any(|crash| crash.address == address) {
            let module = address.and_then(&module);
            crashes.push(Crash {
                text: line.to_owned(),
                address,
                culprit: match module {
                    Some(NETIO) => Culprit::Netio,
                    Some(_) => Culprit::Unseen,
                    None => Culprit::Other,
                },
            });
        }
    }
    crashes
}

/// The number that `text` begins with.
fn hexadecimal(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
    u64::from_str_radix(text.get(..end)?, 16).ok()
}

/// The module of a call, from `=>0 0x… function+0x1e(arguments) [source:line] in module (0x…)`; `=>` marks the innermost.
fn module(line: &str) -> Option<&str> {
    let call = line.trim_start_matches("=>").trim_start();
    let (number, rest) = call.split_once(' ')?;
    number.parse::<u32>().ok()?;
    if !rest.starts_with("0x") {
        return None;
    }
    let (_, module) = rest.rsplit_once(" in ")?;
    module.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::{Culprit, module, reports, with_unreported};

    /// What winedbg prints, without most of its many words.
    const REPORT: &str = "\
Unhandled exception: page fault on read access to 0x0000000000000000 in 64-bit code (0x0000007b01f03b).\r
Register dump:\r
 rip:000000007b01f03b rsp:0000000002ccfbd0 rbp:00000001d8267030 eflags:00010246 (  R- --  I  Z- -P- )\r
Backtrace:\r
=>0 0x0000007b01f03b WaitFor(src=<internal error>) [C:\\windows\\include\\w.h:6750] in kernelbase (0x000001d8267030)\r
  1 0x000001d8264573 some_callback+0x83(wait=<register RBX not accessible in this frame>) [C:\\n.c:61] in netio.sys (0x1)\r
  2 0x00000180060560 in mrx9p.sys (+0x60560) (0x000000035cfd20)\r
0x0000007b01f03b WaitFor [C:\\windows\\include\\w.h:6750] in kernelbase: movl	(%rbx),%ebp\r
Modules:\r
Module	Address					Debug info	Name (25 modules)\r
PE	00000000027b0000-00000000027c3000	Deferred        mrx9pirp.sys\r
Threads:\r
process  tid      prio    name (all IDs are in hex)\r
00000038 services.exe\r
	0000003c    0     \r
";

    #[test]
    fn a_report_tells_the_exception_and_the_stack() {
        let crashes = reports(REPORT);
        let [crash] = crashes.as_slice() else {
            panic!("{crashes:?}")
        };
        assert_eq!(crash.text.lines().count(), 4, "{crash}");
        assert!(!crash.text.contains("Modules"), "{crash}");
        assert_eq!(crash.address, Some(0x7b01_f03b));
    }

    #[test]
    fn the_innermost_driver_is_the_one_that_called() {
        let culprits = |text: &str| {
            reports(text)
                .into_iter()
                .map(|crash| crash.culprit)
                .collect::<Vec<_>>()
        };
        let own = REPORT.replace("netio.sys", "ntdll");
        let both = culprits(&format!("{REPORT}{own}"));
        assert_eq!(both, [Culprit::Netio, Culprit::Other]);
        let called_by_us = REPORT
            .replace("netio.sys", "mrx9p.sys")
            .replace("2 0x00000180060560 in mrx9p.sys", "2 0x01 in netio.sys");
        assert_eq!(culprits(&called_by_us), [Culprit::Other]);
        assert_eq!(culprits(&REPORT.replace(".sys (", ".dll (")), [Culprit::Other]);
    }

    #[test]
    fn what_the_debugger_missed_is_in_the_log() {
        let log = "\
mrx9p: loading at address 12
wine: Unhandled page fault on read access to 0000000000000000 at address 000000007B01F03B (thread 02f4), starting debugger...
wine: Unhandled page fault on write access to 0000000000000038 at address 00000001D826436E (thread 01c0), starting debugger...
wine: Unhandled page fault on read access to FFFFFFFFFFFFFFFF at address 000000017005CAA0 (thread 02dc), starting debugger...
wine: Unhandled exception 0xc000001d in thread 12 at address 0000000180001000 (thread 01c0), starting debugger...
";
        let module = |address| match address {
            0x1_d826_436e => Some("netio.sys"),
            0x1_7005_caa0 => Some("ntdll.dll"),
            _ => None,
        };
        let crashes = with_unreported(reports(REPORT), log, module);
        let culprits: Vec<Culprit> = crashes.iter().map(|crash| crash.culprit).collect();
        assert_eq!(
            culprits,
            [Culprit::Netio, Culprit::Netio, Culprit::Unseen, Culprit::Other]
        );
        assert_eq!(
            crashes.last().and_then(|crash| crash.address),
            Some(0x1_8000_1000)
        );
        assert_eq!(
            with_unreported(reports("no report"), "mrx9p: loading", module),
            []
        );
    }

    #[test]
    fn only_a_call_has_a_module() {
        assert_eq!(
            module("=>0 0x01 f+0x1e(io=02, in=3) [a.c:2] in netio.sys (0x01)"),
            Some("netio.sys")
        );
        assert_eq!(module(" 12 0x01 in ntdll (+0x12) (0x01)"), Some("ntdll"));
        assert_eq!(module("0x01 f+0x1e [a.c:2] in netio.sys: movq"), None);
        assert_eq!(module(" rip:01 in x"), None);
    }
}
