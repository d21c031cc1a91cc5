//! The client: no blind retries, and an ear for the server's clock.

use http::Response;
use kube::{Client, Config, client::ClientBuilder};
use tower::util::MapResponseLayer;

use super::{clock::Clock, watch::SILENCE};

/// A client whose answers tell the clock what time the server has. Retrying is the queue's work: it decides again.
pub fn connect(mut config: Config, clock: Clock) -> kube::Result<Client> {
    config.default_retry = false;
    // A connection on which nothing arrives for longer than any watch is silent is dead.
    config.read_timeout = Some(SILENCE);
    let hear = move |answer: Response<_>| {
        clock.hear(answer.headers());
        answer
    };
    Ok(ClientBuilder::try_from(config)?.with_layer(&MapResponseLayer::new(hear)).build())
}
