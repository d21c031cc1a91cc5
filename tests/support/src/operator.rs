//! The product's binary as a value: started with a user's rights, asked for its logs, killed or stopped.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cluster::{Cluster, User};
use crate::leash;
use crate::servers::{log_file, log_tail};

/// A running `chatelaine run`; killed on drop.
pub struct Operator {
    child: Mutex<Child>,
    log: PathBuf,
}

/// What to run, with what; [`Launch::start`] runs it.
#[derive(Clone, Debug)]
pub struct Launch {
    binary: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    user: User,
}

impl Launch {
    /// Tests pass `env!("CARGO_BIN_EXE_chatelaine")`.
    pub fn of(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), args: Vec::new(), env: Vec::new(), user: User::Operator }
    }

    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub fn user(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// The command line, for those who keep the process themselves. Its output goes to `log`.
    pub async fn command(&self, cluster: &Cluster, log: &Path) -> Result<Command> {
        let mut command = Command::new(&self.binary);
        command
            .args(["run", "--health-address", "127.0.0.1:0", "--log-format", "json"])
            .args(&self.args)
            .env("KUBECONFIG", cluster.kubeconfig_for(&self.user).await?)
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        let output = log_file(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        Ok(command)
    }

    /// Starts it without waiting for anything.
    pub async fn start(&self, cluster: &Cluster) -> Result<Operator> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let log = cluster.layout.log(&format!("operator-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let command = self.command(cluster, &log).await?;
        let child = leash::spawn(command).with_context(|| format!("running {}", self.binary.display()))?;
        Ok(Operator { child: Mutex::new(child), log })
    }
}

impl Operator {
    /// Starts it with the operator's own rights and waits until its caches are filled.
    pub async fn start(cluster: &Cluster, binary: &str, args: &[&str]) -> Result<Self> {
        let operator = Launch::of(binary).args(args.iter().copied()).start(cluster).await?;
        operator.wait_ready().await?;
        Ok(operator)
    }

    /// Returns the address of its health server once that says that it is ready.
    pub async fn wait_ready(&self) -> Result<SocketAddr> {
        wait_ready(&self.log, || match self.child().try_wait()? {
            Some(status) => bail!("the operator ended with {status}"),
            None => Ok(()),
        })
        .await
    }

    /// SIGKILL: what a lost node looks like.
    pub fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// SIGTERM, then its exit status, or an error if it does not end within half a minute.
    pub async fn stop(&self) -> Result<ExitStatus> {
        // SAFETY: kill has no memory to harm; the id is our unreaped child's, so nobody else's.
        unsafe { libc::kill(self.child().id() as i32, libc::SIGTERM) };
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child().try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the operator does not end when asked:\n{}", log_tail(&self.log))
    }

    /// Everything that it has written to stdout and stderr.
    pub fn logs(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn process_id(&self) -> u32 {
        self.child().id()
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the log line `ready` of the latest start and for `/readyz` at the address that it names.
pub async fn wait_ready(log: &Path, alive: impl Fn() -> Result<()>) -> Result<SocketAddr> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(address) = announced(&fs::read_to_string(log).unwrap_or_default())
            && get(address, "/readyz").await.is_ok_and(|answer| answer.contains(" 200 "))
        {
            return Ok(address);
        }
        alive().with_context(|| log_tail(log))?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("the operator is not ready after a minute:\n{}", log_tail(log))
}

/// The address in the last JSON line whose message is `ready`.
fn announced(log: &str) -> Option<SocketAddr> {
    log.lines().rev().filter(|line| line.contains("\"ready\"")).find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let fields = line.get("fields").unwrap_or(&line);
        if fields.get("message")?.as_str()? != "ready" {
            return None;
        }
        fields.get("health")?.as_str()?.parse().ok()
    })
}

/// One GET over plain HTTP; the whole answer, head and body.
pub async fn get(address: SocketAddr, path: &str) -> Result<String> {
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(Duration::from_secs(5), ask).await?
}
