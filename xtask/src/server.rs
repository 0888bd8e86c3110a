//! A 9P server for tests, on a free port of the loopback interface.

use crate::guardian::{Guarded, Guardian};
use crate::process::{capture, find_program};
use crate::project::Project;
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use testserver::TestServer;

/// How long the server may take to listen.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A running server. Dropping it kills it, and removes the export if it was made for it.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    export: PathBuf,
    log: PathBuf,
    process: Process,
    _folder: Guardian,
}

/// What serves.
enum Process {
    Diod {
        _program: Guarded,
    },
    /// The tests' own server, in this process.
    Embedded(TestServer),
    Killed,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Diod { .. } => "diod",
            Self::Embedded(_) => "embedded server",
            Self::Killed => "killed",
        })
    }
}

impl Server {
    /// Starts a server with `export`, or with an empty folder of its own: diod where it is installed, else the
    /// embedded one.
    pub(crate) fn start(project: &Project, export: Option<&Path>) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = project
            .generated("servers")
            .join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder_guard = Guardian::new("rm -rf -- \"$1\"", &[folder.as_os_str()])?;
        let export = match export {
            Some(export) => export
                .canonicalize()
                .with_context(|| format!("cannot export {}", export.display()))?,
            None => {
                let own = folder.join("export");
                fs::create_dir(&own)?;
                own
            }
        };
        let log = folder.join("server.log");
        let (port, process) = match find_program("diod") {
            Some(diod) => start_diod(&diod, &folder, &export, &log)?,
            None => {
                let server = TestServer::start(&export).context("cannot start the embedded server")?;
                (server.port(), Process::Embedded(server))
            }
        };
        Ok(Self {
            port,
            export,
            log,
            process,
            _folder: folder_guard,
        })
    }

    /// The folder that it exports.
    pub(crate) fn export(&self) -> &Path {
        &self.export
    }

    /// The UNC name of the export: `\\127.0.0.1@PORT\path\of\export`.
    pub(crate) fn unc(&self) -> String {
        let path = self.export.to_string_lossy().replace('/', "\\");
        format!("\\\\127.0.0.1@{}{path}", self.port)
    }

    /// What the server said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails if a client has gone and left fids behind, as far as the server tells.
    pub(crate) fn nothing_left(&self) -> Result<()> {
        /// A server notices by itself that a client has gone, soon.
        const NOTICE: Duration = Duration::from_secs(5);
        match &self.process {
            Process::Embedded(server) => {
                ensure!(server.wait_idle(NOTICE), "a client is still connected");
                let left = server.fids_unclunked();
                ensure!(left == 0, "{left} unclunked fids");
            }
            Process::Diod { .. } | Process::Killed => {
                thread::sleep(Duration::from_millis(200));
                let said = self.log();
                ensure!(!said.contains("unclunked"), "the server said:\n{said}");
            }
        }
        Ok(())
    }

    /// Kills the server; its connections break.
    pub(crate) fn kill(&mut self) {
        if let Process::Embedded(server) = &self.process {
            server.kill();
        }
        self.process = Process::Killed;
    }
}

fn start_diod(diod: &Path, folder: &Path, export: &Path, log: &Path) -> Result<(u16, Process)> {
    let settings = folder.join("diod.conf");
    fs::write(&settings, "")?;
    let user = capture(Command::new("id").arg("-un"))?;
    // Another program may take the free port first.
    for _ in 0..5 {
        let port = testserver::free_port();
        let listen = format!("127.0.0.1:{port}");
        let words: [&OsStr; 14] = [
            diod.as_os_str(),
            "-f".as_ref(),
            "-n".as_ref(),
            "-S".as_ref(),
            "-U".as_ref(),
            user.trim().as_ref(),
            "-l".as_ref(),
            listen.as_ref(),
            "-e".as_ref(),
            export.as_os_str(),
            "-c".as_ref(),
            settings.as_os_str(),
            "-L".as_ref(),
            "stderr".as_ref(),
        ];
        let program = Guarded::start(&words, log)?;
        if listens(&program, port) {
            return Ok((port, Process::Diod { _program: program }));
        }
    }
    bail!(
        "diod does not listen; it said:\n{}",
        fs::read_to_string(log).unwrap_or_default()
    )
}

/// Waits until it is `program` that listens at the port; not so if it ends first.
fn listens(program: &Guarded, port: u16) -> bool {
    let end = Instant::now() + START_LIMIT;
    while Instant::now() < end && program.runs() {
        if testserver::listens(program.process(), port) {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}
