//! Every command of the built tool, against the server in this process.

#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;
use testserver::TestServer;

/// A server with a folder, and a folder for this side.
struct World {
    server: TestServer,
    remote: TempDir,
    local: TempDir,
}

impl World {
    fn new() -> Self {
        let remote = tempfile::tempdir().unwrap();
        let server = TestServer::builder(remote.path())
            .names(&["/export"])
            .start()
            .unwrap();
        Self {
            server,
            remote,
            local: tempfile::tempdir().unwrap(),
        }
    }

    fn remote(&self, path: &str) -> PathBuf {
        self.remote.path().join(path)
    }

    fn local(&self, path: &str) -> PathBuf {
        self.local.path().join(path)
    }

    fn share(&self) -> String {
        format!("127.0.0.1:{}/export", self.server.port())
    }

    /// `p9 command SHARE words…`, in the local folder.
    fn run(&self, command: &str, words: &[&str]) -> Output {
        let is_option = |word: &&&str| word.len() > 1 && word.starts_with('-');
        let (options, words): (Vec<&str>, Vec<&str>) = words.iter().partition(is_option);
        Command::new(env!("CARGO_BIN_EXE_p9-tests"))
            .arg(command)
            .args(options)
            .arg(self.share())
            .args(words)
            .current_dir(self.local.path())
            .output()
            .unwrap()
    }

    /// The output of a command that must succeed.
    fn ok(&self, command: &str, words: &[&str]) -> String {
        let output = self.run(command, words);
        assert!(
            output.status.success(),
            "{command} {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The complaint of a command that must fail with this exit code.
    fn fails(&self, code: i32, command: &str, words: &[&str]) -> String {
        let output = self.run(command, words);
        assert_eq!(output.status.code(), Some(code), "{command} {words:?}");
        assert!(output.stdout.is_empty(), "{command} {words:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn end(self) {
        assert!(self.server.wait_idle(Duration::from_secs(10)));
        assert_eq!(self.server.stop(), 0, "fids were not clunked");
    }
}

#[test]
fn ls() {
    let world = World::new();
    std::fs::create_dir_all(world.remote("folder/inner")).unwrap();
    std::fs::write(world.remote("folder/file.txt"), b"12345").unwrap();
    std::fs::write(world.remote("naïve: file?"), b"").unwrap();
    assert_eq!(world.ok("ls", &[]), "folder/\nnaïve: file?\n");
    assert_eq!(world.ok("ls", &["folder"]), "file.txt\ninner/\n");
    assert_eq!(world.ok("ls", &["/folder/"]), "file.txt\ninner/\n");
    assert_eq!(world.ok("ls", &["folder/file.txt"]), "file.txt\n");
    assert_eq!(
        world.ok("ls", &["-R"]),
        "folder/\nfolder/file.txt\nfolder/inner/\nnaïve: file?\n"
    );
    let long = world.ok("ls", &["-l", "folder"]);
    assert!(long.starts_with("---- "), "{long}");
    assert!(long.contains(" 5 20"), "{long}");
    let json: serde_json::Value = serde_json::from_str(&world.ok("ls", &["--json", "-R"])).unwrap();
    let list = json.as_array().unwrap();
    assert_eq!(list.len(), 4);
    assert_eq!(list[1]["path"], "folder/file.txt");
    assert_eq!(list[1]["size"], 5);
    assert_eq!(list[2]["kind"], "directory");
    let complaint = world.fails(1, "ls", &["none"]);
    assert!(
        complaint.starts_with("p9: cannot open none: STATUS_OBJECT_NAME_NOT_FOUND: "),
        "{complaint}"
    );
    world.end();
}

#[test]
fn cat_get_and_put() {
    let world = World::new();
    let data: Vec<u8> = (0..9_000_001_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(world.local("data"), &data).unwrap();
    world.ok("put", &["data"]);
    assert!(std::fs::read(world.remote("data")).unwrap() == data);
    world.ok("put", &["data", "copy of it"]);
    assert!(std::fs::read(world.remote("copy of it")).unwrap() == data);
    world.ok("get", &["copy of it"]);
    assert!(std::fs::read(world.local("copy of it")).unwrap() == data);
    world.ok("get", &["data", "other"]);
    assert!(std::fs::read(world.local("other")).unwrap() == data);
    let output = world.run("cat", &["data"]);
    assert!(output.status.success() && output.stdout == data);
    // Into directories, on either side.
    std::fs::create_dir(world.remote("folder")).unwrap();
    world.ok("put", &["data", "folder"]);
    assert!(std::fs::read(world.remote("folder/data")).unwrap() == data);
    std::fs::create_dir(world.local("folder")).unwrap();
    world.ok("get", &["data", "folder"]);
    assert!(std::fs::read(world.local("folder/data")).unwrap() == data);
    // A shorter file replaces a longer one; an empty one is a file, too.
    std::fs::write(world.local("short"), b"short").unwrap();
    world.ok("put", &["short", "data"]);
    assert_eq!(std::fs::read(world.remote("data")).unwrap(), b"short");
    std::fs::write(world.local("empty"), b"").unwrap();
    world.ok("put", &["empty", "data"]);
    assert_eq!(world.ok("cat", &["data"]), "");
    assert!(world.fails(1, "cat", &["none"]).contains("OBJECT_NAME_NOT_FOUND"));
    assert!(world.fails(1, "cat", &["folder"]).contains("FILE_IS_A_DIRECTORY"));
    #[cfg(target_os = "linux")]
    assert!(
        world
            .fails(1, "get", &["copy of it", "/dev/full"])
            .starts_with("p9: cannot write /dev/full: ")
    );
    assert!(world.fails(1, "put", &["none"]).contains("cannot read none"));
    assert!(
        world
            .fails(1, "put", &["short", "none/short"])
            .contains("OBJECT_PATH_NOT_FOUND")
    );
    world.end();
}

#[test]
fn whole_directories() {
    let world = World::new();
    std::fs::create_dir_all(world.local("tree/a/b")).unwrap();
    std::fs::write(world.local("tree/a/b/leaf"), b"leaf").unwrap();
    std::fs::write(world.local("tree/what?"), b"odd name").unwrap();
    assert!(world.fails(2, "put", &["tree"]).contains("-R"));
    world.ok("put", &["-R", "tree"]);
    assert_eq!(std::fs::read(world.remote("tree/a/b/leaf")).unwrap(), b"leaf");
    assert_eq!(std::fs::read(world.remote("tree/what?")).unwrap(), b"odd name");
    assert!(world.fails(2, "get", &["tree"]).contains("-R"));
    world.ok("get", &["-r", "tree", "back"]);
    assert_eq!(std::fs::read(world.local("back/a/b/leaf")).unwrap(), b"leaf");
    assert_eq!(std::fs::read(world.local("back/what?")).unwrap(), b"odd name");
    assert!(world.fails(1, "rm", &["tree"]).contains("DIRECTORY_NOT_EMPTY"));
    world.ok("rm", &["-R", "tree"]);
    assert!(!world.remote("tree").exists());
    world.end();
}

#[test]
fn links_are_shown_and_not_walked_through() {
    let world = World::new();
    std::fs::create_dir(world.remote("folder")).unwrap();
    std::fs::write(world.remote("folder/file"), b"kept").unwrap();
    for (link, target) in [("folder/up", "."), ("link", "folder"), ("nowhere", "none")] {
        std::os::unix::fs::symlink(target, world.remote(link)).unwrap();
    }
    assert_eq!(
        world.ok("ls", &["-R"]),
        "folder/\nfolder/file\nfolder/up\nlink\nnowhere\n"
    );
    let json: serde_json::Value = serde_json::from_str(&world.ok("ls", &["--json"])).unwrap();
    assert_eq!(json[1]["kind"], "link");
    // By its name a link to a directory is that directory, unless it is to be looked at.
    assert_eq!(world.ok("ls", &["link"]), "file\nup\n");
    assert_eq!(world.ok("ls", &["-l", "link/"]).lines().count(), 2);
    assert!(world.ok("ls", &["-l", "link"]).ends_with(" link\n"));
    assert_eq!(world.ok("ls", &["nowhere"]), "nowhere\n");
    assert!(world.ok("stat", &["link"]).contains("kind:       link\n"));
    // Nothing of what a link leads to goes with it.
    std::fs::create_dir(world.remote("doomed")).unwrap();
    std::os::unix::fs::symlink("../folder", world.remote("doomed/link")).unwrap();
    world.ok("rm", &["-R", "doomed"]);
    assert!(!world.remote("doomed").exists());
    assert_eq!(std::fs::read(world.remote("folder/file")).unwrap(), b"kept");
    world.end();
}

#[test]
fn the_root_of_a_share_is_not_emptied() {
    let world = World::new();
    std::fs::write(world.remote("file"), b"").unwrap();
    for root in ["", "/", "./"] {
        assert!(world.fails(1, "rm", &["-R", root]).contains("CANNOT_DELETE"));
    }
    assert!(world.remote("file").exists());
    world.end();
}

#[test]
fn a_slash_at_the_end_means_a_directory() {
    let world = World::new();
    std::fs::write(world.local("file"), b"new").unwrap();
    std::fs::write(world.remote("old"), b"old").unwrap();
    std::fs::create_dir(world.remote("folder")).unwrap();
    for command in [&["put", "file"][..], &["mv", "old"]] {
        let to = |target| world.fails(1, command[0], &[command[1], target]);
        assert!(to("none/").contains("OBJECT_NAME_NOT_FOUND"));
        assert!(to("old/").contains("NOT_A_DIRECTORY"));
    }
    assert_eq!(std::fs::read(world.remote("old")).unwrap(), b"old");
    assert!(!world.remote("none").exists());
    world.ok("put", &["file", "folder/"]);
    world.ok("mv", &["old", "folder/"]);
    world.ok("mv", &["folder/", "moved/"]);
    assert_eq!(world.ok("ls", &["moved/"]), "file\nold\n");
    world.end();
}

#[test]
fn standard_input_is_put_somewhere() {
    let world = World::new();
    let put = |words: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_p9-tests"))
            .args(["put", &world.share()])
            .args(words)
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Who does not read it is gone by then.
        let _ = child.stdin.take().unwrap().write_all(b"from a pipe");
        child.wait_with_output().unwrap().status.code()
    };
    assert_eq!(put(&["-", "piped"]), Some(0));
    assert_eq!(std::fs::read(world.remote("piped")).unwrap(), b"from a pipe");
    assert_eq!(put(&["-"]), Some(2), "it has no name");
    world.end();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let world = World::new();
    std::fs::write(world.remote("file"), vec![b'x'; 20 << 20]).unwrap();
    for number in 0..3000 {
        std::fs::write(
            world.remote(&format!("a file with quite a long name {number}")),
            b"",
        )
        .unwrap();
    }
    for words in [&["cat", "file"][..], &["ls"], &["ls", "--json"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_p9-tests"))
            .args([words[0], &world.share()])
            .args(&words[1..])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
    }
    world.end();
}

#[test]
fn what_a_server_calls_a_file_says_nothing_to_a_terminal() {
    let world = World::new();
    std::fs::create_dir(world.remote("red\u{1b}[31m\n")).unwrap();
    let complaint = world.fails(2, "get", &["red\u{1b}[31m\n"]);
    assert_eq!(complaint, "p9: red\\u{1b}[31m\\n is a directory: -R copies it\n");
    // What is no terminal gets the name as it is.
    assert_eq!(world.ok("ls", &[]), "red\u{1b}[31m\n/\n");
    world.end();
}

#[test]
fn names_come_and_go() {
    let world = World::new();
    world.ok("mkdir", &["one"]);
    assert!(
        world
            .fails(1, "mkdir", &["one"])
            .contains("OBJECT_NAME_COLLISION")
    );
    world.ok("mkdir", &["-p", "one/two/three"]);
    world.ok("mkdir", &["-p", "one/two/three"]);
    assert!(world.remote("one/two/three").is_dir());
    std::fs::write(world.remote("file"), b"content").unwrap();
    world.ok("mv", &["file", "renamed"]);
    world.ok("mv", &["renamed", "one/two"]);
    assert_eq!(
        std::fs::read(world.remote("one/two/renamed")).unwrap(),
        b"content"
    );
    world.ok("mv", &["one/two/renamed", "a: b."]);
    assert!(world.remote("a: b.").exists());
    std::fs::write(world.remote("other"), b"other").unwrap();
    world.ok("mv", &["other", "a: b."]);
    assert_eq!(std::fs::read(world.remote("a: b.")).unwrap(), b"other");
    world.ok("mv", &["one/two", "two"]);
    assert!(world.remote("two/three").is_dir());
    assert!(
        world
            .fails(1, "mv", &["none", "x"])
            .contains("OBJECT_NAME_NOT_FOUND")
    );
    world.ok("rm", &["a: b."]);
    world.ok("rm", &["two/three"]);
    assert!(!world.remote("a: b.").exists() && !world.remote("two/three").exists());
    assert!(world.fails(1, "rm", &["none"]).contains("OBJECT_NAME_NOT_FOUND"));
    std::os::unix::fs::symlink("one", world.remote("link")).unwrap();
    world.ok("rm", &["-R", "link"]);
    assert!(world.remote("one").is_dir());
    world.end();
}

#[test]
fn stat_and_df() {
    let world = World::new();
    std::fs::write(world.remote("file"), b"12345").unwrap();
    let text = world.ok("stat", &["file"]);
    assert!(text.contains("size:       5\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&world.ok("stat", &["--json", "file"])).unwrap();
    assert_eq!(json["kind"], "file");
    assert_eq!(json["size"], 5);
    assert_eq!(json["links"], 1);
    assert!(json["written"].as_str().unwrap().starts_with("20"));
    let json: serde_json::Value = serde_json::from_str(&world.ok("stat", &["--json"])).unwrap();
    assert_eq!(json["kind"], "directory");
    let json: serde_json::Value = serde_json::from_str(&world.ok("df", &["--json"])).unwrap();
    assert!(json["total"].as_u64() >= json["available"].as_u64());
    assert!(world.ok("df", &[]).contains('%'));
    world.end();
}

#[test]
fn fsx() {
    let world = World::new();
    std::fs::create_dir(world.remote("place")).unwrap();
    let said = world.ok("fsx", &["--ops=400", "--seeds=2", "place"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.starts_with("seed 1: 400 operations as the model says"),
        "{said}"
    );
    let json = world.ok(
        "fsx",
        &["--json", "--ops=50", "--seed=7", "--handles=1", "--files=1"],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["seed"], &json["operations"]), (&7.into(), &50.into()));
    assert_eq!(std::fs::read_dir(world.remote("place")).unwrap().count(), 0);
    assert!(world.fails(1, "fsx", &["none"]).contains("OBJECT_PATH_NOT_FOUND"));
    world.end();
}

#[test]
fn bench() {
    let world = World::new();
    let quick = ["--size=8388608", "--seconds=0.05", "--entries=40"];
    let table = world.ok("bench", &quick);
    for what in [
        "sequential write",
        "sequential read",
        "4 KiB random reads",
        "stat",
        "open and close",
        "entries listed",
    ] {
        assert!(
            table.lines().any(|line| line.starts_with(what)),
            "{what}: {table}"
        );
    }
    let json = world.ok(
        "bench",
        &["--json", "--only=read,list", "--rounds=3", quick[0], quick[2]],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rows = json["measurements"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["bytes"], 8_388_608);
    assert_eq!(rows[1]["count"], 40);
    assert_eq!(
        std::fs::read_dir(world.remote("")).unwrap().count(),
        0,
        "nothing is left"
    );
    world.end();
}

#[test]
fn what_cannot_be_reached() {
    let p9 = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_p9-tests"))
            .args(words)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let world = World::new();
    let share = world.share();
    let wrong = format!("127.0.0.1:{}/other", world.server.port());
    let (code, complaint) = p9(&["ls", &wrong]);
    assert_eq!(code, 3);
    assert!(complaint.contains(&format!("cannot connect to {wrong}: STATUS_ACCESS_DENIED")));
    world.end();
    let (code, complaint) = p9(&["ls", &share]);
    assert_eq!(code, 3);
    assert!(complaint.contains("STATUS_BAD_NETWORK_PATH: "), "{complaint}");
    for words in [
        &["help"][..],
        &["help", "put"],
        &["put", "--help"],
        &["--version"],
    ] {
        assert_eq!(p9(words), (0, String::new()), "{words:?}");
    }
    for words in [
        &["ls"][..],
        &["ls", "host"],
        &["ls", "host:x/y"],
        &["frobnicate", "host/x"],
        &["ls", "--timeout", "0", "host/x"],
        &["bench", "--seconds=nan", "host/x"],
        &["bench", "--seconds=-1", "host/x"],
        &["bench", "--size=4194303", "host/x"],
        &[],
    ] {
        assert_eq!(p9(words).0, 2, "{words:?}");
    }
}

#[test]
fn users() {
    let remote = tempfile::tempdir().unwrap();
    let server = TestServer::builder(remote.path())
        .names(&["/export"])
        .users(&["alice"])
        .start()
        .unwrap();
    let share = format!("127.0.0.1:{}/export", server.port());
    let code = |user: &str| {
        Command::new(env!("CARGO_BIN_EXE_p9-tests"))
            .args(["ls", &share, "--user", user])
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(code("alice"), Some(0));
    assert_eq!(code("bob"), Some(3));
    assert!(server.wait_idle(Duration::from_secs(10)));
    assert_eq!(server.stop(), 0);
}
