//! How far the driver's code goes down the stacks it runs on, measured while it does the usual things; and what is raised on
//! them.

use ioctl::selftest::Request;
use nt::{CreateDisposition, Status};

use super::super::check::{done, equal, holds, refused_with_one_of};
use super::super::content::pattern;
use super::super::environment::Environment;
use super::super::{Checked, tests};
use super::engine::Engine;
use crate::failure::Failure;
use crate::files::{self, read_file, write_all, write_file};
use crate::open::OpenRequest;
use crate::runner::{Outcome, Test};

/// The most bytes of stack down to a call into others' code: half of a kernel stack, which has 24 KiB. The rest is for them,
/// and for who calls the driver.
const LIMIT: usize = 12 * 1024;
/// The same down to the pool, which needs little.
const POOL_LIMIT: usize = 14 * 1024;

pub(super) fn tests() -> Vec<Test<Environment>> {
    let mut all = tests![exceptions_stop_at_the_guard];
    all.push(Test {
        name: "half_of_every_stack_is_left",
        run: |environment| match measured(environment) {
            Ok(said) => Outcome::PassedWith(said),
            Err(failure) => super::super::outcome(Err(failure)),
        },
    });
    all
}

/// What the memory manager raises when a caller's buffer is not there, and more.
fn exceptions_stop_at_the_guard(_: &Environment) -> Checked {
    const ACCESS_VIOLATION: Status = Status::ACCESS_VIOLATION;
    let engine = Engine::open()?;
    for raised in [ACCESS_VIOLATION, Status::INVALID_PARAMETER] {
        let request = Request::Raise { exception: raised.0 };
        // Again and again: what is unwound leaves the stack as it was.
        for _ in 0..3 {
            // Not every kernel tells the handler which exception it was.
            let told = engine.tell(&request)?;
            refused_with_one_of("what raises", told, &[raised, ACCESS_VIOLATION])?;
        }
    }
    Ok(())
}

/// Does the usual things, one after the other, and says how deep each went.
fn measured(environment: &Environment) -> Result<String, Failure> {
    environment.share()?;
    let engine = Engine::open()?;
    let files = &*environment.files;
    let mut said = String::new();
    let mut after = |what: &str| -> Checked {
        let deepest = Deepest::ask(&engine)?;
        said.push_str(&format!("\n    {what}: {deepest}"));
        deepest.within(what)
    };
    after("loading, and what came before")?;
    let scratch = environment.scratch()?;
    after("mapping")?;
    let (path, other) = (scratch.path("file")?, scratch.path("other")?);
    let content = pattern(300_000);
    let request = OpenRequest::write(CreateDisposition::CREATE);
    let (mut file, _) = done("creating", files.open(&path, &request))?;
    after("creating")?;
    done("writing", write_all(&*file, 0, &content))?;
    after("writing")?;
    done("closing", file.close())?;
    after("closing")?;
    equal("read", done("reading", read_file(files, &path))? == content, true)?;
    after("opening and reading")?;
    equal("entries", files::list(files, &scratch.directory)?.len(), 1)?;
    after("listing")?;
    done("renaming", files.rename(&path, &other, false))?;
    after("renaming")?;
    done("replacing", write_file(files, &path, b"new"))?;
    done("renaming onto it", files.rename(&other, &path, true))?;
    after("renaming onto another")?;
    done("removing", files::remove(files, &path))?;
    after("removing")?;
    // One that is mapped, open and cut off.
    let mut mapped = environment.mapped()?;
    let (mut root, _) = done("opening", files.open(&mapped.root(), &OpenRequest::list()))?;
    done("unmapping by force", mapped.connected.cancel(true))?;
    after("disconnecting by force")?;
    done("closing the orphan", root.close())?;
    scratch.finish()?;
    after("disconnecting")?;
    Ok(said)
}

/// The most bytes from an entrance of the driver's to a call, and what they are called.
struct Deepest(Vec<(String, usize)>);

impl Deepest {
    fn ask(engine: &Engine) -> Result<Self, Failure> {
        let text = engine.text(&Request::Stacks)??;
        let figures = text.lines().map(|line| {
            let (what, bytes) = line.rsplit_once(' ')?;
            Some((what.to_owned(), bytes.parse().ok()?))
        });
        let figures: Option<Vec<_>> = figures.collect();
        // What asks has itself been dispatched and completed: without figures, nothing is measured.
        match figures {
            Some(figures) if figures.iter().any(|(_, bytes)| *bytes != 0) => Ok(Self(figures)),
            _ => Err(Failure::Wrong(format!("no figures: {text}"))),
        }
    }

    fn within(&self, what: &str) -> Checked {
        for (call, bytes) in &self.0 {
            let limit = if call.ends_with("pool") { POOL_LIMIT } else { LIMIT };
            holds(
                &format!("{what}: {call} {bytes} is at most {limit}"),
                *bytes <= limit,
            )?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Deepest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noted = self.0.iter().filter(|(_, bytes)| *bytes != 0);
        for (at, (what, bytes)) in noted.enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{what} {bytes}")?;
        }
        Ok(())
    }
}
