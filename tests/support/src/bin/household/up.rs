//! Starts what does not run yet, installs, applies the quickstart and says what to look at.

use std::path::Path;

use anyhow::{Context, Result, bail};
use support::binaries::Binaries;
use support::control_plane::wait_ready;
use support::install::install;
use support::operator::{self, Launch};
use support::servers::{Layout, Server, log_tail};
use support::{Cluster, checkout, examples};

use crate::home::{Home, shown};
use crate::process::{Process, version};
use crate::settled;

pub const OPERATOR: &str = "chatelaine";
const QUICKSTART: &str = "examples/quickstart";

pub async fn up(operator: &Path) -> Result<()> {
    let mut home = Home::open()?;
    let binaries = tokio::task::spawn_blocking(Binaries::find).await??;
    let layout = home.layout()?;
    layout.prepare()?;
    start_server(&mut home, &layout, &binaries, Server::Etcd)?;
    start_server(&mut home, &layout, &binaries, Server::Apiserver)?;
    let cluster = wait_ready(&layout, &binaries, || {
        still_run(&home, &layout, &[Server::Etcd.name(), Server::Apiserver.name()])
    })
    .await?;
    install(&cluster).await?;
    println!("CRDs and roles are installed");
    // After the CRDs: its garbage collector looks for new kinds when it starts, and then only every half minute.
    start_server(&mut home, &layout, &binaries, Server::ControllerManager)?;
    start_operator(&mut home, &cluster, operator).await?;

    let edited = examples::apply(&cluster, QUICKSTART).await?;
    if let Some(refused) = &edited {
        println!(
            "\nAn example that was edited stays as it is (delete it, and `make up` brings it back):\n{refused}"
        );
    }
    let waited = settled::wait(&cluster, QUICKSTART).await;
    print!(
        "\n$ kubectl get credentials -A\n{}",
        cluster.kubectl(&["get", "credentials", "-A"]).await.checked()?
    );
    match (waited, edited) {
        (Err(error), Some(_)) => println!("\n{error}"),
        (waited, _) => waited?,
    }
    println!("{}", farewell(&cluster));
    Ok(())
}

fn start_server(home: &mut Home, layout: &Layout, binaries: &Binaries, server: Server) -> Result<()> {
    let command = layout.command(server, binaries)?;
    // The controller manager learns the ports from a file, so they are not among its arguments.
    let version = version(&command, &layout.server_url())?;
    keep_or_start(home, server.name(), version, || Ok(command)).map(drop)
}

async fn start_operator(home: &mut Home, cluster: &Cluster, binary: &Path) -> Result<()> {
    let binary = binary.canonicalize().with_context(|| format!("{} is not built", binary.display()))?;
    let log = cluster.layout.log(OPERATOR);
    let command = Launch::of(binary).command(cluster, &log).await?;
    let version = version(&command, &cluster.layout.server_url())?;
    keep_or_start(home, OPERATOR, version, || {
        // Whether it is ready is read from its log: an older start's word must not count.
        std::fs::write(&log, "")?;
        Ok(command)
    })?;
    operator::wait_ready(&log, || still_run(home, &cluster.layout, &[OPERATOR])).await?;
    Ok(())
}

/// What runs is kept, unless it is not what would be started now.
fn keep_or_start(
    home: &mut Home,
    name: &str,
    version: String,
    command: impl FnOnce() -> Result<std::process::Command>,
) -> Result<()> {
    if let Some(process) = home.running(name) {
        if process.version == version {
            println!("{name} runs (process {})", process.id);
            return Ok(());
        }
        println!("{name} has changed: stopping process {}", process.id);
        process.end();
    }
    let process = Process::start(command()?, version)?;
    println!("{name} started (process {})", process.id);
    home.note.processes.insert(name.into(), process);
    home.write_note()
}

fn still_run(home: &Home, layout: &Layout, names: &[&str]) -> Result<()> {
    match names.iter().find(|name| home.running(name).is_none()) {
        Some(name) => bail!("{name} ended:\n{}", log_tail(&layout.log(name))),
        None => Ok(()),
    }
}

fn farewell(cluster: &Cluster) -> String {
    let kubeconfig = cluster.layout.admin_kubeconfig();
    let kubectl = match cluster.kubectl_path() {
        built if built.starts_with(checkout::cache().unwrap_or_default()) => {
            format!("    alias kubectl={}\n", built.display())
        }
        _ => String::new(),
    };
    format!(
        "
A Kubernetes API server, and Chatelaine with the rights of its own ServiceAccount. To look around:

    export KUBECONFIG={kubeconfig}
{kubectl}
Rotate a key pair; the old secret key stays valid beside the new one for an hour:
    kubectl annotate apikeypair alice-ci --overwrite chatelaine.dev/rotate=\"$(date +%s)\"
    kubectl describe apikeypair alice-ci

Watch a token expire, two minutes after it was issued; its Secret loses the token (a rotation gives it two more):
    kubectl get accesstoken alice-trial --watch

Reveal a token, then delete it, and its Secret goes with it:
    kubectl get secret alice-deploy -o jsonpath='{{.data.token}}' | base64 -d; echo
    kubectl delete accesstoken alice-deploy; kubectl get secret alice-deploy

Logs are in {logs}; `make up` again brings back what is missing; `make down` stops and removes it all.",
        kubeconfig = kubeconfig.display(),
        logs = shown(&cluster.layout.dir.join("logs")),
    )
}
