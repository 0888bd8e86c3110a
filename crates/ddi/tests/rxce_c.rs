//! Runs `rxce.c` against servers here.

mod c_program;
#[path = "c_program/servers.rs"]
mod servers;

#[test]
fn every_routine_and_every_status() {
    let servers = servers::Servers::start().unwrap();
    let ports = servers.addresses.map(|server| server.port().to_string());
    if let Some(passed) = c_program::run("rxce.c", &ports) {
        assert!(passed > 600, "{passed}");
    }
}
