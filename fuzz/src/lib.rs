//! Everything that reads bytes from outside, as functions of bytes: each takes whatever it is given, without a panic, and
//! holds what it made of it against itself. `driver` runs them under libFuzzer; the tests replay the corpus.
#![forbid(unsafe_code)]

mod bytes;
mod control;
mod names;
mod record;
mod session;
mod wire;

/// Something to fuzz.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its corpus.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    // From servers.
    Target {
        name: "wire_replies",
        run: wire::replies,
    },
    Target {
        name: "wire_requests",
        run: wire::requests,
    },
    Target {
        name: "wire_directory",
        run: wire::directory,
    },
    Target {
        name: "session_input",
        run: session::input,
    },
    Target {
        name: "session_exchange",
        run: session::exchange,
    },
    Target {
        name: "names_to_nt",
        run: names::to_nt,
    },
    Target {
        name: "link_text",
        run: record::link_text,
    },
    Target {
        name: "attribute_names",
        run: record::attribute_names,
    },
    // From programs.
    Target {
        name: "names_to_server",
        run: names::to_server,
    },
    Target {
        name: "names_of_opens",
        run: names::of_opens,
    },
    Target {
        name: "pattern",
        run: names::pattern,
    },
    Target {
        name: "control",
        run: control::requests,
    },
    Target {
        name: "control_replies",
        run: control::replies,
    },
    Target {
        name: "irp_records",
        run: control::irps,
    },
    Target {
        name: "selftest_records",
        run: control::selftests,
    },
    Target {
        name: "set_information",
        run: record::set_information,
    },
    Target {
        name: "extended_attributes",
        run: record::extended_attributes,
    },
    Target {
        name: "security_descriptor",
        run: record::security_descriptor,
    },
    Target {
        name: "reparse_data",
        run: record::reparse_data,
    },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
