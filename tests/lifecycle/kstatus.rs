//! The table of kstatus, row by row: what the conditions say in each situation, and what a tool that waits makes of it.

use chatelaine::{
    api::{self, CredentialStatus, State},
    core::{
        answer::{Act, Complaint},
        condition::Truth,
        ledger::Ledger,
        lifecycle::decide,
        ownership::Offer,
        parent::{End, Life, Parent, Standing},
        period::Period,
        policy::{Expiry, MaxLifetime, Wanted},
        project::{Report, project},
        reason::Reason,
        restore::Announced,
        scene::{Account, Clock, Form, Scene, Sight},
    },
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;

use crate::stage::*;

/// What kstatus calls an object that is not being deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    InProgress,
    Failed,
    Current,
}

/// As `sigs.k8s.io/cli-utils/pkg/kstatus` computes it for a custom resource: the first answer counts, and no answer at all
/// is `Current`.
fn kstatus(generation: i64, status: &CredentialStatus) -> Verdict {
    if status.observed_generation.is_some_and(|seen| seen != generation) {
        return Verdict::InProgress;
    }
    for one in &status.conditions {
        match (&*one.type_, &*one.status) {
            ("Reconciling", "True") => return Verdict::InProgress,
            ("Stalled", "True") => return Verdict::Failed,
            _ => {}
        }
    }
    match find(status, "Ready").map(|ready| &*ready.status) {
        Some("True") | None => Verdict::Current,
        Some(_) => Verdict::InProgress,
    }
}

fn find<'a>(status: &'a CredentialStatus, kind: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|one| one.type_ == kind)
}

fn complaint(scene: &Scene) -> Option<Complaint> {
    match decide(scene) {
        Act::Rest(complaint) => complaint,
        act => panic!("expected rest, got {act:?}"),
    }
}

/// The status after a pass that came to rest, told over the one that was there.
fn told(scene: &Scene, seen: Option<&CredentialStatus>) -> CredentialStatus {
    project(scene, report(complaint(scene).as_ref(), seen))
}

/// The columns of the table: Ready, Reconciling, Stalled; None is a dash.
type Columns = (Option<Truth>, Option<Truth>, Option<Truth>);

const WAITS: Columns = (Some(Truth::False), Some(Truth::True), None);
const MENDED_BY_A_PERSON: Columns = (Some(Truth::False), None, Some(Truth::True));
const SERVED: Columns = (Some(Truth::True), None, None);
const SERVED_WHILE_IT_WAITS: Columns = (Some(Truth::True), Some(Truth::True), None);

#[track_caller]
fn row(situation: &str, status: &CredentialStatus, columns: Columns, verdict: Verdict) {
    let column = |kind| {
        let told = find(status, kind)?;
        assert_eq!(told.observed_generation, Some(1), "{situation}: {kind}");
        let all = [Truth::True, Truth::False, Truth::Unknown];
        all.into_iter().find(|truth| truth.as_str() == told.status)
    };
    let all = (column("Ready"), column("Reconciling"), column("Stalled"));
    assert_eq!((all, kstatus(1, status)), (columns, verdict), "{situation}: {:#?}", status.conditions);
}

/// What ended, with a date that nobody has moved.
fn over(state: State) -> Scene {
    let mut scene = dead(state);
    scene.policy.expiry = Expiry::At(at(NOW - 60));
    scene
}

fn in_an_overlap() -> Scene {
    with(Ledger { previous: Some(previous(NOW + 60)), revision: 2, ..ledger() })
}

fn asked_to_rotate(scene: Scene) -> Scene {
    asking(scene, Some("new"), None)
}

fn under(account: Account, scene: Scene) -> Scene {
    Scene { account, ..scene }
}

fn of_a_pair(standing: Standing, scene: Scene) -> Scene {
    let mut scene = scene;
    scene.policy.parent = Some(Parent { name: "ApiKeyPair web".into(), standing });
    scene
}

fn lately() -> Account {
    Account::MissingLately { until: at(NOW + 30) }
}

fn life() -> Life {
    Life { uid: "uid-web".into(), revision: 1, began: 0, not_after: None }
}

/// Every way of waiting for somebody else, of what has no material yet.
fn waiting() -> Vec<(&'static str, Scene, Reason)> {
    let sight = |secret| Scene { secret, ..blank() };
    let foreign = |offer| sight(Sight::Foreign { holder: "bob".into(), offer });
    let parent = |standing| of_a_pair(standing, blank());
    vec![
        ("no Account", under(Account::Missing, blank()), Reason::AccountNotFound),
        ("no Account yet", under(lately(), blank()), Reason::AccountNotFound),
        ("no pair", parent(Standing::Ended(End::Missing)), Reason::ParentNotFound),
        ("no pair yet", parent(Standing::MissingLately { until: at(NOW + 30) }), Reason::ParentNotFound),
        ("a pair without material", parent(Standing::NotIssued), Reason::ParentNotIssued),
        ("an inactive pair", parent(Standing::Inactive(life())), Reason::ParentInactive),
        ("an expired pair", parent(Standing::Ended(End::Expired)), Reason::ParentExpired),
        ("a revoked pair", parent(Standing::Ended(End::Revoked)), Reason::ParentRevoked),
        ("a foreign Secret", foreign(Offer::Vain), Reason::SecretConflict),
        ("a Secret that could be offered", foreign(Offer::Possible), Reason::SecretConflict),
        (
            "one that is offered and does not fit",
            sight(Sight::Offered { found: Err("no".into()) }),
            Reason::SecretConflict,
        ),
        ("a Secret that is dying", sight(Sight::Dying), Reason::SecretTerminating),
        ("a Secret that was left behind", sight(Sight::LeftBehind), Reason::SecretTerminating),
        ("a restore", Scene { restore: Some(Announced::ByVelero), ..blank() }, Reason::AwaitingRestore),
    ]
}

#[test]
fn nobody_looked_yet_and_a_tool_that_waits_goes_on_waiting() {
    for crd in api::crds() {
        let crd = serde_json::to_value(crd).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let default = &schema["properties"]["status"]["default"];
        assert_eq!(*default, json!({"observedGeneration": -1}));
        let status: CredentialStatus = serde_json::from_value(default.clone()).unwrap();
        assert_eq!((status.conditions.len(), kstatus(1, &status)), (0, Verdict::InProgress));
    }
    assert_eq!(kstatus(1, &CredentialStatus::default()), Verdict::Current);
}

#[test]
fn a_first_issue_that_takes_long_is_neither_ready_nor_not() {
    let making = Complaint::waiting(Reason::Minting, "The key is being made");
    let status = project(&blank(), report(Some(&making), None));
    row("an RSA key", &status, (Some(Truth::Unknown), Some(Truth::True), None), Verdict::InProgress);
}

#[test]
fn what_is_issued_and_valid_is_ready_also_in_an_overlap_and_reconciles_only_while_a_slow_key_is_made() {
    for (situation, scene) in [("issued", live()), ("in an overlap", in_an_overlap())] {
        row(situation, &told(&scene, None), SERVED, Verdict::Current);
        let making = Complaint::waiting(Reason::Minting, "The key is being made");
        let before = told(&scene, None);
        for seen in [None, Some(&before)] {
            let status = project(&scene, report(Some(&making), seen));
            row("a slow key is made", &status, SERVED_WHILE_IT_WAITS, Verdict::InProgress);
            assert_eq!(find(&status, "Ready"), find(&before, "Ready"), "{situation}");
        }
    }
}

#[test]
fn what_is_withheld_because_the_spec_or_the_accounts_says_so_is_finished_and_not_active() {
    let mut of_the_account = withheld();
    of_the_account.policy.wanted = Wanted::Active;
    let mut unborn = blank();
    unborn.policy.wanted = Wanted::Inactive;
    let unborn = with(page(&unborn).ledger);
    for (situation, scene, reason) in [
        ("the spec", withheld(), Reason::Inactive),
        ("the Account's", under(Account::Inactive, of_the_account), Reason::AccountInactive),
        ("created so", Scene { policy: withheld().policy, ..unborn }, Reason::Inactive),
    ] {
        let status = told(&scene, None);
        row(situation, &status, SERVED, Verdict::Current);
        let active = find(&status, "Active").expect("it is always told");
        assert_eq!((&*active.status, &*active.reason), ("False", &*reason.to_string()), "{situation}");
        assert_eq!(find(&status, "Ready").map(|one| &*one.reason), Some(&*reason.to_string()));
    }
}

#[test]
fn what_waits_for_an_account_a_parent_a_foreign_secret_or_a_restore_is_in_progress() {
    for (situation, scene, reason) in waiting() {
        let status = told(&scene, None);
        row(situation, &status, WAITS, Verdict::InProgress);
        for kind in ["Ready", "Active", "Reconciling"] {
            let told = find(&status, kind).map(|one| &*one.reason);
            assert_eq!(told, Some(&*reason.to_string()), "{situation}: {kind}");
        }
    }
    let missing = under(Account::Missing, withheld());
    let missing = Scene { policy: policy(), ..missing };
    row("withheld for want of an Account", &told(&missing, None), WAITS, Verdict::InProgress);
}

/// What is waited for is told beside Ready, which goes on saying what the ledger says: whatever was told before, also
/// nothing, as after a loss of status.
#[test]
fn what_is_served_stays_ready_with_the_reason_of_its_ledger_whatever_is_waited_for() {
    let rotated = || {
        let mut ledger = ledger();
        ledger.revision = 2;
        ledger.note(at(NOW - 60), Reason::Rotated, None);
        with(ledger)
    };
    let mut too_far = asked_to_rotate(rotated());
    too_far.policy.expiry = Expiry::At(at(NOW + 90_000));
    too_far.policy.max_lifetime = MaxLifetime::Of(Period::days(1));
    let ledger = Ledger { not_after: Some(at(NOW + 90_000)), ..rotated().ledger().unwrap().clone() };
    let too_far = Scene { secret: ours(ledger, INTACT), ..too_far };
    let refused = Complaint::person(Reason::LifetimeExceeded, "Too long: shorten it");
    let parent = |standing| of_a_pair(standing, asked_to_rotate(rotated()));
    for (situation, scene, waits_for) in [
        ("an Account in its grace", under(lately(), asked_to_rotate(rotated())), Reason::AccountNotFound),
        (
            "a pair in its grace",
            parent(Standing::MissingLately { until: at(NOW + 9) }),
            Reason::ParentNotFound,
        ),
        ("a pair without material", parent(Standing::NotIssued), Reason::ParentNotIssued),
        ("its date to come nearer", too_far, Reason::LifetimeExceeded),
    ] {
        let settled = told(&rotated(), None);
        let stalled = project(&rotated(), report(Some(&refused), None));
        let nothing = CredentialStatus::default();
        for seen in [&nothing, &settled, &stalled] {
            let status = told(&scene, Some(seen));
            row(situation, &status, SERVED_WHILE_IT_WAITS, Verdict::InProgress);
            let ready = find(&status, "Ready").expect("it is always told");
            assert_eq!(ready.reason, "Rotated", "{situation}");
            assert!(ready.message.starts_with("The Secret ci holds revision 2"), "{}", ready.message);
            let hint = find(&status, "Reconciling").expect("it is in the row");
            assert_eq!(hint.reason, waits_for.to_string(), "{situation}");
            assert!(!hint.message.starts_with("The Secret ci holds"), "{situation}: {}", hint.message);
            let active = find(&status, "Active").expect("it is always told");
            assert_eq!((&*active.status, &*active.reason), ("True", "Rotated"), "{situation}");
        }
    }
}

/// Ready=True of a generation says that the Secret fits that spec.
#[test]
fn what_waits_before_it_could_be_made_to_fit_an_edited_spec_does_not_say_that_it_fits() {
    let before = told(&live(), None);
    let (mut shown, mut dated) = (live(), live());
    shown.secret = Sight::Ours { ledger: ledger(), inside: INTACT, form: Form::Differs };
    dated.policy.expiry = Expiry::After(Period::days(1));
    let making = Complaint::waiting(Reason::Minting, "The key is being made");
    for scene in [shown, dated] {
        let status = project(&scene, Report { generation: Some(2), ..report(Some(&making), Some(&before)) });
        assert_eq!((status.observed_generation, kstatus(2, &status)), (Some(2), Verdict::InProgress));
        assert_eq!(find(&status, "Ready"), find(&before, "Ready"));
    }
}

#[test]
fn a_server_that_fails_leaves_ready_as_it_was() {
    let rows = [told(&live(), None), told(&withheld(), None)];
    for (scene, before) in [live(), withheld()].iter().zip(&rows) {
        for reason in [Reason::ApiUnavailable, Reason::MintingFailed] {
            let failure = Complaint::waiting(reason, "It failed; tried again");
            let status = project(scene, report(Some(&failure), Some(before)));
            row("a failure", &status, SERVED_WHILE_IT_WAITS, Verdict::InProgress);
            assert_eq!(find(&status, "Ready"), find(before, "Ready"));
        }
    }
    for scene in [over(State::Expired), over(State::Revoked)] {
        let before = told(&scene, None);
        let failure = Complaint::waiting(Reason::ApiUnavailable, "It failed; tried again");
        let status = project(&scene, report(Some(&failure), Some(&before)));
        row("a failure", &status, WAITS, Verdict::InProgress);
        for kind in ["Ready", "Active"] {
            assert_eq!(find(&status, kind), find(&before, kind));
        }
    }
    // It was told nothing of, and is served.
    for reason in [Reason::ApiUnavailable, Reason::MintingFailed, Reason::Forbidden] {
        let failure = Complaint::waiting(reason, "It failed; tried again");
        let status = project(&live(), report(Some(&failure), None));
        row("a failure after a loss of status", &status, SERVED_WHILE_IT_WAITS, Verdict::InProgress);
        assert_eq!(find(&status, "Ready").map(|one| &*one.reason), Some("Issued"));
        assert_eq!(find(&status, "Reconciling").map(|one| &*one.message), Some("It failed; tried again"));
    }
}

#[test]
fn what_only_a_person_can_mend_has_failed() {
    let refused = |reason| {
        let mut scene = blank();
        scene.policy.refusal = Some(Complaint::person(reason, "It is refused: change it"));
        scene
    };
    let mut full = blank();
    full.policy.over_quota = Some(Complaint::person(Reason::QuotaExceeded, "There are too many: delete one"));
    let mut long = blank();
    long.policy.expiry = Expiry::Never;
    long.policy.max_lifetime = MaxLifetime::Of(Period::days(1));
    let mut past = blank();
    past.policy.expiry = Expiry::At(at(NOW - 1));
    for (scene, reason) in [
        (refused(Reason::InvalidKey), Reason::InvalidKey),
        (refused(Reason::InvalidSpec), Reason::InvalidSpec),
        (refused(Reason::PermissionNotGranted), Reason::PermissionNotGranted),
        (refused(Reason::RoleNotFound), Reason::RoleNotFound),
        (full, Reason::QuotaExceeded),
        (long, Reason::LifetimeExceeded),
        (past, Reason::Expired),
        (of_a_pair(Standing::NotTheirs, blank()), Reason::InvalidSpec),
        (Scene { secret: Sight::Newer(2), ..blank() }, Reason::Unreadable),
        (over(State::Expired), Reason::Expired),
        (over(State::Revoked), Reason::Revoked),
    ] {
        let status = told(&scene, None);
        row(&reason.to_string(), &status, MENDED_BY_A_PERSON, Verdict::Failed);
        for kind in ["Ready", "Active", "Stalled"] {
            let told = find(&status, kind).map(|one| &*one.reason);
            assert_eq!(told, Some(&*reason.to_string()), "{kind}");
        }
        assert_eq!(find(&status, "Active").map(|one| &*one.status), Some("False"));
        let is_over = find(&status, "Expired").is_some_and(|one| one.status == "True");
        assert_eq!(is_over, reason == Reason::Expired, "{reason}: also of what was never issued");
    }
}

#[test]
fn a_part_that_expired_while_it_was_inactive_is_in_progress() {
    let mut inactive = of_a_pair(Standing::Live(life()), over(State::Expired));
    inactive.policy.wanted = Wanted::Inactive;
    let lately = under(lately(), of_a_pair(Standing::Live(life()), dead(State::Expired)));
    for scene in [inactive, lately] {
        let status = told(&scene, None);
        row("an expired part", &status, WAITS, Verdict::InProgress);
    }
}

/// Nothing is done for reasons of time while the clocks disagree; what is not due does not wait for them.
#[test]
fn clocks_that_disagree_are_told_of_what_is_due_alone() {
    let ending = |end: i64, scene: Scene| {
        let ledger = Ledger { not_after: Some(at(end)), ..scene.ledger().unwrap().clone() };
        let mut scene = Scene { secret: ours(ledger, INTACT), clock: Clock::Skewed, ..scene };
        scene.policy.expiry = Expiry::At(at(end));
        scene
    };
    for scene in [live(), withheld()] {
        let early = ending(NOW + 9, scene.clone());
        row("not due", &told(&early, None), SERVED, Verdict::Current);
        let due = ending(NOW - 9, scene);
        for seen in [None, Some(&told(&early, None))] {
            let status = told(&due, seen);
            row("due", &status, SERVED_WHILE_IT_WAITS, Verdict::InProgress);
            assert_eq!(find(&status, "Reconciling").map(|one| &*one.reason), Some("ClockSkew"));
            let settled = told(&early, None);
            assert_eq!(
                find(&status, "Ready").map(|one| &one.reason),
                find(&settled, "Ready").map(|one| &one.reason)
            );
        }
    }
}

/// The spec asks for something that the Secret is not, and nobody but a person can change that: a sync that asked for it
/// must not end well. What is served goes on being served, which is what Active says.
#[test]
fn what_is_served_and_asks_for_what_is_refused_has_failed_and_is_active() {
    let mut scene = asked_to_rotate(live());
    scene.policy.expiry = Expiry::Never;
    scene.policy.max_lifetime = MaxLifetime::Of(Period::days(1));
    let mut refused = asked_to_rotate(live());
    refused.policy.refusal =
        Some(Complaint::person(Reason::PermissionNotGranted, "Not granted: ask for less"));
    for (scene, reason) in [(scene, "LifetimeExceeded"), (refused, "PermissionNotGranted")] {
        let status = told(&scene, Some(&told(&live(), None)));
        row(reason, &status, MENDED_BY_A_PERSON, Verdict::Failed);
        assert_eq!(find(&status, "Ready").map(|one| &*one.reason), Some(reason));
        let active = find(&status, "Active").expect("it is always told");
        assert_eq!((&*active.status, &*active.reason), ("True", "Issued"));
    }
}
