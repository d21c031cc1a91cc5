//! Whether a workload has to be restarted for the revision that its Secret holds: told by an annotation on its pod
//! template, so that nobody needs to remember anything.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::PodSpec;

use super::{ledger::Ledger, material::digest, references::uses};
use crate::api::{Restart, Restarted};

/// The prefix of the annotation.
const PREFIX: &str = "restart.chatelaine.dev/";
/// What Kubernetes allows for the part of a key behind the slash.
const LONGEST: usize = 63;
/// How much of the digest of a longer name is kept.
const DIGITS: usize = 16;

/// What a Secret holds, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub secret: String,
    pub revision: i64,
    /// When this revision came about.
    pub since: Option<Timestamp>,
}

/// A workload, as far as it matters here.
#[derive(Clone, Debug)]
pub struct Workload {
    pub created: Option<Timestamp>,
    /// Of its pod template.
    pub annotations: BTreeMap<String, String>,
    pub pod: PodSpec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its pods may still use an older revision.
    Restart,
    UpToDate,
    /// It was restarted for a later revision than this: of an earlier life of the Secret, or of what the Secret holds by
    /// now. The Secret knows.
    Ahead,
    /// Its pods do not use the Secret at all.
    Unrelated,
}

/// What came of a workload for one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was restarted, or did not need to be.
    Settled { revision: i64 },
    /// Why not, and what to do.
    Hindered { message: String },
}

impl Held {
    /// None while there is nothing that a restarted workload could use.
    pub fn of(secret: &str, ledger: &Ledger) -> Option<Self> {
        let began = |entry: &&super::ledger::Entry| entry.revision == ledger.revision;
        let since = ledger.history.iter().find(began).map(|entry| entry.time).or(ledger.issue_time);
        ledger.is_live().then(|| Self { secret: secret.to_owned(), revision: ledger.revision, since })
    }
}

/// The annotation on the pod template. A Secret's name fits into the alphabet of a key, but may be longer: then its
/// beginning and a digest of the whole.
pub fn annotation(secret: &str) -> String {
    if secret.len() <= LONGEST {
        return format!("{PREFIX}{secret}");
    }
    let digits = digest(secret.as_bytes());
    let digits = &digits["sha256:".len()..][..DIGITS];
    format!("{PREFIX}{}-{digits}", &secret[..LONGEST - DIGITS - 1])
}

/// A workload is restarted once per revision. It is up to date if its annotation says so, or if it was made after the
/// revision came about, because then its pods have used nothing older. A workload without annotation was waiting for
/// the first revision.
pub fn judge(workload: &Workload, held: &Held) -> Verdict {
    if !uses(&workload.pod, &held.secret) {
        return Verdict::Unrelated;
    }
    let told = workload.annotations.get(&annotation(&held.secret));
    let restarted_for = told.and_then(|text| text.parse::<i64>().ok()).unwrap_or(1);
    let is_younger = workload.created.zip(held.since).is_some_and(|(created, since)| created > since);
    match restarted_for.cmp(&held.revision) {
        _ if is_younger => Verdict::UpToDate,
        Ordering::Less => Verdict::Restart,
        Ordering::Equal => Verdict::UpToDate,
        Ordering::Greater => Verdict::Ahead,
    }
}

/// Status: for each workload that is wanted what is known now, else what was told before.
pub fn tell<'a>(
    wanted: &[Restart],
    before: &[Restarted],
    known: impl Fn(&Restart) -> Option<&'a Outcome>,
) -> Vec<Restarted> {
    let tell = |target: &Restart| {
        let before = before.iter().find(|told| is_about(told, target));
        let told = |revision, message| {
            Some(Restarted { kind: target.kind, name: target.name.clone(), revision, message })
        };
        match known(target) {
            Some(Outcome::Settled { revision }) => told(Some(*revision), None),
            Some(Outcome::Hindered { message }) => {
                told(before.and_then(|before| before.revision), Some(message.clone()))
            }
            None => before.cloned(),
        }
    };
    wanted.iter().filter_map(tell).collect()
}

/// The workloads of which it is not yet known that they need nothing more for this revision.
pub fn unsettled<'a>(
    wanted: &'a [Restart],
    told: &'a [Restarted],
    revision: i64,
) -> impl Iterator<Item = &'a Restart> {
    let settled = move |target: &Restart| {
        let told = told.iter().find(|told| is_about(told, target));
        told.is_some_and(|told| told.revision == Some(revision) && told.message.is_none())
    };
    wanted.iter().filter(move |target| !settled(target))
}

fn is_about(told: &Restarted, target: &Restart) -> bool {
    told.kind == target.kind && told.name == target.name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        api::{State, WorkloadKind},
        core::{
            ledger::{Entry, Owner},
            reason::Reason,
            trigger::Handled,
        },
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const SINCE: i64 = 1_000;

    fn held(revision: i64) -> Held {
        Held { secret: "ci".into(), revision, since: Some(at(SINCE)) }
    }

    /// A workload that uses the Secret, made at that time, with that annotation.
    fn workload(created: i64, told: Option<&str>) -> Workload {
        let pod = json!({"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "ci"}}]});
        Workload {
            created: Some(at(created)),
            annotations: told.map(|told| (annotation("ci"), told.to_owned())).into_iter().collect(),
            pod: serde_json::from_value(pod).unwrap(),
        }
    }

    const OLD: i64 = SINCE - 500;

    #[test]
    fn a_workload_whose_annotation_is_behind_the_revision_is_restarted_and_one_whose_is_not_is_left_alone() {
        for (told, revision, verdict) in [
            (Some("1"), 2, Verdict::Restart),
            (Some("2"), 2, Verdict::UpToDate),
            (Some("3"), 2, Verdict::Ahead),
            (Some("9"), 10, Verdict::Restart),
            (None, 2, Verdict::Restart),
            (Some("not a number"), 2, Verdict::Restart),
        ] {
            assert_eq!(judge(&workload(OLD, told), &held(revision)), verdict, "{told:?} {revision}");
        }
    }

    #[test]
    fn the_first_revision_restarts_nothing() {
        for told in [None, Some("not a number"), Some("1")] {
            assert_eq!(judge(&workload(OLD, told), &held(1)), Verdict::UpToDate, "{told:?}");
        }
    }

    #[test]
    fn a_workload_that_was_made_after_the_revision_came_about_has_used_nothing_older() {
        for told in [None, Some("1")] {
            assert_eq!(judge(&workload(SINCE + 1, told), &held(5)), Verdict::UpToDate, "{told:?}");
            assert_eq!(
                judge(&workload(SINCE, told), &held(5)),
                Verdict::Restart,
                "the same second may be before"
            );
        }
        let timeless = Held { since: None, ..held(5) };
        assert_eq!(judge(&workload(SINCE + 1, None), &timeless), Verdict::Restart);
    }

    #[test]
    fn a_workload_that_does_not_use_the_secret_is_unrelated_whatever_its_annotations_say() {
        let other = Held { secret: "other".into(), ..held(2) };
        let mut unrelated = workload(OLD, Some("1"));
        unrelated.annotations.insert(annotation("other"), "1".into());
        assert_eq!(judge(&unrelated, &other), Verdict::Unrelated);
    }

    #[test]
    fn an_annotation_of_another_secret_says_nothing_about_this_one() {
        let mut both = workload(OLD, Some("1"));
        both.annotations.insert(annotation("other"), "7".into());
        assert_eq!(judge(&both, &held(2)), Verdict::Restart);
    }

    #[test]
    fn only_live_material_is_a_reason_and_a_restore_does_not_make_a_revision_younger() {
        let owner =
            Owner { kind: "AccessToken".into(), name: "ci".into(), uid: "u".into(), account: "a".into() };
        let entry = |revision, second, reason| Entry { revision, time: at(second), reason, trigger: None };
        let mut ledger = Ledger {
            state: State::Live,
            revision: 2,
            issue_time: Some(at(50)),
            ..Ledger::blank(owner, None, Handled::default())
        };
        assert_eq!(Held::of("ci", &ledger).unwrap().since, Some(at(50)), "a history that says nothing");
        ledger.history =
            vec![entry(1, 10, Reason::Issued), entry(2, 60, Reason::Rotated), entry(2, 90, Reason::Restored)];
        assert_eq!(
            Held::of("ci", &ledger),
            Some(Held { secret: "ci".into(), revision: 2, since: Some(at(60)) })
        );
        for state in [State::Withheld, State::Expired, State::Revoked] {
            assert_eq!(Held::of("ci", &Ledger { state, ..ledger.clone() }), None, "{state:?}");
        }
    }

    fn target(name: &str) -> Restart {
        Restart { kind: WorkloadKind::Deployment, name: name.into() }
    }

    fn told(name: &str, revision: Option<i64>, message: Option<&str>) -> Restarted {
        let message = message.map(str::to_owned);
        Restarted { kind: WorkloadKind::Deployment, name: name.into(), revision, message }
    }

    #[test]
    fn status_tells_what_is_known_now_else_what_it_told_before_of_what_is_still_wanted() {
        let wanted = ["news", "hindered", "as-before", "unknown"].map(target);
        let before = [
            told("news", Some(1), Some("why")),
            told("hindered", Some(1), None),
            told("as-before", Some(1), None),
            told("unwanted", Some(1), None),
        ];
        let (settled, hindered) =
            (Outcome::Settled { revision: 2 }, Outcome::Hindered { message: "gone".into() });
        let now = tell(&wanted, &before, |target| match target.name.as_str() {
            "news" => Some(&settled),
            "hindered" => Some(&hindered),
            _ => None,
        });
        let wished = [
            told("news", Some(2), None),
            told("hindered", Some(1), Some("gone")),
            told("as-before", Some(1), None),
        ];
        assert_eq!(now, wished);
        let open: Vec<_> = unsettled(&wanted, &now, 2).map(|target| target.name.as_str()).collect();
        assert_eq!(open, ["hindered", "as-before", "unknown"]);
        let same = [told("hindered", Some(1), Some("gone"))];
        assert_eq!(unsettled(&[target("hindered")], &same, 1).count(), 1, "a message is not yet settled");
    }

    proptest! {
        #[test]
        fn the_annotation_is_a_key_that_kubernetes_takes_and_each_secret_has_its_own(
            one in "[a-z0-9]([-a-z0-9.]{0,120}[a-z0-9])?",
            other in "[a-z0-9]([-a-z0-9.]{0,120}[a-z0-9])?",
        ) {
            for name in [&one, &other] {
                let key = annotation(name);
                let (prefix, name) = key.split_once('/').unwrap();
                prop_assert_eq!(prefix, "restart.chatelaine.dev");
                prop_assert!(!name.is_empty() && name.len() <= 63);
                prop_assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()));
                prop_assert!(name.ends_with(|c: char| c.is_ascii_alphanumeric()));
            }
            prop_assert_eq!(annotation(&one) == annotation(&other), one == other);
            prop_assert!(one.len() > 63 || annotation(&one).ends_with(&format!("/{one}")), "in full if it fits");
        }
    }

    #[test]
    fn names_that_differ_only_far_behind_have_annotations_of_their_own() {
        let [one, other] = ["a", "b"].map(|end| format!("{}{end}", "x".repeat(100)));
        assert_ne!(annotation(&one), annotation(&other));
    }
}
