//! The TCP servers on 127.0.0.1 that `rxce.c` talks to.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

/// The servers. They run until the process ends.
pub(crate) struct Servers {
    /// They echo, close after one byte, reset after four, take nothing until there is a second connection, and refuse.
    pub(crate) addresses: [SocketAddr; 5],
    /// Keeps the port that refuses from being anybody else's.
    _guard: UdpSocket,
}

impl Servers {
    pub(crate) fn start() -> io::Result<Self> {
        let (refusing, guard) = refusing()?;
        Ok(Servers {
            addresses: [
                serve(echo)?,
                serve(close_after_one)?,
                serve(reset_after_four)?,
                stalling()?,
                refusing,
            ],
            _guard: guard,
        })
    }
}

fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves each connection to a new port on a thread of its own.
fn serve(each: fn(TcpStream)) -> io::Result<SocketAddr> {
    let (listener, address) = listen()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || each(stream));
        }
    });
    Ok(address)
}

fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let got = buffer.get(..count).unwrap_or_default();
        if stream.write_all(got).is_err() {
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
fn stalling() -> io::Result<SocketAddr> {
    let (listener, address) = listen()?;
    thread::spawn(move || {
        let (Ok((mut first, _)), Ok((second, _))) = (listener.accept(), listener.accept()) else {
            return;
        };
        thread::spawn(move || echo(second));
        let mut buffer = [0; 65536];
        while let Ok(1..) = first.read(&mut buffer) {}
        drop(first);
        // And never anything from the third.
        let third = listener.accept();
        thread::park();
        drop(third);
    });
    Ok(address)
}

/// A port where nobody listens: bound, so that nobody else does.
fn refusing() -> io::Result<(SocketAddr, UdpSocket)> {
    loop {
        let (listener, address) = listen()?;
        drop(listener);
        if let Ok(guard) = UdpSocket::bind(address) {
            return Ok((address, guard));
        }
    }
}
