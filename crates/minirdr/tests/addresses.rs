//! Servers with several addresses, not all of which answer.

#[path = "simulated/good_server.rs"]
mod good_server;
mod simulated;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use executive::task::{CancelToken, Runtime};
use executive::time::Instant;
use good_server::serve_one;
use minirdr::{Level, LogonId, MiniRedirector, Settings};
use nt::{Name, NameBuf, Status};
use rxce::memory::{Listener, Network};
use simulated::{ADDRESS, Simulated};
use testserver::MemoryServer;

const PORT: u16 = ADDRESS.port();
const IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1));
const IPV4: IpAddr = ADDRESS.ip();

/// Serves the first connection.
async fn serve(listener: Listener) {
    let endpoint = listener.accept().await;
    serve_one(&endpoint, &MemoryServer::new()).await;
}

/// Maps a drive onto a host with `addresses`, and takes it away again. How long the first took is in the simulation's time.
fn map(addresses: &[IpAddr], serving: Option<IpAddr>, silent: &[IpAddr]) -> (nt::Result, Duration) {
    let runtime = Runtime::simulated(3).unwrap();
    let network = Network::new(&runtime).unwrap();
    let host = NameBuf::try_from_str("fileserver").unwrap();
    for &address in addresses {
        network.add_name(host.as_name(), address).unwrap();
    }
    for &address in silent {
        network.swallow(SocketAddr::new(address, PORT)).unwrap();
    }
    if let Some(address) = serving {
        let listener = network.listen(SocketAddr::new(address, PORT)).unwrap();
        runtime.spawn(serve(listener)).unwrap();
    }
    let redirector = MiniRedirector::<Simulated>::new(network, runtime.clone(), Settings::default()).unwrap();
    redirector.start().unwrap();
    let drive = NameBuf::try_from_str("\\;X:\\fileserver\\export").unwrap();
    let cancel = CancelToken::try_new().unwrap();
    let adding = redirector.add_connection(drive.as_name(), Name::default(), LogonId(1), &cancel);
    let result = runtime.block_on(adding).unwrap();
    let took = runtime.now().saturating_since(Instant::ORIGIN);
    if result.is_ok() {
        let deleting = redirector.delete_connection(drive.as_name(), LogonId(1), Level::Refuse, &cancel);
        runtime.block_on(deleting).unwrap().unwrap();
    }
    runtime.advance(Duration::from_secs(30));
    redirector.stop().unwrap();
    runtime.cancel_all();
    runtime.shutdown();
    (result.map(drop), took)
}

#[test]
fn an_address_that_is_silent_holds_nobody_up() {
    let deadline = Settings::default().request_timeout;
    assert!(deadline >= Duration::from_secs(2), "or this test says nothing");
    let (result, took) = map(&[IPV6, IPV4], Some(IPV4), &[IPV6]);
    assert_eq!(result, Ok(()));
    assert!(took < Duration::from_secs(1), "{took:?}");
    // The other way round the second address is not even tried.
    let (result, took) = map(&[IPV4, IPV6], Some(IPV4), &[IPV6]);
    assert_eq!(result, Ok(()));
    assert!(took < Duration::from_millis(250), "{took:?}");
}

#[test]
fn an_address_that_refuses_is_passed_over_at_once() {
    let (result, took) = map(&[IPV6, IPV4], Some(IPV4), &[]);
    assert_eq!(result, Ok(()));
    assert!(took < Duration::from_millis(250), "{took:?}");
}

#[test]
fn a_host_of_which_no_address_answers_is_not_there() {
    let (result, took) = map(&[IPV6, IPV4], None, &[IPV6, IPV4]);
    assert_eq!(result, Err(Status::BAD_NETWORK_PATH));
    let deadline = Settings::default().request_timeout;
    assert!(took <= deadline + Duration::from_secs(1), "{took:?}");
}
