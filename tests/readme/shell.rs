//! Runs a command as a reader would type it.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use support::{ControlPlane, checkout};

use crate::{document, same};

/// What the operator and the garbage collector do is seen within this time, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Shell {
    kubeconfig: PathBuf,
    cache: PathBuf,
    /// What a reader would call a folder of his own.
    scratch: PathBuf,
    path: String,
}

impl Shell {
    pub fn of(control_plane: &ControlPlane) -> Self {
        let kubectl = control_plane.kubectl_path().parent().map(|folder| folder.display().to_string());
        let path = std::env::var("PATH").unwrap_or_default();
        Self {
            kubeconfig: control_plane.layout.admin_kubeconfig(),
            cache: control_plane.layout.dir.join("kubectl-cache"),
            scratch: control_plane.layout.dir.clone(),
            path: format!("{}:{path}", kubectl.unwrap_or_default()),
        }
    }

    /// The same, but in this namespace unless a command names another.
    pub fn within(self, namespace: &str) -> Self {
        let kubeconfig = self.kubeconfig.with_file_name(format!("{namespace}.kubeconfig"));
        std::fs::copy(&self.kubeconfig, &kubeconfig).expect("a copy of the kubeconfig");
        let scratch = self.scratch.join(namespace);
        std::fs::create_dir(&scratch).expect("a folder");
        let here = Self { kubeconfig, scratch, ..self };
        here.run(&format!("kubectl config set-context --current --namespace {namespace}"));
        here
    }

    /// What it prints, good or bad, as a terminal shows it.
    pub fn run(&self, line: &str) -> String {
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{line}")])
            .envs([("KUBECONFIG", &self.kubeconfig), ("KUBECACHEDIR", &self.cache)])
            .env("PATH", &self.path)
            .env("TMPDIR", &self.scratch)
            .current_dir(checkout::root())
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    /// What a command that only looks prints once it prints what is expected; what any other prints at once.
    pub fn expect(&self, command: &document::Command) -> String {
        let began = Instant::now();
        loop {
            let said = self.run(&command.line);
            let fits = same::lines(&said) == same::lines(&command.output);
            if fits || !only_looks(&command.line) || began.elapsed() > PATIENCE {
                return said;
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// What it prints when the operator has had time for what was asked before.
    pub fn settled(&self, line: &str) -> String {
        if only_looks(line) {
            sleep(Duration::from_secs(1));
        }
        self.run(line)
    }
}

fn only_looks(line: &str) -> bool {
    ["get", "describe", "wait", "explain", "auth"]
        .iter()
        .any(|verb| line.starts_with(&format!("kubectl {verb} ")))
}
