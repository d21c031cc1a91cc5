//! The ledger's format is documented field by field.

use anyhow::{Result, ensure};
use chatelaine::{
    api::State,
    core::{
        ledger::{Copy, Entry, Ledger, Noted, Owner, Previous, Sealed},
        parent::Bond,
        period::Period,
        reason::Reason,
        trigger::Handled,
    },
};
use jiff::Timestamp;

use crate::read;

#[test]
fn every_field_of_the_ledger_is_documented() -> Result<()> {
    let text = read("docs/ledger.md")?;
    let ledger: serde_json::Value = serde_json::from_str(&full_ledger().to_text())?;
    let mut fields = Vec::new();
    names(&ledger, "", &mut fields);
    for field in fields {
        ensure!(text.contains(&format!("| `{field}` |")), "docs/ledger.md has no row for `{field}`");
    }
    Ok(())
}

fn names(value: &serde_json::Value, within: &str, found: &mut Vec<String>) {
    // The names in this map are the user's.
    let own = within == "ours.keys.";
    for (name, value) in value.as_object().into_iter().flatten().filter(|_| !own) {
        let path = format!("{within}{name}");
        found.push(path.clone());
        names(value, &format!("{path}."), found);
        for item in value.as_array().into_iter().flatten() {
            names(item, &format!("{path}[]."), found);
        }
    }
}

/// A ledger in which nothing is absent.
fn full_ledger() -> Ledger {
    let time = Timestamp::UNIX_EPOCH;
    let copy = Copy { name: "chatelaine-held-1".into(), uid: "2".into() };
    let owner =
        Owner { kind: "AccessToken".into(), name: "deploy".into(), uid: "1".into(), account: "alice".into() };
    let sealed =
        Sealed { digest: "sha256:".into(), passphrase: "sealed".into(), seal: "chatelaine-seal-1".into() };
    let bond = Bond { uid: "1".into(), revision: 1 };
    let previous = Previous {
        id: "id".into(),
        public: Some("public".into()),
        digest: "sha256:".into(),
        sealed: Some(sealed.clone()),
        issue_time: Some(time),
        default_lifetime: Some(Period::seconds(1)),
        not_after: Some(time),
        parent: Some(bond.clone()),
        retirement_time: time,
    };
    let entry = Entry { revision: 1, time, reason: Reason::Issued, trigger: Some("value".into()) };
    let mut ledger = Ledger {
        state: State::Live,
        id: "id".into(),
        public: Some("public".into()),
        issue_time: Some(time),
        not_after: Some(time),
        default_lifetime: Some(Period::seconds(1)),
        parent: Some(bond),
        origin: Some("1".into()),
        rebirth: Some(1),
        previous: Some(previous),
        return_time: Some(time),
        schedule: Some(Noted { text: "0 3 * * 1 UTC".into(), since: time }),
        digest: Some("sha256:".into()),
        sealed: Some(sealed),
        held: Some(copy.clone()),
        discarded: Some(copy),
        history: vec![entry],
        ..Ledger::blank(owner, Some(1), Handled::default())
    };
    ledger.ours.labels.push("label".into());
    ledger.ours.annotations.push("annotation".into());
    ledger
}
