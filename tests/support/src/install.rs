//! Puts the CRDs and the RBAC of this checkout into a cluster, as `kubectl apply --server-side` would.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, Discovery, discovery};
use serde::Deserialize;

use crate::checkout;
use crate::cluster::{Cluster, User};

/// CRDs, namespace, ServiceAccount and roles; returns when the CRDs are served and the roles are in force.
pub async fn install(cluster: &Cluster) -> Result<()> {
    let client = cluster.client();
    let root = checkout::root();
    apply_folder(&client, &root.join("deploy/namespace")).await?;
    apply_folder(&client, &root.join("deploy/rbac")).await?;
    let crds = apply_folder(&client, &root.join("crds")).await?;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in &crds {
        let established = await_condition(definitions.clone(), name, conditions::is_crd_established());
        tokio::time::timeout(Duration::from_secs(60), established)
            .await
            .with_context(|| format!("{name} is not established after a minute"))??;
    }
    wait_until_listed(&client, &crds).await?;
    let list_accounts = ResourceAttributes {
        group: Some("chatelaine.dev".into()),
        resource: Some("accounts".into()),
        verb: Some("list".into()),
        ..ResourceAttributes::default()
    };
    cluster.wait_until_allowed(&User::Operator, list_accounts).await
}

/// A kind that is established may for a moment be missing in what the server says that it serves, and that is what the
/// garbage collector goes by.
async fn wait_until_listed(client: &Client, crds: &[String]) -> Result<()> {
    for _ in 0..600 {
        let served = Discovery::new(client.clone()).filter(&["chatelaine.dev"]).run_aggregated().await?;
        let resources = served.groups().flat_map(|group| group.recommended_resources());
        let names: Vec<_> = resources.map(|(kind, _)| format!("{}.{}", kind.plural, kind.group)).collect();
        if crds.iter().all(|crd| names.contains(crd)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the server does not list {crds:?} after a minute")
}

/// Applies every object in the folder's YAML files, in the order of their names; returns the objects' names.
async fn apply_folder(client: &Client, folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| {
        path.extension().is_some_and(|extension| extension == "yaml")
            && path.file_stem().is_some_and(|stem| stem != "kustomization")
    });
    files.sort();
    let mut names = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        for document in serde_yaml::Deserializer::from_str(&text) {
            let document = serde_yaml::Value::deserialize(document)?;
            if document.is_null() {
                continue;
            }
            let object: DynamicObject = serde_json::from_value(serde_json::to_value(document)?)
                .with_context(|| format!("{} is not a Kubernetes object", file.display()))?;
            apply(client, &object).await.with_context(|| format!("applying {}", file.display()))?;
            names.extend(object.metadata.name);
        }
    }
    Ok(names)
}

/// Server-side apply of one object whose kind the server already serves.
pub async fn apply(client: &Client, object: &DynamicObject) -> Result<DynamicObject> {
    let types = object.types.as_ref().context("neither apiVersion nor kind")?;
    let (kind, _) = discovery::pinned_kind(client, &GroupVersionKind::try_from(types)?).await?;
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
        None => Api::all_with(client.clone(), &kind),
    };
    let name = object.metadata.name.as_deref().context("no metadata.name")?;
    let how = PatchParams::apply("support").force().validation_strict();
    match api.patch(name, &how, &Patch::Apply(object)).await {
        // The answer's other fields only say the same again.
        Err(kube::Error::Api(status)) => bail!("{}", status.message),
        answer => Ok(answer?),
    }
}
