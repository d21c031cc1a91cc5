//! The three servers as a value: started, stopped and started again, ended on drop.

use std::ops::Deref;
use std::process::Child;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::binaries::Binaries;
use crate::cluster::Cluster;
use crate::install::install;
use crate::leash;
use crate::ports::Port;
use crate::scratch::Scratch;
use crate::servers::{Durability, Layout, Server, log_tail};

/// A control plane of this process, with throw-away data. What it can be asked is in [`Cluster`].
pub struct ControlPlane {
    cluster: Cluster,
    binaries: Binaries,
    // Dropped in this order: the servers before their ports and their folder.
    running: Running,
    _ports: [Port; 3],
    _scratch: Scratch,
}

impl Deref for ControlPlane {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

/// How long a server may take on a machine that builds something at the same time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a control plane begins with.
#[derive(Clone, Copy)]
enum Inventory {
    Nothing,
    /// The CRDs and the RBAC of this checkout.
    Installed,
}

impl ControlPlane {
    /// Etcd, API server and controller manager, ready to answer. Nothing is installed.
    pub async fn start() -> Result<Self> {
        Self::start_with(Inventory::Nothing).await
    }

    /// The same with CRDs and RBAC.
    pub async fn start_installed() -> Result<Self> {
        Self::start_with(Inventory::Installed).await
    }

    async fn start_with(inventory: Inventory) -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(Binaries::find).await??;
        // A port that was free when it was claimed may be somebody else's a moment later.
        let mut attempts = 3;
        loop {
            match Self::try_start(&binaries, inventory).await {
                Err(error) if attempts > 1 => {
                    attempts -= 1;
                    eprintln!("the control plane did not start, trying other ports: {error:#}");
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_start(binaries: &Binaries, inventory: Inventory) -> Result<Self> {
        let scratch = Scratch::new()?;
        let ports = [Port::claim()?, Port::claim()?, Port::claim()?];
        let layout = Layout {
            dir: scratch.path().to_owned(),
            etcd_port: ports[0].number,
            peer_port: ports[1].number,
            api_port: ports[2].number,
            durability: Durability::ThrowAway,
        };
        layout.prepare()?;
        let running = Running::default();
        running.start(&layout, binaries, Server::Etcd)?;
        running.start(&layout, binaries, Server::Apiserver)?;
        let cluster = wait_ready(&layout, binaries, || running.nobody_died(&layout)).await?;
        match inventory {
            Inventory::Nothing => {}
            Inventory::Installed => install(&cluster).await?,
        }
        // Last: its garbage collector looks for kinds when it starts, and then only every half minute. What is deleted
        // before it knows the kind leaves its Secrets for as long again as it was there.
        running.start(&layout, binaries, Server::ControllerManager)?;
        Ok(Self { cluster, binaries: binaries.clone(), running, _ports: ports, _scratch: scratch })
    }

    /// Kills one server, as a crash would; its data and its port stay.
    pub fn stop(&self, server: Server) {
        self.running.stop(server);
    }

    /// Starts these servers again on the same ports and data; returns when the API server is ready.
    pub async fn start_again(&self, servers: &[Server]) -> Result<()> {
        for server in servers {
            self.running.stop(*server);
            self.running.start(&self.layout, &self.binaries, *server)?;
        }
        wait_ready(&self.layout, &self.binaries, || self.running.nobody_died(&self.layout)).await?;
        Ok(())
    }

    /// Makes one server silent until what is returned is dropped: it keeps its connections, and answers nobody.
    pub fn silence(&self, server: Server) -> Silence<'_> {
        self.running.signal(server, libc::SIGSTOP);
        Silence { running: &self.running, server }
    }

    pub fn stop_etcd(&self) {
        self.stop(Server::Etcd);
    }

    /// Needs a running API server: it is what says that etcd is back.
    pub async fn start_etcd(&self) -> Result<()> {
        self.start_again(&[Server::Etcd]).await
    }

    pub fn stop_apiserver(&self) {
        self.stop(Server::Apiserver);
    }

    pub async fn start_apiserver(&self) -> Result<()> {
        self.start_again(&[Server::Apiserver]).await
    }

    /// The ids of the servers that were started and not stopped.
    pub fn process_ids(&self) -> Vec<u32> {
        self.running.children().iter().map(|(_, child)| child.id()).collect()
    }
}

/// A server that is stopped where it stands; it goes on when this is dropped.
#[must_use = "it goes on when this is dropped"]
pub struct Silence<'a> {
    running: &'a Running,
    server: Server,
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        self.running.signal(self.server, libc::SIGCONT);
    }
}

/// Waits until the API server says that it is ready, or until `alive` says why it never will be.
pub async fn wait_ready(
    layout: &Layout,
    binaries: &Binaries,
    alive: impl Fn() -> Result<()>,
) -> Result<Cluster> {
    let began = Instant::now();
    loop {
        alive()?;
        // The API server makes its certificate first of all; without it nobody can be sure whom he talks to.
        let answer = match Cluster::open(layout, &binaries.kubectl).await {
            Ok(cluster) => cluster.is_ready().await.map(|()| cluster),
            Err(error) => Err(error),
        };
        match answer {
            Ok(cluster) => return Ok(cluster),
            Err(error) if began.elapsed() > PATIENCE => {
                let tail = log_tail(&layout.log(Server::Apiserver.name()));
                return Err(error.context(format!("the API server is not ready after {PATIENCE:?}:\n{tail}")));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// The servers' processes.
#[derive(Default)]
struct Running(Mutex<Vec<(Server, Child)>>);

impl Running {
    fn children(&self) -> std::sync::MutexGuard<'_, Vec<(Server, Child)>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn start(&self, layout: &Layout, binaries: &Binaries, server: Server) -> Result<()> {
        let child = leash::spawn(layout.command(server, binaries)?)?;
        self.children().push((server, child));
        Ok(())
    }

    fn stop(&self, server: Server) {
        let mut children = self.children();
        for (_, child) in children.iter_mut().filter(|(which, _)| *which == server) {
            end(child);
        }
        children.retain(|(which, _)| *which != server);
    }

    fn signal(&self, server: Server, signal: i32) {
        for (_, child) in self.children().iter().filter(|(which, _)| *which == server) {
            // SAFETY: kill has no memory to harm; the id is our unreaped child's, so nobody else's.
            unsafe { libc::kill(child.id() as i32, signal) };
        }
    }

    fn nobody_died(&self, layout: &Layout) -> Result<()> {
        for (server, child) in self.children().iter_mut() {
            if let Some(status) = child.try_wait()? {
                let name = server.name();
                bail!("{name} ended with {status}:\n{}", log_tail(&layout.log(name)));
            }
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The last started first: nobody should see what he depends on go away, and complain in a log.
        for (_, child) in self.children().iter_mut().rev() {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
