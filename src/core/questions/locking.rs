//! A private key that is encrypted: with the passphrase that the spec names, and so that another one can follow it.

use crate::core::{
    answer::{Act, Answer, Complaint},
    ledger::Ledger,
    page::{self, Current, Page},
    reason::Reason,
    scene::{Lock, Scene, Seal},
};

/// What has to be there before anything is encrypted, or what stands in its way.
pub(super) fn sealed_first(scene: &Scene) -> Option<Answer> {
    match scene.seal {
        Seal::Ready => None,
        Seal::Missing => Some(Answer::Yes(Act::Seal)),
        Seal::Strange => Some(Answer::Blocked(strange())),
    }
}

/// The page with its keys encrypted anew, if they are to be and can.
pub(super) fn relocked(scene: &Scene, ledger: &Ledger, page: &Page) -> Option<Answer> {
    let differs = scene.lock == Lock::Differs && page.current == Current::Stays;
    match scene.seal {
        Seal::Ready if differs => Some(page::relock(page.clone()).into()),
        Seal::Missing if differs || ledger.sealed.is_some() => Some(Answer::Yes(Act::Seal)),
        Seal::Ready | Seal::Missing | Seal::Strange => None,
    }
}

/// Why the key cannot be encrypted as the spec asks.
pub(super) fn stuck(scene: &Scene) -> Option<Complaint> {
    match (&scene.lock, scene.seal) {
        (Lock::Fits | Lock::NoPassphrase(_), _) | (Lock::Differs, Seal::Ready | Seal::Missing) => None,
        (Lock::Differs, Seal::Strange) => Some(strange()),
        (Lock::Stuck, _) => Some(Complaint::person(
            Reason::InvalidPassphrase,
            "The private key is encrypted with a passphrase that is not known any more: put that one back where \
             spec.passphraseSecretRef points, or set a new value of chatelaine.dev/rotate to have another key",
        )),
    }
}

fn strange() -> Complaint {
    Complaint::person(
        Reason::SecretConflict,
        "A Secret that is not the operator's has the name chatelaine-seal- and the uid of this object: delete it",
    )
}
