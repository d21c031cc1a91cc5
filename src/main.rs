//! `chatelaine`: the operator, and the CRDs that it serves.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::todo)]

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use chatelaine::{
    api::{crd_yaml, crds},
    controller::{Readiness, Settings, client::connect, clock::Clock, run},
    ops::{
        health,
        telemetry::{self, LogFormat},
    },
};
use clap::{Parser, Subcommand};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Keeps credentials: mints, rotates, overlaps, withholds, expires and revokes them.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator.
    Run(Run),
    /// Print the CustomResourceDefinitions.
    Crds {
        /// Write one file per kind into this folder instead.
        #[arg(long)]
        directory: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
struct Run {
    /// How many objects are worked on at the same time.
    #[arg(long, env = "CHATELAINE_CONCURRENCY", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    /// Prefixes, or whole keys, that spec.secret.labels and spec.secret.annotations may have beside the common ones.
    #[arg(long, env = "CHATELAINE_SECRET_METADATA_ALLOW", value_delimiter = ',')]
    secret_metadata_allow: Vec<String>,
    /// Where /livez and /readyz are answered.
    #[arg(long, env = "CHATELAINE_HEALTH_ADDRESS", default_value = "0.0.0.0:8081")]
    health_address: SocketAddr,
    /// How logs are written, to standard error.
    #[arg(long, env = "CHATELAINE_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(arguments) => operate(arguments).await,
        Command::Crds { directory } => print_crds(directory),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatelaine: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn operate(arguments: Run) -> Result<()> {
    telemetry::start(arguments.log_format);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = kube::Config::infer().await.context("no cluster: set KUBECONFIG, or run in a pod")?;
    let clock = Clock::default();
    let client = connect(config, clock.clone()).context("the client could not be made")?;
    let listener = TcpListener::bind(arguments.health_address).await.with_context(|| {
        format!("cannot listen on {}: choose another --health-address", arguments.health_address)
    })?;
    let health = listener.local_addr()?;
    tracing::info!(%health, "starting");
    let readiness = Readiness::new(clock.clone());
    tokio::spawn(health::serve(listener, readiness.clone()));
    let filled = readiness.clone();
    tokio::spawn(async move {
        filled.filled().await;
        tracing::info!(%health, "ready");
    });
    let settings = Settings {
        concurrency: arguments.concurrency.into(),
        secret_metadata_allow: arguments.secret_metadata_allow,
        ..Settings::default()
    };
    Ok(run(client, clock, settings, readiness, asked_to_stop()).await?)
}

async fn asked_to_stop() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! { _ = terminate => {}, _ = tokio::signal::ctrl_c() => {} }
}

fn print_crds(directory: Option<PathBuf>) -> Result<()> {
    for crd in crds() {
        let yaml = crd_yaml(&crd);
        match &directory {
            None => println!("---\n{yaml}"),
            Some(directory) => {
                let path = directory.join(format!("{}.yaml", crd.spec.names.plural));
                std::fs::write(&path, yaml).with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    Ok(())
}
