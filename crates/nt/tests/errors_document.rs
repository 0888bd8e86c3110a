//! `docs/errors.md` is written from the tables of this crate and cannot go stale: this test compares them.
//! `UPDATE_DOCS=1 cargo test -p nt` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use nt::{Errno, Status, Win32Error};

const INTRODUCTION: &str = "\
# Errors

Written from the tables in `crates/nt`: change those, then run `UPDATE_DOCS=1 cargo test -p nt`.

An error passes through up to three forms. The server answers a 9P request with a Linux error number; the driver
turns it into an NT status, the form every layer inside uses; Windows turns the status into a Win32 error for the
program (`RtlNtStatusToDosError`), and the network provider returns the same numbers as `WN_*`.

Whose fault an error is decides its status:

- **the caller's** (a malformed name, buffer or combination): `INVALID_PARAMETER`, `OBJECT_NAME_INVALID`, … before
  anything is sent;
- **this machine's resources**: always `INSUFFICIENT_RESOURCES`, and nothing is left half done;
- **the server's answer**: the first table; a server that lacks memory is `INSUFF_SERVER_RESOURCES`, never
  `INSUFFICIENT_RESOURCES`;
- **the server's conduct** (bytes its protocol does not allow): `INVALID_NETWORK_RESPONSE`, and the connection ends;
- **the connection**: `UNEXPECTED_NETWORK_ERROR` for a handle whose connection was taken away by force,
  `CONNECTION_DISCONNECTED` for one whose server was lost, `IO_TIMEOUT` for an answer that did not come in time,
  `BAD_NETWORK_PATH` for a server that cannot be reached, `BAD_NETWORK_NAME` for a share it does not have.
";

fn win32_text(status: Status) -> String {
    let error = Win32Error::from(status);
    format!("{} `{}`", error.0, error.name().unwrap_or("?"))
}

fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str(
        "\n## Linux error to status\n\nWhat the bare number means; where the request gives it a sharper meaning (a \
         walk that meets a file half-way, a lock that is held), the mini-redirector says so instead. 0 is no error \
         and never a valid answer: `INVALID_NETWORK_RESPONSE`. A number that is not listed: `UNSUCCESSFUL`.\n\n\
         | Linux | Number | Status | Win32 |\n|---|---|---|---|\n",
    );
    for row in Errno::TABLE {
        let status = row.status.name().expect("the table names known statuses");
        writeln!(
            text,
            "| {} | {} | `{status}` | {} |",
            row.name,
            row.errno.0,
            win32_text(row.status)
        )
        .unwrap();
    }
    text.push_str(
        "\n## Status to Win32 error\n\nA status that wraps a Win32 error (`0xC007xxxx`, `0x8007xxxx`) becomes its \
         low half; any other status that is not listed becomes 317 `MR_MID_NOT_FOUND`.\n\n\
         | Status | Value | Win32 | Meaning |\n|---|---|---|---|\n",
    );
    for row in Status::TABLE {
        let (value, win32) = (row.status.0, win32_text(row.status));
        writeln!(
            text,
            "| `{}` | 0x{value:08X} | {win32} | {} |",
            row.name, row.meaning
        )
        .unwrap();
    }
    text
}

#[test]
fn errors_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).expect("docs/errors.md can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/errors.md is stale: run UPDATE_DOCS=1 cargo test -p nt"
    );
}
