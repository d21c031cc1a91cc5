//! The command lines of the three servers, and what they need on disk.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use data_encoding::{BASE64_MIME_PERMISSIVE, HEXLOWER};

use crate::binaries::Binaries;

/// The three servers, in the order in which they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Etcd,
    Apiserver,
    ControllerManager,
}

impl Server {
    pub const ALL: [Server; 3] = [Server::Etcd, Server::Apiserver, Server::ControllerManager];

    pub fn name(self) -> &'static str {
        match self {
            Server::Etcd => "etcd",
            Server::Apiserver => "kube-apiserver",
            Server::ControllerManager => "kube-controller-manager",
        }
    }
}

/// Whether the data must survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// etcd waits for the disk.
    Kept,
    /// etcd does not: faster by far, and a killed process loses nothing.
    ThrowAway,
}

/// One control plane on disk and on loopback.
#[derive(Clone, Debug)]
pub struct Layout {
    pub dir: PathBuf,
    pub etcd_port: u16,
    pub peer_port: u16,
    pub api_port: u16,
    pub durability: Durability,
}

impl Layout {
    /// Makes the keys, the administrator's token and the administrator's kubeconfig, keeping keys that are there.
    pub fn prepare(&self) -> Result<()> {
        for folder in ["certs", "logs", "users"] {
            fs::create_dir_all(self.dir.join(folder))?;
        }
        if !self.dir.join("admin.token").is_file() {
            let (private, public) = service_account_key()?;
            write_private(&self.dir.join("sa.key"), &private)?;
            write_private(&self.dir.join("sa.pub"), &public)?;
            let mut token = [0; 32];
            aws_lc_rs::rand::fill(&mut token)?;
            let token = HEXLOWER.encode(&token);
            write_private(&self.dir.join("tokens.csv"), &format!("{token},admin,admin,system:masters\n"))?;
            // The last one: its presence says that the others are complete.
            write_private(&self.dir.join("admin.token"), &token)?;
        }
        let token = fs::read_to_string(self.dir.join("admin.token"))?;
        write_private(&self.admin_kubeconfig(), &self.kubeconfig("admin", "default", &token))
    }

    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }

    pub fn server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port)
    }

    pub fn kubeconfig(&self, user: &str, namespace: &str, token: &str) -> String {
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters:\n\
             - name: chatelaine\n  cluster: {{server: \"{url}\", certificate-authority: \"{ca}\"}}\n\
             users:\n\
             - name: {user}\n  user: {{token: \"{token}\"}}\n\
             contexts:\n\
             - name: chatelaine\n  context: {{cluster: chatelaine, user: {user}, namespace: {namespace}}}\n\
             current-context: chatelaine\n",
            url = self.server_url(),
            ca = self.dir.join("certs/apiserver.crt").display(),
        )
    }

    pub fn command(&self, server: Server, binaries: &Binaries) -> Result<Command> {
        let mut command = match server {
            Server::Etcd => self.etcd(&binaries.etcd),
            Server::Apiserver => self.apiserver(&binaries.apiserver),
            Server::ControllerManager => self.controller_manager(&binaries.controller_manager),
        };
        let log = log_file(&self.log(server.name()))?;
        command.current_dir(&self.dir).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    fn etcd(&self, binary: &Path) -> Command {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let mut command = Command::new(binary);
        command
            .arg(flag("data-dir", self.dir.join("etcd").display()))
            .arg(flag("listen-client-urls", &client))
            .arg(flag("advertise-client-urls", &client))
            .arg(flag("listen-peer-urls", &peer))
            .arg(flag("initial-advertise-peer-urls", &peer))
            .arg(flag("initial-cluster", format!("default={peer}")))
            .arg("--log-level=warn");
        match self.durability {
            Durability::Kept => &mut command,
            Durability::ThrowAway => command.arg("--unsafe-no-fsync"),
        };
        command
    }

    fn apiserver(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command
            .arg(flag("etcd-servers", format!("http://127.0.0.1:{}", self.etcd_port)))
            .arg("--bind-address=127.0.0.1")
            .arg(flag("secure-port", self.api_port))
            .arg(flag("cert-dir", self.dir.join("certs").display()))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(flag("service-account-key-file", self.dir.join("sa.pub").display()))
            .arg(flag("service-account-signing-key-file", self.dir.join("sa.key").display()))
            .arg("--service-cluster-ip-range=10.96.0.0/24")
            .arg("--authorization-mode=RBAC")
            .arg(flag("token-auth-file", self.dir.join("tokens.csv").display()))
            .arg("--endpoint-reconciler-type=none");
        command
    }

    fn controller_manager(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command
            .arg(flag("kubeconfig", self.admin_kubeconfig().display()))
            .arg(flag("service-account-private-key-file", self.dir.join("sa.key").display()))
            .arg("--leader-elect=false")
            .arg("--secure-port=0");
        command
    }
}

/// The end of a server's log, for the message that says that it did not start.
pub fn log_tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

pub fn log_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}

pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(|| format!("writing {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    fs::rename(&unfinished, path).with_context(|| format!("writing {}", path.display()))
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

/// The key that signs ServiceAccount tokens, private and public, as PEM.
fn service_account_key() -> Result<(String, String)> {
    let rejected = |_| anyhow::anyhow!("making the key for ServiceAccount tokens");
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .map_err(rejected)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref())?;
    let public = pair.public_key().as_der()?;
    Ok((pem("PRIVATE KEY", document.as_ref()), pem("PUBLIC KEY", public.as_ref())))
}

fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        BASE64_MIME_PERMISSIVE.encode(der).replace("\r\n", "\n").trim()
    )
}
