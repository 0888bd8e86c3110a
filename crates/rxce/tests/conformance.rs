//! The one list of checks over each transport that a host has.

use executive::mem::Arc;
use executive::task::Runtime;
use nt::{NameBuf, Status};
use rxce::conformance::{Bench, Check, FAREWELL, Peers, checks};
use rxce::memory::{Link, Listener, MemoryEndpoint, Network};
use rxce::sockets::Sockets;
use rxce::{Binding, Datagrams, Endpoint, Transport};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn bench<T: Transport>(runtime: &Runtime, transport: T, peers: Peers) -> Arc<Bench<T>> {
    let name = NameBuf::try_from_str(r"\Device\Test").unwrap();
    let binding = Binding::build(runtime, transport, name.as_name(), 0).unwrap();
    Arc::try_new(Bench { binding, peers }).unwrap()
}

/// Runs every check and reports all that fail, not only the first.
fn run_all<T: Datagrams>(runtime: &Runtime, bench: &Arc<Bench<T>>) {
    let run = |check: Check<T>| {
        runtime
            .block_on(check.run(bench))
            .unwrap()
            .map_err(|failure| (check.name, failure))
    };
    let failures: Vec<_> = checks().map(run).filter_map(Result::err).collect();
    for (name, failure) in &failures {
        eprintln!("{name}: {failure}");
    }
    assert!(failures.is_empty(), "{} checks failed", failures.len());
    bench.binding.tear_down().unwrap();
    bench.binding.tear_down().unwrap();
}

#[test]
fn sockets_conform() {
    let runtime = Runtime::start(2).unwrap();
    let peers = Peers {
        echo: serve(|mut stream| {
            let mut buffer = vec![0; 65_536];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        }),
        // Nobody listens on TCPMUX's port, and nobody is given it by chance.
        refusing: SocketAddr::from(([127, 0, 0, 1], 1)),
        closing: serve(|mut stream| stream.write_all(FAREWELL).unwrap()),
        // Closing a socket that has unread bytes resets the connection.
        resetting: serve(|stream| drop(stream.peek(&mut [0]))),
        silent: serve(|_stream| thread::sleep(Duration::from_secs(3600))),
    };
    run_all(&runtime, &bench(&runtime, Sockets, peers));
    runtime.shutdown();
}

#[test]
fn sockets_connect_from_where_they_are_told() {
    let runtime = Runtime::start(1).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap();
    let from = |local: &str| {
        let local = local.parse().unwrap();
        runtime.block_on(Sockets.connect(local, remote)).unwrap()
    };
    let (_first, there) = (from("127.0.0.2:0").unwrap(), listener.accept().unwrap().1);
    assert_eq!(there.ip().to_string(), "127.0.0.2");
    // Documentation's address (RFC 5737): nobody's.
    assert_eq!(from("203.0.113.1:0").err(), Some(Status::INVALID_ADDRESS));
    // In use, by the listener.
    let taken = from(&remote.to_string()).err();
    assert_eq!(taken, Some(Status::ADDRESS_ALREADY_EXISTS));
    runtime.shutdown();
}

/// Serves every connection to a new loopback address on a thread of its own, until the process ends.
fn serve(serve_one: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || serve_one(stream));
        }
    });
    address
}

#[test]
fn memory_conforms_for_many_seeds() {
    for seed in 0..8 {
        let runtime = Runtime::simulated(seed).unwrap();
        let network = Network::new(&runtime).unwrap();
        network.set_link(Link {
            latency: Duration::from_micros(seed * 50),
            window: 10_000 << (seed % 5),
            // Fast and slow, whole and in pieces.
            bandwidth: [0, 50_000_000][(seed % 2) as usize],
            piece: [0, 1460, 8000][(seed % 3) as usize],
        });
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let peers = Peers {
            echo: at(1),
            refusing: at(2),
            closing: at(3),
            resetting: at(4),
            silent: at(5),
        };
        accept_all(&runtime, &network, peers.echo, echo);
        accept_all(&runtime, &network, peers.closing, async |endpoint| {
            endpoint.send(FAREWELL.to_vec()).await.1.unwrap();
        });
        accept_all(&runtime, &network, peers.resetting, async |endpoint| {
            endpoint.receive(vec![0], 0).await.1.unwrap();
            endpoint.reset();
        });
        accept_all(&runtime, &network, peers.silent, async |endpoint| {
            let _kept = endpoint;
            std::future::pending::<()>().await;
        });
        let bench = bench(&runtime, network, peers);
        run_all(&runtime, &bench);
        runtime.cancel_all();
        runtime.shutdown();
        drop(bench);
    }
}

async fn echo(endpoint: MemoryEndpoint) {
    let mut buffer = vec![0; 30_000];
    loop {
        let (back, received) = endpoint.receive(buffer, 0).await;
        buffer = back;
        let Ok(count @ 1..) = received else { return };
        if endpoint.send(buffer[..count].to_vec()).await.1.is_err() {
            return;
        }
    }
}

fn accept_all<F>(
    runtime: &Runtime,
    network: &Network,
    address: SocketAddr,
    serve_one: impl Fn(MemoryEndpoint) -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let listener: Listener = network.listen(address).unwrap();
    let spawner = runtime.clone();
    let accepting = async move {
        loop {
            let endpoint = listener.accept().await;
            spawner.spawn(serve_one(endpoint)).unwrap();
        }
    };
    runtime.spawn(accepting).unwrap();
}
