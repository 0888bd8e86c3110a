//! Servers that lie, stall and die, against the loaded driver.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{Script, alive, fails_in_time, script};
use testserver::{ScriptServer, TestServer, script::bad_handshakes};

/// Longest wait for a server to notice that its client has gone.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// A served folder with one file, mapped to `drive`.
struct Mapped {
    folder: tempfile::TempDir,
    server: TestServer,
    unc: String,
}

impl Mapped {
    fn new(script: &mut Script, drive: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("file"), "hello")?;
        let server = TestServer::start(folder.path())?;
        let unc = unc(server.port(), &folder.path().to_string_lossy());
        script.must(&format!("map {drive} {unc}"))?;
        Ok(Self { folder, server, unc })
    }
}

fn unc(port: u16, path: &str) -> String {
    format!(r"\\127.0.0.1@{port}{}", path.replace('/', r"\"))
}

#[test]
fn a_server_that_breaks_the_handshake_fails_the_mapping_and_leaves_nothing() -> Result<()> {
    let mut script = script()?;
    let before = alive(&mut script)?;
    for (what, steps) in bad_handshakes() {
        let server = ScriptServer::start(steps)?;
        let error = fails_in_time(&mut script, &format!("map K: {}", unc(server.port(), "/export")))?;
        println!("a server that {what}: {error}");
        ensure!(
            error.starts_with("ERROR_"),
            "a server that {what}: {error} is no Win32 error"
        );
        ensure!(
            !error.contains("UNKNOWN"),
            "a server that {what}: {error} has no name"
        );
        script.refused("getdos K:", "ERROR_FILE_NOT_FOUND")?;
        ensure!(
            server.wait_idle(IDLE_LIMIT),
            "a server that {what} keeps a connection"
        );
        let after = alive(&mut script)?;
        ensure!(
            before == after,
            "a server that {what} leaves {after:?}, before: {before:?}"
        );
    }
    Ok(())
}

#[test]
fn a_name_that_is_not_ours_is_refused_before_any_traffic() -> Result<()> {
    let mut script = script()?;
    let server = ScriptServer::start(vec![])?;
    let host = format!(r"\\127.0.0.1@{}", server.port());
    let long = "x".repeat(40_000);
    let names = [
        host.clone(),
        format!(r"{host}\"),
        format!(r"{host}\a\..\b"),
        format!(r"{host}\a\.\b"),
        format!(r"{host}\a\\b"),
        format!(r"{host}\{long}"),
        r"\\127.0.0.1@0\a".to_owned(),
        r"\\127.0.0.1@99999\a".to_owned(),
        r"\\@564\a".to_owned(),
    ];
    for name in names {
        let shown: String = name.chars().take(60).collect();
        let answer = script.ask(&format!("map K: {name}"))?;
        ensure!(answer.starts_with("err "), "{shown} was taken: {answer}");
    }
    ensure!(server.accepted() == 0, "the server was asked");
    Ok(())
}

#[test]
fn a_stalled_server_fails_a_read_in_time_and_lets_the_drive_go() -> Result<()> {
    let mut script = script()?;
    let before = alive(&mut script)?;
    let mapped = Mapped::new(&mut script, "K:")?;
    script.must(r"open f K:\file read")?;
    mapped.server.set_stalled(true);
    let error = fails_in_time(&mut script, "read f 0 5")?;
    ensure!(error.starts_with("STATUS_IO_TIMEOUT "), "{error}");
    script.must("close f")?;
    script.must("unmap K: force")?;
    mapped.server.set_stalled(false);
    ensure!(mapped.server.wait_idle(IDLE_LIMIT), "a connection is left");
    ensure!(alive(&mut script)? == before, "something is left");
    Ok(())
}

#[test]
fn a_forced_disconnect_cancels_a_read_that_waits() -> Result<()> {
    let mut script = script()?;
    let mapped = Mapped::new(&mut script, "K:")?;
    script.must(r"open f K:\file read")?;
    mapped.server.set_stalled(true);
    script.must("readasync f job 0 5")?;
    script.must("unmap K: force")?;
    script.refused("wait job", "STATUS_CANCELLED")?;
    script.refused("read f 0 5", "STATUS_UNEXPECTED_NETWORK_ERROR")?;
    script.must("close f")?;
    Ok(())
}

#[test]
fn a_server_that_comes_back_can_be_mapped_again() -> Result<()> {
    let mut script = script()?;
    let before = alive(&mut script)?;
    let mapped = Mapped::new(&mut script, "K:")?;
    script.must(r"open f K:\file read")?;
    let port = mapped.server.port();
    mapped.server.kill();
    fails_in_time(&mut script, "read f 0 5")?;
    fails_in_time(&mut script, &format!("map L: {}", mapped.unc))?;
    let again = TestServer::builder(mapped.folder.path()).port(port).start()?;
    // The old handle belongs to a session that has ended; a new mapping gets a new one.
    script.must(&format!("map L: {}", mapped.unc))?;
    script.must(r"open g L:\file read")?;
    ensure!(
        script.must("read g 0 5")?.contains("hello"),
        "the file is another"
    );
    for line in ["close g", "close f", "unmap L:", "unmap K:"] {
        script.must(line)?;
    }
    ensure!(alive(&mut script)? == before, "something is left");
    ensure!(again.wait_idle(IDLE_LIMIT), "a connection is left");
    ensure!(again.fids_unclunked() == 0, "fids are left");
    Ok(())
}
