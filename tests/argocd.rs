//! The health check and the action for Argo CD, run as Argo CD runs them: in Lua 5.1, over what kstatus tells apart.

use anyhow::{Context, Result};
use mlua::{Lua, LuaSerdeExt};
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

fn health(generation: i64, status: Value) -> Result<Value> {
    let mut object = json!({"kind": "AccessToken", "metadata": {"name": "ci", "generation": generation}});
    if !status.is_null() {
        object["status"] = status;
    }
    Ok(script(&customization()?["health.lua"], &object)?["status"].take())
}

fn status(generation: i64, conditions: &[(&str, &str)]) -> Value {
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(kind, status)| json!({"type": kind, "status": status, "reason": "R", "message": "m"}))
        .collect();
    json!({"observedGeneration": generation, "conditions": conditions})
}

#[test]
fn each_situation_of_kstatus_has_the_health_that_people_expect() -> Result<()> {
    for (situation, generation, status, expected) in [
        ("nobody looked yet", 1, json!({"observedGeneration": -1}), "Progressing"),
        ("no status at all", 1, Value::Null, "Progressing"),
        ("the spec was edited", 2, status(1, &[("Ready", "True")]), "Progressing"),
        ("issued and valid", 1, status(1, &[("Ready", "True"), ("Active", "True")]), "Healthy"),
        ("a slow key is made again", 1, status(1, &[("Ready", "True"), ("Reconciling", "True")]), "Healthy"),
        (
            "withheld because the spec says so",
            1,
            status(1, &[("Ready", "True"), ("Active", "False")]),
            "Healthy",
        ),
        ("waits for an Account", 1, status(1, &[("Ready", "False"), ("Reconciling", "True")]), "Progressing"),
        ("only a person can mend it", 1, status(1, &[("Ready", "False"), ("Stalled", "True")]), "Degraded"),
    ] {
        assert_eq!(health(generation, status)?, expected, "{situation}");
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
