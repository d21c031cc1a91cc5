//! A running API server as seen by a named user: clients, kubeconfigs, kubectl.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding, RoleRef, Subject};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource as _};

use crate::servers::{Layout, write_private};

/// Whose rights a request has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// May do everything: a test's own hands, never the operator.
    Admin,
    /// The ServiceAccount that `deploy/` gives the operator.
    Operator,
    /// Any other, made when it is first asked for; it may do what [`Cluster::bind`] grants.
    ServiceAccount { namespace: String, name: String },
}

impl User {
    pub fn named(namespace: &str, name: &str) -> Self {
        Self::ServiceAccount { namespace: namespace.into(), name: name.into() }
    }

    fn service_account(&self) -> Option<(&str, &str)> {
        match self {
            Self::Admin => None,
            Self::Operator => Some(("chatelaine-system", "chatelaine")),
            Self::ServiceAccount { namespace, name } => Some((namespace, name)),
        }
    }
}

/// A running control plane, whoever started it.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub layout: Layout,
    kubectl: PathBuf,
    admin: Config,
}

/// What kubectl printed.
#[derive(Debug)]
pub struct Kubectl {
    pub succeeded: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Kubectl {
    /// What it printed, or a panic that shows why it failed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.succeeded, "kubectl failed:\n{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The same for those who do not panic.
    pub fn checked(self) -> Result<String> {
        if !self.succeeded {
            bail!("kubectl failed: {}", self.stderr.trim());
        }
        Ok(self.stdout)
    }
}

/// Where a server keeps the objects of a kind.
pub fn collection(api_version: &str, kind: &str, namespace: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    DynamicObject::url_path(&resource, Some(namespace))
}

impl Cluster {
    pub async fn open(layout: &Layout, kubectl: &Path) -> Result<Self> {
        let admin = load(&layout.admin_kubeconfig()).await?;
        Ok(Self { layout: layout.clone(), kubectl: kubectl.to_owned(), admin })
    }

    /// The administrator's configuration.
    pub fn config(&self) -> Config {
        self.admin.clone()
    }

    /// The administrator's client. Made anew for each caller: a client belongs to the runtime that made it.
    pub fn client(&self) -> Client {
        Client::try_from(self.config()).expect("the administrator's configuration makes a client")
    }

    pub async fn client_for(&self, user: &User) -> Result<Client> {
        Ok(Client::try_from(load(&self.kubeconfig_for(user).await?).await?)?)
    }

    /// A kubeconfig file that holds this user's token, for the operator's binary and for kubectl.
    pub async fn kubeconfig_for(&self, user: &User) -> Result<PathBuf> {
        let Some((namespace, name)) = user.service_account() else {
            return Ok(self.layout.admin_kubeconfig());
        };
        let path = self.layout.dir.join("users").join(format!("{namespace}-{name}.kubeconfig"));
        let token = self.token(namespace, name).await?;
        write_private(&path, &self.layout.kubeconfig(name, namespace, &token))?;
        Ok(path)
    }

    async fn token(&self, namespace: &str, name: &str) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let account = ServiceAccount {
            metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() },
            ..ServiceAccount::default()
        };
        already_there_is_fine(accounts.create(&PostParams::default(), &account).await)?;
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(365 * 24 * 3600),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await?;
        Ok(answer.status.context("a TokenRequest without an answer")?.token)
    }

    /// Gives a user a ClusterRole within one namespace, and waits until the server acts on it.
    pub async fn bind(&self, namespace: &str, user: &User, cluster_role: &str) -> Result<()> {
        let Some((home, name)) = user.service_account() else { return Ok(()) };
        let binding = RoleBinding {
            metadata: ObjectMeta { name: Some(format!("{name}-{cluster_role}")), ..ObjectMeta::default() },
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".into(),
                kind: "ClusterRole".into(),
                name: cluster_role.into(),
            },
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".into(),
                name: name.into(),
                namespace: Some(home.into()),
                ..Subject::default()
            }]),
        };
        let bindings: Api<RoleBinding> = Api::namespaced(self.client(), namespace);
        let patch = PatchParams::apply("support").force();
        bindings.patch(&format!("{name}-{cluster_role}"), &patch, &Patch::Apply(&binding)).await?;
        let role = Api::<ClusterRole>::all(self.client()).get(cluster_role).await?;
        let rules = role.rules.unwrap_or_default();
        let Some(rule) = rules.iter().find(|rule| rule.resources.is_some()) else { return Ok(()) };
        let first = |list: &Option<Vec<String>>| list.iter().flatten().next().cloned().unwrap_or_default();
        let resource = first(&rule.resources);
        let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
        self.wait_until_allowed(
            user,
            ResourceAttributes {
                namespace: Some(namespace.into()),
                group: Some(first(&rule.api_groups)),
                resource: Some(resource.into()),
                subresource: Some(subresource.into()),
                verb: rule.verbs.first().cloned(),
                ..ResourceAttributes::default()
            },
        )
        .await
    }

    /// RBAC follows its objects by a watch: within milliseconds, but not at once.
    pub async fn wait_until_allowed(&self, user: &User, what: ResourceAttributes) -> Result<()> {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client_for(user).await?);
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(what), ..Default::default() },
            ..SelfSubjectAccessReview::default()
        };
        for _ in 0..200 {
            let answer = reviews.create(&PostParams::default(), &review).await?;
            if answer.status.is_some_and(|status| status.allowed) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{user:?} is still not allowed to {:?}", review.spec.resource_attributes)
    }

    /// A new namespace that only the caller uses.
    pub async fn namespace(&self) -> String {
        let namespace = Namespace {
            metadata: ObjectMeta { generate_name: Some("test-".into()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let made = Api::<Namespace>::all(self.client())
            .create(&PostParams::default(), &namespace)
            .await
            .expect("a namespace for this test");
        made.metadata.name.expect("the server names it")
    }

    /// kubectl as the administrator.
    pub async fn kubectl(&self, args: &[&str]) -> Kubectl {
        self.kubectl_as(&User::Admin, args).await.expect("kubectl can be run")
    }

    pub async fn kubectl_as(&self, user: &User, args: &[&str]) -> Result<Kubectl> {
        let mut command = self.kubectl_command(user).await?;
        command.args(args).stdin(Stdio::null());
        let output =
            tokio::task::spawn_blocking(move || command.output()).await?.context("running kubectl")?;
        Ok(Kubectl {
            succeeded: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// For callers that want to feed its input or read its output as it comes.
    pub async fn kubectl_command(&self, user: &User) -> Result<Command> {
        let mut command = Command::new(&self.kubectl);
        // A cache folder of its own: what another server of this address once answered is not true here.
        command
            .env("KUBECONFIG", self.kubeconfig_for(user).await?)
            .env("KUBECACHEDIR", self.layout.dir.join("kubectl-cache"))
            .current_dir(crate::checkout::root());
        Ok(command)
    }

    pub fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// One answer to whether the server says that it is ready.
    pub async fn is_ready(&self) -> Result<()> {
        let request = http::Request::get("/readyz").body(Vec::new())?;
        let answer =
            tokio::time::timeout(Duration::from_secs(5), self.client().request_text(request)).await??;
        if answer.trim() != "ok" {
            bail!("/readyz says {answer}");
        }
        Ok(())
    }
}

async fn load(path: &Path) -> Result<Config> {
    let kubeconfig = Kubeconfig::read_from(path)?;
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

fn already_there_is_fine<T>(answer: kube::Result<T>) -> Result<()> {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        other => Ok(other.map(drop)?),
    }
}
