//! A write of the Secret, and what has to hold in each.

use super::*;
use crate::stage::INTACT;

impl World {
    pub(super) fn write(&mut self, page: Page) {
        let Page { mut ledger, current, previous, .. } = page;
        let before = self.look(None);
        let known = before.told().cloned();
        let fresh = matches!(current, Current::Mint { .. } | Current::Brought | Current::WasPrevious);
        if fresh {
            had_a_cause(&before, &ledger);
        }
        if fresh || matches!(current, Current::FromCopy | Current::Assign) {
            assert_eq!(before.existence, Existence::Standing, "nothing comes into what is being deleted");
        }
        if before.clock == Clock::Skewed
            && let Some(known) = known.as_ref()
        {
            nothing_ends_by_time(&before, known, &ledger);
        }
        if let Some(known) = known.as_ref().filter(|known| is_put_off(known, &ledger)) {
            assert!(self.is_account_seen(), "without the Account no end is put off: {known:?} {ledger:?}");
            self.ends.may_move(known, &ledger);
        }
        let there = self.secret.take();
        if there.is_none() {
            self.life += 1;
        }
        let relocks = matches!(current, Current::Relock);
        let encrypts = relocks || matches!(current, Current::Mint { .. });
        let none = matches!(current, Current::Nothing | Current::Assign);
        let damaged = self.look_at(there.as_ref()) == Integrity::Damaged;
        let old = there.clone();
        let current = match current {
            Current::Mint { keep } => {
                self.minted += 1;
                ledger.digest = Some(format!("digest-{}", self.minted));
                let had = known.as_ref().map(|known| known.id.clone()).filter(|id| !id.is_empty());
                let stays = before.policy.source == Source::MintSecret || ledger.revision == 1;
                assert_eq!(keep, had.filter(|_| stays), "SecretOnly keeps the identity and KeyPair does not");
                ledger.id = keep.unwrap_or_else(|| format!("id-{}", self.minted));
                self.ends.known(&ledger);
                Some(self.minted)
            }
            Current::Stays | Current::Relock => there.as_ref().and_then(|stored| stored.current),
            Current::WasPrevious => there.as_ref().and_then(|stored| stored.previous),
            Current::FromCopy => self.held.as_ref().and_then(|held| held.current),
            Current::Assign => {
                ledger.id = "assigned".into();
                None
            }
            Current::Nothing => None,
            Current::Brought => {
                let value = self.brought.expect("what cannot be used is not issued");
                ledger.digest = Some(format!("digest-{value}"));
                ledger.id = format!("id-{value}");
                self.ends.known(&ledger);
                // The user has it, and may bring it again.
                self.destroyed.retain(|destroyed| *destroyed != value);
                Some(value)
            }
        };
        let previous = match previous {
            Former::WasCurrent => there.as_ref().and_then(|stored| stored.current),
            Former::Stays => there.as_ref().and_then(|stored| stored.previous),
            Former::FromCopy => self.held.as_ref().and_then(|held| held.previous),
            Former::Nothing => None,
        };
        assert_eq!(none, current.is_none(), "what is to be in the Secret is there");
        let remade = there.as_ref().is_some_and(|stored| self.seen(stored).is_none());
        assert_eq!(
            ledger.is_live() && !(none && (damaged || remade)),
            current.is_some(),
            "a live ledger has a value, unless what was there is damaged or old"
        );
        assert_eq!(ledger.is_live() && ledger.previous.is_some(), previous.is_some(), "{ledger:?}");
        if let Some(value) = current {
            assert!(!self.destroyed.contains(&value), "{value} came back from the dead");
            if let Some(before) = self.published.insert((self.life, ledger.revision), value) {
                assert_eq!(before, value, "two values for revision {}", ledger.revision);
            }
            if let Some(Stored { ledger: before, current: Some(was), .. }) = &old
                && *was != value
                && fresh
            {
                let told = self.testimony().map_or(0, |testimony| testimony.revision).max(before.revision);
                assert_eq!(ledger.revision, told + 1, "the revision rises by exactly one");
            }
        }
        if ledger.is_dead()
            && let Some(stored) = &old
        {
            self.destroyed.extend(stored.current.iter().chain(&stored.previous));
            self.destroyed
                .extend(self.held.iter().flat_map(|held| held.current.iter().chain(&held.previous)));
        }
        assert!(
            !encrypts || self.passphrase.is_none() || self.sealed,
            "nothing is encrypted before the seal is there"
        );
        let locked = if encrypts { self.passphrase } else { old.as_ref().and_then(|stored| stored.locked) };
        if relocks {
            let before = old.as_ref().expect("what is there is encrypted anew");
            assert_eq!((before.current, before.previous), (current, previous), "the same keys");
            assert_eq!(before.ledger.revision, ledger.revision, "the same revision");
            assert_eq!(ledger.digest, before.ledger.digest);
        }
        if (remade || old.is_none()) && !fresh {
            self.ends.lost(&ledger);
        }
        self.secret = Some(Stored { ledger, current, previous, locked, voice: Voice::Ours });
        self.telling = Telling::Due;
    }

    fn look_at(&self, stored: Option<&Stored>) -> Integrity {
        let sound = stored.is_some_and(|stored| {
            stored.current.map(|value| format!("digest-{value}")) == stored.ledger.digest
        });
        if sound { Integrity::Intact } else { Integrity::Damaged }
    }

    /// The ledger of a stored Secret, if it is not an old one that somebody put back.
    pub(super) fn seen(&self, stored: &Stored) -> Option<Ledger> {
        let ledger = || stored.ledger.clone();
        let secret = match stored.voice {
            Voice::Ours => ours(ledger(), INTACT),
            Voice::Mute => Sight::Mute,
            Voice::Orphan => Sight::Orphan { ledger: ledger(), inside: INTACT },
        };
        let scene = Scene { secret, testimony: self.testimony(), ..self.scene.clone() };
        scene.written().filter(|_| !scene.is_rolled_back()).cloned()
    }
}

/// While the clocks disagree.
fn nothing_ends_by_time(before: &Scene, known: &Ledger, page: &Ledger) {
    let expires = page.state == State::Expired && !known.is_dead();
    assert!(!expires || before.policy.parent.is_some(), "nothing expires: {known:?} {page:?}");
    let retires = known.revision == page.revision
        && !page.is_dead()
        && known.previous.is_some()
        && page.previous.is_none();
    let is_whole = before.integrity() == (Integrity::Intact, Integrity::Intact) && before.ledger().is_some();
    let asked = before.asked(Trigger::Retire, known).is_some();
    assert!(!retires || asked || !is_whole, "nothing retires: {known:?} {page:?}");
}
