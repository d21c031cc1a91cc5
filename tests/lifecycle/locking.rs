//! Row 9 and the seal: a private key that is encrypted with a passphrase.

use chatelaine::{
    api::State,
    core::{
        ledger::{Ledger, Sealed},
        lifecycle::{Act, Complaint, decide},
        page::{Current, Former},
        period::Period,
        reason::Reason,
        scene::{Existence, Form, Lock, Scene, Seal, Sight},
    },
};

use crate::stage::*;

fn sealed(digest: &str) -> Option<Sealed> {
    Some(Sealed { digest: digest.into(), passphrase: "sealed".into(), seal: "chatelaine-seal-uid-1".into() })
}

/// A live key, and in an overlap the one before, both encrypted.
fn locked() -> Ledger {
    let mut previous = previous(NOW + 600);
    previous.sealed = sealed("text-0");
    Ledger { sealed: sealed("text-1"), previous: Some(previous), ..ledger() }
}

fn differing() -> Scene {
    Scene { lock: Lock::Differs, ..with(locked()) }
}

#[test]
fn another_passphrase_encrypts_the_same_keys_anew_under_the_same_revision() {
    let page = page(&differing());
    assert_eq!((page.current, page.previous), (Current::Relock, Former::Stays));
    assert_eq!((page.ledger.revision, page.ledger.digest), (1, ledger().digest));
    assert_eq!(page.ledger.history, ledger().history, "it is no rotation");
    assert_eq!(page.news.unwrap().reason, Reason::Updated);
    assert_eq!(decide(&with(locked())), Act::Rest(None));
}

#[test]
fn what_else_the_secret_should_look_like_is_written_along() {
    let mut scene = differing();
    scene.secret = Sight::Ours { ledger: locked(), inside: INTACT, form: Form::Differs };
    scene.policy.expiry = chatelaine::core::policy::Expiry::At(at(NOW + 60));
    let page = page(&scene);
    assert_eq!((page.current, page.ledger.not_after), (Current::Relock, Some(at(NOW + 60))));
}

#[test]
fn nothing_is_encrypted_before_the_seal_is_there() {
    let missing = |scene: Scene| Scene { seal: Seal::Missing, ..scene };
    let rotate = asking(live(), Some("r"), None);
    for scene in [blank(), differing(), rotate, Scene { secret: Sight::Absent, ..live() }] {
        assert_eq!(decide(&missing(scene)), Act::Seal);
    }
    assert_eq!(decide(&missing(with(locked()))), Act::Seal, "a lost one is made again");
    assert_eq!(decide(&missing(live())), Act::Rest(None), "what is not encrypted needs none");
    assert_eq!(decide(&missing(dead(State::Revoked))), Act::Rest(None));
}

#[test]
fn a_strangers_secret_on_the_name_of_the_seal_is_never_written() {
    let strange = |scene: Scene| Scene { seal: Seal::Strange, ..scene };
    for scene in [blank(), differing(), asking(with(locked()), Some("r"), None)] {
        assert_eq!(obstacle(&strange(scene)), Some(Reason::SecretConflict));
    }
}

#[test]
fn without_the_passphrase_nothing_is_minted_and_a_live_key_stays_as_it_is() {
    let missing = |mut scene: Scene| {
        scene.lock = Lock::NoPassphrase(Complaint::waiting(Reason::PassphraseNotFound, "there is no vault"));
        scene
    };
    assert_eq!(obstacle(&missing(blank())), Some(Reason::PassphraseNotFound));
    assert_eq!(obstacle(&missing(asking(with(locked()), Some("r"), None))), Some(Reason::PassphraseNotFound));
    assert_eq!(decide(&missing(with(locked()))), Act::Rest(None));
}

#[test]
fn a_key_whose_passphrase_is_not_known_any_more_stays_and_a_rotation_ends_it() {
    let stuck = Scene { lock: Lock::Stuck, ..with(Ledger { previous: None, ..locked() }) };
    assert_eq!(obstacle(&stuck), Some(Reason::InvalidPassphrase));
    let mut rotate = asking(stuck, Some("r"), None);
    rotate.policy.overlap = Some(Period::seconds(60));
    let page = page(&rotate);
    assert_eq!(
        (page.ledger.revision, page.ledger.sealed),
        (2, None),
        "the new one is encrypted when it is made"
    );
    assert_eq!(page.ledger.previous.unwrap().sealed, sealed("text-1"), "the old one stays as it was");
}

#[test]
fn a_passphrase_changes_nothing_in_what_holds_no_key_or_is_being_deleted() {
    let differs = |scene: Scene| Scene { lock: Lock::Differs, ..scene };
    for scene in [withheld(), dead(State::Revoked)] {
        assert_eq!(decide(&differs(scene)), Act::Rest(None));
    }
    assert_eq!(decide(&Scene { existence: Existence::BeingDeleted, ..differing() }), Act::Rest(None));
    let page = page(&Scene { secret: ours(locked(), DAMAGED), ..differing() });
    assert_eq!(
        (page.ledger.revision, page.current),
        (2, Current::Mint { keep: None }),
        "damage is repaired first"
    );
}

#[test]
fn what_is_destroyed_takes_the_passphrase_along() {
    let page = page(&asking(with(locked()), None, Some("v")));
    assert_eq!((page.ledger.sealed, page.ledger.previous), (None, None));
}
