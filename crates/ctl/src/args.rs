//! The command line. Switches start with `/` or `-` and may stand anywhere, letters in any case, as in `net use`.

/// Shown when the command line cannot be understood.
pub(crate) const USAGE: &str = r"usage:
  mrx9pctl use [X:|*] \\host[@port]\path [/user:NAME]   map a share, to a drive letter if one is given
  mrx9pctl use X:|\\host[@port]\path /d [/y]            unmap; /y even if files are open
  mrx9pctl list                                         list the connections
  mrx9pctl stats                                        show the driver's statistics
  mrx9pctl start | stop                                 load the driver and start the redirector; stop it
  mrx9pctl register | unregister                        add to or remove from the order of network providers
  mrx9pctl help                                         show this

host is a name or an address, port is 564 unless given, path is what the server exports. NAME is a user name or a
number. start, stop, register and unregister need an administrator.
Exit code: 0 done, 1 wrong command line, 2 refused by the system.";

/// Where a share is mapped to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    /// No drive letter.
    Deviceless,
    /// The last free letter.
    AnyFree,
    /// This letter; not checked yet.
    Drive(String),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Map {
        local: Local,
        remote: String,
        user: Option<String>,
    },
    Unmap {
        name: String,
        force: bool,
    },
    List,
    Statistics,
    Start,
    Stop,
    Register,
    Unregister,
    Help,
}

/// Understands the words after the program's name.
pub(crate) fn parse(words: &[String]) -> Result<Command, String> {
    let (verb, rest) = words.split_first().ok_or("no command")?;
    let verb = verb.to_ascii_lowercase();
    if verb == "use" {
        return parse_use(rest);
    }
    if let Some(extra) = rest.first() {
        return Err(format!("{verb} takes no argument, but there is {extra}"));
    }
    match verb.as_str() {
        "list" => Ok(Command::List),
        "stats" => Ok(Command::Statistics),
        "start" => Ok(Command::Start),
        "stop" => Ok(Command::Stop),
        "register" => Ok(Command::Register),
        "unregister" => Ok(Command::Unregister),
        "help" | "--help" | "-h" | "/?" | "-?" => Ok(Command::Help),
        _ => Err(format!("unknown command {verb}")),
    }
}

#[derive(Default)]
struct Switches {
    delete: bool,
    yes: bool,
    user: Option<String>,
}

fn parse_use(words: &[String]) -> Result<Command, String> {
    let mut switches = Switches::default();
    let mut names = Vec::new();
    for word in words {
        match word.strip_prefix('/').or_else(|| word.strip_prefix('-')) {
            // `//host/share` is a name, not a switch.
            Some(switch) if !switch.starts_with('/') => switches.take(word, switch)?,
            _ => names.push(word.clone()),
        }
    }
    let mut names = names.into_iter();
    let (first, second, third) = (names.next(), names.next(), names.next());
    if third.is_some() {
        return Err("too many names".to_owned());
    }
    if switches.delete {
        return match (first, second, switches.user) {
            (Some(name), None, None) => Ok(Command::Unmap {
                name,
                force: switches.yes,
            }),
            (None, ..) => Err("/d needs the name to unmap".to_owned()),
            (_, Some(_), _) => Err("/d takes one name".to_owned()),
            (_, _, Some(_)) => Err("/user has no meaning with /d".to_owned()),
        };
    }
    match (first, second) {
        (None, _) => Ok(Command::List),
        (Some(remote), None) if is_remote(&remote) => Ok(Command::Map {
            local: Local::Deviceless,
            remote,
            user: switches.user,
        }),
        (Some(name), None) => Err(format!("{name} is not a share")),
        (Some(local), Some(remote)) if is_remote(&remote) => {
            let local = if local == "*" {
                Local::AnyFree
            } else {
                Local::Drive(local)
            };
            Ok(Command::Map {
                local,
                remote,
                user: switches.user,
            })
        }
        (Some(_), Some(name)) => Err(format!("{name} is not a share")),
    }
}

impl Switches {
    fn take(&mut self, word: &str, switch: &str) -> Result<(), String> {
        let (name, value) = match switch.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (switch, None),
        };
        match (name.to_ascii_lowercase().as_str(), value) {
            ("d" | "delete", None) => self.delete = true,
            ("y" | "yes", None) => self.yes = true,
            ("user" | "u", Some(user)) if !user.is_empty() => self.user = Some(user.to_owned()),
            // `net use` remembers connections on request; this one never does.
            ("persistent", Some(answer)) if answer.eq_ignore_ascii_case("no") => {}
            _ => return Err(format!("unknown switch {word}")),
        }
        Ok(())
    }
}

/// A share by its look: two slashes of either kind in front.
fn is_remote(name: &str) -> bool {
    let mut characters = name.chars();
    let slash = |c: Option<char>| matches!(c, Some('\\' | '/'));
    slash(characters.next()) && slash(characters.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    fn mapping(local: Local, remote: &str, user: Option<&str>) -> Result<Command, String> {
        Ok(Command::Map {
            local,
            remote: remote.to_owned(),
            user: user.map(str::to_owned),
        })
    }

    #[test]
    fn maps_with_and_without_a_letter() {
        let drive = Local::Drive("x:".to_owned());
        assert_eq!(
            parsed(r"use x: \\h@1\a"),
            mapping(drive.clone(), r"\\h@1\a", None)
        );
        assert_eq!(parsed(r"use * \\h\a"), mapping(Local::AnyFree, r"\\h\a", None));
        assert_eq!(parsed(r"use \\h\a"), mapping(Local::Deviceless, r"\\h\a", None));
        assert_eq!(parsed("use //h/a"), mapping(Local::Deviceless, "//h/a", None));
        assert_eq!(
            parsed(r"USE /User:Bob x: \\h\a"),
            mapping(drive, r"\\h\a", Some("Bob"))
        );
    }

    #[test]
    fn unmaps_by_letter_and_by_name_with_force_on_request() {
        let unmap = |name: &str, force| {
            Ok(Command::Unmap {
                name: name.to_owned(),
                force,
            })
        };
        assert_eq!(parsed("use x: /d"), unmap("x:", false));
        assert_eq!(parsed("use /y x: /DELETE"), unmap("x:", true));
        assert_eq!(parsed(r"use \\h\a -d"), unmap(r"\\h\a", false));
    }

    #[test]
    fn the_short_commands_take_nothing_more() {
        assert_eq!(parsed("list"), Ok(Command::List));
        assert_eq!(parsed("use"), Ok(Command::List));
        assert_eq!(parsed("Stats"), Ok(Command::Statistics));
        assert_eq!(parsed("register"), Ok(Command::Register));
        for line in ["help", "--help", "-h", "/?"] {
            assert_eq!(parsed(line), Ok(Command::Help));
        }
        assert!(parsed("stop now").is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "",
            "mount x:",
            "use x:",
            "use x: share",
            "use /d",
            r"use x: \\h\a /d",
            "use x: /d /user:bob",
            r"use x: \\h\a extra",
            r"use x: \\h\a /user:",
            r"use x: \\h\a /savecred",
        ] {
            assert!(parsed(line).is_err(), "{line:?}");
        }
    }
}
