//! Withholding and giving back: the copy before the Secret, the Secret before the copy's end.

use chatelaine::{
    api::{AccessToken, REVOKE},
    controller::queue::Again,
};
use serde_json::{Value, json};

use crate::stage::Stage;

const COPY: &str = "chatelaine-held-uid-ci";

async fn issued() -> (Stage<AccessToken>, Value) {
    let mut stage = Stage::new(json!({}));
    stage.rest().await;
    let token = stage.secret("ci")["data"]["token"].clone();
    (stage, token)
}

fn set_active(stage: &mut Stage<AccessToken>, active: Value) {
    stage.edit(|object| object["spec"]["active"] = active);
}

#[tokio::test(start_paused = true)]
async fn the_copy_is_made_before_the_material_goes_and_goes_after_the_material_is_back() {
    let (mut stage, token) = issued().await;
    let status = stage.status_path();
    set_active(&mut stage, json!(false));
    assert_eq!(stage.rest().await, ["GET secrets/ci", "POST secrets", "PUT secrets/ci", &status]);
    assert_eq!(stage.secret("ci")["data"]["token"], Value::Null);
    assert_eq!(stage.secret(COPY)["data"]["token"], token);
    assert_eq!(stage.ledger()["held"]["uid"], stage.secret(COPY)["metadata"]["uid"]);
    set_active(&mut stage, json!(true));
    let back = stage.rest().await;
    let copy = format!("secrets/{COPY}");
    let wanted =
        ["GET secrets/ci", &format!("GET {copy}"), "PUT secrets/ci", &format!("DELETE {copy}"), &status];
    assert_eq!(back, wanted);
    assert_eq!(stage.secret("ci")["data"]["token"], token);
    assert_eq!(stage.ledger()["revision"], 1);
    assert!(stage.server.get("secrets", COPY).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stranger_on_the_name_of_the_copy_is_looked_at_again_each_minute_and_once_gone_hinders_nothing() {
    let (mut stage, token) = issued().await;
    stage.server.put("secrets", json!({"metadata": {"name": COPY, "namespace": "ns", "uid": "theirs"}}));
    set_active(&mut stage, json!(false));
    for _ in 0..2 {
        stage.see_object("ci");
        let again = stage.look().await;
        assert!(matches!(again, Ok(Again::In(rest)) if rest.as_secs() <= 60), "{again:?}");
        assert_eq!(stage.condition("Stalled")["reason"], "SecretConflict");
    }
    assert_eq!(stage.secret("ci")["data"]["token"], token);
    stage.server.remove("secrets", COPY);
    stage.see_object("ci");
    stage.look().await.expect("withheld");
    assert_eq!(stage.secret(COPY)["data"]["token"], token);
    assert_eq!(stage.secret("ci")["data"]["token"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_the_ledger_does_not_name_is_fenced_off_and_then_deleted() {
    let (mut stage, _) = issued().await;
    set_active(&mut stage, json!(false));
    stage.rest().await;
    let stray = stage.secret(COPY);
    set_active(&mut stage, json!(true));
    stage.rest().await;
    stage.server.put("secrets", {
        let mut stray = stray;
        stray["metadata"]["uid"] = json!("uid-stray");
        stray
    });
    let cleared = stage.rest().await;
    let position = |wanted: &str| cleared.iter().position(|asked| asked == wanted);
    let (fence, delete) = (position("PUT secrets/ci"), position(&format!("DELETE secrets/{COPY}")));
    assert!(fence.is_some() && fence < delete, "{cleared:?}");
    assert_eq!(stage.ledger()["discarded"]["uid"], "uid-stray");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_secret_under_the_copys_name_is_never_touched() {
    let (mut stage, token) = issued().await;
    let stranger = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": COPY, "namespace": "ns", "uid": "uid-stranger"},
        "data": {"mine": "bWluZQ=="},
    });
    stage.server.put("secrets", stranger.clone());
    set_active(&mut stage, json!(false));
    let _ = stage.look().await;
    stage.see();
    let _ = stage.look().await;
    let asked = stage.server.asked();
    assert!(!asked.iter().any(|one| one.ends_with(COPY) && !one.starts_with("GET")), "{asked:?}");
    assert_eq!(stage.secret(COPY)["data"], stranger["data"]);
    assert_eq!(stage.secret("ci")["data"]["token"], token, "nothing goes while it cannot be kept");
    assert_eq!(stage.condition("Ready")["reason"], "SecretConflict");
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_while_withheld_is_dead_before_its_copy_goes() {
    let (mut stage, _) = issued().await;
    set_active(&mut stage, json!(false));
    stage.rest().await;
    stage.annotate(REVOKE, "leak");
    let asked = stage.rest().await;
    let position = |wanted: &str| asked.iter().position(|one| one == wanted);
    let (write, delete) = (position("PUT secrets/ci"), position(&format!("DELETE secrets/{COPY}")));
    assert!(write.is_some() && write < delete, "{asked:?}");
    assert_eq!(stage.ledger()["state"], "Revoked");
    assert!(stage.server.get("secrets", COPY).is_none());
    set_active(&mut stage, json!(true));
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Revoked", "it never comes back");
}
