//! The tool as the tests run it: cargo builds a package's own programs for its tests, and no others.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    p9::main()
}
