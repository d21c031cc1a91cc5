//! The testimony: what status last said of the material, heard when the Secret cannot speak.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    bounds,
    ledger::{Ledger, Owner, Previous},
    material::Identity,
    period::Period,
    policy::DefaultFrom,
    trigger::{Handled, Triggers},
};
use crate::api::{CredentialStatus, Effective};

impl Ledger {
    /// What the last status testifies when the Secret cannot speak; None if it never saw any.
    pub fn from_testimony(
        owner: Owner,
        identity: Option<Identity>,
        number: Option<i64>,
        status: &CredentialStatus,
        account: &Triggers,
    ) -> Option<Self> {
        let Identity { id, public } = identity.unwrap_or_default();
        let digest = |n: usize| status.digests.get(n).map(|digest| digest.value.clone());
        let time = |time: &Option<Time>| time.as_ref().map(|time| time.0);
        let issue_time = time(&status.issue_time);
        // The default is not testified, but what it led to is. An end that is known must not be lost with the ledger.
        let default = |end: Option<Timestamp>| {
            Some(Period::between(issue_time?, end?)).filter(|lifetime| !lifetime.is_zero())
        };
        let from = |effective: &Effective| match effective.lifetime_from.as_deref() {
            Some("Limit") => DefaultFrom::Limit,
            Some("ApiKeyPair") => DefaultFrom::ApiKeyPair,
            Some(_) | None => DefaultFrom::Account,
        };
        Some(Self {
            state: status.state?,
            revision: bounds::revision(status.revision?),
            id,
            public,
            issue_time,
            not_after: time(&status.expiration_time),
            default_lifetime: default(time(&status.expiration_time)),
            default_from: status.effective.as_ref().map(from).unwrap_or_default(),
            previous: status.previous.as_ref().and_then(|previous| {
                Some(Previous {
                    id: previous.id.clone(),
                    public: None,
                    digest: digest(1)?,
                    sealed: None,
                    issue_time: None,
                    // Counted from the issue of the current one, as its own is not known.
                    default_lifetime: default(time(&previous.expiration_time)),
                    not_after: time(&previous.expiration_time),
                    parent: None,
                    retirement_time: previous.retirement_time.0,
                })
            }),
            digest: digest(0),
            // What nobody has told of the Account's has acted.
            account_handled: status
                .handled_account_triggers
                .clone()
                .map_or_else(|| Handled::baseline(account), Handled::told),
            ..Self::blank(
                owner,
                number,
                status.handled_triggers.clone().map(Handled::told).unwrap_or_default(),
            )
        })
    }
}
