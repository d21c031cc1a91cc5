//! The decision: a list of questions, asked in order; the first that has an answer gives the next act of the pass.
//!
//! | # | question | when | then |
//! |---|---|---|---|
//! | 1 | out of reach? | the Secret is a stranger's | wait, say whose it is and what to do; look again each minute |
//! |   | | it is dying, or the garbage collector will take it | wait until it is gone |
//! |   | | its ledger is of a newer version | hands off |
//! | 2 | taken back? | a restore or `Retain` left it, nobody owns it, and status says nothing later | make it ours, same bytes, same revision |
//! |   | | somebody offered it and it conforms, and what was here is not dead | adopt it, same bytes |
//! |   | | nothing is there, and a restore is announced | wait for the Secret, mint nothing; look again each minute |
//! | 3 | revoke pending? | a new value of `revoke`, in any state | destroy current and previous |
//! |   | | born with `revoke` and without `rotate` | born `Revoked` |
//! | 4 | not-after passed? | the recorded one, or the one that the spec now gives | destroy current and previous |
//! |   | | the Secret of a dead credential is lost | make it again without material |
//! | 5 | parent ended? | a part of a credential that is gone, being deleted, expired or revoked, or is another one now | destroy current and previous |
//! | 6 | inactive? | live, but the credential or its Account is inactive, or the Account is gone | copy, then take out |
//! |   | | withheld, and active again | same bytes back; new ones if a rotate is pending or the copy is lost |
//! |   | | a backup brought the withheld copy back, under another uid | name it, and make it ours |
//! |   | | a copy that the ledger does not name | fence it off, then delete it |
//! | 7 | issue due? | nothing there yet | mint revision 1, or create it inactive |
//! |   | | lost or damaged | mint the next revision, at most once a minute |
//! |   | | expired, and the date was moved beyond | mint the next revision |
//! |   | | dead, and a new value of `rotate` or another uploaded key | mint the next revision |
//! |   | | expired, a part of a credential, and that is live | mint the next revision, of one that did not change at most once a minute |
//! | 8 | overlap asked? | a new value of `retire`, and there is a previous one | remove it now, also from the copy |
//! |   | | live, a new value of `rollback`, and the previous one is still valid | the two change places, next revision |
//! |   | | either, and there is nothing to do it to | record it, and say so |
//! | 9 | rotate due? | live, and a new value of `rotate`, or another one is brought (an uploaded key, a password) | mint; the old one overlaps |
//! |   | | live, and it was brought and is not any more, or is now | mint; the old one ends at once |
//! |   | | live, and `every` or `cron` is due | mint; the old one overlaps |
//! |   | | live, and `renewBefore` is due, or two thirds of the life of a part whose parent did not change | mint; by default the old one stays until its own end |
//! | 10 | retire due? | the overlap is over | remove the previous one |
//! | 11 | drift? | the date, the cron expression, or what the Secret should look like, is another | rewrite, same material |
//! |   | | the private key is encrypted with another passphrase, or should not be | encrypt the same key anew |
//! |   | | that passphrase is not known any more | rest, and say so |
//! |   | | what it should look like is refused | rest, and say so |
//! |   | | a rendering was left out: its key is somebody else's, or it is too large | rest, and say so |
//! | – | none | | rest until the next alarm |
//!
//! A trigger is a new value on the object or on its Account. Several at once act in the order revoke, retire, rollback,
//! rotate. Rotate and rollback wait while the material is withheld; no schedule acts then, nor on what is dead.
//!
//! Whatever would mint or adopt is held up by an Account that is not there, by a parent that is not live, by input that is
//! refused, by a limit and by a date that has passed; the questions after it are asked all the same. What is to be encrypted needs the seal first.
//! An object that is being deleted is only ever revoked, expired (with its parent too) or retired, and what is dead lets its
//! copy go.

pub use super::answer::{Act, Complaint, Remedy};
use super::{
    answer::Answer,
    questions::{
        drift::drifted,
        ending::{expired, retire_due, revoked},
        minting::{issue_due, rotate_due},
        overlap::overlap_asked,
        parent::parent_ended,
        reach::{out_of_reach, taken_back},
        withholding::withheld,
    },
    scene::Scene,
};

const QUESTIONS: [fn(&Scene) -> Answer; 11] = [
    out_of_reach,
    taken_back,
    revoked,
    expired,
    parent_ended,
    withheld,
    issue_due,
    overlap_asked,
    rotate_due,
    retire_due,
    drifted,
];

/// Asks the questions in order.
pub fn decide(scene: &Scene) -> Act {
    let mut complaint = None;
    for ask in QUESTIONS {
        match ask(scene) {
            Answer::No => {}
            Answer::Yes(act) => return act,
            Answer::Blocked(blocked) => complaint = complaint.or(Some(blocked)),
        }
    }
    Act::Rest(complaint)
}
