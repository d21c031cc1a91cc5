//! What only an SshKey has.

use serde_json::{Value, json};

use super::Answer::{self, Accepted, Refused};
use super::{Row, SshKey, accepted, change, refused};

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice@laptop";

pub fn rows() -> Vec<Row> {
    let mut rows = keys();
    rows.extend(passphrases());
    rows.extend(options());
    rows.extend(changes());
    rows
}

fn with(sentence: &'static str, spec: Value) -> Row {
    accepted(SshKey, sentence, spec)
}

fn not(sentence: &'static str, spec: Value, message: &'static str) -> Row {
    refused(SshKey, sentence, spec, message)
}

fn changed(sentence: &'static str, before: Value, after: Value, answer: Answer) -> Row {
    change(SshKey, sentence, before, after, answer)
}

fn keys() -> Vec<Row> {
    vec![
        with("a key may be uploaded", json!({"method": "Upload", "publicKey": PUBLIC_KEY})),
        with(
            "an uploaded key may end with a line break",
            json!({"method": "Upload", "publicKey": format!("{PUBLIC_KEY}\n")}),
        ),
        not("an upload needs a key", json!({"method": "Upload"}), "method Upload needs publicKey"),
        not(
            "an uploaded key is not empty",
            json!({"method": "Upload", "publicKey": ""}),
            "must not be empty: paste",
        ),
        not(
            "an uploaded key ends at 8192 characters",
            json!({"method": "Upload", "publicKey": "a".repeat(8193)}),
            "spec.publicKey: Too long",
        )
        .server_alone(),
        not(
            "a key without a method is refused",
            json!({"publicKey": PUBLIC_KEY}),
            "publicKey is only for method Upload",
        ),
        not(
            "a key with method Generate is refused",
            json!({"method": "Generate", "publicKey": PUBLIC_KEY}),
            "publicKey is only for method Upload",
        ),
        not(
            "an unknown method is refused",
            json!({"method": "Import"}),
            "supported values: \"Generate\", \"Upload\"",
        )
        .server_alone(),
        with("a generated key may be Ed25519", json!({"algorithm": "Ed25519"})),
        with("a generated key may be EcdsaP256", json!({"algorithm": "EcdsaP256"})),
        with("a generated key may be EcdsaP384", json!({"algorithm": "EcdsaP384"})),
        with("a generated key may be EcdsaP521", json!({"algorithm": "EcdsaP521"})),
        with("a generated key may be Rsa", json!({"algorithm": "Rsa"})),
        not("DSA is refused", json!({"algorithm": "Dsa"}), "supported values: \"Ed25519\"").server_alone(),
        not(
            "an uploaded key brings its algorithm",
            json!({"method": "Upload", "publicKey": PUBLIC_KEY, "algorithm": "Ed25519"}),
            "algorithm is only for method Generate",
        ),
        with("an RSA key may have 2048 bits", json!({"algorithm": "Rsa", "bits": 2048})),
        with("an RSA key may have 3072 bits", json!({"algorithm": "Rsa", "bits": 3072})),
        with("an RSA key may have 4096 bits", json!({"algorithm": "Rsa", "bits": 4096})),
        not(
            "an RSA key does not have 1024 bits",
            json!({"algorithm": "Rsa", "bits": 1024}),
            "must be 2048, 3072 or 4096",
        ),
        not(
            "an RSA key does not have 8192 bits",
            json!({"algorithm": "Rsa", "bits": 8192}),
            "must be 2048, 3072 or 4096",
        ),
        not(
            "a negative size is refused",
            json!({"algorithm": "Rsa", "bits": -2048}),
            "must be 2048, 3072 or 4096",
        )
        .server_alone(),
        not(
            "an Ed25519 key has no size",
            json!({"algorithm": "Ed25519", "bits": 2048}),
            "bits is only for algorithm Rsa",
        ),
        not("the default algorithm has no size", json!({"bits": 3072}), "bits is only for algorithm Rsa"),
        not(
            "an uploaded key has no size to choose",
            json!({"method": "Upload", "publicKey": PUBLIC_KEY, "bits": 3072}),
            "bits is only for algorithm Rsa",
        ),
        not(
            "an uploaded key has no private key to copy",
            json!({"method": "Upload", "publicKey": PUBLIC_KEY, "secret": {"keys": {"ssh-privatekey": "id"}}}),
            "with method Upload there is no private key to copy",
        ),
        not(
            "an uploaded key has no previous private key to copy",
            json!({"method": "Upload", "publicKey": PUBLIC_KEY, "secret": {"keys": {"previous-ssh-privatekey": "id"}}}),
            "with method Upload there is no private key to copy",
        ),
        with(
            "an uploaded key's public parts can be copied",
            json!({"method": "Upload", "publicKey": PUBLIC_KEY, "secret": {"keys": {"ssh-publickey": "id.pub", "authorized_keys": "keys"}}}),
        ),
    ]
}

fn passphrases() -> Vec<Row> {
    let reference = |name: &str, key: &str| json!({"passphraseSecretRef": {"name": name, "key": key}});
    let mut elsewhere = reference("vault", "passphrase");
    elsewhere["secret"] = json!({"name": "deploy"});
    let mut in_itself = reference("deploy", "passphrase");
    in_itself["secret"] = json!({"name": "deploy"});
    let mut of_an_upload = reference("vault", "passphrase");
    of_an_upload["method"] = json!("Upload");
    of_an_upload["publicKey"] = json!(PUBLIC_KEY);
    let own = "names the Secret that the key is written to";
    vec![
        with("a passphrase is in a Secret", reference("vault", "passphrase")),
        with("a passphrase is in another Secret than the key", elsewhere),
        not(
            "an uploaded key has no passphrase",
            of_an_upload,
            "passphraseSecretRef is only for method Generate",
        ),
        not("a passphrase is not in the key's own Secret", in_itself, own),
        not("a passphrase is not in the Secret of the default name", reference("example", "x"), own),
        not(
            "a passphrase is not in the operator's Secrets",
            reference("chatelaine-held-x", "x"),
            "belong to others",
        ),
        not("a passphrase needs the name of a Secret", reference("", "x"), "must be a valid Secret name"),
        not("a passphrase's Secret has a valid name", reference("Vault", "x"), "must be a valid Secret name"),
        not("a passphrase needs a key", reference("vault", ""), "must be a key of a Secret"),
        not("a passphrase's key has no slash", reference("vault", "a/b"), "must be a key of a Secret"),
        not("a passphrase's key is not ..", reference("vault", ".."), "must be a key of a Secret"),
        not("a passphrase's key ends at 253 characters", reference("vault", &"a".repeat(254)), "Too long")
            .server_alone(),
        not(
            "a passphrase says in which key it is",
            json!({"passphraseSecretRef": {"name": "vault"}}),
            "spec.passphraseSecretRef.key: Required value",
        )
        .server_alone(),
        not(
            "a passphrase is never in the spec",
            json!({"passphraseSecretRef": {"name": "vault", "key": "x", "value": "secret"}}),
            "unknown field \"spec.passphraseSecretRef.value\"",
        )
        .server_alone(),
        changed("a passphrase can come", json!({}), reference("vault", "passphrase"), Accepted),
        changed(
            "a passphrase can be another",
            reference("vault", "passphrase"),
            reference("safe", "passphrase"),
            Accepted,
        ),
        changed(
            "a passphrase can go",
            reference("vault", "passphrase"),
            json!({"passphraseSecretRef": null}),
            Accepted,
        ),
    ]
}

fn options() -> Vec<Row> {
    let host = "must be a host name, an address or a network";
    let from = |patterns: Value| json!({"options": {"from": patterns}});
    let command = |text: &str| json!({"options": {"command": text}});
    let many = |n: usize| (0..n).map(|i| format!("10.0.0.{i}")).collect::<Vec<_>>();
    vec![
        with(
            "a login can be bound",
            json!({"options": {"restrict": true, "from": ["10.0.0.0/8", "*.example.com", "!bad.example.com", "fe80::1%eth0", "2001:db8::/32"],
                   "command": "/usr/bin/rsync --server"}}),
        ),
        with("a login may come from everywhere", from(json!([]))),
        not("a host has no quotes", from(json!(["a\"b"])), host),
        not("hosts are items, not a text with commas", from(json!(["a,b"])), host),
        not("a host has no spaces", from(json!(["a b"])), host),
        not("a host has no line break", from(json!(["a\nb"])), host),
        not("a host is not empty", from(json!([""])), host),
        not("a host is not only an exclamation mark", from(json!(["!"])), host),
        not(
            "exclusions alone admit nobody",
            from(json!(["!a.example.com"])),
            "patterns that begin with ! only exclude",
        ),
        not("a host is said once", from(json!(["a", "a"])), "Duplicate value").server_alone(),
        not("33 hosts are refused", from(json!(many(33))), "Too many").server_alone(),
        not("a host ends at 253 characters", from(json!(["a".repeat(254)])), "Too long").server_alone(),
        with("a command may have quotes", command("sh -c \"echo 'a' \\\"b\\\"\"")),
        not("a command is not empty", command(""), "must not be empty and must not end in a backslash"),
        not("a command does not end in a backslash", command("echo \\"), "must not end in a backslash"),
        changed(
            "options can be changed",
            json!({"options": {"restrict": true}}),
            json!({"options": null}),
            Accepted,
        ),
    ]
}

fn changes() -> Vec<Row> {
    let rsa = json!({"algorithm": "Rsa", "bits": 4096});
    vec![
        changed(
            "another key may be uploaded",
            json!({"method": "Upload", "publicKey": PUBLIC_KEY}),
            json!({"publicKey": "ssh-ed25519 AAAA bob"}),
            Accepted,
        ),
        changed(
            "a generated key does not become an uploaded one",
            json!({}),
            json!({"method": "Upload", "publicKey": PUBLIC_KEY}),
            Refused("method cannot be changed"),
        ),
        changed(
            "an uploaded key does not become a generated one",
            json!({"method": "Upload", "publicKey": PUBLIC_KEY}),
            json!({"method": null, "publicKey": null}),
            Refused("method cannot be changed"),
        ),
        changed(
            "an algorithm is not changed",
            rsa.clone(),
            json!({"algorithm": "Ed25519", "bits": null}),
            Refused("algorithm cannot be changed"),
        ),
        changed(
            "an algorithm is not added",
            json!({}),
            json!({"algorithm": "EcdsaP256"}),
            Refused("algorithm cannot be changed"),
        ),
        changed(
            "an algorithm is not removed",
            json!({"algorithm": "EcdsaP256"}),
            json!({"algorithm": null}),
            Refused("algorithm cannot be changed"),
        ),
        changed(
            "a size is not changed",
            rsa.clone(),
            json!({"bits": 2048}),
            Refused("bits cannot be changed"),
        ),
        changed(
            "a size is not added",
            json!({"algorithm": "Rsa"}),
            json!({"bits": 4096}),
            Refused("bits cannot be changed"),
        ),
        changed("a size is not removed", rsa, json!({"bits": null}), Refused("bits cannot be changed")),
    ]
}
