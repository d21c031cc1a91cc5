//! Which Secrets a pod uses: every place of a pod's spec that can name one.

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, PodSpec, Volume};

/// Whether pods of this spec use the Secret: in a volume, in a container's environment or to pull images. How they use
/// it does not matter: one key of it through a `subPath` is a use too.
pub fn uses(pod: &PodSpec, secret: &str) -> bool {
    let environments = pod
        .containers
        .iter()
        .chain(pod.init_containers.iter().flatten())
        .map(|container| (&container.env, &container.env_from));
    let ephemeral = pod.ephemeral_containers.iter().flatten();
    environments
        .chain(ephemeral.map(|container| (&container.env, &container.env_from)))
        .flat_map(|(env, env_from)| {
            let single = env.iter().flatten().filter_map(of_variable);
            single.chain(env_from.iter().flatten().filter_map(of_all_variables))
        })
        .chain(pod.volumes.iter().flatten().flat_map(of_volume))
        .chain(pod.image_pull_secrets.iter().flatten().map(|reference| reference.name.as_str()))
        .any(|name| name == secret)
}

fn of_variable(variable: &EnvVar) -> Option<&str> {
    Some(&variable.value_from.as_ref()?.secret_key_ref.as_ref()?.name)
}

fn of_all_variables(source: &EnvFromSource) -> Option<&str> {
    Some(&source.secret_ref.as_ref()?.name)
}

/// A volume that is the Secret, has it among others, or needs it to be mounted.
fn of_volume(volume: &Volume) -> Vec<&str> {
    let whole = volume.secret.as_ref().and_then(|secret| secret.secret_name.as_deref());
    let azure_file = volume.azure_file.as_ref().map(|azure| azure.secret_name.as_str());
    let to_mount = [
        volume.csi.as_ref().and_then(|csi| csi.node_publish_secret_ref.as_ref()),
        volume.cephfs.as_ref().and_then(|cephfs| cephfs.secret_ref.as_ref()),
        volume.cinder.as_ref().and_then(|cinder| cinder.secret_ref.as_ref()),
        volume.flex_volume.as_ref().and_then(|flex| flex.secret_ref.as_ref()),
        volume.iscsi.as_ref().and_then(|iscsi| iscsi.secret_ref.as_ref()),
        volume.rbd.as_ref().and_then(|rbd| rbd.secret_ref.as_ref()),
        volume.scale_io.as_ref().map(|scale_io| &scale_io.secret_ref),
        volume.storageos.as_ref().and_then(|storageos| storageos.secret_ref.as_ref()),
    ];
    let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    whole
        .into_iter()
        .chain(azure_file)
        .chain(to_mount.into_iter().flatten().map(|reference| reference.name.as_str()))
        .chain(sources.filter_map(|source| Some(source.secret.as_ref()?.name.as_str())))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Pod specs that use the Secret of this name, each in one place only.
    fn places(name: &str) -> Vec<Value> {
        let container = |extra: Value| {
            let mut container = json!({"name": "c", "image": "i"});
            container.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            container
        };
        let variable = json!({"env": [
            {"name": "PLAIN", "value": name},
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": name, "key": "token"}}},
        ]});
        let all = json!({"envFrom": [{"configMapRef": {"name": "other"}}, {"secretRef": {"name": name}}]});
        let mut places = Vec::new();
        for extra in [variable, all] {
            for list in ["containers", "initContainers", "ephemeralContainers"] {
                let mut pod = json!({"containers": [container(json!({}))]});
                pod[list] = json!([container(json!({})), container(extra.clone())]);
                places.push(pod);
            }
        }
        let reference = json!({"name": name});
        for volume in [
            json!({"secret": {"secretName": name}}),
            json!({"secret": {"secretName": name, "optional": true, "items": [{"key": "a", "path": "b"}]}}),
            json!({"projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": reference}]}}),
            json!({"csi": {"driver": "d", "nodePublishSecretRef": reference}}),
            json!({"azureFile": {"shareName": "s", "secretName": name}}),
            json!({"cephfs": {"monitors": ["m"], "secretRef": reference}}),
            json!({"cinder": {"volumeID": "v", "secretRef": reference}}),
            json!({"flexVolume": {"driver": "d", "secretRef": reference}}),
            json!({"iscsi": {"iqn": "i", "lun": 0, "targetPortal": "t", "secretRef": reference}}),
            json!({"rbd": {"image": "i", "monitors": ["m"], "secretRef": reference}}),
            json!({"scaleIO": {"gateway": "g", "system": "s", "secretRef": reference}}),
            json!({"storageos": {"secretRef": reference}}),
        ] {
            let mut volume = volume;
            volume["name"] = json!("v");
            let mount = json!({"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "token"}]});
            places.push(json!({"containers": [container(mount)], "volumes": [volume]}));
        }
        places.push(json!({"containers": [container(json!({}))], "imagePullSecrets": [reference]}));
        places
    }

    fn pod(spec: Value) -> PodSpec {
        serde_json::from_value(spec).expect("a pod")
    }

    #[test]
    fn a_secret_is_found_in_every_place_that_can_name_one() {
        for place in places("ci") {
            assert!(uses(&pod(place.clone()), "ci"), "{place:#}");
            assert!(!uses(&pod(place.clone()), "c") && !uses(&pod(place.clone()), "ci-2"), "{place:#}");
        }
    }

    #[test]
    fn a_name_that_is_only_mentioned_is_no_use() {
        let mentioned = json!({
            "serviceAccountName": "ci",
            "containers": [{
                "name": "ci", "image": "ci", "args": ["ci"],
                "env": [{"name": "ci", "valueFrom": {"configMapKeyRef": {"name": "ci", "key": "ci"}}}],
                "envFrom": [{"configMapRef": {"name": "ci"}}],
            }],
            "volumes": [
                {"name": "ci", "configMap": {"name": "ci"}},
                {"name": "b", "persistentVolumeClaim": {"claimName": "ci"}},
                {"name": "c", "secret": {"secretName": "other"}},
            ],
        });
        assert!(!uses(&pod(mentioned), "ci"));
    }

    proptest! {
        #[test]
        fn a_secret_is_used_if_and_only_if_some_place_names_it(
            chosen in proptest::collection::vec((0usize..20, 0u8..4), 0..6),
            asked in 0u8..4,
        ) {
            let mut whole = json!({"containers": []});
            for (at, name) in &chosen {
                let all = places(&format!("secret-{name}"));
                let place = &all[at % all.len()];
                for (list, items) in place.as_object().unwrap() {
                    let there = whole[list].as_array().cloned().unwrap_or_default();
                    let items = items.as_array().unwrap().clone();
                    whole[list] = there.into_iter().chain(items).collect();
                }
            }
            let wanted = chosen.iter().any(|(_, name)| *name == asked);
            prop_assert_eq!(uses(&pod(whole), &format!("secret-{asked}")), wanted);
        }
    }
}
