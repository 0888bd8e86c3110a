//! The TCP servers on 127.0.0.1 that `rxce.c` talks to.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The servers. They run until the process ends.
pub(crate) struct Servers {
    /// They echo, close after one byte, reset after four, take nothing until there is a second connection, and refuse.
    pub(crate) addresses: [SocketAddr; 5],
}

/// Nobody listens here (it is that of TCPMUX, RFC 1078), and nobody is given it by chance.
const NOBODYS_PORT: u16 = 1;

impl Servers {
    pub(crate) fn start() -> io::Result<Self> {
        Ok(Servers {
            addresses: [
                serve(echo)?,
                serve(close_after_one)?,
                serve(reset_after_four)?,
                stalling()?,
                SocketAddr::from((Ipv4Addr::LOCALHOST, NOBODYS_PORT)),
            ],
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
