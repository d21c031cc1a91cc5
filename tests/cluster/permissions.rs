//! Permissions: what the Account grants is the ceiling, and no edit of them changes a value.

use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Secret, assert_conditions, condition, has, is_observed, play, text,
};

fn effective(object: &Value) -> &Value {
    &object["status"]["effective"]["permissions"]
}

#[test]
fn the_accounts_ceiling_cuts_a_wildcard_to_what_it_grants() {
    play(|stage| async move {
        for kind in [AccessToken, ApiKeyPair] {
            let name = format!("{kind:?}").to_lowercase();
            let spec = json!({"permissions": ["servers:*", "dns:read"]});
            let object = stage.ready(kind, &name, spec).await;
            assert_eq!(effective(&object), &json!(["dns:read", "servers:read", "servers:write"]), "{kind:?}");
        }
        assert_eq!(
            has(&stage.secret("accesstoken").await, "permissions"),
            "dns:read servers:read servers:write"
        );
    });
}

#[test]
fn what_the_account_does_not_grant_is_not_issued_until_it_does() {
    play(|stage| async move {
        let spec = json!({"permissions": ["dns:read", "disks:write", "users:*"]});
        stage.credential(AccessToken, CI, spec).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "PermissionNotGranted").await;
        assert_conditions(
            &object,
            &[
                "Ready=False PermissionNotGranted",
                "Active=False PermissionNotGranted",
                "Stalled=True PermissionNotGranted",
            ],
        );
        let message = text(&condition(&object, "Ready")["message"]);
        for part in ["disks:write", "users:*", "it grants servers:read, servers:write, dns:*"] {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
        assert!(stage.get(Secret, CI).await.is_null());

        stage.patch(Account, "alice", json!({"spec": {"permissions": ["*:*"]}})).await;
        let object = stage.until_revision(AccessToken, CI, 1).await;
        assert_eq!(effective(&object), &json!(["disks:write", "dns:read", "users:*"]));
    });
}

/// An event's note has 1024 bytes, and a server refuses a longer one whole.
#[test]
fn what_is_not_granted_is_told_in_bounds_however_much_it_is() {
    play(|stage| async move {
        let long = |of: &str| -> Vec<String> { (0..30).map(|n| format!("{of}{n:0>40}:{n:0>40}")).collect() };
        let (asked, granted) = (long("asked"), long("granted"));
        stage.patch(Account, "alice", json!({"spec": {"permissions": granted}})).await;
        stage.credential(AccessToken, CI, json!({"permissions": asked})).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "PermissionNotGranted").await;
        let message = text(&condition(&object, "Ready")["message"]);
        let refused = format!("The Account alice does not grant {}, {}, ", asked[0], asked[1]);
        let there = format!(" more; it grants {}, {}, ", granted[0], granted[1]);
        assert!(message.starts_with(&refused) && message.contains(&there), "{message}");
        assert!(message.ends_with(" more: change spec.permissions here or in the Account"), "{message}");
        assert!((1_024..2_048).contains(&message.len()), "{message}");
        let note = stage.event(AccessToken, CI, "PermissionNotGranted").await;
        assert!(note.starts_with(&refused) && note.len() <= 1_024, "{note}");
        assert!(stage.get(Secret, CI).await.is_null());
    });
}

#[test]
fn narrowing_the_account_cuts_a_live_token_at_once_and_leaves_its_value() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"permissions": ["servers:read", "dns:read"]})).await;
        let before = stage.secret(CI).await;
        assert_eq!(has(&before, "permissions"), "dns:read servers:read");
        stage.patch(Account, "alice", json!({"spec": {"permissions": ["dns:*"]}})).await;
        let cut =
            stage.until(AccessToken, CI, "cut", |object| effective(object) == &json!(["dns:read"])).await;
        assert_eq!((&cut["status"]["revision"], &cut["status"]["state"]), (&json!(1), &json!("Live")));
        let ready = condition(&cut, "Ready");
        assert_eq!(ready["status"], "True", "a valid credential is served");
        assert!(text(&ready["message"]).contains("does not grant servers:read"), "{ready}");
        let after = stage.secret(CI).await;
        assert_eq!(
            (has(&after, "permissions"), has(&after, "token")),
            ("dns:read".to_owned(), has(&before, "token"))
        );
        let note = stage.event(AccessToken, CI, "PermissionNotGranted").await;
        assert!(note.contains("servers:read"), "{note}");

        stage.patch(Account, "alice", json!({"spec": {"permissions": ["*:*"]}})).await;
        stage
            .until(Secret, CI, "granted again", |secret| {
                has(secret, "permissions") == "dns:read servers:read"
            })
            .await;
    });
}

#[test]
fn edited_permissions_never_change_the_token() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"permissions": ["servers:read"]})).await;
        let token = has(&stage.secret(CI).await, "token");
        for (permissions, told) in
            [(json!(["dns:*", "servers:read"]), "dns:* servers:read"), (json!(null), "")]
        {
            stage.patch(AccessToken, CI, json!({"spec": {"permissions": permissions}})).await;
            let object = stage.until(AccessToken, CI, "observed", is_observed).await;
            assert_eq!(object["status"]["revision"], 1);
            let secret = stage.secret(CI).await;
            assert_eq!(
                (has(&secret, "permissions"), has(&secret, "token")),
                (told.to_owned(), token.clone())
            );
        }
    });
}
