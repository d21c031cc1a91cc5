//! Templates: what is replaced, what stays, and that no text is too strange.

use chatelaine::{
    api::{AccessToken, ApiKeyPair, SshKey},
    core::material::Material,
    credentials::{
        Credential,
        rendering::{Flaw, Template, renderings},
    },
};
use proptest::{prelude::*, string::string_regex};
use serde_json::json;

use crate::fixture::{current, key_pair, mint, overlap, secret_text, ssh_key, text, token};

/// A Secret's.
const ROOM: usize = 1 << 20;
const NAMES: [&str; 3] = ["a", "token", "ssh-publickey"];

fn value_of(name: &str) -> &'static [u8] {
    match name {
        "a" => "a \"quoted\" ü/\n".as_bytes(),
        "token" => b"t0ken",
        _ => b"",
    }
}

fn rendered(template: &str) -> Result<String, Flaw> {
    let template = Template::parse(template, &NAMES)?;
    Ok(String::from_utf8(template.render(ROOM, value_of)?.expose().to_vec()).unwrap())
}

#[test]
fn a_value_stands_where_its_name_stood() {
    for (template, text) in [
        ("", ""),
        ("$(token)", "t0ken"),
        ("key = \"$(token)\"\n", "key = \"t0ken\"\n"),
        ("$(token)$(token)", "t0kent0ken"),
        ("[$(ssh-publickey)]", "[]"),
        ("$(token|base64)", "dDBrZW4="),
        ("$(a|json)", r#""a \"quoted\" ü/\n""#),
        ("$(a|url)", "a%20%22quoted%22%20%C3%BC%2F%0A"),
        ("$$(token)", "$(token)"),
        ("$$$(token)", "$t0ken"),
        ("$$$$(token)", "$$(token)"),
        ("$$(unknown", "$(unknown"),
        ("$ $$ $x ${token} {{token}} $", "$ $$ $x ${token} {{token}} $"),
        ("100$", "100$"),
    ] {
        assert_eq!(rendered(template).as_deref(), Ok(text), "{template}");
    }
}

#[test]
fn what_has_no_room_is_measured_and_not_made() {
    let text = "$(token)".repeat(585);
    let template = Template::parse(&text, &NAMES).unwrap();
    let (value, shown) = (vec![b'x'; 8 << 10], std::cell::Cell::new(0));
    let value_of = |_: &str| {
        shown.set(shown.get() + 1);
        &*value
    };
    assert_eq!(template.render(ROOM, value_of), Err(Flaw::TooLarge));
    assert_eq!(shown.get(), ROOM / value.len() + 1, "no more is looked at than has room");
    let exactly = 585 * value.len();
    assert_eq!(template.render(exactly, value_of).unwrap().expose().len(), exactly);
    assert_eq!(template.render(exactly - 1, value_of), Err(Flaw::TooLarge));
}

#[test]
fn what_is_unknown_is_refused_with_what_there_is() {
    for (template, advice) in [
        ("$(password)", "there is no password, only a, token, ssh-publickey"),
        ("$(token) $()", "there is no , only a, token, ssh-publickey"),
        ("$( token)", "there is no  token, only a, token, ssh-publickey"),
        ("$(token|hex)", "there is no filter hex, only base64, json and url"),
        ("$(token|base64|json)", "there is no filter base64|json, only base64, json and url"),
        ("$(token", "a $( has no ) after it; write $$( for a plain $("),
        ("$$$(x)", "there is no x, only a, token, ssh-publickey"),
    ] {
        assert_eq!(rendered(template).map_err(|flaw| flaw.to_string()), Err(advice.to_owned()), "{template}");
    }
}

/// How a text is written in a template so that it stays what it is.
fn escaped(text: &str) -> String {
    let mut all = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let run = rest[at..].len() - rest[at..].trim_start_matches('$').len();
        let dollars = &rest[at..at + run];
        all += &rest[..at];
        all += dollars;
        if rest[at + run..].starts_with('(') {
            all += dollars;
        }
        rest = &rest[at + run..];
    }
    all + rest
}

/// Texts that are full of what has a meaning.
fn tricky() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("$"),
        Just("("),
        Just(")"),
        Just("|"),
        Just("$("),
        Just("token"),
        Just("json"),
        Just("é"),
        Just("\n")
    ];
    prop_oneof![any::<String>(), prop::collection::vec(word, 0..12).prop_map(|words| words.concat())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_strange(text in tricky()) {
        let _ = rendered(&text);
    }

    #[test]
    fn a_text_without_a_bracket_after_a_dollar_is_itself(text in tricky()) {
        let text = text.replace("$(", "$");
        let text = text.replace("$(", "$");
        prop_assume!(!text.contains("$("));
        prop_assert_eq!(rendered(&text), Ok(text));
    }

    #[test]
    fn every_text_can_be_written_and_none_of_it_is_lost(before in tricky(), after in tricky()) {
        // The dollars at the end stand before a bracket there.
        let end = before.trim_end_matches('$').len();
        let template = format!("{}{}$(token){}", escaped(&before[..end]), "$$".repeat(before.len() - end), escaped(&after));
        prop_assert_eq!(rendered(&template), Ok(format!("{before}t0ken{after}")));
    }
}

proptest! {
    // Each case compiles the rules of the kind.
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn admission_takes_exactly_what_can_be_rendered(
        text in string_regex(r"(\$|\(|\)|\||\$\(token\)|\$\(token\|json\)|token|x|\n){0,7}").unwrap()
    ) {
        let object = token(json!({"secret": {"template": {"a": text}}}));
        let taken = object.validate_cel().is_ok();
        let read = Template::parse(&text, AccessToken::NAMES).is_ok();
        prop_assert_eq!(taken, read, "{:?}", object.validate_cel());
    }
}

/// Every name that the kind promises, in an overlap and with permissions and an end.
fn shows_all<K: Credential>(object: &K, empty: &[&str]) {
    let (material, previous) = (mint(object, 1), mint(object, 2));
    let permissions = ["servers:read".to_owned()];
    let showing = chatelaine::credentials::Showing {
        permissions: &permissions,
        not_after: Some("2027-05-06T07:08:09Z".parse().unwrap()),
        ..overlap(&material, &previous)
    };
    let made = renderings(object, showing, &object.render(showing), Default::default(), ROOM, |_| false);
    for (key, text) in made.asked {
        let text = text.unwrap();
        assert_eq!(text.expose().is_empty(), empty.contains(&key.as_str()), "{key}");
    }
}

#[test]
fn every_name_that_admission_lets_through_has_a_value() {
    let all = |names: &[&str]| {
        let template: serde_json::Map<_, _> =
            names.iter().map(|name| (format!("x-{name}"), json!(format!("$({name})")))).collect();
        json!({"secret": {"template": template}})
    };
    // Objects of a cluster have a namespace; these two were not made in one.
    shows_all(&key_pair(all(ApiKeyPair::NAMES)), &["x-namespace"]);
    shows_all(&token(all(AccessToken::NAMES)), &["x-namespace"]);
    shows_all(&ssh_key(all(SshKey::NAMES)), &[]);
}

#[test]
fn a_template_shows_an_absent_value_as_nothing_and_goes_with_the_material() {
    let object = token(json!({"secret": {"template": {"a": "<$(previousToken)$(expirationTime)>"}}}));
    let material: Material = mint(&object, 1);
    let made =
        |showing| renderings(&object, showing, &object.render(showing), Default::default(), ROOM, |_| false);
    let shown = made(current(&material)).asked;
    assert_eq!(shown[0].1.as_ref().unwrap().expose(), b"<>");
    let previous = mint(&object, 2);
    let shown = made(overlap(&material, &previous)).asked;
    let between = format!("<{}>", secret_text(&previous));
    assert_eq!(shown[0].1.as_ref().unwrap().expose(), between.as_bytes());
    assert!(made(crate::fixture::withdrawn(&material.identity, "gone")).asked.is_empty());
}

#[test]
fn names_mean_the_keys_as_they_are_called_by_default() {
    let object = token(json!({"secret": {"keys": {"token": "T"}, "template": {"a": "$(token)"}}}));
    let material = mint(&object, 1);
    let parts = object.render(current(&material));
    let made = renderings(&object, current(&material), &parts, Default::default(), ROOM, |_| false);
    assert_eq!(made.asked[0].1.as_ref().unwrap().expose(), text(&parts, "token").as_bytes());
}
