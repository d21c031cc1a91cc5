//! Issue: every kind, format and algorithm becomes Ready, and the Secret and status say what they should.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Kind, SshKey, Stage, assert_conditions, condition, digest_of, has,
    keys, ledger, play, same, secret_key, text, time, uid,
};

const PAIR: &[&str] = &["accessKey", "secretKey"];
const TOKEN: &[&str] = &["account", "permissions", "token"];
const SSH: &[&str] = &["authorized_keys", "ssh-privatekey", "ssh-publickey"];

/// Issues one credential and compares everything that does not depend on the kind.
async fn issued(
    stage: &Stage<'_>,
    kind: Kind,
    name: &str,
    spec: Value,
    type_: &str,
    data: &[&str],
) -> (Value, Value) {
    let object = stage.ready(kind, name, spec).await;
    let secret = stage.secret(name).await;
    let status = &object["status"];
    assert_conditions(
        &object,
        &[
            "Ready=True Issued",
            "Active=True Issued",
            "ExpiringSoon=False NeverExpires",
            "Expired=False NeverExpires",
        ],
    );
    same(&secret["type"], &json!(type_), name);
    same(keys(&secret), data.iter().map(|key| key.to_string()).collect(), name);
    same(
        &secret["metadata"]["labels"],
        &json!({
            "app.kubernetes.io/managed-by": "chatelaine",
            "chatelaine.dev/account": "alice",
            "chatelaine.dev/kind": format!("{kind:?}"),
        }),
        name,
    );
    let owner = &secret["metadata"]["ownerReferences"];
    same(
        owner,
        &json!([{
            "apiVersion": "chatelaine.dev/v1alpha1",
            "kind": format!("{kind:?}"),
            "name": name,
            "uid": uid(&object),
            "controller": true,
        }]),
        name,
    );
    let page = ledger(&secret);
    same(
        &page["owner"],
        &json!({"kind": format!("{kind:?}"), "name": name, "uid": uid(&object), "account": "alice"}),
        name,
    );
    same((&page["state"], &page["revision"]), (&json!("Live"), &json!(1)), name);
    same((&status["state"], &status["revision"]), (&json!("Live"), &json!(1)), name);
    same(
        &status["secretRef"],
        &json!({
            "name": name,
            "uid": uid(&secret),
            "resourceVersion": secret["metadata"]["resourceVersion"],
        }),
        name,
    );
    same(&status["binding"], &json!({"name": name}), name);
    same((&status["expiry"], &status["isExpired"]), (&json!("Never Expires"), &json!(false)), name);
    same(
        (&status["effective"]["lifetime"], &status["effective"]["lifetimeFrom"]),
        (&json!("never"), &json!("Default")),
        name,
    );
    same(&status["history"][0]["reason"], &json!("Issued"), name);
    same(status["history"].as_array().map(Vec::len), Some(1), name);
    same(&page["digest"], &status["digests"][0]["value"], name);
    assert_eq!(status["issueTime"], status["history"][0]["time"], "{name}");
    (object, secret)
}

fn is_of(text: &str, length: usize, allowed: impl Fn(char) -> bool) -> bool {
    text.len() == length && text.chars().all(allowed)
}

fn url_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_".contains(c)
}

fn upper(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

#[test]
fn an_api_key_pair_of_every_format_becomes_ready() {
    play(|stage| async move {
        type Fits = fn(&str) -> bool;
        let formats: [(&str, Value, Fits, Fits); 5] = [
            ("standard", json!({}), |id| is_of(id, 20, upper), |key| is_of(key, 40, url_safe)),
            (
                "prefixed",
                json!({"accessKeyPrefix": "ACME"}),
                |id| is_of(id, 20, upper) && id.starts_with("ACME"),
                |key| is_of(key, 40, url_safe),
            ),
            (
                "aws",
                json!({"format": "Aws"}),
                |id| id.strip_prefix("AKIA").is_some_and(|id| is_of(id, 16, upper)),
                |key| is_of(key, 40, url_safe),
            ),
            (
                "uuid",
                json!({"format": "Uuid"}),
                |id| is_of(id, 36, |c| c.is_ascii_hexdigit() || c == '-') && id.as_bytes()[14] == b'4',
                |key| key.len() >= 32,
            ),
            ("upper", json!({"format": "Upper"}), |id| is_of(id, 16, upper), |key| is_of(key, 32, upper)),
        ];
        for (name, spec, id_fits, key_fits) in formats {
            let (object, secret) = issued(&stage, ApiKeyPair, name, spec, "Opaque", PAIR).await;
            let (id, key) = (has(&secret, "accessKey"), has(&secret, "secretKey"));
            assert!(id_fits(&id), "{name}: {id}");
            assert!(key_fits(&key), "{name}: a key of another shape");
            same(&object["status"]["accessKey"], &json!(id), name);
            same(&object["status"]["digests"], &json!([{"value": digest_of(&key)}]), name);
        }
    });
}

#[test]
fn an_access_token_of_every_format_becomes_ready_and_says_who_it_is() {
    play(|stage| async move {
        let formats =
            [("prefixed", json!({"permissions": ["dns:read"]})), ("plain", json!({"format": "Plain"}))];
        for (name, spec) in formats {
            let (object, secret) = issued(&stage, AccessToken, name, spec, "Opaque", TOKEN).await;
            let token = has(&secret, "token");
            match token.strip_prefix("chtl_") {
                Some(rest) if name == "prefixed" => assert!(is_of(rest, 36, |c| c.is_ascii_alphanumeric())),
                _ => assert!(name == "plain" && is_of(&token, 32, |c| c.is_ascii_alphanumeric()), "{name}"),
            }
            same(&object["status"]["digests"], &json!([{"value": digest_of(&token)}]), name);
            same(has(&secret, "account"), "alice".to_owned(), name);
            let permissions = if name == "plain" { "" } else { "dns:read" };
            same(has(&secret, "permissions"), permissions.to_owned(), name);
            assert!(!text(&object["status"]["id"]).is_empty());
        }
    });
}

#[test]
fn the_accounts_token_prefix_is_what_a_token_begins_with() {
    play(|stage| async move {
        stage.patch(Account, "alice", json!({"spec": {"tokenPrefix": "acme"}})).await;
        stage.until(Account, "alice", "observed", crate::stage::is_observed).await;
        stage.ready(AccessToken, CI, json!({})).await;
        assert!(has(&stage.secret(CI).await, "token").starts_with("acme_"));
    });
}

/// What ssh-keygen says of a file with this text.
fn ssh_keygen(flags: &str, name: &str, text: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cluster-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    fs::write(&file, text).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a file");
    let output = Command::new("ssh-keygen").arg(flags).arg(&file).output().expect("ssh-keygen runs");
    fs::remove_dir_all(&folder).expect("the folder is ours");
    assert!(output.status.success(), "ssh-keygen {flags}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn an_ssh_key_of_every_algorithm_becomes_ready_and_ssh_keygen_agrees() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        return support::skip("what ssh-keygen says of the keys: it is not installed");
    }
    play(|stage| async move {
        let algorithms = [
            ("ed25519", json!({})),
            ("p256", json!({"algorithm": "EcdsaP256"})),
            ("p384", json!({"algorithm": "EcdsaP384"})),
            ("p521", json!({"algorithm": "EcdsaP521"})),
            ("rsa", json!({"algorithm": "Rsa", "bits": 2048})),
        ];
        for (name, spec) in algorithms {
            let (object, secret) = issued(&stage, SshKey, name, spec, "kubernetes.io/ssh-auth", SSH).await;
            let public = has(&secret, "ssh-publickey");
            same(ssh_keygen("-yf", "id", &has(&secret, secret_key(SshKey))), public.clone(), name);
            let fingerprint = text(&object["status"]["fingerprint"]);
            let said = ssh_keygen("-lf", "id.pub", &public);
            assert_eq!(said.split(' ').nth(1), Some(fingerprint), "{name}");
            same(text(&object["status"]["publicKey"]), public.trim_end(), name);
            same(has(&secret, "authorized_keys"), public, name);
            let id = object["status"]["id"].as_i64().expect("an integer");
            assert!((1..1 << 53).contains(&id), "{name}: {id}");
            assert_eq!(ledger(&secret)["number"], json!(id), "{name}");
        }
    });
}

#[test]
fn a_lifetime_is_counted_from_the_issue_and_told_in_days() {
    play(|stage| async move {
        let lifetime = stage.ready(ApiKeyPair, "lifetime", json!({"lifetime": "90d"})).await;
        let status = &lifetime["status"];
        assert_eq!(
            time(&status["expirationTime"]),
            time(&status["issueTime"]) + SignedDuration::from_hours(90 * 24)
        );
        assert_eq!(status["expiry"], "Expires in: 90 days");
        assert_eq!(status["next"], json!({"action": "Expire", "time": status["expirationTime"]}));
        assert_eq!(status["digests"][0]["notAfter"], status["expirationTime"]);
        assert_eq!(
            (&status["effective"]["lifetime"], &status["effective"]["lifetimeFrom"]),
            (&json!("90d"), &json!("Spec"))
        );
        assert_conditions(
            &lifetime,
            &[
                "Ready=True Issued",
                "Active=True Issued",
                "ExpiringSoon=False NotYetDue",
                "Expired=False NotYetDue",
            ],
        );

        let end = "2100-01-01T00:00:00Z";
        let dated = stage.ready(AccessToken, "dated", json!({"expirationTime": end})).await;
        assert_eq!(time(&dated["status"]["expirationTime"]), end.parse::<Timestamp>().expect("a time"));
        assert_eq!(has(&stage.secret("dated").await, "expirationTime"), end);
        assert_eq!(dated["status"]["effective"]["lifetime"], Value::Null);
    });
}

#[test]
fn an_account_says_that_it_is_there_and_who_holds_it() {
    play(|stage| async move {
        let alice = stage.until(Account, "alice", "ready", crate::stage::is_ready).await;
        assert_conditions(&alice, &["Ready=True Accepted", "Active=True Accepted"]);
        assert_eq!(alice["status"]["id"], json!(uid(&alice)));
        assert_eq!(alice["status"]["displayName"], "Alice");
        stage.patch(Account, "alice", json!({"spec": {"active": false}})).await;
        let alice = stage.until_reason(Account, "alice", "Active", "Inactive").await;
        assert_eq!(condition(&alice, "Ready")["status"], "True");
    });
}
