//! What others do to the objects of this world: people, backups, and whoever may write Secrets.

use super::*;

impl World {
    /// The object is gone, with all that is its own; another one of its name is created.
    pub fn recreate(&mut self) {
        self.destroyed.extend(self.published.values());
        (self.secret, self.held, self.sealed) = (None, None, false);
        self.forget_status();
        self.scene.existence = Existence::Standing;
        self.scene.owner.uid += "-again";
    }

    /// An old version of the Secret, with all that its ledger knows. Only status can tell that it is old.
    pub fn put_back(&mut self, stored: Stored) {
        if self.telling == Telling::Done {
            self.ends.known(&stored.ledger);
            self.secret = Some(stored);
        }
    }

    /// Only status knows then what it said.
    pub fn strip(&mut self) {
        if let (Some(stored), Telling::Done) = (self.secret.as_mut(), self.telling) {
            stored.voice = Voice::Mute;
        }
    }

    /// All is there again, but for uid, owner references and status; false if no backup would have what is there.
    pub fn restore(&mut self) -> bool {
        let Some(stored) = self.secret.as_ref() else { return false };
        if self.seen(stored).is_none() {
            return false;
        }
        self.scene.owner.uid += "-restored";
        self.scene.existence = Existence::Standing;
        self.secret.iter_mut().for_each(Stored::outlives_its_owner);
        self.restore_copy();
        self.forget_status();
        true
    }

    /// Where neither Secret nor status is left, nobody knows what was destroyed.
    pub fn delete_secret(&mut self) {
        if self.status.is_some() {
            self.secret = None;
        }
    }

    pub fn delete_seal(&mut self) {
        self.sealed = false;
    }

    pub fn delete_copy(&mut self) {
        self.held = None;
    }

    /// A backup tool puts the copy back after it was lost: the same bytes under another uid.
    pub fn restore_copy(&mut self) {
        self.copies += 1;
        if let Some(held) = self.held.as_mut() {
            held.copy.uid = format!("copy-{}", self.copies);
            held.form = Form::Differs;
        }
    }

    pub fn damage(&mut self) {
        if let Some(stored) = self.secret.as_mut()
            && let Some(value) = stored.current.as_mut()
        {
            *value += 1_000_000;
        }
    }

    pub fn lose_status(&mut self) {
        // A lost status with a lost Secret is a new object; here the Secret still speaks.
        if self.secret.as_ref().is_some_and(|stored| self.seen(stored).is_some()) {
            self.forget_status();
        }
    }

    fn forget_status(&mut self) {
        (self.status, self.telling) = (None, Telling::Due);
        self.identity = Identity::default();
    }
}

impl Stored {
    /// Its ledger names an object that is gone, and no owner reference does.
    pub fn outlives_its_owner(&mut self) {
        self.voice = Voice::Orphan;
    }
}
