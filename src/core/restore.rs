//! Whether a restore is under way: then an object without a past waits for its Secret instead of being issued anew.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{answer::Complaint, reason::Reason};
use crate::api::AWAIT_RESTORE;

/// What Velero puts on every object that it restores, and never takes off again.
pub const VELERO: &str = "velero.io/restore-name";

/// Who says that a restore is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    ByAnnotation,
    ByVelero,
}

/// Empty values say nothing.
pub fn announced(meta: &ObjectMeta) -> Option<Announced> {
    let says = |value: Option<&String>| value.is_some_and(|value| !value.is_empty());
    if says(meta.annotations.as_ref().and_then(|all| all.get(AWAIT_RESTORE))) {
        return Some(Announced::ByAnnotation);
    }
    says(meta.labels.as_ref().and_then(|all| all.get(VELERO))).then_some(Announced::ByVelero)
}

impl Announced {
    /// The wait has no end of its own, so the message says how to end it.
    pub fn complaint(self) -> Complaint {
        let end = match self {
            Self::ByAnnotation => format!("the annotation {AWAIT_RESTORE}"),
            Self::ByVelero => format!("the label {VELERO}, which Velero put there,"),
        };
        Complaint::waiting(
            Reason::AwaitingRestore,
            format!(
                "Waits, for as long as it takes, until a backup brings the Secret back: restore the Secret, or \
                 remove {end} to have new material issued"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn one(key: &str, value: &str) -> Option<BTreeMap<String, String>> {
        Some(BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn a_restore_is_announced_by_annotation_or_by_veleros_label_and_not_by_an_empty_value() {
        let annotated =
            |value| ObjectMeta { annotations: one(AWAIT_RESTORE, value), ..ObjectMeta::default() };
        let labelled = |value| ObjectMeta { labels: one(VELERO, value), ..ObjectMeta::default() };
        assert_eq!(announced(&annotated("true")), Some(Announced::ByAnnotation));
        assert_eq!(announced(&annotated("false")), Some(Announced::ByAnnotation), "any value");
        assert_eq!(announced(&labelled("restore-1")), Some(Announced::ByVelero));
        for nothing in [ObjectMeta::default(), annotated(""), labelled("")] {
            assert_eq!(announced(&nothing), None);
        }
    }
}
