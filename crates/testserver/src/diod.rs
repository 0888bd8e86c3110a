//! A real diod for tests, serving one folder on a free loopback port.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait for diod to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

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
    /// Serves `export` under its full path to whoever says to be anybody.
    ///
    /// # Panics
    /// diod is not installed, or does not listen in time.
    #[must_use]
    pub fn start(export: &Path) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        Self::start_at(export, port)
    }

    /// [`Self::start`] at a port of the caller's choice: where another one was before.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_at(export: &Path, port: u16) -> Self {
        let workplace = tempfile::tempdir().unwrap();
        let config = workplace.path().join("diod.conf");
        std::fs::write(&config, "").unwrap();
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
        let start = Instant::now();
        while let Err(error) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            assert!(start.elapsed() < PATIENCE, "diod does not listen: {error}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            process,
            log: Some(log),
            port,
            _workplace: workplace,
        }
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

    /// Ends it. It logs the fids that a client leaves behind when it disconnects: there must be none.
    ///
    /// # Panics
    /// Fids were left behind.
    pub fn stop(mut self) {
        // It logs on a thread of its own.
        std::thread::sleep(Duration::from_millis(50));
        self.end();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(!log.contains("unclunked"), "diod says: {log}");
    }

    fn end(&mut self) {
        // SIGTERM would let it write a goodbye; nothing of that is needed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Diod {
    fn drop(&mut self) {
        self.end();
    }
}
