//! An edited ledger: what goes beyond the format's bounds is none, and what is within them can be told.

use chatelaine::{
    api::{self, State},
    core::{
        ledger::{Copy, Entry, Illegible, Ledger, Previous},
        lifecycle::{Act, decide},
        project::project,
        reason::Reason,
        scene::{Scene, Sight},
    },
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::*;

/// All that a ledger can say, as long as it may be.
fn full() -> Value {
    let value = |n: usize| format!("{n}{}", "v".repeat(70));
    let values: Vec<_> = (0..8).map(value).collect();
    let handled = json!({"rotate": values, "revoke": values, "retire": values, "rollback": values});
    let entry = json!({"revision": 1_i64 << 53, "time": "2026-01-01T00:00:00Z", "reason": "Issued", "trigger": value(0)});
    json!({
        "version": 1,
        "owner": {"kind": "AccessToken", "name": "ci", "uid": "uid-1", "account": "alice"},
        "state": "Live",
        "revision": 1_i64 << 53,
        "id": "i".repeat(253),
        "public": "p".repeat(8192),
        "number": (1_i64 << 53) - 1,
        "issueTime": "2026-01-01T00:00:00Z",
        "notAfter": "9999-12-30T00:00:00Z",
        "defaultLifetime": "365000d",
        "previous": {
            "id": "i".repeat(253), "public": "p".repeat(8192), "digest": "d".repeat(128),
            "notAfter": "9999-12-30T00:00:00Z", "retirementTime": "9999-12-30T00:00:00Z",
        },
        "handled": handled,
        "accountHandled": handled,
        "digest": "d".repeat(128),
        "ours": {"keys": {"token": "token"}, "leftOut": {"a": "too large"}, "form": "f"},
        "held": {"name": "chatelaine-held-uid-1", "uid": "copy-1"},
        "history": vec![entry; 10],
    })
}

fn edited(pointer: &str, value: Value) -> String {
    let mut ledger = full();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match ledger.pointer_mut(parent).unwrap() {
        Value::Array(list) => list.push(value),
        object => object[name] = value,
    }
    ledger.to_string()
}

#[test]
fn what_goes_beyond_the_bounds_of_the_format_is_no_ledger() {
    assert!(Ledger::parse(&full().to_string()).is_ok());
    for (pointer, value) in [
        ("/version", json!(0)),
        ("/revision", json!(-1)),
        ("/revision", json!(i64::MAX)),
        ("/revision", json!((1_i64 << 53) + 1)),
        ("/id", json!("i".repeat(254))),
        ("/public", json!("p".repeat(8193))),
        ("/number", json!(0)),
        ("/number", json!(1_i64 << 53)),
        ("/issueTime", json!("-000001-01-01T00:00:00Z")),
        ("/notAfter", json!("-000001-01-01T00:00:00Z")),
        ("/defaultLifetime", json!("365001d")),
        ("/previous/id", json!("i".repeat(254))),
        ("/previous/digest", json!("d".repeat(129))),
        ("/previous/retirementTime", json!("-000001-01-01T00:00:00Z")),
        ("/handled/rotate/-", json!("ninth")),
        ("/handled/revoke", json!(["v".repeat(72)])),
        ("/accountHandled/retire/-", json!("ninth")),
        ("/accountHandled/rollback", json!(["v".repeat(72)])),
        ("/digest", json!("d".repeat(129))),
        ("/history/-", json!({"revision": 1, "time": "2026-01-01T00:00:00Z", "reason": "Issued"})),
        (
            "/history",
            json!([{"revision": 1, "time": "2026-01-01T00:00:00Z", "reason": "Issued", "trigger": "v".repeat(72)}]),
        ),
        ("/history", json!([{"revision": -1, "time": "2026-01-01T00:00:00Z", "reason": "Issued"}])),
        ("/ours/leftOut", json!({"a": "b".repeat(1025)})),
        ("/owner/name", json!("n".repeat(254))),
        ("/owner/kind", json!("k".repeat(64))),
        ("/held/name", json!("n".repeat(254))),
        ("/held/uid", json!("u".repeat(129))),
    ] {
        assert_eq!(
            Ledger::parse(&edited(pointer, value.clone())),
            Err(Illegible::Broken),
            "{pointer} {value}"
        );
    }
    assert_eq!(Ledger::parse(&edited("/version", json!(2))), Err(Illegible::Newer(2)));
}

#[test]
fn the_last_revision_stays_what_it_is_when_another_follows() {
    let last = Ledger { revision: 1 << 53, ..ledger() };
    let rotated = page(&asking(with(last.clone()), Some("r"), None)).ledger;
    assert_eq!(rotated.revision, 1 << 53);
    assert_eq!(Ledger::parse(&rotated.to_text()), Ok(rotated));
    let lost = page(&Scene { secret: Sight::Absent, ..with(last) }).ledger;
    assert!(Ledger::parse(&lost.to_text()).is_ok(), "what is written can be read");
    let mut status = project(&live(), report(None, None));
    status.revision = Some(i64::MAX);
    let heard = Ledger::from_testimony(owner(), None, None, &status, &Default::default()).unwrap();
    assert_eq!(heard.revision, 1 << 53, "nor does a status that somebody edited go beyond it");
}

/// What the schema of the status does not take, if anything.
fn misfit(schema: &Value, value: &Value, path: &str) -> Option<String> {
    let wrong = |what: &str| Some(format!("{path}: {what}"));
    let most = |name: &str| schema[name].as_u64().unwrap_or(u64::MAX) as usize;
    match value {
        Value::String(text) if text.chars().count() > most("maxLength") => wrong("too long"),
        Value::String(text) if schema["format"] == "date-time" => {
            let year = text.split('-').next().unwrap_or_default();
            if year.len() == 4 { None } else { wrong("no date-time") }
        }
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or(i64::MAX);
            let within = schema["minimum"].as_i64().is_none_or(|least| number >= least)
                && schema["maximum"].as_i64().is_none_or(|most| number <= most);
            if within { None } else { wrong("out of range") }
        }
        Value::Array(list) if list.len() > most("maxItems") => wrong("too many"),
        Value::Array(list) => list.iter().find_map(|item| misfit(&schema["items"], item, path)),
        Value::Object(map) => map
            .iter()
            .find_map(|(name, value)| misfit(&schema["properties"][name], value, &format!("{path}.{name}"))),
        Value::String(_) | Value::Bool(_) | Value::Null => None,
    }
}

fn status_schema() -> Value {
    let crds = api::crds().into_iter().map(|crd| serde_json::to_value(crd).unwrap());
    let tokens = crds.into_iter().find(|crd| crd["spec"]["names"]["kind"] == "AccessToken").unwrap();
    tokens.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status").unwrap().clone()
}

fn text(most: usize) -> impl Strategy<Value = String> {
    (0..most * 5 / 4, "[a-zé🔑]").prop_map(|(length, one)| one.repeat(length))
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-63_000_000_000i64..253_402_207_200).prop_map(at)
}

fn any_ledger() -> impl Strategy<Value = Ledger> {
    let state =
        prop_oneof![Just(State::Live), Just(State::Withheld), Just(State::Expired), Just(State::Revoked)];
    let texts = proptest::collection::vec(text(71), 0..10);
    let times = (time(), time(), proptest::option::of(time()), proptest::option::of(time()));
    let names = (text(253), text(8192), text(128), text(253));
    (any::<i64>(), state, texts, times, names, 0usize..12).prop_map(
        |(revision, state, values, (issue, retirement, end, own), (id, public, digest, name), entries)| {
            let revision = if revision % 2 == 0 { revision } else { revision.rem_euclid(1 << 53) };
            let mut full = Ledger {
                state,
                revision,
                id: id.clone(),
                public: Some(public),
                digest: Some(digest.clone()),
                issue_time: Some(issue),
                not_after: end,
                held: Some(Copy { name, uid: "copy-1".into() }),
                previous: Some(Previous { id, digest, not_after: own, ..previous(retirement.as_second()) }),
                ..ledger()
            };
            full.handled.rotate = values.clone();
            full.account_handled.retire = values.clone();
            full.ours.left_out = values.iter().map(|value| (value.clone(), value.repeat(12))).collect();
            let trigger = values.first().cloned();
            full.history =
                vec![
                    Entry { revision, time: issue, reason: Reason::Rotated, trigger: trigger.clone() };
                    entries
                ];
            full
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_can_be_read_can_be_told(ledger in any_ledger()) {
        let schema = status_schema();
        let Ok(ledger) = Ledger::parse(&ledger.to_text()) else { return Ok(()) };
        let scene = Scene { secret: ours(ledger.clone(), INTACT), testimony: None, ..blank() };
        let complaint = match decide(&scene) {
            Act::Rest(complaint) => complaint,
            Act::Write(page) => {
                let page = page.ledger;
                prop_assert!(Ledger::parse(&page.to_text()).is_ok(), "what is written can be read: {page:?}");
                None
            }
            Act::Seal | Act::Hold | Act::Trim | Act::Reown | Act::Discard(_) => None,
        };
        let status = project(&scene, report(complaint.as_ref(), None));
        prop_assert_eq!(misfit(&schema, &serde_json::to_value(&status).unwrap(), "status"), None);
    }
}
