//! Finds etcd, kube-apiserver, kube-controller-manager and kubectl, or builds them once from the pinned Go modules.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::checkout;

/// Paths of programs that exist.
#[derive(Clone, Debug)]
pub struct Binaries {
    pub etcd: PathBuf,
    pub apiserver: PathBuf,
    pub controller_manager: PathBuf,
    pub kubectl: PathBuf,
}

struct Program {
    name: &'static str,
    package: &'static str,
    usually: &'static str,
}

const ETCD: Program = Program { name: "etcd", package: "go.etcd.io/etcd/server/v3", usually: "1 minute" };
const APISERVER: Program = Program {
    name: "kube-apiserver",
    package: "k8s.io/kubernetes/cmd/kube-apiserver",
    usually: "4 to 7 minutes",
};
const CONTROLLER_MANAGER: Program = Program {
    name: "kube-controller-manager",
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    usually: "2 minutes",
};
const KUBECTL: Program =
    Program { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl", usually: "half a minute" };

impl Binaries {
    /// `KUBEBUILDER_ASSETS` first, then the cache folder; what is in neither is built into the cache folder.
    ///
    /// A kubectl on the `PATH` is preferred to a built one: it is the one whose output people know.
    pub fn find() -> Result<Self> {
        let pins = Pins::read()?;
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let find = |program: &Program| find_or_build(program, assets.as_deref(), &pins);
        Ok(Self {
            etcd: find(&ETCD)?,
            apiserver: find(&APISERVER)?,
            controller_manager: find(&CONTROLLER_MANAGER)?,
            kubectl: match on_path("kubectl") {
                Some(kubectl) => kubectl,
                None => find(&KUBECTL)?,
            },
        })
    }
}

/// The versions, read from `tests/control-plane/go.mod`: the one place that pins them.
struct Pins {
    kubernetes: String,
    etcd: String,
}

impl Pins {
    fn read() -> Result<Self> {
        let path = module().join("go.mod");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let version = |of: &str| {
            text.lines()
                .find_map(|line| line.trim().strip_prefix(of)?.split_whitespace().next().map(str::to_owned))
                .with_context(|| format!("{} does not pin {of}", path.display()))
        };
        Ok(Self { kubernetes: version("k8s.io/kubernetes ")?, etcd: version("go.etcd.io/etcd/server/v3 ")? })
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(checkout::cache()?
            .join("control-plane")
            .join(format!("k8s-{}-etcd-{}", self.kubernetes, self.etcd)))
    }

    /// Without these the server says that it is v0.0.0.
    fn ldflags(&self) -> String {
        let mut numbers = self.kubernetes.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("0"));
        let version = "k8s.io/component-base/version";
        format!(
            "-s -w -X {version}.gitVersion={} -X {version}.gitMajor={major} -X {version}.gitMinor={minor} -X {version}.gitTreeState=clean",
            self.kubernetes
        )
    }
}

fn module() -> PathBuf {
    checkout::root().join("tests/control-plane")
}

fn find_or_build(program: &Program, assets: Option<&Path>, pins: &Pins) -> Result<PathBuf> {
    if let Some(asset) = assets.map(|dir| dir.join(program.name)).filter(|path| path.is_file()) {
        return Ok(asset);
    }
    let folder = pins.folder()?;
    let built = folder.join(program.name);
    if built.is_file() {
        return Ok(built);
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let lock = File::create(folder.join(".lock"))?;
    if lock.try_lock().is_err() {
        eprintln!("waiting for another run that builds the control plane into {}", folder.display());
        lock.lock()?;
    }
    if !built.is_file() {
        build(program, pins, &built)?;
    }
    Ok(built)
}

fn build(program: &Program, pins: &Pins, built: &Path) -> Result<()> {
    let Some(go) =
        on_path("go").or_else(|| Some(PathBuf::from("/usr/local/go/bin/go")).filter(|go| go.is_file()))
    else {
        bail!(
            "{} is not here and Go is not installed to build it. Install Go 1.26 or newer (https://go.dev/doc/install), \
             or set KUBEBUILDER_ASSETS to a folder that has etcd, kube-apiserver, kube-controller-manager and kubectl",
            program.name
        );
    };
    eprintln!(
        "building {} {} (once; usually {} on two cores)",
        program.name, pins.kubernetes, program.usually
    );
    let began = Instant::now();
    let unfinished = built.with_extension(format!("{}.unfinished", std::process::id()));
    let output = Command::new(go)
        .current_dir(module())
        .env("CGO_ENABLED", "0")
        .args(["build", "-trimpath", "-ldflags", &pins.ldflags(), "-o"])
        .arg(&unfinished)
        .arg(program.package)
        .output()
        .context("running go")?;
    if !output.status.success() {
        let _ = fs::remove_file(&unfinished);
        bail!("go build {} failed:\n{}", program.package, String::from_utf8_lossy(&output.stderr));
    }
    fs::rename(&unfinished, built)?;
    eprintln!("built {} in {} s: {}", program.name, began.elapsed().as_secs(), built.display());
    Ok(())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|candidate| candidate.is_file())
}
