//! Passwords: what is drawn, what its htpasswd line says, and what is read back.

use chatelaine::{
    api::{Account, SecretType},
    core::material::{Identity, Material, Parts, SecretBytes, digest},
    credentials::{
        Credential, Place,
        password::{Line, Password},
        rendering::renderings,
    },
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

use crate::fixture::{Seeded, current, mint, roles, text, withdrawn};

fn password() -> Password {
    let spec = json!({"email": "alice@example.com", "password": {}});
    Password::from(Account::new("alice", serde_json::from_value(spec).unwrap()))
}

fn shown(material: &Material) -> Parts {
    password().render(current(material))
}

/// Whether a server that reads htpasswd files would let this password in.
fn lets_in(line: &str, password: &str) -> bool {
    let (user, hash) = line.split_once(':').expect("a user and a hash");
    assert_eq!(user, "alice");
    assert!(hash.starts_with("$2y$10$") && hash.len() == 60, "as Apache writes it: {hash}");
    bcrypt::verify(password, hash).expect("a hash")
}

#[test]
fn the_line_of_a_password_lets_that_password_in_and_no_other() {
    let (one, other) = (shown(&mint(&password(), 1)), shown(&mint(&password(), 2)));
    let [line, value, others] = [text(&one, "htpasswd"), text(&one, "password"), text(&other, "password")];
    assert_eq!(text(&one, "username"), "alice");
    assert!(value.len() == 24 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{value}");
    assert!(!value.contains(['0', 'O', 'o', '1', 'l', 'I']), "nobody takes one for another: {value}");
    assert!(lets_in(&line, &value) && !lets_in(&line, &others));
    assert_ne!(
        line.split('$').nth(3).map(|rest| &rest[..22]),
        text(&other, "htpasswd").split('$').nth(3).map(|rest| &rest[..22]),
        "each has its own salt"
    );
}

#[test]
fn a_password_that_was_broken_anywhere_is_not_let_in() {
    let parts = shown(&mint(&password(), 3));
    let (line, value) = (text(&parts, "htpasswd"), text(&parts, "password"));
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() });
    let broken = (0..value.len(), "[A-Za-z0-9]").prop_map(|(at, with)| {
        let mut broken = value.clone();
        broken.replace_range(at..=at, &with);
        broken
    });
    runner
        .run(&broken, |broken| {
            prop_assert_eq!(lets_in(&line, &broken), broken == value);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_shown_is_read_back_with_its_line_and_whoever_breaks_the_line_has_broken_nothing_else() {
    let object = password();
    let material = mint(&object, 4);
    let id = Some(&*material.identity.id);
    let parts = shown(&material);
    assert_eq!(object.read(&parts, Place::Current, id), Some(material.clone()));
    assert_eq!(object.read(&parts, Place::Previous, id), None, "a password has no overlap");
    for line in [None, Some("alice:$2y$10$another"), Some("")] {
        let mut damaged = parts.clone();
        damaged.remove("htpasswd");
        damaged.extend(line.map(|line| ("htpasswd".to_owned(), line.into())));
        let read = object.read(&damaged, Place::Current, id).expect("the password is there");
        assert!(!object.is_whole(&read));
        assert_eq!(object.digest(&read), object.digest(&material));
        let whole = object.made_whole(&read, &mut Seeded(5)).unwrap();
        assert!(object.is_whole(&whole));
        assert_eq!(object.digest(&whole), object.digest(&material), "the same password");
        assert_ne!(whole.identity.id, material.identity.id, "with another line");
        let again = shown(&whole);
        assert!(lets_in(&text(&again, "htpasswd"), &text(&parts, "password")));
    }
    let mut damaged = parts.clone();
    damaged.insert("password".to_owned(), "typed over".into());
    let read = object.read(&damaged, Place::Current, id).expect("something is there");
    assert_ne!(object.digest(&read), object.digest(&material));
}

#[test]
fn without_material_only_the_username_stays() {
    let identity = Identity { id: "x".into(), public: None };
    assert_eq!(roles(&password().render(withdrawn(&identity, "revoked"))), ["username"]);
}

#[test]
fn a_password_that_is_offered_is_as_long_as_a_generated_one_and_no_longer_than_what_counts() {
    let conforms = |value: String| {
        let parts = Parts::from([("password".to_owned(), value.into())]);
        let material = password().read(&parts, Place::Current, None)?;
        Some(password().conforms(&material).is_ok())
    };
    assert_eq!(conforms("x".repeat(24)), Some(true));
    assert_eq!(conforms("x".repeat(72)), Some(true));
    assert_eq!(conforms("x".repeat(73)), Some(false), "bcrypt would cut it");
    assert_eq!(conforms("x".repeat(23)), Some(false));
    assert_eq!(conforms(format!("{}\n", "x".repeat(30))), None);
    assert_eq!(conforms(String::new()), None);
}

fn brought() -> Password {
    let spec = json!({"email": "alice@example.com", "password": {"secretRef": {"name": "login"}}});
    Password::from(Account::new("alice", serde_json::from_value(spec).unwrap()))
}

fn line_of(password: &str, there: Option<Material>, seed: u64) -> Material {
    brought().line_of(&password.into(), there, &mut Seeded(seed)).unwrap()
}

#[test]
fn of_a_password_that_is_brought_its_line_is_shown_and_nothing_else() {
    let material = line_of("correct horse", None, 1);
    let parts = brought().render(current(&material));
    assert_eq!(roles(&parts), ["htpasswd", "username"]);
    assert!(lets_in(&text(&parts, "htpasswd"), "correct horse"));
    assert!(!lets_in(&text(&parts, "htpasswd"), "Correct horse"));
    let none = renderings(&brought(), current(&material), &parts, SecretType::BasicAuth, 1 << 20, |_| false);
    assert_eq!(roles(&none.required), ["username"], "the type of the Secret does not bring it in");
}

#[test]
fn the_digest_of_a_password_that_is_brought_lets_nobody_try_guesses() {
    let (one, other) = (line_of("correct horse", None, 1), line_of("correct horse", None, 2));
    let digests = [&one, &other].map(|material| brought().digest(material));
    assert!(digests.iter().all(|digest| digest.starts_with("htpasswd-sha256:")), "{digests:?}");
    assert_ne!(digests[0], digests[1], "it is of the salted hash");
    let plain = digest(b"correct horse");
    assert!(!digests.iter().any(|digest| digest.contains(&plain["sha256:".len()..])), "{digests:?}");
}

#[test]
fn a_line_stays_as_long_as_it_lets_its_password_in_and_another_password_has_another() {
    let first = line_of("correct horse", None, 1);
    assert_eq!(line_of("correct horse", Some(first.clone()), 2), first);
    let second = line_of("battery staple", Some(first.clone()), 2);
    assert_ne!(second.identity, first.identity);
    assert!(lets_in(&text(&brought().render(current(&second)), "htpasswd"), "battery staple"));
}

#[test]
fn what_is_shown_of_a_password_that_is_brought_is_read_back_whatever_the_spec_says_now() {
    let (line, generated) = (line_of("correct horse", None, 1), mint(&password(), 1));
    for object in [password(), brought()] {
        for material in [&line, &generated] {
            let parts = object.render(current(material));
            let read = |id| object.read(&parts, Place::Current, id);
            assert_eq!(read(Some(&*material.identity.id)).as_ref(), Some(material));
            assert_eq!(object.digest(material), password().digest(material));
        }
        let parts = object.render(current(&line));
        assert_eq!(object.read(&parts, Place::Current, None), None, "nobody knows that line");
    }
    let mut stripped = password().render(current(&generated));
    stripped.remove("password");
    let read = password().read(&stripped, Place::Current, Some(&generated.identity.id)).unwrap();
    assert_ne!(password().digest(&read), password().digest(&generated), "a lost password is a loss");
}

#[test]
fn a_password_that_is_offered_is_not_taken_while_another_is_brought() {
    let offered = mint(&password(), 1);
    assert!(password().conforms(&offered).is_ok() && brought().conforms(&offered).is_err());
}

#[test]
fn the_longest_password_has_a_line_and_a_longer_one_has_none() {
    let longest = "x".repeat(72);
    let line = text(&brought().render(current(&line_of(&longest, None, 1))), "htpasswd");
    assert!(lets_in(&line, &longest) && !lets_in(&line, &"x".repeat(71)));
    assert!(brought().line_of(&SecretBytes::from("x".repeat(73)), None, &mut Seeded(1)).is_err());
}

#[test]
fn what_debug_says_of_a_password_that_is_brought_is_not_its_line() {
    let line = line_of("correct horse", None, 1);
    let shown = text(&brought().render(current(&line)), "htpasswd");
    let told = format!("{:?}", brought().bringing(Ok(Line { material: line, unlike: None })));
    assert!(!told.contains(&shown) && !told.contains("$2y$") && !told.contains("horse"), "{told}");
}
