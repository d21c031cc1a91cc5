//! What a Secret shows: with material, in an overlap, and withdrawn.

use chatelaine::{
    api::{ApiKeyPair, CredentialStatus, SshKey},
    core::{
        ledger::{Ledger, Owner},
        material::Identity,
        trigger::Handled,
    },
    credentials::{Credential, Effort, Naming, Showing},
};
use serde_json::json;

use crate::fixture::{
    current, key_pair, mint, overlap, roles, secret_text, ssh_key, text, token, upload, withdrawn,
};
use crate::keys::ED25519;

#[test]
fn a_key_pair_shows_both_halves_without_a_line_break() {
    let object = key_pair(json!({}));
    let material = mint(&object, 1);
    let parts = object.render(current(&material));
    assert_eq!(roles(&parts), ["accessKey", "secretKey"]);
    assert_eq!(text(&parts, "accessKey"), material.identity.id);
    assert_eq!(text(&parts, "secretKey"), secret_text(&material));
}

#[test]
fn in_an_overlap_a_key_pair_also_shows_both_previous_halves() {
    let object = key_pair(json!({}));
    let (material, mut previous) = (mint(&object, 1), mint(&object, 2));
    let parts = object.render(overlap(&material, &previous));
    assert_eq!(roles(&parts), ["accessKey", "previousAccessKey", "previousSecretKey", "secretKey"]);
    assert_eq!(text(&parts, "previousAccessKey"), previous.identity.id);
    assert_eq!(text(&parts, "previousSecretKey"), secret_text(&previous));
    previous.identity = material.identity.clone();
    assert_eq!(
        text(&object.render(overlap(&material, &previous)), "previousAccessKey"),
        material.identity.id
    );
}

#[test]
fn a_withdrawn_key_pair_shows_its_access_key_alone() {
    let object = key_pair(json!({}));
    let parts = object.render(withdrawn(&mint(&object, 1).identity, "it is revoked"));
    assert_eq!(roles(&parts), ["accessKey"]);
    assert_eq!(roles(&object.render(withdrawn(&Identity::default(), "it is revoked"))), Vec::<&str>::new());
}

#[test]
fn a_token_shows_who_its_bearer_is_and_what_it_may_do() {
    let object = token(json!({}));
    let (material, previous) = (mint(&object, 1), mint(&object, 2));
    let permissions = ["servers:list".to_owned(), "dns:*".to_owned()];
    let showing = Showing {
        permissions: &permissions,
        not_after: Some("2027-05-06T07:08:09.999Z".parse().unwrap()),
        ..overlap(&material, &previous)
    };
    let parts = object.render(showing);
    assert_eq!(roles(&parts), ["account", "expirationTime", "permissions", "previousToken", "token"]);
    assert_eq!(text(&parts, "token"), secret_text(&material));
    assert_eq!(text(&parts, "previousToken"), secret_text(&previous));
    assert_eq!(text(&parts, "account"), "alice");
    assert_eq!(text(&parts, "permissions"), "servers:list dns:*");
    assert_eq!(text(&parts, "expirationTime"), "2027-05-06T07:08:09Z");

    let gone = object.render(Showing { current: Err("it is inactive"), previous: None, ..showing });
    assert_eq!(roles(&gone), ["account", "expirationTime", "permissions"]);
}

/// Each becomes a variable, where a container takes all of a Secret as its environment.
#[test]
fn the_keys_of_pairs_and_tokens_are_names_of_variables_and_their_texts_have_no_line_break() {
    fn check<K: Credential>(object: &K) {
        let (material, previous) = (mint(object, 1), mint(object, 2));
        let end = Some("2027-05-06T07:08:09Z".parse().unwrap());
        let permissions = ["servers:list".to_owned(), "dns:*".to_owned()];
        let showing = Showing { permissions: &permissions, not_after: end, ..overlap(&material, &previous) };
        let parts = object.render(showing);
        for role in roles(&parts) {
            let mut letters = role.bytes();
            assert!(letters.next().is_some_and(|first| first.is_ascii_alphabetic()), "{role}");
            assert!(letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_'), "{role}");
            assert!(!text(&parts, role).contains(['\n', '\r']), "{role}");
        }
    }
    check(&key_pair(json!({})));
    check(&token(json!({})));
}

#[test]
fn a_token_that_never_expires_says_no_time() {
    let object = token(json!({}));
    assert_eq!(roles(&object.render(current(&mint(&object, 1)))), ["account", "permissions", "token"]);
}

#[test]
fn a_generated_key_ends_each_text_with_one_line_break() {
    let object = ssh_key(json!({"options": {"restrict": true}}));
    let (material, previous) = (mint(&object, 1), mint(&object, 2));
    let parts = object.render(overlap(&material, &previous));
    let all = [
        "authorized_keys",
        "previous-ssh-privatekey",
        "previous-ssh-publickey",
        "ssh-privatekey",
        "ssh-publickey",
    ];
    assert_eq!(roles(&parts), all);
    for role in all {
        let text = text(&parts, role);
        assert!(text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains('\r'), "{role}");
    }
    let public = material.identity.public.clone().unwrap();
    assert!(public.ends_with(" ci@team"), "{public}");
    assert_eq!(text(&parts, "ssh-publickey"), format!("{public}\n"));
    assert_eq!(
        text(&parts, "authorized_keys"),
        format!(
            "restrict {public}\nrestrict,expiry-time=\"20270102030405Z\" {}\n",
            previous.identity.public.as_deref().unwrap()
        )
    );
    assert_eq!(
        roles(&object.render(current(&material))),
        ["authorized_keys", "ssh-privatekey", "ssh-publickey"]
    );
}

#[test]
fn a_withdrawn_generated_key_leaves_a_comment_and_an_empty_file() {
    let object = ssh_key(json!({}));
    let identity = mint(&object, 1).identity;
    for why in ["it is revoked", "two\nlines", "-----BEGIN OPENSSH PRIVATE KEY-----\r\nx"] {
        let parts = object.render(withdrawn(&identity, why));
        assert_eq!(roles(&parts), ["authorized_keys", "ssh-privatekey"]);
        assert_eq!(text(&parts, "authorized_keys"), "");
        let comment = text(&parts, "ssh-privatekey");
        assert!(comment.starts_with("# ") && comment.ends_with('\n'), "{comment:?}");
        assert_eq!(comment.lines().count(), 1, "{comment:?}");
    }
}

#[test]
fn an_upload_shows_public_keys_only() {
    let object = upload(ED25519);
    let material = object.brought().unwrap().unwrap();
    assert_eq!(object.secret_type(), "Opaque");
    let parts = object.render(overlap(&material, &material));
    assert_eq!(roles(&parts), ["authorized_keys", "previous-ssh-publickey", "ssh-publickey"]);
    assert_eq!(text(&parts, "ssh-publickey"), format!("{ED25519}\n"));

    let gone = object.render(withdrawn(&material.identity, "it is revoked"));
    assert_eq!(roles(&gone), ["authorized_keys"]);
    assert_eq!(text(&gone, "authorized_keys"), "");
}

#[test]
fn a_withdrawn_secret_has_no_secret_of_its_kind() {
    fn check<K: Credential>(object: &K, comment: &[&str]) {
        let material = mint(object, 1);
        let parts =
            object.render(Showing { identity: &material.identity, ..withdrawn(&material.identity, "gone") });
        let secret = secret_text(&material);
        for (role, value) in &parts {
            assert!(!K::SECRET_ROLES.contains(&role.as_str()) || comment.contains(&role.as_str()), "{role}");
            assert!(
                !secret.contains(str::from_utf8(value.expose()).unwrap().trim()) || value.expose().is_empty()
            );
        }
        let shown = object.render(overlap(&material, &material));
        let secrets: Vec<_> = shown.iter().filter(|(_, value)| value.expose() == secret.as_bytes()).collect();
        assert_eq!(secrets.len(), 2);
        assert!(secrets.iter().all(|(role, _)| K::SECRET_ROLES.contains(&role.as_str())));
    }
    check(&key_pair(json!({})), &[]);
    check(&token(json!({})), &[]);
    check(&ssh_key(json!({})), &["ssh-privatekey"]);
}

#[test]
fn no_secret_byte_is_in_what_debug_prints() {
    fn check(object: &impl Credential) {
        let material = mint(object, 1);
        let parts = object.render(overlap(&material, &material));
        let printed = format!("{material:?} {material:#?} {parts:?} {parts:#?}");
        let secret = secret_text(&material);
        for place in 0..secret.len() - 8 {
            let window = &secret[place..place + 8];
            // An OpenSSH private key holds its public half, which may be shown.
            let public = material.identity.public.as_deref().is_some_and(|line| line.contains(window));
            assert!(public || !printed.contains(window), "{window}");
        }
        let numbers: Vec<String> = secret.bytes().take(4).map(|byte| byte.to_string()).collect();
        assert!(!printed.contains(&numbers.join(", ")));
    }
    check(&key_pair(json!({"format": "Upper"})));
    check(&token(json!({"format": "Plain"})));
    check(&ssh_key(json!({})));
}

#[test]
fn the_status_tells_what_the_ledger_says() {
    let owner = Owner { kind: "SshKey".into(), name: "ci".into(), uid: "1".into(), account: "alice".into() };
    let mut ledger = Ledger::blank(owner, Some(7), Handled::default());
    let common = CredentialStatus::default;
    assert_eq!(key_pair(json!({})).tell(common(), Some(&ledger)).access_key, None, "no id yet");
    ledger.id = "THE-ID".into();
    ledger.public = Some("ssh-ed25519 AAAA".into());
    assert_eq!(key_pair(json!({})).tell(common(), Some(&ledger)).access_key.as_deref(), Some("THE-ID"));
    assert_eq!(token(json!({})).tell(common(), Some(&ledger)).id.as_deref(), Some("THE-ID"));

    let mut object = ssh_key(json!({}));
    object.status = Some(ssh_key(json!({})).tell(common(), Some(&ledger)));
    assert_eq!(object.status.as_ref().unwrap().id, Some(7));
    assert_eq!(object.told_identity(), Some(ledger.identity()));
    assert_eq!(ssh_key(json!({})).tell(common(), None).fingerprint, None);
}

#[test]
fn the_options_of_a_key_are_part_of_its_output() {
    let plain = ssh_key(json!({}));
    let options = |command: &str| ssh_key(json!({"options": {"command": command}})).output_options();
    assert_eq!(plain.output_options(), "");
    assert_ne!(options("a"), options("b"));
    assert_eq!(key_pair(json!({})).output_options(), "");
}

#[test]
fn only_rsa_keys_take_long_and_only_ssh_keys_are_copied() {
    assert_eq!(ssh_key(json!({"algorithm": "Rsa"})).effort(), Effort::Slow);
    assert_eq!(ssh_key(json!({})).effort(), Effort::Quick);
    assert_eq!(upload(ED25519).effort(), Effort::Quick);
    assert_eq!((SshKey::NAMING, ApiKeyPair::NAMING), (Naming::Copy, Naming::Rename));
    assert_eq!(ssh_key(json!({})).secret_type(), "kubernetes.io/ssh-auth");
}

#[test]
fn every_kind_names_the_three_credentials() {
    macro_rules! kinds {
        ($($kind:ty),*) => { [$(<$kind>::KIND),*] };
    }
    assert_eq!(chatelaine::every_kind!(kinds), ["ApiKeyPair", "SshKey", "AccessToken"]);
}
