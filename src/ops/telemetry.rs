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
    // The client logs the body of an answer that it cannot read, and that may be a Secret; the layers below it log
    // what they send.
    let asked =
        ["kube_client::client=off", "hyper=info", "hyper_util=info", "h2=info", "rustls=info", "tower=info"]
            .iter()
            .filter_map(|directive| directive.parse().ok())
            .fold(asked, EnvFilter::add_directive);
    let registry = tracing_subscriber::registry().with(asked);
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
