//! The mini-redirector as a command-line tool for any host.

fn main() {}
