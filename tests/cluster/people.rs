//! What people type: waiting, listing and selecting with kubectl.

use serde_json::json;

use crate::stage::{AccessToken, ApiKeyPair, CI, SshKey, Stage, play, text};

impl Stage<'_> {
    async fn kubectl(&self, args: &[&str]) -> String {
        let namespaced = [&["--namespace", &self.namespace], args].concat();
        self.cluster.kubectl(&namespaced).await.ok()
    }
}

#[test]
fn kubectl_waits_for_ready_and_lists_every_kind() {
    play(|stage| async move {
        stage.credential(ApiKeyPair, "pair", json!({"lifetime": "90d"})).await;
        stage.credential(SshKey, "ssh", json!({})).await;
        stage.credential(AccessToken, "token", json!({})).await;
        for object in ["apikeypair/pair", "sshk/ssh", "atk/token"] {
            let said = stage.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", object]).await;
            assert!(said.contains("condition met"), "{said}");
        }
        let rows = [
            "pair alice True Issued Expires in: 90 days 1 pair",
            "ssh alice True Issued Never Expires 1 ssh",
            "token alice True Issued Never Expires 1 token",
        ];
        let printed = stage.kubectl(&["get", "credentials"]).await;
        let lines: Vec<String> =
            printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let heads: Vec<_> = lines.iter().filter(|line| line.starts_with("NAME ACCOUNT")).collect();
        assert_eq!(heads, ["NAME ACCOUNT READY REASON EXPIRY REVISION SECRET AGE"; 3], "{printed}");
        for row in rows {
            assert!(lines.iter().any(|line| line.contains(row)), "{row:?} is not in\n{printed}");
        }
        let everywhere = stage.cluster.kubectl(&["get", "credentials", "--all-namespaces"]).await.ok();
        assert!(everywhere.contains(&stage.namespace), "{everywhere}");
        let wide = stage.kubectl(&["get", "apikeypair", "pair", "--output=wide"]).await;
        let pair = stage.get(ApiKeyPair, "pair").await;
        assert!(wide.contains(text(&pair["status"]["accessKey"])), "{wide}");
    });
}

#[test]
fn credentials_are_selected_by_what_identifies_them() {
    play(|stage| async move {
        for kind in [ApiKeyPair, SshKey, AccessToken] {
            for name in [CI, "other"] {
                let secret = format!("{kind:?}-{name}").to_lowercase();
                stage.ready(kind, name, json!({"secret": {"name": secret}})).await;
            }
        }
        let (kinds, fields) =
            ([ApiKeyPair, SshKey, SshKey, AccessToken], ["accessKey", "fingerprint", "id", "id"]);
        for (kind, field) in kinds.into_iter().zip(fields) {
            let object = stage.get(kind, CI).await;
            let value = object["status"][field].to_string().replace('"', "");
            let selector = format!("--field-selector=status.{field}={value}");
            let found = stage.kubectl(&["get", &format!("{kind:?}"), &selector, "--output=name"]).await;
            assert_eq!(found.lines().count(), 1, "{kind:?} by {field}: {found}");
            assert!(found.trim().ends_with("/ci"), "{found}");
        }
        let theirs = stage.kubectl(&[
            "get",
            "apikeypairs",
            "--field-selector=spec.accountRef.name=alice",
            "--output=name",
        ]);
        assert_eq!(theirs.await.lines().count(), 2);

        let object = stage.get(ApiKeyPair, CI).await;
        let selector = format!("--field-selector=status.accessKey={}", text(&object["status"]["accessKey"]));
        stage.kubectl(&["delete", "apikeypair", &selector]).await;
        stage.until_gone(ApiKeyPair, CI).await;
        assert!(stage.get(ApiKeyPair, "other").await.is_object(), "and no other");
    });
}
