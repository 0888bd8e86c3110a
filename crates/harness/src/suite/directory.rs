//! Directories: listing, patterns, names of every script, making and removing.

use std::collections::BTreeSet;

use nt::{FileInformationClass, Status};

use super::check::{done, equal, holds, refused};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{self, OpenFile, list, list_open, make_directory, remove, write_file};
use crate::info::{self, Standard};
use crate::open::OpenRequest;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_listing_tells_names_kinds_and_sizes,
        names_of_every_script_survive,
        nested_directories_are_walked,
        more_entries_than_one_answer_holds,
        a_listing_starts_again_when_asked,
        patterns_select,
        a_pattern_that_matches_nothing,
        an_empty_directory_lists_nothing,
        a_buffer_for_less_than_an_entry,
        directories_are_made_and_removed,
        a_directory_that_is_not_empty_stays,
        a_directory_says_that_it_is_one,
        the_listing_is_the_servers,
    ]
}

/// Names from several scripts, beyond the basic plane, long, and with blanks and dots inside.
const NAMES: [&str; 8] = [
    "plain",
    "with blank",
    "ümläut",
    "日本語",
    "русский",
    "emoji 🦀",
    "dots.in.the.name",
    "x",
];

fn open_directory(
    environment: &Environment,
    target: &crate::path::Target,
) -> Result<Box<dyn OpenFile>, Failure> {
    Ok(done(
        "opening the directory",
        environment.files.open(target, &OpenRequest::list()),
    )?
    .0)
}

fn a_listing_tells_names_kinds_and_sizes(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    done(
        "making a directory",
        make_directory(files, &scratch.path("directory")?),
    )?;
    done("writing", write_file(files, &scratch.path("file")?, &[7; 1234]))?;
    let entries = list(files, &scratch.directory)?;
    let found: Vec<_> = entries
        .iter()
        .map(|one| (one.name_lossy(), one.is_directory()))
        .collect();
    equal(
        "entries",
        found,
        vec![("directory".to_owned(), true), ("file".to_owned(), false)],
    )?;
    let file = entries
        .get(1)
        .ok_or_else(|| Failure::Wrong("no second entry".to_owned()))?;
    equal("size of the file", file.size, 1234)?;
    holds(
        "it was written in this century",
        file.written.to_unix().0 > 1_500_000_000,
    )?;
    scratch.finish()
}

fn names_of_every_script_survive(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    for name in NAMES {
        done(name, write_file(files, &scratch.path(name)?, name.as_bytes()))?;
    }
    let found: BTreeSet<String> = list(files, &scratch.directory)?
        .iter()
        .map(info::Entry::name_lossy)
        .collect();
    equal(
        "names",
        found,
        NAMES.iter().map(|&name| name.to_owned()).collect(),
    )?;
    for name in NAMES {
        equal(
            name,
            files::read_file(files, &scratch.path(name)?)?,
            name.as_bytes().to_vec(),
        )?;
    }
    scratch.finish()
}

fn nested_directories_are_walked(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let mut directory = scratch.directory.clone();
    for depth in 0..12 {
        directory = directory.join(&format!("tiefe {depth} 深さ"))?;
        done("making a directory", make_directory(files, &directory))?;
    }
    let file = directory.join("leaf")?;
    done("writing at the bottom", write_file(files, &file, b"leaf"))?;
    equal("what the bottom holds", list(files, &directory)?.len(), 1)?;
    equal("content", files::read_file(files, &file)?, b"leaf".to_vec())?;
    scratch.finish()
}

fn more_entries_than_one_answer_holds(environment: &Environment) -> Checked {
    const COUNT: usize = 300;
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let name = |at: usize| format!("file-{at:04}-{}", "x".repeat(60));
    for at in 0..COUNT {
        done("writing", write_file(files, &scratch.path(&name(at))?, b""))?;
    }
    let mut directory = open_directory(environment, &scratch.directory)?;
    // A small buffer: many answers, and every entry exactly once.
    let mut found = Vec::new();
    loop {
        let reply =
            directory.query_directory(FileInformationClass::BOTH_DIRECTORY, None, found.is_empty(), 1024)?;
        if reply.status == Status::NO_MORE_FILES {
            break;
        }
        found.extend(info::both_directory(&reply.data()?)?);
        holds("the listing ends", found.len() <= COUNT + 2)?;
    }
    done("closing", directory.close())?;
    let mut names: Vec<String> = found
        .iter()
        .filter(|one| !one.is_dots())
        .map(info::Entry::name_lossy)
        .collect();
    names.sort();
    equal("names", names == (0..COUNT).map(name).collect::<Vec<_>>(), true)?;
    scratch.finish()
}

fn a_listing_starts_again_when_asked(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    done("writing", write_file(files, &scratch.path("one")?, b""))?;
    let mut directory = open_directory(environment, &scratch.directory)?;
    let first = list_open(&*directory, None)?;
    let ended = directory.query_directory(FileInformationClass::BOTH_DIRECTORY, None, false, 4096)?;
    equal("asked again without restart", ended.status, Status::NO_MORE_FILES)?;
    done("writing", write_file(files, &scratch.path("two")?, b""))?;
    let second = list_open(&*directory, None)?;
    equal("entries after the restart", second.len(), first.len() + 1)?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn patterns_select(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    for name in ["a.txt", "b.TXT", "c.txt.bak", "abc", "d"] {
        done(
            "writing",
            write_file(&*environment.files, &scratch.path(name)?, b""),
        )?;
    }
    for (pattern, expected) in [
        ("*.txt", vec!["a.txt", "b.TXT"]),
        ("a*", vec!["a.txt", "abc"]),
        ("?", vec!["d"]),
        ("ABC", vec!["abc"]),
        ("*.bak", vec!["c.txt.bak"]),
    ] {
        let units: Vec<u16> = pattern.encode_utf16().collect();
        let mut directory = open_directory(environment, &scratch.directory)?;
        let entries = list_open(&*directory, Some(&units))?;
        done("closing", directory.close())?;
        let mut names: Vec<String> = entries
            .iter()
            .filter(|one| !one.is_dots())
            .map(info::Entry::name_lossy)
            .collect();
        names.sort();
        equal(
            pattern,
            names,
            expected.iter().map(|&name| name.to_owned()).collect(),
        )?;
    }
    scratch.finish()
}

fn a_pattern_that_matches_nothing(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let mut directory = open_directory(environment, &scratch.directory)?;
    let class = FileInformationClass::BOTH_DIRECTORY;
    let units: Vec<u16> = "*.none".encode_utf16().collect();
    let first = directory.query_directory(class, Some(&units), true, 4096)?;
    equal("the first query", first.status, Status::NO_SUCH_FILE)?;
    let second = directory.query_directory(class, None, false, 4096)?;
    equal("the second query", second.status, Status::NO_MORE_FILES)?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn an_empty_directory_lists_nothing(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    equal("entries", list(&*environment.files, &scratch.directory)?.len(), 0)?;
    scratch.finish()
}

fn a_buffer_for_less_than_an_entry(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let name = "a name that does not fit into a small buffer";
    done(
        "writing",
        write_file(&*environment.files, &scratch.path(name)?, b""),
    )?;
    let units: Vec<u16> = "a*".encode_utf16().collect();
    let mut directory = open_directory(environment, &scratch.directory)?;
    let class = FileInformationClass::BOTH_DIRECTORY;
    let got = directory.query_directory(class, Some(&units), true, 100)?;
    let told = matches!(
        got.status,
        Status::BUFFER_OVERFLOW | Status::BUFFER_TOO_SMALL | Status::INFO_LENGTH_MISMATCH
    );
    holds(&format!("a short buffer is told, not {}", got.status), told)?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn directories_are_made_and_removed(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let directory = scratch.path("new")?;
    done("making", make_directory(files, &directory))?;
    refused(
        "making it again",
        make_directory(files, &directory),
        Status::OBJECT_NAME_COLLISION,
    )?;
    done("removing", remove(files, &directory))?;
    refused(
        "removing it again",
        remove(files, &directory),
        Status::OBJECT_NAME_NOT_FOUND,
    )?;
    let below = scratch.path(r"none\new")?;
    refused(
        "in a missing directory",
        make_directory(files, &below),
        Status::OBJECT_PATH_NOT_FOUND,
    )?;
    scratch.finish()
}

fn a_directory_that_is_not_empty_stays(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let directory = scratch.path("full")?;
    done("making", make_directory(files, &directory))?;
    done("writing", write_file(files, &directory.join("file")?, b"x"))?;
    refused("removing", remove(files, &directory), Status::DIRECTORY_NOT_EMPTY)?;
    equal("what it holds", list(files, &directory)?.len(), 1)?;
    scratch.finish()
}

fn a_directory_says_that_it_is_one(environment: &Environment) -> Checked {
    let mapped = environment.mapped()?;
    let mut root = open_directory(environment, &mapped.root())?;
    let standard = root
        .query(FileInformationClass::STANDARD, info::STANDARD_BYTES)?
        .data()?;
    holds("the root is a directory", Standard::parse(&standard)?.directory)?;
    let basic = root
        .query(FileInformationClass::BASIC, info::BASIC_BYTES)?
        .data()?;
    let attributes = info::Basic::parse(&basic)?.attributes;
    holds(
        "its attributes say so",
        attributes & info::ATTRIBUTE_DIRECTORY != 0,
    )?;
    let read = root
        .start_read(0, 10)
        .and_then(|read| read.wait())
        .and_then(|reply| reply.status.ok());
    holds("it cannot be read as a file", read.is_err())?;
    done("closing", root.close())?;
    mapped.finish()
}

/// The share's own content, whatever it is, against what this machine sees of it.
fn the_listing_is_the_servers(environment: &Environment) -> Checked {
    let export = environment.export()?;
    let mapped = environment.mapped()?;
    let listed: BTreeSet<(String, bool)> = list(&*environment.files, &mapped.root())?
        .iter()
        .map(|one| (one.name_lossy(), one.is_directory()))
        .collect();
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(export)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        // Links are shown as this machine pleases.
        if !kind.is_symlink() {
            seen.insert((entry.file_name().to_string_lossy().into_owned(), kind.is_dir()));
        }
    }
    let missing: Vec<_> = seen.difference(&listed).collect();
    equal("missing in the listing", missing, Vec::new())?;
    mapped.finish()
}
