//! `/livez` and `/readyz`, as the kubelet asks for them.

use axum::{Router, http::StatusCode, routing::get};
use tokio::net::TcpListener;

use crate::controller::Readiness;

/// Answers until the program ends. Alive: the runtime answers. Ready: the caches are filled and the clock is right.
pub async fn serve(listener: TcpListener, readiness: Readiness) -> std::io::Result<()> {
    let ready = move || {
        let readiness = readiness.clone();
        async move {
            match readiness.check() {
                Ok(()) => (StatusCode::OK, "ok"),
                Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
            }
        }
    };
    let routes = Router::new().route("/livez", get(async || "ok")).route("/readyz", get(ready));
    axum::serve(listener, routes).await
}
