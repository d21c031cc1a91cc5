//! Text as it is kept in memory: ten thousand objects say nearly the same, so only what differs is kept of each.

use std::fmt;

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

/// What objects, ledgers and events mostly say, in no order: what a text has in common with it takes next to nothing.
/// What stands here decides about memory only, never about what is read back.
const TYPICAL: &[u8] = include_bytes!("typical.txt");

/// A text, packed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Packed(Box<[u8]>);

impl From<&str> for Packed {
    fn from(text: &str) -> Self {
        Self(compress_prepend_size_with_dict(text.as_bytes(), TYPICAL).into())
    }
}

impl Packed {
    pub fn text(&self) -> String {
        // It was packed in this process, so it opens, and it was text.
        let bytes = decompress_size_prepended_with_dict(&self.0, TYPICAL).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::core::{
        ledger::{Ledger, Owner},
        trigger::Handled,
    };

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_was(text in ".{0,300}", times in 1_usize..300) {
            let text = text.repeat(times);
            prop_assert_eq!(Packed::from(&*text).text(), text);
        }
    }

    #[test]
    fn what_objects_say_takes_less_than_half() {
        let (today, end, uid) =
            ("2031-05-17T13:42:10Z", "2031-08-15T13:42:10Z", "852d1289-6f17-4056-8199-ae902180d74f");
        let value = "sha256:852d12895682fce57dddfc001dbdb719a96fffb75f13dd4265b4486669eeebd9";
        let condition = |kind: &str, status: &str, reason: &str, message: String| {
            json!({
                "lastTransitionTime": today, "message": message, "observedGeneration": 3, "reason": reason,
                "status": status, "type": kind,
            })
        };
        let status = json!({
            "binding": {"name": "billing"},
            "conditions": [
                condition("Ready", "True", "Rotated", "The Secret billing holds revision 7".into()),
                condition("Active", "True", "Rotated", "Revision 7 can be used".into()),
                condition("ExpiringSoon", "False", "NotYetDue", format!("The material expires at {end}")),
                condition("Expired", "False", "NotYetDue", format!("The material expires at {end}")),
            ],
            "digests": [{"notAfter": end, "value": value}],
            "effective": {"lifetime": "90d", "lifetimeFrom": "Account", "permissions": ["invoices:read"]},
            "expirationTime": end, "expiry": "Expires in: 90 days", "handledTriggers": {},
            "history": [{"reason": "Rotated", "revision": 7, "time": today}],
            "id": "852d12895682fce5", "isExpired": false, "issueTime": today,
            "next": {"action": "Expire", "time": end}, "observedGeneration": 3, "revision": 7,
            "secretRef": {"name": "billing", "resourceVersion": "49205", "uid": uid}, "state": "Live",
        });
        let [kind, name, uid, account] = ["ApiKeyPair", "billing", uid, "alice"].map(str::to_owned);
        let mut ledger = Ledger::blank(Owner { kind, name, uid, account }, None, Handled::default());
        ledger.digest = Some(value.into());
        for text in [status.to_string(), serde_json::to_string(&ledger).unwrap()] {
            let packed = Packed::from(&*text).0.len();
            assert!(packed * 2 < text.len(), "{packed} of {}: {text}", text.len());
        }
    }
}
