//! A good server on the network in memory.

use std::path::Path;

use rxce::Endpoint;
use rxce::memory::MemoryEndpoint;

use crate::simulated::receive_frame;

/// Serves `folder` to one client until it has gone.
pub(crate) async fn serve_one(endpoint: &MemoryEndpoint, folder: &Path) {
    let mut server = p9_server::Server::new(folder, Default::default(), Default::default()).unwrap();
    while let Some(request) = receive_frame(endpoint).await {
        let mut reply = Vec::new();
        server.handle_message(&mut &request[..], &mut reply).unwrap();
        if endpoint.send(reply).await.1.is_err() {
            break;
        }
    }
}
