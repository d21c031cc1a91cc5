//! Logs: for people or as JSON, never with a secret in them.

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Logs to standard error, as `RUST_LOG` asks, by default from `info` on.
pub fn start(format: LogFormat) {
    let asked = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let registry = tracing_subscriber::registry().with(discreet(asked));
    match format {
        LogFormat::Text => {
            registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).init()
        }
        LogFormat::Json => {
            registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).init()
        }
    }
    std::panic::set_hook(Box::new(|panic| {
        // What a panic says could hold anything; where it happened is enough to find it.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

/// Less than was asked for: the client logs the body of an answer that it cannot read, and that may be a Secret; the layers
/// below it log what they send.
fn discreet(asked: EnvFilter) -> EnvFilter {
    ["kube_client::client=off", "hyper=info", "hyper_util=info", "h2=info", "rustls=info", "tower=info"]
        .iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(asked, EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        io::Write,
        sync::{Arc, Mutex},
    };

    use http::{Request, Response};
    use k8s_openapi::api::core::v1::Secret;
    use kube::{Api, Client, client::Body};
    use tracing::instrument::WithSubscriber;

    use super::*;

    const VALUE: &str = "c2VzYW1lIGlzIG5vdCB0aGUgd29yZA==";

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is logged when the server's answer to a question for a Secret breaks off.
    async fn logged(filter: EnvFilter) -> String {
        let broken = tower::service_fn(|_: Request<Body>| async {
            let text = format!(r#"{{"kind":"Secret","data":{{"token":"{VALUE}"}},"metadata":{{"na"#);
            Ok::<_, Infallible>(Response::new(Body::from(text.into_bytes())))
        });
        let log = Log::default();
        let writer = log.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let api: Api<Secret> = Api::namespaced(Client::new(broken, "ns"), "ns");
        async { api.get("ci").await.expect_err("it cannot be read") }
            .with_subscriber(tracing_subscriber::registry().with(filter).with(layer))
            .await;
        let log = log.0.lock().unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    #[tokio::test]
    async fn a_secret_that_cannot_be_read_is_not_logged_whatever_is_asked_for() {
        let asked = || EnvFilter::new("trace,kube_client=trace,kube_client::client=trace");
        assert!(logged(asked()).await.contains(VALUE), "the client does not do it any more: say less here");
        assert!(!logged(discreet(asked())).await.contains(VALUE));
    }
}
