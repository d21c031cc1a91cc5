//! What the conditions say: all of it once, beside that what is the matter.

use chatelaine::{
    api::{CredentialStatus, State},
    core::{
        ledger::Ledger,
        lifecycle::Complaint,
        ownership::Offer,
        policy::Wanted,
        project::{Report, project},
        reason::Reason,
        scene::{Account, Scene, Sight},
    },
};

use crate::stage::*;

fn told(scene: &Scene, complaint: Option<&Complaint>, seen: Option<&CredentialStatus>) -> CredentialStatus {
    project(scene, report(complaint, seen))
}

fn messages(status: &CredentialStatus) -> Vec<(&str, &str)> {
    status.conditions.iter().map(|one| (one.type_.as_str(), one.message.as_str())).collect()
}

#[test]
fn what_stands_in_the_way_is_said_with_its_advice_once_and_beside_that_in_short() {
    let conflict = Complaint::waiting(Reason::SecretConflict, "It belongs to bob: ask bob, or: take another");
    let status = told(
        &Scene { secret: Sight::Foreign { holder: "bob".into(), offer: Offer::Possible }, ..blank() },
        Some(&conflict),
        None,
    );
    let wanted = [
        ("Ready", "It belongs to bob: ask bob, or: take another"),
        ("Active", "It belongs to bob"),
        ("Reconciling", "It belongs to bob"),
    ];
    assert_eq!(messages(&status), wanted);

    let refused = Complaint::person(Reason::PermissionNotGranted, "Not granted are dns:*, a:b: change them");
    let stalled = told(&blank(), Some(&refused), None);
    assert_eq!(messages(&stalled).last(), Some(&("Stalled", "Not granted are dns:*, a:b")));
}

#[test]
fn what_ready_does_not_say_because_it_stays_as_it_was_the_condition_beside_it_says_in_full() {
    let before = told(&live(), None, None);
    let failure = Complaint::waiting(Reason::ApiUnavailable, "No answer: tried again");
    let edited = Report { generation: Some(2), ..report(Some(&failure), Some(&before)) };
    let status = project(&live(), edited);
    assert_eq!(status.observed_generation, Some(2));
    assert_eq!(status.conditions[0], before.conditions[0], "which does not speak of the edited spec");
    assert_eq!(messages(&status).last(), Some(&("Reconciling", "No answer: tried again")));
}

/// The server says nothing, or nothing can be made: that is no news about what was withdrawn, and about what was never
/// issued it is the first.
#[test]
fn what_has_no_material_is_told_as_it_was_while_nothing_can_be_learnt_of_it() {
    for reason in [Reason::ApiUnavailable, Reason::MintingFailed] {
        let failure = Complaint::waiting(reason, "It failed: tried again");
        for state in [State::Withheld, State::Expired, State::Revoked] {
            let before = told(&dead(state), None, None);
            let status = told(&dead(state), Some(&failure), Some(&before));
            assert_eq!(status.conditions[0], before.conditions[0], "{state:?}");
            assert_eq!(messages(&status).last(), Some(&("Reconciling", "It failed: tried again")));
        }
        let first = told(&blank(), Some(&failure), None);
        assert_eq!(
            (&*first.conditions[0].status, &*first.conditions[0].reason),
            ("False", &*reason.to_string())
        );
    }
    let conflict = Complaint::waiting(Reason::SecretConflict, "It is another's: rename it");
    let before = told(&dead(State::Revoked), None, None);
    let status = told(&dead(State::Revoked), Some(&conflict), Some(&before));
    assert_eq!(status.conditions[0].message, "It is another's: rename it", "that is news");
}

/// Every state, with every Account: an advice is in Ready, or nowhere.
#[test]
fn no_condition_repeats_the_advice_of_ready() {
    let accounts = [Account::Active, Account::Inactive, Account::Missing];
    for state in [State::Live, State::Withheld, State::Expired, State::Revoked] {
        for (account, wanted) in
            accounts.into_iter().flat_map(|one| [(one, Wanted::Active), (one, Wanted::Inactive)])
        {
            let mut scene = Scene { account, ..dead(state) };
            scene.policy.wanted = wanted;
            let status = told(&scene, None, None);
            let (first, rest) = status.conditions.split_first().expect("Ready is always there");
            assert_eq!(first.type_, "Ready");
            assert!(
                rest.iter().all(|one| one.message != first.message || !one.message.contains(": ")),
                "{status:#?}"
            );
        }
    }
}

#[test]
fn what_is_withheld_under_an_account_that_is_not_inactive_does_not_say_that_it_is() {
    let withheld = Ledger { state: State::Withheld, held: Some(copy()), ..ledger() };
    for (account, wanted) in [
        (Account::Inactive, "The Account alice is inactive: "),
        (Account::Unknown, "The Account alice was inactive or missing when it was last seen: "),
        (Account::Active, "The Account alice was inactive or missing when it was last seen: "),
    ] {
        let status = told(&Scene { account, ..with(withheld.clone()) }, None, None);
        assert!(status.conditions[0].message.starts_with(wanted), "{}", status.conditions[0].message);
    }
}

#[test]
fn a_message_without_end_is_cut_to_what_the_schema_takes() {
    let endless = Complaint::person(Reason::InvalidSpec, "ł".repeat(100_000));
    let status = told(&blank(), Some(&endless), None);
    assert!(status.conditions.iter().all(|one| one.message.len() <= 4_096 && !one.message.is_empty()));
}
