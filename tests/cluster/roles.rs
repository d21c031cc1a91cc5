//! Roles: named sets of permissions in the Account, that include each other and stay under its ceiling.

use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Secret, Stage, assert_conditions, condition, has, is_observed,
    play, text,
};

fn effective(object: &Value) -> &Value {
    &object["status"]["effective"]["permissions"]
}

/// The levels of a pastebin's API keys: each includes the one below it.
async fn levels(stage: &Stage<'_>, ceiling: &[&str]) {
    let roles = json!([
        {"name": "full", "permissions": ["account:*"], "include": ["apikey"]},
        {"name": "apikey", "permissions": ["keys:list", "keys:delete"], "include": ["basic"]},
        {"name": "basic", "permissions": ["pastes:create"]},
    ]);
    stage.patch(Account, "alice", json!({"spec": {"permissions": ceiling, "roles": roles}})).await;
}

#[test]
fn a_role_gives_what_it_includes_up_to_the_accounts_ceiling() {
    play(|stage| async move {
        levels(&stage, &["pastes:*", "keys:list", "own:read"]).await;
        for kind in [AccessToken, ApiKeyPair] {
            let name = format!("{kind:?}").to_lowercase();
            let spec = json!({"roles": ["full"], "permissions": ["own:read"]});
            let object = stage.ready(kind, &name, spec).await;
            assert_eq!(effective(&object), &json!(["keys:list", "own:read", "pastes:create"]), "{kind:?}");
        }
        assert_eq!(
            has(&stage.secret("accesstoken").await, "permissions"),
            "keys:list own:read pastes:create"
        );
    });
}

/// As many as the schema takes, each as long as it may be.
#[test]
fn a_token_of_three_full_roles_has_the_permissions_of_all_of_them() {
    play(|stage| async move {
        let of = |role: usize| -> Vec<String> {
            (0..64).map(|n| format!("{role}{n:0>62}:{}", "a".repeat(63))).collect()
        };
        let roles: Vec<Value> =
            (0..3).map(|role| json!({"name": format!("role-{role}"), "permissions": of(role)})).collect();
        let spec = json!({"permissions": ["*:*"], "roles": roles});
        stage.patch(Account, "alice", json!({"spec": spec})).await;
        let all: Vec<String> = (0..3).flat_map(of).collect();
        for kind in [AccessToken, ApiKeyPair] {
            let name = format!("{kind:?}").to_lowercase();
            let object = stage.ready(kind, &name, json!({"roles": ["role-0", "role-1", "role-2"]})).await;
            assert_eq!(effective(&object), &json!(all), "{kind:?}");
        }
        assert_eq!(has(&stage.secret("accesstoken").await, "permissions"), all.join(" "));
        // Below a ceiling that is as full, each is looked for in all of it.
        stage.patch(Account, "alice", json!({"spec": {"permissions": of(1)}})).await;
        let object =
            stage.until(AccessToken, "accesstoken", "cut", |object| effective(object) == &json!(of(1))).await;
        assert_eq!(object["status"]["revision"], 1);
    });
}

#[test]
fn a_role_of_which_the_account_grants_nothing_is_not_issued() {
    play(|stage| async move {
        levels(&stage, &["dns:*"]).await;
        stage.credential(AccessToken, CI, json!({"roles": ["basic"]})).await;
        let object = stage.until_reason(AccessToken, CI, "Stalled", "PermissionNotGranted").await;
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(
            message.contains("does not grant the role basic (pastes:create); it grants dns:*"),
            "{message}"
        );
        assert!(stage.get(Secret, CI).await.is_null());
    });
}

#[test]
fn an_unknown_role_is_not_issued_until_the_account_has_it_and_the_message_lists_those_there_are() {
    play(|stage| async move {
        levels(&stage, &["*:*"]).await;
        stage.credential(AccessToken, CI, json!({"roles": ["basic", "admin"]})).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "RoleNotFound").await;
        assert_conditions(
            &object,
            &["Ready=False RoleNotFound", "Active=False RoleNotFound", "Stalled=True RoleNotFound"],
        );
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(message.contains("has no role admin; it has full, apikey, basic"), "{message}");
        assert!(stage.get(Secret, CI).await.is_null());

        let roles =
            json!([{"name": "admin", "permissions": ["users:*"]}, {"name": "basic", "permissions": ["a:b"]}]);
        stage.patch(Account, "alice", json!({"spec": {"roles": roles}})).await;
        let object = stage.until_revision(AccessToken, CI, 1).await;
        assert_eq!(effective(&object), &json!(["a:b", "users:*"]));
    });
}

#[test]
fn an_edited_or_removed_role_changes_what_a_live_token_may_do_and_never_the_token() {
    play(|stage| async move {
        levels(&stage, &["*:*"]).await;
        stage.ready(AccessToken, CI, json!({"roles": ["apikey"], "permissions": ["own:read"]})).await;
        let token = has(&stage.secret(CI).await, "token");

        let roles = json!([{"name": "apikey", "permissions": ["keys:*"]}]);
        stage.patch(Account, "alice", json!({"spec": {"roles": roles}})).await;
        let wanted = json!(["keys:*", "own:read"]);
        stage.until(AccessToken, CI, "edited", |object| effective(object) == &wanted).await;

        stage.patch(Account, "alice", json!({"spec": {"roles": []}})).await;
        let object =
            stage.until(AccessToken, CI, "removed", |object| effective(object) == &json!(["own:read"])).await;
        assert_eq!((&object["status"]["revision"], &object["status"]["state"]), (&json!(1), &json!("Live")));
        let ready = condition(&object, "Ready");
        assert_eq!(ready["status"], "True", "a valid credential is served");
        assert!(text(&ready["message"]).contains("the Account alice has no role apikey"), "{ready}");
        let secret = stage.secret(CI).await;
        assert_eq!((has(&secret, "token"), has(&secret, "permissions").as_str()), (token, "own:read"));
        let note = stage.event(AccessToken, CI, "RoleNotFound").await;
        assert!(note.contains("cut at once"), "{note}");
    });
}

#[test]
fn roles_in_a_circle_stall_the_account_issue_nothing_and_take_nothing() {
    play(|stage| async move {
        levels(&stage, &["*:*"]).await;
        let before = stage.ready(AccessToken, CI, json!({"roles": ["apikey"]})).await;
        let roles = json!([
            {"name": "full", "include": ["apikey"]},
            {"name": "apikey", "permissions": ["keys:list"], "include": ["basic"]},
            {"name": "basic", "include": ["full"]},
            {"name": "apart", "permissions": ["apart:read"]},
        ]);
        stage.patch(Account, "alice", json!({"spec": {"roles": roles}})).await;
        let account = stage.until_reason(Account, "alice", "Stalled", "InvalidSpec").await;
        let ready = condition(&account, "Ready");
        assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("InvalidSpec")));
        assert!(text(&ready["message"]).contains("in a circle: full, apikey, basic, full"), "{ready}");

        stage.credential(AccessToken, "new", json!({"roles": ["full"]})).await;
        let refused = stage.until_reason(AccessToken, "new", "Stalled", "PermissionNotGranted").await;
        assert!(
            text(&condition(&refused, "Ready")["message"]).contains("mend spec.roles there"),
            "{refused}"
        );
        stage.ready(AccessToken, "apart", json!({"roles": ["apart"]})).await;

        let token = stage
            .until(AccessToken, CI, "told", |object| {
                text(&condition(object, "Ready")["message"]).contains("in a circle")
            })
            .await;
        assert_eq!(condition(&token, "Ready")["status"], "True");
        assert_eq!(effective(&token), effective(&before), "what it had, it has");

        levels(&stage, &["*:*"]).await;
        let mended = stage.until(Account, "alice", "mended", is_observed).await;
        assert_conditions(&mended, &["Ready=True Accepted", "Active=True Accepted"]);
        stage.until_revision(AccessToken, "new", 1).await;
    });
}
