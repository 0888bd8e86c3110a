//! A good server on the network in memory.

use rxce::Endpoint;
use rxce::memory::MemoryEndpoint;
use testserver::MemoryServer;

use crate::simulated::receive_frame;

/// Serves one client until it has gone.
pub(crate) async fn serve_one(endpoint: &MemoryEndpoint, server: &MemoryServer) {
    let mut connection = server.connect();
    while let Some(request) = receive_frame(endpoint).await {
        if endpoint.send(connection.answer(&request)).await.1.is_err() {
            break;
        }
    }
}
