//! The schema without a cluster: the files in `crds/`, the rules, the bounds, and what must not be there.

#[path = "crd/durations.rs"]
mod durations;
mod rules;
#[path = "crd/texts.rs"]
mod texts;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chatelaine::api::{self, AccessToken, Account, ApiKeyPair, SshKey};
use chatelaine::core::permission::{Request, entitle};
use kube::CustomResourceExt;
use kube::core::cel::ValidationErrors;
use rules::{Answer, Judge, Kind, Row};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// `CHATELAINE_WRITE_CRDS=1 cargo test --test crd` writes the files, as `chatelaine crds --directory crds`
/// does.
#[test]
fn the_files_in_crds_are_what_the_types_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let mut due = BTreeSet::new();
    for crd in api::crds() {
        let file = format!("{}.yaml", crd.spec.names.plural);
        let yaml = api::crd_yaml(&crd);
        if std::env::var_os("CHATELAINE_WRITE_CRDS").is_some() {
            fs::write(folder.join(&file), &yaml).unwrap();
        }
        let written = fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(
            written == yaml,
            "crds/{file} is not what the types say: run `chatelaine crds --directory crds`"
        );
        due.insert(file);
    }
    let present =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    due.insert("kustomization.yaml".to_owned());
    assert_eq!(present.collect::<BTreeSet<_>>(), due, "no definition that is not ours");
}

#[test]
fn every_rule_answers_its_rows() {
    let rows: Vec<Row> = rules::all().into_iter().filter(|row| row.judge == Judge::CelAndServer).collect();
    let wrong: Vec<String> = rows.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

fn wrong(row: &Row) -> Option<String> {
    let said = match judged(row) {
        Ok(()) => None,
        Err(errors) => Some(errors.to_string()),
    };
    let right = match (row.answer, &said) {
        (Answer::Accepted, said) => said.is_none(),
        (Answer::Refused(message), Some(said)) => said.contains(message),
        (Answer::Refused(_), None) => false,
    };
    (!right).then(|| format!("{:?}: {}: {:?}, but: {said:?}", row.kind, row.sentence, row.answer))
}

fn judged(row: &Row) -> Result<(), ValidationErrors> {
    macro_rules! judge {
        ($kind:ty) => {{
            let new: $kind = typed(&row.manifest);
            match &row.before {
                None => new.validate_cel(),
                Some(old) => new.validate_cel_update(&typed(old)),
            }
        }};
    }
    match row.kind {
        Kind::Account => judge!(Account),
        Kind::ApiKeyPair => judge!(ApiKeyPair),
        Kind::SshKey => judge!(SshKey),
        Kind::AccessToken => judge!(AccessToken),
    }
}

fn typed<T: DeserializeOwned>(manifest: &Value) -> T {
    serde_json::from_value(manifest.clone()).unwrap_or_else(|error| panic!("{error}: {manifest}"))
}

/// The schema of each kind, with the path of each field in it.
fn fields() -> Vec<(String, Value)> {
    fn walk(path: &str, schema: &Value, fields: &mut Vec<(String, Value)>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            walk(&path, property, fields);
            fields.push((path, property.clone()));
        }
        for (step, key) in [("[]", "items"), ("{}", "additionalProperties")] {
            if schema[key].is_object() {
                let path = format!("{path}{step}");
                walk(&path, &schema[key], fields);
                fields.push((path, schema[key].clone()));
            }
        }
    }
    let mut fields = Vec::new();
    for crd in api::crds() {
        let crd = serde_json::to_value(crd).unwrap();
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap();
        walk(kind, &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut fields);
    }
    fields
}

#[test]
fn every_field_is_explained() {
    let silent: Vec<_> = fields()
        .into_iter()
        .filter(|(path, _)| !path.ends_with("[]") && !path.ends_with("{}"))
        .filter(|(_, schema)| schema["description"].as_str().unwrap_or_default().split(' ').count() < 5)
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "without a description: {silent:?}");
}

#[test]
fn every_text_list_and_map_is_bounded() {
    let unbounded: Vec<_> = fields()
        .into_iter()
        .filter(|(_, schema)| match schema["type"].as_str() {
            Some("string") => {
                schema["maxLength"].is_null() && schema["enum"].is_null() && schema["format"] != "date-time"
            }
            Some("array") => schema["maxItems"].is_null() || schema["x-kubernetes-list-type"].is_null(),
            Some("object") => schema["properties"].is_null() && schema["maxProperties"].is_null(),
            Some("integer" | "boolean") => false,
            other => panic!("a field of type {other:?}"),
        })
        .map(|(path, _)| path)
        .collect();
    assert!(unbounded.is_empty(), "without a bound or a list type: {unbounded:?}");
}

#[test]
fn no_field_can_be_null() {
    let nullable: Vec<_> = fields()
        .into_iter()
        .filter(|(_, schema)| {
            let values = schema["enum"].as_array();
            !schema["nullable"].is_null() || values.is_some_and(|values| values.iter().any(Value::is_null))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(nullable.is_empty(), "{nullable:?}");
}

#[test]
fn every_rule_says_what_to_do() {
    let mut count = 0;
    for (path, schema) in fields() {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let message = rule["message"].as_str().unwrap_or_default();
            assert!(message.split(' ').count() > 4, "{path}: {rule}");
            assert!(message.len() < 256, "{path}: {message}");
            count += 1;
        }
    }
    assert!(count > 100, "the walk sees the rules, also those of flattened structs: {count}");
}

#[test]
fn what_does_not_work_yet_is_absent() {
    const LATER: [&str; 2] = ["lastUsedTime", "usageCount"];
    for (path, schema) in fields() {
        let name = path.rsplit('.').next().unwrap_or_default();
        assert!(!LATER.contains(&name), "{path} is there");
        assert!(!schema["enum"].to_string().contains("Jwt"), "{path} offers Jwt");
    }
}

#[test]
fn every_kind_is_found_by_its_names() {
    for crd in api::crds() {
        let names = crd.spec.names;
        assert_eq!(names.categories.unwrap(), ["credentials"], "{}", names.kind);
        let short = match names.kind.as_str() {
            "Account" => "acct",
            "ApiKeyPair" => "akp",
            "SshKey" => "sshk",
            "AccessToken" => "atk",
            other => panic!("a fifth kind: {other}"),
        };
        assert_eq!(names.short_names.unwrap(), [short]);
    }
}

#[test]
fn the_columns_of_the_credentials_are_the_same_and_never_show_a_future_time_as_an_age() {
    for crd in api::crds() {
        let columns = crd.spec.versions[0].additional_printer_columns.clone().unwrap();
        let plain =
            columns.iter().filter(|column| column.priority.is_none()).map(|column| column.name.as_str());
        let plain: Vec<_> = plain.collect();
        if crd.spec.names.kind == "Account" {
            assert_eq!(plain, ["Display Name", "Ready", "Reason", "Credentials", "Age"]);
        } else {
            assert_eq!(plain, ["Account", "Ready", "Reason", "Expiry", "Revision", "Secret", "Age"]);
        }
        let wide: Vec<_> =
            columns.iter().filter_map(|column| Some((column.priority?, &*column.json_path))).collect();
        let identity: &[&str] = match crd.spec.names.kind.as_str() {
            "ApiKeyPair" => &[".status.accessKey"],
            "SshKey" => &[".status.id", ".status.fingerprint"],
            _ => &[".status.id"],
        };
        let next = [".status.next.action", ".status.next.time"];
        if crd.spec.names.kind != "Account" {
            let wanted = identity.iter().chain(&next).map(|path| (1, *path));
            assert_eq!(wide, wanted.collect::<Vec<_>>(), "what it is, and what comes next");
        }
        let dates =
            columns.iter().filter(|column| column.type_ == "date").map(|column| column.json_path.as_str());
        assert_eq!(dates.collect::<Vec<_>>(), [".metadata.creationTimestamp"]);
    }
}

#[test]
fn credentials_are_selected_by_account_and_by_what_identifies_them() {
    for crd in api::crds() {
        let fields = crd.spec.versions[0].selectable_fields.clone().unwrap_or_default();
        let paths: Vec<_> = fields.iter().map(|field| &*field.json_path).collect();
        let wanted: &[&str] = match crd.spec.names.kind.as_str() {
            "ApiKeyPair" => &[".spec.accountRef.name", ".status.accessKey"],
            "SshKey" => &[".spec.accountRef.name", ".status.id", ".status.fingerprint"],
            "AccessToken" => &[".spec.accountRef.name", ".status.id"],
            _ => &[],
        };
        assert_eq!(paths, wanted, "{}", crd.spec.names.kind);
    }
}

/// As the conventions of the Kubernetes API have it; three times have the names that the contract gives them.
#[test]
fn fields_are_called_as_everywhere_in_kubernetes() {
    const TIMES: [&str; 3] = ["digests[].notAfter", "next.time", "history[].time"];
    for (path, schema) in fields() {
        let name = path.rsplit('.').next().unwrap_or_default();
        assert_ne!(name, "phase", "{path}");
        if schema["format"] == "date-time" {
            assert!(name.ends_with("Time") || TIMES.iter().any(|time| path.ends_with(time)), "{path}");
        }
        if name.ends_with("Ref") {
            assert!(schema["properties"]["name"].is_object(), "{path} names nothing");
        }
        if name == "conditions" {
            let keys = &schema["x-kubernetes-list-map-keys"];
            assert_eq!(
                (&schema["x-kubernetes-list-type"], keys),
                (&json!("map"), &json!(["type"])),
                "{path}"
            );
        }
    }
}

#[test]
fn only_credentials_can_be_bound_to_services() {
    for crd in api::crds() {
        let label = crd
            .metadata
            .labels
            .and_then(|labels| labels.get("servicebinding.io/provisioned-service").cloned());
        assert_eq!(label.as_deref(), (crd.spec.names.kind != "Account").then_some("true"));
    }
}

#[test]
fn fields_with_defaults_can_be_left_out() {
    let pair: ApiKeyPair = typed(&Kind::ApiKeyPair.manifest());
    assert!(pair.spec.common.active);
    assert_eq!(pair.spec.service, "api");
    assert_eq!(pair.spec.format, api::KeyPairFormat::Standard);
    assert_eq!(pair.spec.common.deletion_policy, api::DeletionPolicy::Delete);
    let key: SshKey = typed(&Kind::SshKey.manifest());
    assert_eq!(key.spec.method, api::SshMethod::Generate);
    let token: AccessToken = typed(&Kind::AccessToken.manifest());
    assert_eq!(token.spec.format, api::TokenFormat::Prefixed);
    let account: Account = typed(&Kind::Account.manifest());
    assert!(account.spec.active);
}

#[test]
fn defaults_in_the_schema_are_those_of_the_types() {
    let fields = fields();
    let default_of = |path: &str| {
        let field = fields.iter().find(|(found, _)| found == path);
        field.unwrap_or_else(|| panic!("{path}")).1["default"].clone()
    };
    for kind in ["Account", "ApiKeyPair", "SshKey", "AccessToken"] {
        assert_eq!(default_of(&format!("{kind}.spec.active")), true);
        assert_eq!(default_of(&format!("{kind}.status")), json!({"observedGeneration": -1}));
    }
    assert_eq!(default_of("ApiKeyPair.spec.service"), "api");
    assert_eq!(default_of("ApiKeyPair.spec.format"), "Standard");
    assert_eq!(default_of("ApiKeyPair.spec.rotation.mode"), "SecretOnly");
    assert_eq!(default_of("SshKey.spec.method"), "Generate");
    assert_eq!(default_of("SshKey.spec.algorithm"), Value::Null);
    assert_eq!(default_of("SshKey.spec.secret"), Value::Null);
    assert_eq!(default_of("AccessToken.spec.format"), "Prefixed");
    assert_eq!(default_of("AccessToken.spec.deletionPolicy"), "Delete");
}

#[test]
fn a_status_comes_back_as_it_was_written() {
    let time = "2026-01-02T03:04:05Z";
    let common = json!({
        "observedGeneration": 3,
        "conditions": [{"type": "Ready", "status": "True", "reason": "Rotated", "message": "x",
                        "observedGeneration": 3, "lastTransitionTime": time}],
        "state": "Live", "revision": 7, "issueTime": time, "expirationTime": time,
        "previous": {"id": "A", "expirationTime": time, "retirementTime": time},
        "handledTriggers": {"rotate": ["a", "b"], "revoke": ["c"], "retire": ["d"], "rollback": ["e"]},
        "digests": [{"value": "sha256:x", "notAfter": time}, {"value": "sha256:y"}],
        "secretRef": {"name": "s", "uid": "u", "resourceVersion": "9"},
        "binding": {"name": "s"}, "isExpired": false, "expiry": "Expires in: 3 days",
        "next": {"action": "Retire", "time": time},
        "effective": {"lifetime": "90d", "lifetimeFrom": "Account", "permissions": []},
        "history": [{"revision": 7, "time": time, "reason": "Rotated", "trigger": "b"}],
    });
    for (kind, own) in [
        (Kind::ApiKeyPair, json!({"accessKey": "AKIA"})),
        (
            Kind::SshKey,
            json!({"id": 9_007_199_254_740_991_i64, "fingerprint": "SHA256:x", "publicKey": "ssh-ed25519 x"}),
        ),
        (Kind::AccessToken, json!({"id": "t"})),
    ] {
        let mut status = common.clone();
        rules::merge(&mut status, own);
        let mut object = kind.manifest();
        object["status"] = status.clone();
        let back = match kind {
            Kind::ApiKeyPair => serde_json::to_value(typed::<ApiKeyPair>(&object)),
            Kind::SshKey => serde_json::to_value(typed::<SshKey>(&object)),
            Kind::AccessToken => serde_json::to_value(typed::<AccessToken>(&object)),
            Kind::Account => unreachable!("not in the list above"),
        };
        assert_eq!(back.unwrap()["status"], status, "{kind:?}");
    }
}

#[test]
fn an_empty_status_is_written_as_an_empty_object() {
    assert_eq!(serde_json::to_value(api::ApiKeyPairStatus::default()).unwrap(), json!({}));
    assert_eq!(serde_json::to_value(api::SshKeyStatus::default()).unwrap(), json!({}));
    assert_eq!(serde_json::to_value(api::AccessTokenStatus::default()).unwrap(), json!({}));
    assert_eq!(serde_json::to_value(api::AccountStatus::default()).unwrap(), json!({}));
}

/// The operator must never be refused its own report.
#[test]
fn the_most_that_can_be_granted_is_no_more_than_status_takes_and_the_most_that_is_refused_fits_a_message() {
    let crd = serde_json::to_value(AccessToken::crd()).unwrap();
    let schema =
        &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"];
    let most = schema["effective"]["properties"]["permissions"]["maxItems"].as_u64().unwrap() as usize;
    let message =
        schema["conditions"]["items"]["properties"]["message"]["maxLength"].as_u64().unwrap() as usize;

    let single = |resource: String| format!("{}:{}", resource, "a".repeat(126 - resource.len()));
    let own: Vec<_> = (0..63).map(|n| single(format!("own{n}"))).chain(["wide:*".to_owned()]).collect();
    let roles: Vec<_> = (0..32)
        .map(|role| {
            let permissions: Vec<_> = (0..64).map(|n| single(format!("r{role}x{n}"))).collect();
            let include: Vec<_> = (role..16).map(|n| format!("role{}", n + 16)).collect();
            json!({"name": format!("role{role}"), "permissions": permissions, "include": include})
        })
        .collect();
    let names: Vec<_> = (0..16).map(|role| format!("role{role}")).collect();
    let account = |permissions: Value| -> chatelaine::api::AccountSpec {
        let spec = json!({"email": "a@example.com", "permissions": permissions, "roles": roles});
        serde_json::from_value(spec).unwrap()
    };
    let request = || Request { permissions: &own, roles: &names };
    let granted = entitle(request(), &account(json!(["*:*"])), &[]);
    assert_eq!(granted.effective.len(), 64 + 32 * 64);
    assert!(granted.effective.len() <= most, "status takes {most}");

    let none = account(json!([]));
    let refusal = entitle(request(), &none, &[]).refusal("alice", &none).unwrap();
    let lacking = entitle(request(), &none, &[]).lacking("alice").unwrap().1;
    for text in [refusal.message, lacking] {
        assert!(text.len() <= message && text.contains(" more"), "{} bytes", text.len());
    }
}
