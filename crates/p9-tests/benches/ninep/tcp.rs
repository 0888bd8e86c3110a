//! Bare TCP: what the loopback interface carries when nobody does anything with the bytes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use crate::Result;
use crate::contest::Row;

/// Bytes handed over at once: one message with 64 KiB, as diod's are at most.
const CHUNK: usize = 64 * 1024;
/// Bytes taken at once, as the client takes them.
const TAKE: usize = 256 * 1024;

/// Sends `size` bytes through a connection.
pub(crate) fn blast(size: u64) -> Result<Vec<Row>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let sender = thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let chunk = vec![0x5a; CHUNK];
        let mut left = size;
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            stream.write_all(&chunk[..part])?;
            left -= part as u64;
        }
        Ok(())
    });
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut buffer = vec![0; TAKE];
    let (mut received, started) = (0, Instant::now());
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            count => received += count as u64,
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    sender.join().map_err(|_| "the sender died")??;
    if received != size {
        return Err(format!("{received} of {size} bytes came").into());
    }
    Ok(vec![Row {
        who: "bare TCP".into(),
        what: "sequential read".into(),
        depth: 1,
        per_second: received as f64 / seconds,
        bytes: Some(received),
        cpu_seconds: None,
        server_cpu_seconds: None,
    }])
}
