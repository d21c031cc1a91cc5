//! What status says while the Secret cannot speak, and what comes back from it.

use chatelaine::{
    api::{CredentialStatus, State},
    core::{
        ledger::Ledger,
        lifecycle::{Act, Complaint, decide},
        ownership::Offer,
        page::Page,
        period::Period,
        policy::DefaultFrom,
        project::project,
        reason::Reason,
        scene::{Account, Inside, Integrity, Scene, Sight},
        trigger::Triggers,
    },
};

use crate::stage::*;

fn told(scene: &Scene, complaint: Option<&Complaint>, seen: Option<&CredentialStatus>) -> CredentialStatus {
    project(scene, report(complaint, seen))
}

fn heard(status: &CredentialStatus) -> Option<Ledger> {
    Ledger::from_testimony(owner(), Some(ledger().identity()), None, status, &Triggers::default())
}

/// The Secret of this ledger is lost; all that is known is what status said of it.
fn lost(ledger: Ledger) -> Scene {
    let status = told(&with(ledger.clone()), None, None);
    Scene { secret: Sight::Absent, testimony: heard(&status), ..blank() }
}

/// The page is the ledger now, and all is in order.
fn written(page: Page, scene: &Scene) -> Scene {
    Scene { secret: ours(page.ledger.clone(), INTACT), ..scene.clone() }
}

#[test]
fn a_withheld_credential_whose_secret_was_lost_keeps_the_end_that_the_accounts_default_gave_it() {
    let end = at(NOW + 86_400);
    for default_from in [DefaultFrom::Account, DefaultFrom::Limit] {
        let default_lifetime = Some(Period::seconds(86_400 + 3_600));
        let known = Ledger {
            state: State::Withheld,
            not_after: Some(end),
            default_lifetime,
            default_from,
            ..ledger()
        };
        let mut scene = lost(Ledger { held: Some(copy()), ..known.clone() });
        scene.account = Account::Inactive;
        scene.copy =
            Some(copy_sight(Inside::Read { current: Integrity::Intact, previous: Integrity::Damaged }));
        let made_again = page(&scene);
        let again = &made_again.ledger;
        assert_eq!(
            (again.state, again.not_after, again.held.clone()),
            (State::Withheld, Some(end), Some(copy()))
        );
        assert_eq!((again.default_lifetime, again.default_from), (default_lifetime, default_from));
        let scene = written(made_again, &scene);
        assert_eq!(decide(&scene), Act::Rest(None), "the end stays");
        let back = page(&Scene { account: Account::Active, ..scene });
        assert_eq!((back.ledger.state, back.ledger.not_after), (State::Live, Some(end)));
    }
}

#[test]
fn what_never_expires_gets_no_end_from_status() {
    assert_eq!(lost(ledger()).testimony.unwrap().default_lifetime, None);
}

#[test]
fn the_previous_one_that_is_brought_back_after_a_loss_keeps_its_own_end() {
    let own = at(NOW + 7_200);
    let previous = chatelaine::core::ledger::Previous {
        not_after: Some(own),
        issue_time: Some(at(NOW - 9_000)),
        default_lifetime: Some(Period::seconds(16_200)),
        ..previous(NOW + 3_600)
    };
    let known = Ledger {
        state: State::Withheld,
        held: Some(copy()),
        previous: Some(previous),
        not_after: Some(at(NOW + 12_600)),
        default_lifetime: Some(Period::seconds(16_200)),
        ..ledger()
    };
    let mut scene = lost(known);
    scene.policy.wanted = chatelaine::core::policy::Wanted::Inactive;
    scene.copy = Some(copy_sight(INTACT));
    scene = written(page(&scene), &scene);
    scene.policy.wanted = chatelaine::core::policy::Wanted::Active;
    scene = Scene { copy: None, ..written(page(&scene), &scene) };
    scene.triggers.rollback = Some("back".into());
    let back = page(&scene);
    assert_eq!((back.ledger.revision, back.ledger.not_after), (2, Some(own)));
    assert_eq!(decide(&written(back, &scene)), Act::Rest(None), "the end stays");
}

#[test]
fn while_the_secret_cannot_speak_every_status_repeats_the_testimony_unchanged() {
    let known = Ledger {
        revision: 3,
        not_after: Some(at(NOW + 600)),
        previous: Some(previous(NOW + 60)),
        handled: chatelaine::core::trigger::Handled { rotate: vec!["r".into()], ..Default::default() },
        account_handled: chatelaine::core::trigger::Handled {
            revoke: vec!["v".into()],
            ..Default::default()
        },
        ..ledger()
    };
    let before = told(&with(known.clone()), None, None);
    let complaints = [
        None,
        Some(Complaint::person(Reason::InvalidKey, "two lines")),
        Some(Complaint::waiting(Reason::SecretConflict, "somebody else's")),
        Some(Complaint::waiting(Reason::ApiUnavailable, "no answer")),
        Some(Complaint::waiting(Reason::AwaitingMaterial, "in a minute")),
        Some(Complaint::waiting(Reason::AccountNotFound, "no Account")),
    ];
    let sights = [
        Sight::Absent,
        Sight::Mute,
        Sight::Newer(2),
        Sight::Dying,
        Sight::LeftBehind,
        Sight::Foreign { holder: "bob".into(), offer: Offer::Possible },
        ours(ledger(), INTACT),
    ];
    for secret in sights {
        for complaint in &complaints {
            for account in [Account::Active, Account::Missing, Account::Unknown] {
                let scene = Scene { secret: secret.clone(), account, testimony: heard(&before), ..blank() };
                let after = told(&scene, complaint.as_ref(), Some(&before));
                assert_eq!(testified(&after), testified(&before), "{secret:?} {complaint:?} {account:?}");
                assert_eq!(heard(&after), heard(&before));
            }
        }
    }
}

/// `status.{state, revision, issueTime, expirationTime, previous, handledTriggers, digests}`; the id is each kind's own.
fn testified(status: &CredentialStatus) -> CredentialStatus {
    let status = status.clone();
    CredentialStatus {
        state: status.state,
        revision: status.revision,
        issue_time: status.issue_time,
        expiration_time: status.expiration_time,
        previous: status.previous,
        handled_triggers: status.handled_triggers,
        handled_account_triggers: status.handled_account_triggers,
        digests: status.digests,
        history: status.history,
        ..CredentialStatus::default()
    }
}

#[test]
fn last_transition_time_moves_when_the_status_flips_and_only_then() {
    let later = |seconds, scene: Scene| Scene { now: at(NOW + seconds), ..scene };
    let time = |status: &CredentialStatus, kind: &str| {
        let found = status.conditions.iter().find(|one| one.type_ == kind);
        found.map(|one| (one.status.clone(), one.last_transition_time.0))
    };
    let first = told(&live(), None, None);
    assert_eq!(time(&first, "Ready"), Some(("True".to_owned(), at(NOW))));

    let mut inactive = withheld();
    inactive.policy.wanted = chatelaine::core::policy::Wanted::Inactive;
    let withheld = told(&later(10, inactive), None, Some(&first));
    assert_eq!(time(&withheld, "Ready"), Some(("True".to_owned(), at(NOW))), "another reason is no flip");
    assert_eq!(time(&withheld, "Active"), Some(("False".to_owned(), at(NOW + 10))));

    let dead = told(&later(20, dead(State::Revoked)), None, Some(&withheld));
    assert_eq!(time(&dead, "Ready"), Some(("False".to_owned(), at(NOW + 20))));
    assert_eq!(time(&dead, "Active"), Some(("False".to_owned(), at(NOW + 10))), "it was that before");
    let refused = Complaint::person(Reason::InvalidKey, "two lines");
    let still = told(&later(30, blank()), Some(&refused), Some(&dead));
    assert_eq!(time(&still, "Ready"), Some(("False".to_owned(), at(NOW + 20))));
    let again = told(&later(40, live()), None, Some(&still));
    assert_eq!(time(&again, "Ready"), Some(("True".to_owned(), at(NOW + 40))));
}
