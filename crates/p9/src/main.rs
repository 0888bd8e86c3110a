//! `p9`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    p9::main()
}
