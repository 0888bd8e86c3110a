//! A real diod for tests, serving one folder on a loopback port of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait for diod to start, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where ports are looked for: below those that the system gives to connections and to listeners without a wish, so that
/// nobody is given the port of a diod that starts, or that was killed and is to start again.
const PORTS: std::ops::Range<u32> = 10_000..32_000;

/// A diod of a test's own. Ends when dropped.
#[derive(Debug)]
pub struct Diod {
    process: Child,
    log: Option<JoinHandle<String>>,
    port: u16,
    /// Its working directory: where a core file would go.
    _workplace: TempDir,
}

impl Diod {
    /// Serves `export` under its full path to whoever says to be anybody. It listens when this returns, and nobody else does
    /// at its port.
    ///
    /// # Panics
    /// diod is not installed, or does not listen in time.
    #[must_use]
    pub fn start(export: &Path) -> Self {
        let start = Instant::now();
        loop {
            match Self::try_start(export, free_port(), start) {
                Ok(diod) => return diod,
                // Somebody else was faster at this port.
                Err(log) => assert!(start.elapsed() < PATIENCE, "diod does not start: {log}"),
            }
        }
    }

    /// [`Self::start`] at a port of the caller's choice: where another one was before.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_at(export: &Path, port: u16) -> Self {
        let start = Instant::now();
        loop {
            match Self::try_start(export, port, start) {
                Ok(diod) => return diod,
                Err(log) => assert!(
                    start.elapsed() < PATIENCE,
                    "diod does not start at port {port}: {log}"
                ),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// # Errors
    /// It ended before it listened; what it said.
    fn try_start(export: &Path, port: u16, start: Instant) -> Result<Self, String> {
        let workplace = tempfile::tempdir().unwrap();
        let config = workplace.path().join("diod.conf");
        fs::write(&config, "").unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut process = Command::new("diod")
            .args(["-f", "-n", "-S", "-U", "root", "-L", "stderr", "-l"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("-e")
            .arg(export)
            .arg("-c")
            .arg(&config)
            .current_dir(workplace.path())
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("diod is not installed or does not start");
        let stderr = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let lines = BufReader::new(stderr).lines();
            lines.map_while(Result::ok).collect::<Vec<_>>().join("\n")
        });
        let mut diod = Self {
            process,
            log: Some(log),
            port,
            _workplace: workplace,
        };
        // Being connected to would say that somebody listens there, and not who: it may be another test's diod.
        while !listens(diod.process_id(), port) {
            if let Some(status) = diod.process.try_wait().unwrap() {
                return Err(format!("{status}: {}", diod.take_log()));
            }
            assert!(start.elapsed() < PATIENCE, "diod does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(diod)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, to measure it.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it at once, as a crash would: its connections break, and nobody listens at its port any more.
    pub fn kill(&mut self) {
        // A test that fails because its server crashed should say so.
        if let (Some(status), Some(log)) = (self.process.try_wait().ok().flatten(), self.log.take()) {
            eprintln!(
                "diod ended by itself, {status}: {}",
                log.join().unwrap_or_default()
            );
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends it. It logs the fids that a client leaves behind when it disconnects: there must be none.
    ///
    /// # Panics
    /// Fids were left behind.
    pub fn stop(mut self) {
        // It logs on a thread of its own.
        std::thread::sleep(Duration::from_millis(50));
        // SIGTERM would let it write a goodbye; nothing of that is needed.
        self.kill();
        let log = self.take_log();
        assert!(!log.contains("unclunked"), "diod says: {log}");
    }

    /// What it said, once it has ended.
    fn take_log(&mut self) -> String {
        self.log
            .take()
            .map_or_else(String::new, |log| log.join().unwrap())
    }
}

impl Drop for Diod {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A loopback port that nobody listens on just now, of those that the system gives to nobody by itself. No two calls in this
/// process say the same before all ports had their turn.
///
/// # Panics
/// All ports are taken.
#[must_use]
pub fn free_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    // Processes that run at a time begin far apart.
    let first = std::process::id().wrapping_mul(101);
    for _ in PORTS {
        let turn = first.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + turn % (PORTS.end - PORTS.start);
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("all ports are taken");
}

/// Whether this very process listens at a loopback port. That somebody answers there does not say who.
#[must_use]
pub fn listens(process: u32, port: u16) -> bool {
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    // Per line: number, address and port in hexadecimal, the peer's, state, …; the tenth field is the inode.
    let local = format!("0100007F:{port:04X}");
    let inode = sockets.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let listening = fields.get(1) == Some(&local.as_str()) && fields.get(3) == Some(&"0A");
        listening.then(|| fields.get(9).copied()).flatten()
    });
    let Some(socket) = inode.map(|inode| format!("socket:[{inode}]")) else {
        return false;
    };
    let Ok(open) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    open.flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_at_a_port_is_told_from_others() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listens(std::process::id(), port));
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(!listens(other.id(), port));
        other.kill().unwrap();
        other.wait().unwrap();
        drop(listener);
        assert!(!listens(std::process::id(), port));
    }

    #[test]
    fn ports_are_given_out_once() {
        let ports: std::collections::BTreeSet<_> = (0..1000).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 1000);
    }
}
