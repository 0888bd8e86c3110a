//! mrx9p-harness.exe: named tests and file commands against the loaded driver.

fn main() {}
