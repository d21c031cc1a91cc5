//! The lines for `authorized_keys` are read back as sshd reads them, whatever a command, a host or a comment holds.

use std::{collections::BTreeMap, fs};

use chatelaine::credentials::Credential;
use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{current, have_tools, mint, overlap, retirement, ssh_key, text, upload};
use crate::hostile::{hostile, is_line};
use crate::keys::{ED25519, P256, P521, RSA_2048};
use crate::openssh::{folder, ssh_keygen, write};

/// As much of it as stands on one line.
fn one_line() -> impl Strategy<Value = String> {
    hostile().prop_map(|text| text.replace(char::is_control, ""))
}

/// The options of a line as sshd reads them: a list with commas, in which quotes hold a value together and `\"` is a quote.
fn sshd_reads(line: &str) -> (BTreeMap<String, String>, &str) {
    let (mut options, mut rest) = (BTreeMap::new(), line);
    loop {
        let end = rest.find(['=', ',', ' ']).unwrap();
        let (name, mut value) = (rest[..end].to_owned(), String::new());
        rest = &rest[end..];
        if let Some(quoted) = rest.strip_prefix("=\"") {
            rest = quoted;
            loop {
                let mut all = rest.chars();
                let one = all.next().unwrap();
                if one == '"' {
                    break;
                }
                let escaped = rest.strip_prefix("\\\"");
                value.push(if escaped.is_some() { '"' } else { one });
                rest = escaped.unwrap_or(all.as_str());
            }
            rest = &rest[1..];
        }
        options.insert(name, value);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (options, rest.strip_prefix(' ').unwrap()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lines_for_sshd_are_read_back_whatever_command_and_hosts_admission_lets_through(
        command in one_line(),
        from in prop::collection::btree_set("!?[-A-Za-z0-9_.:/*?%]{1,9}", 0..4),
    ) {
        let options = json!({"restrict": true, "command": command, "from": from});
        let object = ssh_key(json!({"options": options}));
        prop_assume!(object.validate_cel().is_ok());
        let (material, previous) = (mint(&object, 1), mint(&object, 2));
        let file = text(&object.render(overlap(&material, &previous)), "authorized_keys");
        let lines: Vec<_> = file.split_terminator('\n').collect();
        prop_assert_eq!(lines.len(), 2);
        for (line, of) in lines.iter().zip([&material, &previous]) {
            let (options, key) = sshd_reads(line);
            prop_assert_eq!(Some(key), of.identity.public.as_deref());
            prop_assert_eq!(&options["command"], &command);
            prop_assert_eq!(options.get("from").map(String::as_str).unwrap_or_default(), from.iter().cloned().collect::<Vec<_>>().join(","));
            prop_assert!(options.contains_key("restrict"));
            let end = options.get("expiry-time").map(String::as_str);
            let wanted = retirement().strftime("%Y%m%d%H%M%SZ").to_string();
            prop_assert_eq!(end, (of == &previous).then_some(wanted.as_str()));
        }
    }

    #[test]
    fn of_a_line_that_was_changed_anywhere_nothing_is_taken_but_one_whole_key(
        key in prop::sample::select(&[ED25519, P256, P521, RSA_2048][..]),
        spot: prop::sample::Index,
        place: prop::sample::Index,
        cut in 0..4usize,
        text in hostile(),
    ) {
        // Around its spaces and at its ends there is more to go wrong than within.
        let spaces = key.match_indices(' ').flat_map(|(at, _)| [at, at + 1]);
        let spots: Vec<_> = spaces.chain([0, key.len(), place.index(key.len())]).collect();
        let at = *spot.get(&spots);
        let changed = format!("{}{text}{}", &key[..at], &key[(at + cut).min(key.len())..]);
        let Some(Ok(material)) = upload(&changed).brought() else { return Ok(()) };
        let line = material.identity.public.clone().unwrap();
        prop_assert!(is_line(&line) && !line.contains("PRIVATE KEY"), "{:?}", line);
        let read = ssh_key::PublicKey::from_openssh(&line).unwrap();
        prop_assert_eq!(read.fingerprint(ssh_key::HashAlg::Sha256).to_string(), material.identity.id.clone());
        let original = ssh_key::PublicKey::from_openssh(key).unwrap();
        prop_assert_eq!(read.algorithm(), original.algorithm());
        prop_assert!(upload(&line).brought() == Some(Ok(material)), "what is shown can be uploaded again");
    }

    #[test]
    fn an_uploaded_key_with_any_comment_stays_one_line_with_that_comment(comment in hostile()) {
        let bare = ED25519.rsplit_once(' ').unwrap().0;
        let object = upload(&format!("{bare} {comment}"));
        let Some(Ok(material)) = object.brought() else {
            prop_assert!(!is_line(comment.trim_end()) || comment.contains("PRIVATE KEY"), "{:?}", comment);
            return Ok(());
        };
        let parts = object.render(overlap(&material, &material));
        for key in ["ssh-publickey", "previous-ssh-publickey"] {
            let file = text(&parts, key);
            prop_assert_eq!(file.matches('\n').count(), 1);
            let read = ssh_key::PublicKey::from_openssh(&file).unwrap();
            prop_assert_eq!(read.comment(), comment.trim());
        }
        prop_assert_eq!(text(&parts, "authorized_keys").matches('\n').count(), 2);
    }
}

/// The same lines as OpenSSH itself lists them.
#[test]
fn ssh_keygen_lists_the_lines_of_hostile_commands_and_comments() {
    if !have_tools() {
        return;
    }
    let folder = folder("hostile");
    for hostile in
        ["a \"b\" c", "\\\" x", "a\\\\\" ssh-ed25519 AAAA", "é,from=\"*\"", "no # more", "command=\"x\""]
    {
        let object = ssh_key(json!({"options": {"command": hostile}}));
        let (material, previous) = (mint(&object, 1), mint(&object, 2));
        let parts = object.render(overlap(&material, &previous));
        let listed = ssh_keygen("-lf", &write(&folder, "authorized_keys", &text(&parts, "authorized_keys")));
        let fingerprints: Vec<&str> = listed.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(fingerprints, [material.identity.id.as_str(), &previous.identity.id], "{hostile}");

        let bare = ED25519.rsplit_once(' ').unwrap().0;
        let brought = upload(&format!("{bare} {hostile}"));
        let material = brought.brought().unwrap().unwrap();
        let parts = brought.render(current(&material));
        let listed = ssh_keygen("-lf", &write(&folder, "id.pub", &text(&parts, "ssh-publickey")));
        assert_eq!(listed, format!("256 {} {hostile} (ED25519)\n", material.identity.id));
    }
    fs::remove_dir_all(folder).unwrap();
}
