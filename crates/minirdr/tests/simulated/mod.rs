//! A redirector on the network in memory.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use executive::mem::AllocError;
use minirdr::Platform;
use rxce::Endpoint;
use rxce::memory::{MemoryEndpoint, Network};

/// Where the servers are.
pub(crate) const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 564);

pub(crate) struct Simulated;

impl Platform for Simulated {
    type Transport = Network;
    type FcbHeader = ();

    fn new_fcb_header() -> Result<(), AllocError> {
        Ok(())
    }
}

pub(crate) async fn receive_frame(endpoint: &MemoryEndpoint) -> Option<Vec<u8>> {
    let mut frame = receive_exactly(endpoint, vec![0; 4], 0).await?;
    let size = u32::from_le_bytes(frame[..4].try_into().unwrap());
    frame.resize(size as usize, 0);
    receive_exactly(endpoint, frame, 4).await
}

async fn receive_exactly(endpoint: &MemoryEndpoint, mut buffer: Vec<u8>, mut have: usize) -> Option<Vec<u8>> {
    while have < buffer.len() {
        let (back, result) = endpoint.receive(buffer, have).await;
        buffer = back;
        have += result.ok().filter(|&count| count > 0)?;
    }
    Some(buffer)
}
