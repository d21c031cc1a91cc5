//! The health check and the action for Argo CD, run as Argo CD runs them: in Lua 5.1, over what kstatus tells apart.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use chatelaine::{
    api::{AccessToken, Account, ApiKeyPair, SshKey},
    core::reason::Reason,
};
use mlua::{Lua, LuaSerdeExt};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use support::checkout;

/// The customization for all kinds of the group, from the example.
fn customization() -> Result<Value> {
    let text = std::fs::read_to_string(checkout::root().join("examples/gitops/argocd-cm.yaml"))?;
    let map: Value = serde_yaml::from_str(&text)?;
    let inner = map.pointer("/data/resource.customizations").and_then(Value::as_str).context("the map")?;
    let all: Value = serde_yaml::from_str(inner)?;
    Ok(all["chatelaine.dev/*"].clone())
}

fn script(text: &Value, object: &Value) -> Result<Value> {
    let lua = Lua::new();
    lua.globals().set("obj", lua.to_value(object)?)?;
    let text = text.as_str().context("a script")?;
    Ok(lua.from_value(lua.load(text).eval()?)?)
}

/// Argo CD's own form of a test of a health check.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    health_status: Health,
    input_path: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Health {
    status: String,
    message: String,
}

const DATA: &str = "examples/gitops/argocd";

fn tests() -> Result<Vec<Test>> {
    #[derive(Deserialize)]
    struct Tests {
        tests: Vec<Test>,
    }
    let text = std::fs::read_to_string(checkout::root().join(DATA).join("health_test.yaml"))?;
    Ok(serde_yaml::from_str::<Tests>(&text)?.tests)
}

fn input(path: &str) -> Result<Value> {
    let text = std::fs::read_to_string(checkout::root().join(DATA).join(path))?;
    serde_yaml::from_str(&text).with_context(|| path.to_owned())
}

#[test]
fn each_object_of_the_test_data_has_the_health_that_people_expect() -> Result<()> {
    let check = &customization()?["health.lua"];
    for Test { health_status, input_path } in tests()? {
        let said: Health = serde_json::from_value(script(check, &input(&input_path)?)?)?;
        ensure!(said == health_status, "{input_path}: {said:?}");
        let named = format!("testdata/{}_", health_status.status.to_lowercase());
        ensure!(input_path.starts_with(&named), "{input_path} is {}", health_status.status);
    }
    Ok(())
}

/// What kstatus tells apart: status of Ready, Reconciling and Stalled, where a dash is a condition that is absent.
const TABLE: [(&str, &str, &[&str]); 7] = [
    ("nobody looked yet", "- - -", &["progressing_created"]),
    ("a first issue is under way", "Unknown True -", &["progressing_firstKey"]),
    (
        "issued and valid, or withheld because somebody says so",
        "True - -",
        &[
            "healthy_issued",
            "healthy_overlap",
            "healthy_inactive",
            "healthy_accountInactive",
            "healthy_account",
        ],
    ),
    (
        "what is valid is served, and something is waited for",
        "True True -",
        &["healthy_slowKey", "healthy_accountInItsGrace", "healthy_serverError"],
    ),
    (
        "something is waited for",
        "False True -",
        &[
            "progressing_account",
            "progressing_parent",
            "progressing_foreignSecret",
            "progressing_restore",
            "progressing_serverError",
            "progressing_accountPassword",
        ],
    ),
    (
        "only a person can mend it",
        "False - True",
        &[
            "degraded_invalidKey",
            "degraded_quota",
            "degraded_expired",
            "degraded_revoked",
            "degraded_refusedWhileLive",
            "degraded_accountRoles",
        ],
    ),
    ("the spec was edited", "True - -", &["progressing_edited"]),
];

#[test]
fn the_test_data_has_each_row_of_kstatus_and_nothing_that_the_operator_would_not_say() -> Result<()> {
    // Not even the schema's default: it was applied before there was one.
    let mut seen = BTreeSet::from(["testdata/progressing_noStatus.yaml".to_owned()]);
    for (situation, columns, names) in TABLE {
        for name in names {
            let path = format!("testdata/{name}.yaml");
            let object = input(&path)?;
            let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let column = |kind: &str| {
                let found = all.iter().find(|one| one["type"] == kind);
                found.and_then(|one| one["status"].as_str()).unwrap_or("-").to_owned()
            };
            let told = ["Ready", "Reconciling", "Stalled"].map(column).join(" ");
            ensure!(told == columns, "{name} is not of {situation}: {told}");
            for one in &all {
                serde_json::from_value::<Reason>(one["reason"].clone()).with_context(|| path.clone())?;
            }
            is_readable(object).with_context(|| path.clone())?;
            seen.insert(path);
        }
    }
    let tested: BTreeSet<_> = tests()?.into_iter().map(|test| test.input_path).collect();
    ensure!(tested == seen, "not in the table: {:?}", tested.symmetric_difference(&seen));
    let there = std::fs::read_dir(checkout::root().join(DATA).join("testdata"))?;
    let there: std::io::Result<Vec<_>> = there.map(|file| Ok(file?.file_name())).collect();
    ensure!(there?.len() == tested.len(), "a file of which no test knows");
    Ok(())
}

/// It fits the types, which know all that is in it.
fn is_readable(object: Value) -> Result<()> {
    fn back<K: Serialize + DeserializeOwned>(object: &Value) -> Result<Value> {
        Ok(serde_json::to_value(serde_json::from_value::<K>(object.clone())?)?)
    }
    let again = match object["kind"].as_str() {
        Some("Account") => back::<Account>(&object)?,
        Some("ApiKeyPair") => back::<ApiKeyPair>(&object)?,
        Some("SshKey") => back::<SshKey>(&object)?,
        Some("AccessToken") => back::<AccessToken>(&object)?,
        kind => bail!("no kind of ours: {kind:?}"),
    };
    for part in ["metadata", "status"] {
        ensure!(again[part] == object[part], "{part} comes back as {}", again[part]);
    }
    Ok(())
}

#[test]
fn the_button_sets_a_new_value_of_the_trigger_and_accounts_have_none() -> Result<()> {
    let actions: Value = serde_yaml::from_str(customization()?["actions"].as_str().context("actions")?)?;
    let object = |kind: &str| json!({"kind": kind, "metadata": {"name": "ci"}});
    let pressed = script(&actions["definitions"][0]["action.lua"], &object("AccessToken"))?;
    let value = pressed["metadata"]["annotations"]["chatelaine.dev/rotate"].as_str().unwrap_or_default();
    assert!(value.parse::<jiff::Timestamp>().is_ok(), "{value}");
    let offered = |kind: &str| script(&actions["discovery.lua"], &object(kind));
    assert_eq!(offered("SshKey")?, json!({"rotate": {"disabled": false}}));
    assert!(offered("Account")?.get("rotate").is_none());
    Ok(())
}
