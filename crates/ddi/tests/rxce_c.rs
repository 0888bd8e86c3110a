//! Compiles `rxce.c` with the C compiler of this machine, links it with the static library, and runs it against servers here.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// The first C compiler that there is.
fn compiler() -> Option<&'static str> {
    ["cc", "gcc", "clang"].into_iter().find(|name| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

/// The static library: it lies beside the folder that this test runs from, or in it.
fn library() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folders = here.ancestors().skip(1).take(2);
    let mut found: Vec<PathBuf> = folders
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("libddi") && name.ends_with(".a")
        })
        .collect();
    found.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    found.pop().expect("libddi.a is built with this test")
}

/// The program, run by what `DDI_UNDER` says if it says anything: `valgrind -q --error-exitcode=9`, say.
fn under(program: &Path) -> Command {
    let wrapper = std::env::var("DDI_UNDER").unwrap_or_default();
    let mut words = wrapper.split_whitespace();
    match words.next() {
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn compile(source: &str, compiler: &str, into: &Path) -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = into.join("program");
    let output = Command::new(compiler)
        .args(["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(crate_folder.join("../../include"))
        .arg(crate_folder.join("tests").join(source))
        .arg(library())
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    program
}

/// Serves each connection to a new port on a thread of its own.
fn serve(each: impl Fn(TcpStream) + Send + Clone + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    port
}

fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

fn close_after_one(mut stream: TcpStream) {
    if stream.read_exact(&mut [0]).is_ok() {
        let _gone = stream.write_all(b"bye");
    }
}

/// Closing with bytes unread resets.
fn reset_after_four(stream: TcpStream) {
    let mut buffer = [0; 4];
    while let Ok(count @ 1..) = stream.peek(&mut buffer) {
        if count == 4 {
            return;
        }
        thread::yield_now();
    }
}

/// Takes nothing from the first connection until there is a second one.
fn stalling() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        let (_second, _) = listener.accept().unwrap();
        let mut buffer = [0; 65536];
        while let Ok(1..) = first.read(&mut buffer) {}
        // And never anything from the third.
        let third = listener.accept();
        thread::park();
        drop(third);
    });
    port
}

/// A port where nobody listens: bound, so that nobody else does.
fn refusing() -> (u16, std::net::UdpSocket) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        if let Ok(guard) = std::net::UdpSocket::bind(("127.0.0.1", port)) {
            return (port, guard);
        }
    }
}

#[test]
fn every_routine_and_every_status() {
    let Some(compiler) = compiler() else {
        println!("ignored: this machine has no C compiler");
        return;
    };
    let folder = std::env::temp_dir().join(format!("ddi-rxce-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let program = compile("rxce.c", compiler, &folder);
    let (refused, _guard) = refusing();
    let ports = [
        serve(echo),
        serve(close_after_one),
        serve(reset_after_four),
        stalling(),
        refused,
    ];
    let output = under(&program)
        .args(ports.map(|port| port.to_string()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    let _left_behind = std::fs::remove_dir_all(&folder);
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("not ok") || line.starts_with('#'))
        .collect();
    let last = said.lines().last().unwrap_or_default();
    assert!(
        output.status.success() && wrong.is_empty(),
        "{:?}: {last}\n{}\n{complained}",
        output.status,
        wrong.join("\n")
    );
    let passed: usize = last
        .split(' ')
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap();
    assert!(passed > 250, "{last}");
    println!("{last}");
}
