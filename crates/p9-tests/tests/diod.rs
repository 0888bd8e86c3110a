//! The tool against a real diod. Ignored unless asked for (`--include-ignored`), as it needs `diod` installed; asked for
//! without it, it fails.

#![cfg(unix)]

use std::process::Command;

use testserver::Diod;

/// Operations per seed; P9_FSX_OPS overrides it, and 100000 is what a nightly run wants.
const OPERATIONS: &str = "3000";
const SEEDS: &str = "5";

#[test]
#[ignore = "needs diod"]
fn random_operations_do_what_the_model_says() {
    let export = tempfile::tempdir().unwrap();
    let diod = Diod::start(export.path());
    let operations = std::env::var("P9_FSX_OPS").unwrap_or_else(|_| OPERATIONS.into());
    let output = Command::new(env!("CARGO_BIN_EXE_p9-tests"))
        .arg("fsx")
        .arg(format!("127.0.0.1:{}{}", diod.port(), export.path().display()))
        .args(["--ops", &operations, "--seeds", SEEDS])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!(
        "sweep: fsx against diod, {operations} operations for each of {SEEDS} seeds, all as the model says"
    );
    let left = std::fs::read_dir(export.path()).unwrap().count();
    assert_eq!(left, 0, "what was made has gone");
    diod.stop();
}
