//! `deploy/`, `examples/` and the roles, on the real server.

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ListParams, ObjectMeta, PostParams};
use support::{ControlPlane, User, examples};

const STRICT: [&str; 4] = ["apply", "--server-side", "--force-conflicts", "--validate=strict"];

#[tokio::test]
async fn what_kustomize_renders_is_accepted_to_the_letter() -> Result<()> {
    let control_plane = support::own().await;
    let client = control_plane.client();

    let rendered = control_plane.kubectl(&["kustomize", "deploy"]).await.ok();
    let file = control_plane.layout.dir.join("rendered.yaml");
    std::fs::write(&file, rendered)?;
    let file = file.to_str().context("a readable path")?;
    let warned = control_plane.kubectl(&[&STRICT[..], &["-f", file]].concat()).await;
    assert_eq!(warned.stderr, "", "neither errors nor warnings");

    let crds = Api::<CustomResourceDefinition>::all(client.clone()).list(&ListParams::default()).await?;
    assert_eq!(crds.items.len(), 4, "the four kinds");
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "chatelaine-system");
    let deployment = deployments.get("chatelaine").await?;

    // A Deployment is accepted whatever its pods are; a pod of its template only if the namespace lets it in.
    let template = deployment.spec.context("a spec")?.template;
    let pod = Pod {
        metadata: ObjectMeta { name: Some("would-be".into()), ..template.metadata.unwrap_or_default() },
        spec: template.spec,
        ..Pod::default()
    };
    let only_ask = PostParams { dry_run: true, ..PostParams::default() };
    Api::<Pod>::namespaced(client, "chatelaine-system").create(&only_ask, &pod).await?;
    Ok(())
}

#[tokio::test]
async fn the_quickstart_is_accepted_to_the_letter() -> Result<()> {
    let control_plane = support::shared().await;
    let ask = [&STRICT[..], &["--dry-run=server", "-k", "examples/quickstart"]].concat();
    let answer = control_plane.kubectl(&ask).await.ok();
    assert_eq!(answer.lines().count(), 5, "an Account and four credentials:\n{answer}");
    Ok(())
}

/// As `make up` does it, again and again.
#[tokio::test]
async fn an_example_that_somebody_edited_stays_as_it_is_and_the_others_are_applied() -> Result<()> {
    const QUICKSTART: &str = "examples/quickstart";
    let control_plane = support::own().await;
    assert!(examples::apply(&control_plane, "examples").await.is_err(), "there is nothing to apply");
    assert_eq!(examples::apply(&control_plane, QUICKSTART).await?, None);
    assert_eq!(examples::apply(&control_plane, QUICKSTART).await?, None, "again");

    let patch = async |object: &str, patch: &str| {
        control_plane.kubectl(&["patch", "--type=merge", object, "--patch", patch]).await.ok();
    };
    let end = r#"{"spec": {"lifetime": null, "expirationTime": "2099-01-01T00:00:00Z"}}"#;
    patch("accesstoken/alice-trial", end).await;
    patch("sshkey/alice-laptop", r#"{"spec": {"comment": "somebody else's"}}"#).await;
    let refused = examples::apply(&control_plane, QUICKSTART).await?.context("an example is not applied")?;
    assert!(refused.contains("alice-trial") && !refused.contains("alice-laptop"), "{refused}");

    let spec = async |object: &str, field: &str| {
        let output = format!("--output=jsonpath={{.spec.{field}}}");
        control_plane.kubectl(&["get", object, &output]).await.ok()
    };
    assert_eq!(spec("accesstoken/alice-trial", "expirationTime").await, "2099-01-01T00:00:00Z");
    assert_eq!(spec("sshkey/alice-laptop", "comment").await, "Alice's laptop");
    Ok(())
}

#[tokio::test]
async fn a_viewer_sees_credentials_and_no_secret() -> Result<()> {
    let person = Person::who_is("view").await?;
    person.may("list", "apikeypairs.chatelaine.dev").await?;
    person.may("watch", "accounts.chatelaine.dev").await?;
    person.may_not("create", "accesstokens.chatelaine.dev").await?;
    person.may_not("get", "secrets").await
}

#[tokio::test]
async fn an_editor_changes_credentials_but_no_account_and_no_status() -> Result<()> {
    let person = Person::who_is("edit").await?;
    for kind in ["apikeypairs", "sshkeys", "accesstokens"] {
        person.may("create", &format!("{kind}.chatelaine.dev")).await?;
        person.may("delete", &format!("{kind}.chatelaine.dev")).await?;
        person.may_not("update", &format!("{kind}.chatelaine.dev/status")).await?;
    }
    person.may("get", "accounts.chatelaine.dev").await?;
    person.may_not("update", "accounts.chatelaine.dev").await
}

#[tokio::test]
async fn an_admin_changes_accounts_too_but_no_status() -> Result<()> {
    let person = Person::who_is("admin").await?;
    person.may("create", "accounts.chatelaine.dev").await?;
    person.may("patch", "sshkeys.chatelaine.dev").await?;
    person.may_not("patch", "accounts.chatelaine.dev/status").await?;
    person.may_not("update", "accesstokens.chatelaine.dev/status").await
}

#[tokio::test]
async fn the_operator_reads_specs_and_writes_status_but_never_a_spec() -> Result<()> {
    let operator = Person {
        control_plane: support::shared().await,
        namespace: support::shared().await.namespace().await,
        user: User::Operator,
    };
    operator.may("patch", "accounts.chatelaine.dev/status").await?;
    operator.may("create", "secrets").await?;
    operator.may("create", "events.events.k8s.io").await?;
    operator.may_not("update", "accounts.chatelaine.dev").await?;
    operator.may_not("patch", "apikeypairs.chatelaine.dev").await?;
    operator.may_not("patch", "secrets").await?;
    operator.may_not("get", "deployments.apps").await?;
    operator.may_not("patch", "deployments.apps").await?;
    operator.may_not("deletecollection", "secrets").await
}

#[tokio::test]
async fn a_controller_of_service_bindings_may_look_at_credentials_and_nothing_else() -> Result<()> {
    use k8s_openapi::api::rbac::v1::ClusterRole;
    let roles: Api<ClusterRole> = Api::all(support::shared().await.client());
    let labelled = roles.list(&ListParams::default().labels("servicebinding.io/controller=true")).await?;
    let [role] = &labelled.items[..] else { panic!("one role: {:?}", labelled.items) };
    let [rule] = role.rules.as_deref().unwrap_or_default() else { panic!("one rule: {role:?}") };
    assert_eq!(rule.verbs, ["get", "list", "watch"]);
    assert_eq!(rule.api_groups.as_deref(), Some(&["chatelaine.dev".to_owned()][..]));
    assert_eq!(rule.resources.clone().unwrap_or_default(), ["apikeypairs", "sshkeys", "accesstokens"]);
    Ok(())
}

/// Both ways of installing it: by itself, and as a component of somebody's own kustomization.
#[tokio::test]
async fn the_right_to_restart_workloads_comes_with_its_component_and_is_no_more_than_that() -> Result<()> {
    let control_plane: &'static ControlPlane = Box::leak(Box::new(support::own().await));
    let own = control_plane.layout.dir.join("kustomization");
    std::fs::create_dir_all(&own)?;
    // Kustomize takes relative paths only.
    let up = "../".repeat(own.canonicalize()?.components().count() - 1);
    let deploy =
        format!("{up}{}/deploy", support::checkout::root().canonicalize()?.display()).replace("//", "/");
    let text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n\
         resources: [{deploy}/rbac]\ncomponents: [{deploy}/components/restart]\n"
    );
    std::fs::write(own.join("kustomization.yaml"), text)?;
    let own = own.to_str().context("a readable path")?;
    let rendered = control_plane.kubectl(&["kustomize", own]).await.ok();
    let both = rendered.matches("name: chatelaine-restart").count();
    assert_eq!(both, 3, "the role, the binding, and what it binds:\n{rendered}");

    let operator = Person { control_plane, namespace: control_plane.namespace().await, user: User::Operator };
    for kind in ["deployments.apps", "statefulsets.apps", "daemonsets.apps"] {
        operator.may_not("patch", kind).await?;
    }
    let applied = control_plane.kubectl(&[&STRICT[..], &["-k", "deploy/components/restart"]].concat()).await;
    assert_eq!(applied.stderr, "", "neither errors nor warnings");
    for kind in ["deployments.apps", "statefulsets.apps", "daemonsets.apps"] {
        operator.may("get", kind).await?;
        operator.may("patch", kind).await?;
        for verb in ["list", "watch", "create", "update", "delete", "deletecollection"] {
            operator.may_not(verb, kind).await?;
        }
        operator.may_not("patch", &format!("{kind}/scale")).await?;
    }
    operator.may_not("patch", "replicasets.apps").await?;
    operator.may_not("get", "pods").await
}

/// Somebody with one of the roles that every cluster has, in one namespace.
struct Person {
    control_plane: &'static ControlPlane,
    namespace: String,
    user: User,
}

impl Person {
    async fn who_is(role: &str) -> Result<Self> {
        let control_plane = support::shared().await;
        let namespace = control_plane.namespace().await;
        let user = User::named(&namespace, role);
        control_plane.bind(&namespace, &user, role).await?;
        let person = Self { control_plane, namespace, user };
        // The controller manager joins our roles to the cluster's own some time after it has started.
        person.within_a_minute("list", "apikeypairs.chatelaine.dev").await?;
        Ok(person)
    }

    async fn asks(&self, verb: &str, what: &str) -> Result<bool> {
        let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
        // Not as `resource/status`: kubectl takes that for an object of the name `status`.
        let subresource = format!("--subresource={subresource}");
        let ask = ["auth", "can-i", verb, resource, &subresource, "-n", &self.namespace];
        Ok(self.control_plane.kubectl_as(&self.user, &ask).await?.stdout.trim() == "yes")
    }

    async fn within_a_minute(&self, verb: &str, what: &str) -> Result<()> {
        for _ in 0..120 {
            if self.asks(verb, what).await? {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        anyhow::bail!("{:?} may not {verb} {what}", self.user)
    }

    /// Waits, because the roles are joined one after the other.
    async fn may(&self, verb: &str, what: &str) -> Result<()> {
        self.within_a_minute(verb, what).await
    }

    async fn may_not(&self, verb: &str, what: &str) -> Result<()> {
        assert!(!self.asks(verb, what).await?, "{:?} may {verb} {what}", self.user);
        Ok(())
    }
}
