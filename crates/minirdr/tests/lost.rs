//! Sessions that are lost at a certain message: what was certainly not done is done again, and of what may have been done
//! that is said.

mod world;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use minirdr::{EaQuery, Settings};
use nt::{AccessMask, Status};
use testserver::Act;
use testserver::Frame;
use world::{File, Open, World, token};

/// Types of messages.
const TLINK: u8 = 70;
const TRENAMEAT: u8 = 74;
const TGETATTR: u8 = 24;
const TWALK: u8 = 110;
const TREAD: u8 = 116;
const TWRITE: u8 = 118;
const TXATTRWALK: u8 = 30;
const FSCTL_GET_REPARSE_POINT: u32 = 0x0009_00a8;

/// When the server ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Before it acts on the request.
    Before,
    /// In place of the answer.
    After,
}

/// Which request the connection is lost at: the next of its type, once it is armed, or one behind it.
#[derive(Default)]
struct Trap {
    /// 0: none.
    kind: AtomicU32,
    after: AtomicU32,
    /// So many of its type are answered first.
    spares: AtomicU32,
    /// The connection is lost at all that follow, too.
    stays: AtomicBool,
    /// How often it was.
    losses: AtomicU32,
}

impl Trap {
    fn arm(&self, kind: u8, cut: Cut) {
        self.after.store(u32::from(cut == Cut::After), Ordering::SeqCst);
        self.kind.store(u32::from(kind), Ordering::SeqCst);
    }

    /// As [`Self::arm`], once `spares` of its type have been answered.
    fn arm_behind(&self, spares: u32, kind: u8, cut: Cut) {
        self.spares.store(spares, Ordering::SeqCst);
        self.arm(kind, cut);
    }

    fn answer(&self, request: &Frame, act: &mut Act<'_>) -> io::Result<Frame> {
        let is_it = self.kind.load(Ordering::SeqCst) == u32::from(request.kind);
        let spare = |left: u32| left.checked_sub(1);
        if !is_it
            || self
                .spares
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spare)
                .is_ok()
        {
            return act(request);
        }
        if !self.stays.load(Ordering::SeqCst) {
            self.kind.store(0, Ordering::SeqCst);
        }
        self.losses.fetch_add(1, Ordering::SeqCst);
        if self.after.load(Ordering::SeqCst) == 1 {
            act(request)?;
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }

    fn sprung(&self) -> bool {
        self.kind.load(Ordering::SeqCst) == 0
    }
}

/// A world whose server loses a connection on demand.
fn trapped() -> (World, Arc<Trap>) {
    let trap = Arc::new(Trap::default());
    let setter = Arc::clone(&trap);
    let world = World::with_server(Settings::default(), |builder| {
        builder.between(move |request, act| setter.answer(request, act))
    });
    world.map("X:").unwrap();
    (world, trap)
}

/// Waits until the redirector has a session again; bounded.
fn settle(world: &World, file: &File<'_>) {
    let start = Instant::now();
    while file.size().is_err() {
        assert!(start.elapsed() < Duration::from_secs(60), "no session comes");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(world.embedded().accepted() > 1, "it was lost");
}

fn writer(world: &World, path: &str) {
    std::fs::write(world.path(path), path).unwrap();
}

fn to_rename() -> Open {
    Open::read().access(AccessMask::DELETE | AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE)
}

fn end(world: World) {
    world.unmap("X:").unwrap();
    world.end_after_loss();
}

#[test]
fn a_name_is_given_after_all_where_it_was_not() {
    type Step = fn(&File<'_>) -> nt::Result;
    let walks = [(TWALK, Cut::Before), (TWALK, Cut::After)];
    let looks = [(TGETATTR, Cut::Before), (TGETATTR, Cut::After)];
    let steps: [(Step, &[_], &[&str]); 5] = [
        (|file| file.rename("renamed", false, None), &walks, &["renamed"]),
        (|file| file.rename("renamed", false, None), &looks, &["renamed"]),
        (|file| file.link("link", false, None), &walks, &["file", "link"]),
        (|file| file.link("link", false, None), &looks, &["file", "link"]),
        // Looking at a file takes no walk.
        (|file| file.set_disposition(1), &looks, &[]),
    ];
    for (step, places, left) in steps {
        for &(lost_at, cut) in places {
            let (world, trap) = trapped();
            writer(&world, "file");
            let file = world.open("file", &to_rename()).unwrap();
            trap.arm(lost_at, cut);
            assert_eq!(step(&file), Ok(()), "{lost_at} {cut:?} {left:?}");
            assert!(trap.sprung(), "{lost_at} {left:?}");
            drop(file);
            assert_eq!(world.list("").unwrap()[2..], *left, "{lost_at} {cut:?}");
            end(world);
        }
    }
}

#[test]
fn of_a_name_that_may_have_been_given_that_is_said() {
    for (lost, cut) in [(TRENAMEAT, Cut::Before), (TRENAMEAT, Cut::After)] {
        let (world, trap) = trapped();
        writer(&world, "file");
        let file = world.open("file", &to_rename()).unwrap();
        trap.arm(lost, cut);
        assert_eq!(
            file.rename("renamed", false, None),
            Err(Status::CONNECTION_ABORTED)
        );
        assert!(trap.sprung());
        assert_eq!(
            world.path("renamed").exists(),
            cut == Cut::After,
            "nothing was tried again"
        );
        drop(file);
        end(world);
    }
    for cut in [Cut::Before, Cut::After] {
        let (world, trap) = trapped();
        writer(&world, "file");
        let file = world.open("file", &to_rename()).unwrap();
        trap.arm(TLINK, cut);
        assert_eq!(file.link("link", false, None), Err(Status::CONNECTION_ABORTED));
        assert_eq!(
            world.path("link").exists(),
            cut == Cut::After,
            "nothing was tried again"
        );
        settle(&world, &file);
        drop(file);
        end(world);
    }
}

#[test]
fn what_was_half_done_is_not_begun_again() {
    // A link that replaces a file is made under a name of its own first, which does not stay behind.
    for (lost, cut) in [(TLINK, Cut::After), (TRENAMEAT, Cut::Before)] {
        let (world, trap) = trapped();
        writer(&world, "file");
        writer(&world, "taken");
        let file = world.open("file", &to_rename()).unwrap();
        trap.arm(lost, cut);
        assert_eq!(file.link("taken", true, None), Err(Status::CONNECTION_ABORTED));
        assert!(trap.sprung());
        assert_eq!(std::fs::read(world.path("taken")).unwrap(), b"taken");
        assert_eq!(world.list("").unwrap(), [".", "..", "file", "taken"]);
        settle(&world, &file);
        drop(file);
        end(world);
    }
    // A name that differs in case alone is replaced first, and then spelled as it was asked for.
    let (world, trap) = trapped();
    writer(&world, "file");
    writer(&world, "TAKEN");
    let file = world.open("file", &to_rename()).unwrap();
    trap.arm(TRENAMEAT, Cut::After);
    assert_eq!(file.rename("taken", true, None), Err(Status::CONNECTION_ABORTED));
    assert_eq!(world.list("").unwrap(), [".", "..", "TAKEN"]);
    assert_eq!(std::fs::read(world.path("TAKEN")).unwrap(), b"file");
    drop(file);
    end(world);
}

#[test]
fn what_changes_nothing_twice_is_done_again() {
    type Step = fn(&File<'_>) -> nt::Result;
    let steps: [Step; 3] = [
        |file| file.append(b".").map(drop),
        |file| file.fs_control(FSCTL_GET_REPARSE_POINT, &[], 99).map(drop),
        |file| {
            let (query, mut buffer, cancel) = (EaQuery::default(), [0; 99], token());
            let queried = file.file.query_ea(&query, &mut buffer, &cancel);
            file.world().block(queried).map(drop)
        },
    ];
    for (step, lost_at) in steps.into_iter().zip([TGETATTR, TGETATTR, TXATTRWALK]) {
        let (world, trap) = trapped();
        writer(&world, "file");
        let file = world.open("file", &to_rename()).unwrap();
        trap.arm(lost_at, Cut::Before);
        let answer = step(&file);
        assert!(trap.sprung(), "{lost_at}");
        assert_eq!(answer, step(&file), "as if nothing had been lost");
        drop(file);
        end(world);
    }
}

/// More than fits a few messages, and no part of it like another.
fn large() -> Vec<u8> {
    (0..1_u32 << 20)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
        .collect()
}

#[test]
fn what_changes_nothing_is_asked_for_twice_and_no_more() {
    let (world, trap) = trapped();
    writer(&world, "file");
    let file = world.open("file", &to_rename()).unwrap();
    trap.stays.store(true, Ordering::SeqCst);
    trap.arm(TREAD, Cut::Before);
    assert_eq!(file.read(0, 4), Err(Status::CONNECTION_DISCONNECTED));
    assert_eq!(trap.losses.load(Ordering::SeqCst), 2);
    trap.arm(0, Cut::Before);
    settle(&world, &file);
    assert_eq!(file.read(0, 4).unwrap(), b"file");
    drop(file);
    end(world);
}

#[test]
fn a_read_that_was_lost_half_way_is_whole_or_none() {
    type Step = fn(&File<'_>, usize) -> nt::Result<Vec<u8>>;
    let reads: [Step; 2] = [
        |file, length| file.read(0, length),
        |file, length| {
            let (mut pages, cancel) = (vec![0; length], token());
            let read = file.file.read_paging(0, &mut pages, &cancel);
            let count = file.world().block(read)?;
            pages.truncate(count);
            Ok(pages)
        },
    ];
    for read in reads {
        let (world, trap) = trapped();
        let data = large();
        std::fs::write(world.path("file"), &data).unwrap();
        let file = world.open("file", &to_rename()).unwrap();
        trap.arm_behind(5, TREAD, Cut::Before);
        // A program takes less than it asked for as the end of the file.
        let answer = read(&file, data.len());
        assert!(trap.sprung());
        assert!(answer.unwrap() == data, "asked once more, from the beginning");
        // Lost again and again, it has not read anything.
        trap.stays.store(true, Ordering::SeqCst);
        trap.arm_behind(5, TREAD, Cut::Before);
        assert_eq!(
            read(&file, data.len()).err(),
            Some(Status::CONNECTION_DISCONNECTED)
        );
        trap.arm(0, Cut::Before);
        settle(&world, &file);
        drop(file);
        end(world);
    }
}

#[test]
fn a_write_that_was_lost_half_way_has_not_succeeded() {
    type Step = fn(&File<'_>, &[u8]) -> nt::Result<usize>;
    let writes: [Step; 3] = [
        |file, data| file.write(0, data),
        |file, data| {
            let cancel = token();
            let written = file.file.write_paging(0, data, &cancel);
            file.world().block(written)
        },
        |file, data| {
            let appends = Open::read().access(AccessMask::APPEND_DATA | AccessMask::SYNCHRONIZE);
            file.world().open("file", &appends).unwrap().append(data)
        },
    ];
    for write in writes {
        let (world, trap) = trapped();
        let data = large();
        std::fs::write(world.path("file"), vec![0; data.len()]).unwrap();
        let file = world.open("file", &to_rename()).unwrap();
        trap.arm_behind(5, TWRITE, Cut::Before);
        // Programs do not look how much of it was written.
        assert_eq!(write(&file, &data), Err(Status::CONNECTION_ABORTED));
        assert!(trap.sprung());
        settle(&world, &file);
        assert_eq!(write(&file, &data), Ok(data.len()));
        drop(file);
        end(world);
    }
}
