//! The control plane that all other cluster tests stand on.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::{Api, ResourceExt};
use support::User;
use support::servers::Server;

#[tokio::test]
async fn a_secret_goes_when_its_owner_is_deleted() -> Result<()> {
    let control_plane = support::shared().await;
    let namespace = control_plane.namespace().await;
    let owners: Api<ConfigMap> = Api::namespaced(control_plane.client(), &namespace);
    let secrets: Api<Secret> = Api::namespaced(control_plane.client(), &namespace);

    let owner = owners.create(&PostParams::default(), &named::<ConfigMap>("owner")).await?;
    let mut owned = named::<Secret>("owned");
    owned.metadata.owner_references = Some(vec![OwnerReference {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        name: "owner".into(),
        uid: owner.uid().context("a created object has a uid")?,
        ..OwnerReference::default()
    }]);
    secrets.create(&PostParams::default(), &owned).await?;
    owners.delete("owner", &DeleteParams::default()).await?;

    let began = Instant::now();
    while secrets.get_opt("owned").await?.is_some() {
        ensure!(began.elapsed() < Duration::from_secs(60), "the Secret outlives its owner");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test]
async fn the_operator_may_read_secrets_but_neither_list_pods_nor_make_namespaces() -> Result<()> {
    let control_plane = support::shared().await;
    let client = control_plane.client_for(&User::Operator).await?;

    Api::<Secret>::all(client.clone()).list(&ListParams::default()).await?;
    let pods = Api::<Pod>::all(client.clone()).list(&ListParams::default()).await;
    assert_eq!(forbidden(pods), Some(403));
    let made = Api::<Namespace>::all(client).create(&PostParams::default(), &named("mine")).await;
    assert_eq!(forbidden(made), Some(403));
    Ok(())
}

#[tokio::test]
async fn a_named_user_may_do_what_he_was_bound_to_in_that_namespace_only() -> Result<()> {
    let control_plane = support::shared().await;
    let (here, there) = (control_plane.namespace().await, control_plane.namespace().await);
    let reader = User::named(&here, "reader");
    control_plane.bind(&here, &reader, "view").await?;

    let yes = control_plane.kubectl_as(&reader, &["auth", "can-i", "get", "configmaps", "-n", &here]).await?;
    assert_eq!(yes.stdout.trim(), "yes", "{yes:?}");
    let no = control_plane.kubectl_as(&reader, &["auth", "can-i", "get", "configmaps", "-n", &there]).await?;
    assert_eq!(no.stdout.trim(), "no", "{no:?}");
    Ok(())
}

#[tokio::test]
async fn objects_are_still_there_when_etcd_and_the_api_server_come_back() -> Result<()> {
    let control_plane = support::own().await;
    let namespace = control_plane.namespace().await;
    let made: Api<ConfigMap> = Api::namespaced(control_plane.client(), &namespace);
    made.create(&PostParams::default(), &named("kept")).await?;

    control_plane.stop_etcd();
    control_plane.stop_apiserver();
    assert!(control_plane.is_ready().await.is_err(), "a stopped server answers");
    control_plane.start_again(&[Server::Etcd, Server::Apiserver]).await?;

    let kept: Api<ConfigMap> = Api::namespaced(control_plane.client(), &namespace);
    kept.get("kept").await?;
    Ok(())
}

#[test]
fn the_servers_end_when_the_test_process_is_killed() -> Result<()> {
    let mut holder = Command::new(std::env::current_exe()?)
        .args(["--exact", "--ignored", "--nocapture", "holds_a_control_plane_until_it_is_killed"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ids = Vec::new();
    let output = std::io::BufReader::new(holder.stdout.take().context("a pipe")?);
    for line in std::io::BufRead::lines(output) {
        if let Some(list) = line?.split_once("servers: ").map(|(_, list)| list.to_owned()) {
            ids = list.split(' ').map(str::to_owned).collect();
            break;
        }
    }
    assert_eq!(ids.len(), 3, "three servers run");
    assert!(ids.iter().all(|id| is_running(id)), "they run before the kill");

    holder.kill()?;
    holder.wait()?;

    let began = Instant::now();
    while ids.iter().any(|id| is_running(id)) {
        ensure!(began.elapsed() < Duration::from_secs(10), "servers outlive the test process");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[tokio::test]
#[ignore = "run by the test above, which kills it"]
async fn holds_a_control_plane_until_it_is_killed() {
    let control_plane = support::ControlPlane::start().await.unwrap();
    let ids: Vec<String> = control_plane.process_ids().iter().map(u32::to_string).collect();
    println!("servers: {}", ids.join(" "));
    // Long enough for whoever kills this; an end, in case nobody does.
    tokio::time::sleep(Duration::from_secs(300)).await;
}

#[tokio::test]
async fn nothing_is_left_on_disk_when_a_control_plane_is_dropped() -> Result<()> {
    let control_plane = support::ControlPlane::start().await?;
    let folder = control_plane.layout.dir.clone();
    assert!(folder.join("etcd").is_dir());
    drop(control_plane);
    assert!(!folder.exists());
    Ok(())
}

fn is_running(id: &str) -> bool {
    // A zombie has no command line any more.
    std::fs::read(Path::new("/proc").join(id).join("cmdline")).is_ok_and(|line| !line.is_empty())
}

fn named<K: kube::Resource + for<'a> serde::Deserialize<'a>>(name: &str) -> K {
    let mut object: K = serde_json::from_value(serde_json::json!({})).expect("every field is optional");
    *object.meta_mut() = ObjectMeta {
        name: Some(name.into()),
        labels: Some(BTreeMap::from([("test".into(), "support".into())])),
        ..ObjectMeta::default()
    };
    object
}

fn forbidden<T>(answer: kube::Result<T>) -> Option<u16> {
    match answer {
        Err(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}
