//! Runs `rxce.c` against servers here.

mod c_program;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

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
        let (second, _) = listener.accept().unwrap();
        // Both are closed when the other side has closed: not on every system does that end a receive of its own.
        thread::spawn(move || echo(second));
        let mut buffer = [0; 65536];
        while let Ok(1..) = first.read(&mut buffer) {}
        drop(first);
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
    let (refused, _guard) = refusing();
    let ports = [
        serve(echo),
        serve(close_after_one),
        serve(reset_after_four),
        stalling(),
        refused,
    ];
    if let Some(passed) = c_program::run("rxce.c", &ports.map(|port| port.to_string())) {
        assert!(passed > 600, "{passed}");
    }
}
