//! Large, endless and lying directories, on a server that makes them up and counts what it is asked.

mod simulated;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use executive::task::{CancelToken, Runtime};
use minirdr::{CreateRequest, DirectoryQuery, Level, LogonId, MiniRedirector, OpenFile, Settings};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, NameBuf, ShareAccess,
    Status,
};
use rxce::Endpoint;
use rxce::memory::{MemoryEndpoint, Network};
use simulated::{ADDRESS, Simulated, receive_frame};

const ME: LogonId = LogonId(1);

const TREADDIR: u8 = 40;
const TWALK: u8 = 110;
const TGETATTR: u8 = 24;
const TCLUNK: u8 = 120;

/// What the one directory of the server lists: the name and the cookie behind it, for a cookie; `None` at the end.
type Listing = fn(u64) -> Option<(Vec<u8>, u64)>;

/// Messages by type.
type Counts = Arc<Mutex<BTreeMap<u8, u64>>>;

struct Made {
    listing: Listing,
    /// Entries in one answer, at most.
    run: usize,
    /// Names that are gone when they are looked at.
    gone: fn(&[u8]) -> bool,
    counts: Counts,
    /// Fids of files; all others are of directories, of which each lists the same.
    files: Mutex<BTreeSet<u32>>,
}

fn u32_at(body: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(body[at..at + 4].try_into().unwrap())
}

fn qid(kind: u8, path: u64) -> Vec<u8> {
    let mut qid = vec![kind, 0, 0, 0, 0];
    qid.extend(path.to_le_bytes());
    qid
}

fn refused(errno: u32) -> (u8, Vec<u8>) {
    (7, errno.to_le_bytes().to_vec())
}

impl Made {
    async fn serve(&self, endpoint: MemoryEndpoint) {
        while let Some(frame) = receive_frame(&endpoint).await {
            let (kind, body) = self.answer(frame[4], &frame[7..]);
            let mut reply = (body.len() as u32 + 7).to_le_bytes().to_vec();
            reply.push(kind);
            reply.extend(&frame[5..7]);
            reply.extend(body);
            if endpoint.send(reply).await.1.is_err() {
                break;
            }
        }
    }

    fn answer(&self, kind: u8, body: &[u8]) -> (u8, Vec<u8>) {
        *self.counts.lock().unwrap().entry(kind).or_default() += 1;
        match kind {
            100 => (101, body.to_vec()),
            104 => (105, qid(0x80, 0)),
            TWALK => self.walk(body),
            TGETATTR => (25, self.attributes(u32_at(body, 0))),
            12 => (13, [qid(0x80, 0), vec![0; 4]].concat()),
            TREADDIR => (41, self.list(body)),
            TCLUNK => {
                self.files.lock().unwrap().remove(&u32_at(body, 0));
                (121, Vec::new())
            }
            _ => refused(95),
        }
    }

    fn walk(&self, body: &[u8]) -> (u8, Vec<u8>) {
        if body[8..10] == [0, 0] {
            return (111, vec![0, 0]);
        }
        assert_eq!(body[8..10], [1, 0], "one name at a time");
        let name = &body[12..];
        assert!(!matches!(name, b"." | b".." | b""), "never walked to");
        assert!(!name.contains(&b'/') && !name.contains(&0));
        if (self.gone)(name) || name.starts_with(b"export") {
            return refused(2);
        }
        if name == b"folder" {
            return (111, [vec![1, 0], qid(0x80, 77)].concat());
        }
        self.files.lock().unwrap().insert(u32_at(body, 4));
        (111, [vec![1, 0], qid(0, 77)].concat())
    }

    fn attributes(&self, fid: u32) -> Vec<u8> {
        let is_file = self.files.lock().unwrap().contains(&fid);
        let mut reply = 0x7ff_u64.to_le_bytes().to_vec();
        reply.extend(qid(if is_file { 0 } else { 0x80 }, 77));
        let mode: u32 = if is_file { 0o100_644 } else { 0o040_755 };
        reply.extend(mode.to_le_bytes());
        reply.extend([0; 8]);
        reply.extend(1_u64.to_le_bytes());
        reply.resize(153, 0);
        reply
    }

    fn list(&self, body: &[u8]) -> Vec<u8> {
        let mut cookie = u64::from_le_bytes(body[4..12].try_into().unwrap());
        let room = u32_at(body, 12) as usize;
        let mut entries = Vec::new();
        for _ in 0..self.run {
            let Some((name, next)) = (self.listing)(cookie) else {
                break;
            };
            if entries.len() + 24 + name.len() > room {
                break;
            }
            entries.extend(qid(0, 77));
            entries.extend(next.to_le_bytes());
            entries.push(8);
            entries.extend((name.len() as u16).to_le_bytes());
            entries.extend(&name);
            cookie = next;
        }
        [(entries.len() as u32).to_le_bytes().to_vec(), entries].concat()
    }
}

/// Lists the directory with `class` and buffers of `len` bytes: the names, or why there are no more.
fn list(made: Made, pattern: &str, class: FileInformationClass, len: usize) -> nt::Result<Vec<String>> {
    on_drive(made, "", AccessMask::GENERIC_READ, |runtime, folder| {
        names(runtime, folder, pattern, class, len)
    })
}

/// Does something to the directory `path` of a drive on this server.
fn on_drive<V>(
    made: Made,
    path: &str,
    access: AccessMask,
    something: impl FnOnce(&Runtime, &OpenFile<Simulated>) -> V,
) -> V {
    let runtime = Runtime::simulated(3).unwrap();
    let network = Network::new(&runtime).unwrap();
    let listener = network.listen(ADDRESS).unwrap();
    let serving = async move {
        loop {
            let endpoint = listener.accept().await;
            made.serve(endpoint).await;
        }
    };
    drop(runtime.spawn(serving).unwrap());
    let redirector = MiniRedirector::<Simulated>::new(network, runtime.clone(), Settings::default()).unwrap();
    redirector.start().unwrap();
    let drive = NameBuf::try_from_str("\\;X:\\10.0.0.1\\share").unwrap();
    let cancel = CancelToken::try_new().unwrap();
    let user = NameBuf::default();
    let mapped = redirector.add_connection(drive.as_name(), user.as_name(), ME, &cancel);
    runtime.block_on(mapped).unwrap().unwrap();
    let full = NameBuf::try_from_str(&format!("\\;X:\\10.0.0.1\\share{path}")).unwrap();
    let request = CreateRequest {
        name: full.as_name(),
        related: None,
        logon: ME,
        desired_access: access,
        share_access: ShareAccess::all(),
        disposition: CreateDisposition::OPEN,
        options: CreateOptions::DIRECTORY_FILE,
        file_attributes: FileAttributes::NORMAL,
        open_target_directory: false,
        case_sensitive: false,
    };
    let opened = runtime
        .block_on(redirector.create(&request, &cancel))
        .unwrap()
        .unwrap();
    let came = something(&runtime, &opened.file);
    runtime.block_on(opened.file.cleanup()).unwrap();
    opened.file.close();
    drop(opened);
    let gone = redirector.delete_connection(drive.as_name(), ME, Level::Force, &cancel);
    runtime.block_on(gone).unwrap().unwrap();
    runtime.run_until_stalled();
    redirector.stop().unwrap();
    drop(redirector);
    runtime.cancel_all();
    runtime.shutdown();
    came
}

fn names(
    runtime: &Runtime,
    folder: &OpenFile<Simulated>,
    pattern: &str,
    class: FileInformationClass,
    len: usize,
) -> nt::Result<Vec<String>> {
    let pattern = NameBuf::try_from_str(pattern).unwrap();
    let query = DirectoryQuery {
        class,
        pattern: Some(pattern.as_name()),
        restart: false,
        single: false,
    };
    let (length_at, name_at) = match class {
        FileInformationClass::NAMES => (8, 12),
        _ => (60, 104),
    };
    let cancel = CancelToken::try_new().unwrap();
    let (mut found, mut buffer) = (Vec::new(), vec![0; len]);
    loop {
        match runtime
            .block_on(folder.query_directory(&query, &mut buffer, &cancel))
            .unwrap()
        {
            Ok(_) => {}
            Err(Status::NO_MORE_FILES) => return Ok(found),
            Err(status) => return Err(status),
        }
        let mut at = 0;
        loop {
            let entry = &buffer[at..];
            let name = &entry[name_at..name_at + u32_at(entry, length_at) as usize];
            let units: Vec<u16> = name
                .chunks(2)
                .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                .collect();
            found.push(String::from_utf16(&units).unwrap());
            match u32_at(entry, 0) as usize {
                0 => break,
                next => at += next,
            }
        }
    }
}

const ENTRIES: u64 = 100_000;
/// Of which attributes are asked for: three messages each take their time in a build for tests.
const LOOKED_AT: u64 = 20_000;

/// Names of one length, so that how many fit is easily reckoned.
fn large(cookie: u64) -> Option<(Vec<u8>, u64)> {
    (cookie < ENTRIES).then(|| (format!("entry{cookie:06}").into_bytes(), cookie + 1))
}

fn none_gone(_: &[u8]) -> bool {
    false
}

fn made(listing: Listing, run: usize, counts: &Counts) -> Made {
    Made {
        listing,
        run,
        gone: none_gone,
        counts: Arc::clone(counts),
        files: Mutex::default(),
    }
}

fn count(counts: &Counts, kind: u8) -> u64 {
    counts.lock().unwrap().get(&kind).copied().unwrap_or(0)
}

#[test]
fn each_entry_takes_three_messages() {
    let counts = Counts::default();
    let class = FileInformationClass::ID_BOTH_DIRECTORY;
    let listing: Listing = |cookie| large(cookie).filter(|_| cookie < LOOKED_AT);
    let names = list(made(listing, usize::MAX, &counts), "*", class, 64 * 1024).unwrap();
    assert_eq!(names.len() as u64, LOOKED_AT + 2);
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>().len(),
        names.len(),
        "each once"
    );
    // What the drive and the handle need besides does not grow with the directory; the dots are asked about together.
    for kind in [TWALK, TGETATTR] {
        let asked = count(&counts, kind);
        assert!(
            (LOOKED_AT..LOOKED_AT + 200).contains(&asked),
            "{asked} messages of type {kind}"
        );
    }
    // Fids are given back as fast as they are made: only the last are not when the connection is taken away.
    let clunked = count(&counts, TCLUNK);
    assert!(
        (LOOKED_AT - 200..LOOKED_AT + 20).contains(&clunked),
        "{clunked} clunks"
    );
    // 35 bytes each, at most 64 KiB at a time.
    assert!(count(&counts, TREADDIR) < LOOKED_AT * 35 / (60 << 10) + 10);
}

#[test]
fn names_alone_take_no_message_each() {
    let counts = Counts::default();
    let names = list(
        made(large, usize::MAX, &counts),
        "*",
        FileInformationClass::NAMES,
        4096,
    )
    .unwrap();
    assert_eq!(names.len() as u64, ENTRIES + 2);
    let all: u64 = counts.lock().unwrap().values().sum();
    assert!(all < 100, "{all} messages");
}

#[test]
fn what_does_not_match_is_not_asked_about() {
    let counts = Counts::default();
    let class = FileInformationClass::ID_BOTH_DIRECTORY;
    let names = list(made(large, 1000, &counts), "*777", class, 4096).unwrap();
    assert_eq!(names.len(), 100);
    assert!(count(&counts, TGETATTR) < 120);
}

#[test]
fn a_name_is_asked_for_and_not_listed() {
    let counts = Counts::default();
    let class = FileInformationClass::ID_BOTH_DIRECTORY;
    let names = list(made(large, 1000, &counts), "entry000777", class, 4096).unwrap();
    assert_eq!(names, ["entry000777"]);
    assert_eq!(count(&counts, TREADDIR), 0);
}

#[test]
fn entries_that_are_gone_are_left_out() {
    let counts = Counts::default();
    let class = FileInformationClass::ID_BOTH_DIRECTORY;
    let server = Made {
        gone: |name| name.ends_with(b"1"),
        ..made(|cookie| large(cookie).filter(|_| cookie < 1000), 7, &counts)
    };
    let names = list(server, "*", class, 1000).unwrap();
    assert_eq!(names.len(), 902);
    assert!(names.iter().all(|name| !name.ends_with('1')));
}

/// A listing that goes back to an earlier place, after 100 entries or after one.
#[test]
fn listings_that_go_round_end() {
    let rounds: [Listing; 3] = [
        |cookie| Some((format!("entry{cookie}").into_bytes(), (cookie + 1) % 100)),
        |cookie| Some((b"again".to_vec(), if cookie == 5 { 6 } else { 5 })),
        |_| Some((b"again".to_vec(), 9)),
    ];
    for (index, listing) in rounds.into_iter().enumerate() {
        let counts = Counts::default();
        let ended = list(made(listing, 1, &counts), "*", FileInformationClass::NAMES, 4096);
        assert_eq!(ended, Err(Status::INVALID_NETWORK_RESPONSE), "listing {index}");
        assert!(count(&counts, TREADDIR) < 400);
        // Not even where nothing matches, so that one query would go on for ever.
        let counts = Counts::default();
        let ended = list(made(listing, 1, &counts), "x*", FileInformationClass::NAMES, 4096);
        assert_eq!(ended, Err(Status::INVALID_NETWORK_RESPONSE), "listing {index}");
    }
}

#[test]
fn names_that_cannot_be_are_not_shown() {
    fn liar(cookie: u64) -> Option<(Vec<u8>, u64)> {
        let names: [&[u8]; 8] = [b"good", b"..", b"a/b", b"", b"nul\0", b".", &[b'n'; 256], b"fine"];
        let name = names.get(usize::try_from(cookie).unwrap())?;
        Some((name.to_vec(), cookie + 1))
    }
    for class in [
        FileInformationClass::NAMES,
        FileInformationClass::ID_BOTH_DIRECTORY,
    ] {
        let names = list(made(liar, 3, &Counts::default()), "*", class, 4096).unwrap();
        assert_eq!(names, [".", "..", "good", "fine"]);
    }
}

/// Some servers tell of `.` and `..` by themselves, and of what else there is when they are asked again.
#[test]
fn a_directory_is_empty_if_nothing_follows_the_dots() {
    let delete = |listing: Listing| {
        let server = made(listing, 1, &Counts::default());
        on_drive(server, "\\folder", AccessMask::DELETE, |runtime, folder| {
            let cancel = CancelToken::try_new().unwrap();
            let disposition = FileInformationClass::DISPOSITION;
            let marked = folder.set_information(disposition, &[1], None, &cancel);
            runtime.block_on(marked).unwrap()
        })
    };
    let dots: Listing = |cookie| (cookie < 2).then(|| (vec![b'.'; cookie as usize + 1], cookie + 1));
    let full: Listing = |cookie| match cookie {
        0..2 => Some((vec![b'.'; cookie as usize + 1], cookie + 1)),
        2 => Some((b"file".to_vec(), 3)),
        _ => None,
    };
    assert_eq!(delete(dots), Ok(()));
    assert_eq!(delete(full), Err(Status::DIRECTORY_NOT_EMPTY));
    let endless: Listing = |cookie| Some((b".".to_vec(), cookie + 1));
    assert_eq!(delete(endless), Err(Status::INVALID_NETWORK_RESPONSE));
}
