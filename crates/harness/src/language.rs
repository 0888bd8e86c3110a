//! The language of `script`: one command a line.

use std::time::Duration;

use nt::{CreateDisposition, ShareAccess};

use crate::open::{CHUNK, OpenRequest};

/// The language.
pub(crate) const USAGE: &str = r#"  open NAME PATH [read|write|list|delete|attributes] [open|create|open_if|overwrite|overwrite_if|supersede] [exclusive]
  read NAME OFFSET LENGTH             write NAME OFFSET TEXT…             sha256 NAME
  flush NAME                          cleanup NAME                        close NAME
  readasync NAME JOB OFFSET LENGTH    wait JOB [MS]                       cancel NAME
  stat PATH                           ls PATH                             sleep MS
  map X:|- \\HOST@PORT\SHARE [USER]   unmap X:|\\HOST@PORT\SHARE [force]  delete X:|\\HOST@PORT\SHARE 0|1|255
  enum                                kenum                               getdos X:
  stats                               start                               stop
  live                                quit
  A word with blanks is written in double quotes. Empty lines and lines that start with # are skipped.
  Answers: ok [key=value …] ms=N | err STATUS_NAME 0xNNNNNNNN ms=N | err ERROR_NAME N ms=N
  `wait` on a read that still runs after MS (60000 unless given): err STILL_RUNNING 0 ms=N"#;

/// What a line holds.
pub(crate) enum Line {
    /// A comment or nothing.
    Nothing,
    /// The end.
    Quit,
    /// A command, or what is wrong with it.
    Command(Result<Command, String>),
}

/// A command.
#[derive(Debug)]
pub(crate) enum Command {
    Open {
        name: String,
        path: String,
        request: OpenRequest,
    },
    Read {
        name: String,
        offset: u64,
        length: usize,
    },
    Write {
        name: String,
        offset: u64,
        data: String,
    },
    Sha256 {
        name: String,
    },
    Flush {
        name: String,
    },
    Cleanup {
        name: String,
    },
    Close {
        name: String,
    },
    ReadAsync {
        name: String,
        job: String,
        offset: u64,
        length: usize,
    },
    Wait {
        job: String,
        limit: Option<Duration>,
    },
    Cancel {
        name: String,
    },
    Stat {
        path: String,
    },
    List {
        path: String,
    },
    Map {
        drive: String,
        remote: String,
        user: Option<String>,
    },
    Unmap {
        name: String,
        force: bool,
    },
    Delete {
        name: String,
        level: u32,
    },
    Enumerate,
    KernelEnumerate,
    DosDevice {
        drive: String,
    },
    Statistics,
    Start,
    Stop,
    Live,
    Sleep {
        limit: Duration,
    },
}

impl Line {
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Self::Nothing;
        }
        match words(text) {
            Ok(words) if words == ["quit"] => Self::Quit,
            Ok(words) => Self::Command(command(&words)),
            Err(problem) => Self::Command(Err(problem)),
        }
    }
}

fn command(words: &[String]) -> Result<Command, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match on_file(&words)? {
        Some(command) => Ok(command),
        None => on_connections(&words)?
            .ok_or_else(|| format!("{}: unknown, or wrong arguments", words.first().unwrap_or(&""))),
    }
}

/// Commands on open files, reads on their way, and paths.
fn on_file(words: &[&str]) -> Result<Option<Command>, String> {
    let own = |word: &str| word.to_owned();
    Ok(Some(match words {
        ["open", name, path, options @ ..] => Command::Open {
            name: own(name),
            path: own(path),
            request: open_request(options)?,
        },
        ["read", name, offset, length] => Command::Read {
            name: own(name),
            offset: number(offset)?,
            length: length_of(length)?,
        },
        ["write", name, offset, data @ ..] => Command::Write {
            name: own(name),
            offset: number(offset)?,
            data: data.join(" "),
        },
        ["sha256", name] => Command::Sha256 { name: own(name) },
        ["flush", name] => Command::Flush { name: own(name) },
        ["cleanup", name] => Command::Cleanup { name: own(name) },
        ["close", name] => Command::Close { name: own(name) },
        ["readasync", name, job, offset, length] => Command::ReadAsync {
            name: own(name),
            job: own(job),
            offset: number(offset)?,
            length: length_of(length)?,
        },
        ["wait", job] => Command::Wait {
            job: own(job),
            limit: None,
        },
        ["wait", job, ms] => Command::Wait {
            job: own(job),
            limit: Some(Duration::from_millis(number(ms)?)),
        },
        ["cancel", name] => Command::Cancel { name: own(name) },
        ["stat", path] => Command::Stat { path: own(path) },
        ["ls", path] => Command::List { path: own(path) },
        _ => return Ok(None),
    }))
}

/// Commands on connections, on the redirector as a whole, and on time.
fn on_connections(words: &[&str]) -> Result<Option<Command>, String> {
    let own = |word: &str| word.to_owned();
    Ok(Some(match words {
        ["map", drive, remote] => Command::Map {
            drive: own(drive),
            remote: own(remote),
            user: None,
        },
        ["map", drive, remote, user] => Command::Map {
            drive: own(drive),
            remote: own(remote),
            user: Some(own(user)),
        },
        ["unmap", name] => Command::Unmap {
            name: own(name),
            force: false,
        },
        ["unmap", name, "force"] => Command::Unmap {
            name: own(name),
            force: true,
        },
        ["delete", name, level] => {
            let level = u32::try_from(number(level)?).map_err(|_| "the level is too large")?;
            Command::Delete {
                name: own(name),
                level,
            }
        }
        ["enum"] => Command::Enumerate,
        ["kenum"] => Command::KernelEnumerate,
        ["getdos", drive] => Command::DosDevice { drive: own(drive) },
        ["stats"] => Command::Statistics,
        ["start"] => Command::Start,
        ["stop"] => Command::Stop,
        ["live"] => Command::Live,
        ["sleep", ms] => Command::Sleep {
            limit: Duration::from_millis(number(ms)?),
        },
        _ => return Ok(None),
    }))
}

fn open_request(options: &[&str]) -> Result<OpenRequest, String> {
    let mut request = OpenRequest::read();
    for option in options {
        let disposition = match *option {
            "read" => {
                request = OpenRequest::read();
                continue;
            }
            "write" => {
                request = OpenRequest::write(CreateDisposition::OPEN);
                continue;
            }
            "list" => {
                request = OpenRequest::list();
                continue;
            }
            "delete" => {
                request = OpenRequest::delete();
                continue;
            }
            "attributes" => {
                request = OpenRequest::attributes();
                continue;
            }
            "exclusive" => {
                request = request.sharing(ShareAccess::empty());
                continue;
            }
            "open" => CreateDisposition::OPEN,
            "create" => CreateDisposition::CREATE,
            "open_if" => CreateDisposition::OPEN_IF,
            "overwrite" => CreateDisposition::OVERWRITE,
            "overwrite_if" => CreateDisposition::OVERWRITE_IF,
            "supersede" => CreateDisposition::SUPERSEDE,
            other => return Err(format!("open: {other} is unknown")),
        };
        request.disposition = disposition;
    }
    Ok(request)
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{text} is no number"))
}

fn length_of(text: &str) -> Result<usize, String> {
    let length = usize::try_from(number(text)?).map_err(|_| "the length is too large")?;
    // One request: longer transfers are `sha256`'s business, or several reads.
    if length > 16 * CHUNK {
        Err(format!("{length} bytes are too many for one read"))
    } else {
        Ok(length)
    }
}

/// Splits at blanks; double quotes hold a word together.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut in_quotes = false;
    for character in text.chars() {
        match character {
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            blank if blank.is_whitespace() && !in_quotes => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if in_quotes {
        Err("a quote is not closed".to_owned())
    } else {
        Ok(words)
    }
}

/// Bytes in double quotes on one line: UTF-8 text as it is, the rest escaped.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => text.extend(['\\', character]),
                control if control.is_control() => text.extend(control.escape_default()),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Command, String> {
        match Line::parse(text) {
            Line::Command(command) => command,
            Line::Nothing | Line::Quit => Err("not a command".to_owned()),
        }
    }

    #[test]
    fn words_keep_quoted_blanks_and_backslashes() {
        assert_eq!(
            words(r#"open f "X:\a b\c" read"#).unwrap(),
            ["open", "f", r"X:\a b\c", "read"]
        );
        assert_eq!(words(r#"a "" b"#).unwrap(), ["a", "", "b"]);
        assert!(words(r#"a "b"#).is_err());
    }

    #[test]
    fn every_command_of_the_usage_text_parses() {
        for text in [
            r"open f X:\a",
            r"open f X:\a write overwrite_if exclusive",
            "read f 0 0x10",
            "write f 5 some text",
            "sha256 f",
            "flush f",
            "cleanup f",
            "close f",
            "readasync f job 0 100",
            "wait job",
            "wait job 500",
            "cancel f",
            r"stat X:\a",
            r"ls X:\",
            "sleep 5",
            r"map X: \\h@1\s",
            r"map - \\h@1\s bob",
            "unmap X:",
            "unmap X: force",
            "delete X: 255",
            "enum",
            "kenum",
            "getdos X:",
            "stats",
            "start",
            "stop",
            "live",
        ] {
            assert!(parsed(text).is_ok(), "{text}: {:?}", parsed(text).err());
        }
    }

    #[test]
    fn wrong_lines_say_so() {
        for text in [
            "fly",
            "read f",
            "read f x 1",
            "read f 0 99999999999",
            "open f",
            r"open f X:\a sideways",
            "unmap X: now",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
        assert!(matches!(Line::parse("  # comment"), Line::Nothing));
        assert!(matches!(Line::parse(""), Line::Nothing));
        assert!(matches!(Line::parse("quit"), Line::Quit));
    }

    #[test]
    fn quoting_keeps_an_answer_on_one_line() {
        assert_eq!(quoted(b"a\"b\\c\n\xFF\xC3\xBC"), "\"a\\\"b\\\\c\\n\\xffü\"");
    }
}
