//! Crashes in a Wine prefix, as Wine's debugger reports them.
//!
//! The registry names the program that Wine starts when a process dies of an exception. Ours writes the report of
//! `winedbg --auto` to a file of the prefix; the drivers' process has no output of its own that would keep it.

use crate::prefix::Prefix;
use anyhow::Result;
use std::fs;

/// Where the reports go.
const FILE: &str = r"C:\crashes.txt";

/// The end of one program: the exception, and the stack of the thread that it happened on, innermost call first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Crash(String);

impl Crash {
    /// The innermost driver on the stack, by its file name.
    ///
    /// Below it are the libraries of the system that it called, which do what they are told.
    pub(crate) fn driver(&self) -> Option<&str> {
        let modules = self.0.lines().filter_map(module);
        modules.into_iter().find(|module| module.ends_with(".sys"))
    }
}

impl std::fmt::Display for Crash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// Has crashes in `prefix` reported from now on.
pub(crate) fn arm(prefix: &Prefix) -> Result<()> {
    // Services have no search path.
    let system = r"C:\windows\system32";
    let debugger = format!(r"{system}\cmd.exe /c {system}\winedbg.exe --auto %ld %ld >>{FILE} 2>&1");
    let debuggers = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug";
    prefix.set_registry(debuggers, "Debugger", "REG_SZ", &debugger)
}

/// What has crashed so far.
pub(crate) fn reported(prefix: &Prefix) -> Vec<Crash> {
    let bytes = fs::read(prefix.path(FILE)).unwrap_or_default();
    parse(&String::from_utf8_lossy(&bytes))
}

/// From each report: the line with the exception, and those of the stack.
fn parse(text: &str) -> Vec<Crash> {
    let mut crashes = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if line.starts_with("Unhandled exception: ") {
            crashes.push(Crash(format!("{line}\n")));
        } else if let (Some(_), Some(Crash(report))) = (module(line), crashes.last_mut()) {
            report.push_str(line);
            report.push('\n');
        }
    }
    crashes
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
    use super::{module, parse};

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
        let crashes = parse(REPORT);
        assert_eq!(crashes.len(), 1);
        let lines: Vec<String> = crashes
            .iter()
            .flat_map(|crash| crash.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| !line.contains("Modules")), "{lines:?}");
    }

    #[test]
    fn the_innermost_driver_is_the_one_that_called() {
        let crashes = parse(&format!("{REPORT}{}", REPORT.replace("netio.sys", "ntdll")));
        let drivers: Vec<_> = crashes.iter().map(|crash| crash.driver()).collect();
        assert_eq!(drivers, [Some("netio.sys"), Some("mrx9p.sys")]);
    }

    #[test]
    fn a_program_without_a_driver_has_none() {
        let report = REPORT.replace(".sys (", ".dll (");
        assert_eq!(parse(&report).first().and_then(|crash| crash.driver()), None);
        assert_eq!(parse("winedbg: cannot attach\n"), []);
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
