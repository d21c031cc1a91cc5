//! Status beside the Secret: in no version does it say what the Secret had not said before, and what is called ready
//! was as the spec asked.

use chatelaine::{
    api::{AccessToken, ApiKeyPair, CredentialStatus, LEDGER, SecretRef, SshKey},
    controller::secrets::{form, secret_name},
    core::{ledger::Ledger, permission::Grant},
    credentials::Credential,
};
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::Time};
use kube::{Client, Resource, ResourceExt};

use super::{History, Versions};

/// Every version of every credential and every Secret of a namespace.
pub struct Record {
    client: Client,
    namespace: String,
    pub secrets: History,
    tokens: Versions<AccessToken>,
    pairs: Versions<ApiKeyPair>,
    keys: Versions<SshKey>,
}

impl Record {
    pub async fn begin(client: Client, namespace: &str) -> Self {
        let api = || client.clone();
        Self {
            secrets: History::begin(api(), namespace).await,
            tokens: Versions::begin(api(), namespace).await,
            pairs: Versions::begin(api(), namespace).await,
            keys: Versions::begin(api(), namespace).await,
            client,
            namespace: namespace.to_owned(),
        }
    }

    /// Judges all versions so far; how many of them told of a Secret.
    pub async fn status_was_never_ahead(&self) -> usize {
        let (tokens, pairs, keys) = (self.tokens.all(), self.pairs.all(), self.keys.all());
        self.secrets.settle(self.client.clone(), &self.namespace).await;
        let secrets = self.secrets.all();
        was_never_ahead(&tokens, &secrets)
            + was_never_ahead(&pairs, &secrets)
            + was_never_ahead(&keys, &secrets)
    }
}

fn was_never_ahead<K: Credential>(objects: &[K], secrets: &[Secret]) -> usize {
    let judged = objects.iter().filter(|object| {
        let object = *object;
        let Some(status) = object.common_status() else { return false };
        let name = secret_name(object);
        let before: Vec<_> =
            secrets.iter().filter(|secret| secret.name_any() == name && at(*secret) < at(object)).collect();
        let published = before.iter().filter_map(|secret| read(secret)).map(|ledger| ledger.revision).max();
        assert!(
            status.revision <= published,
            "{} tells of revision {:?} when the Secret had reached {published:?}",
            object.name_any(),
            status.revision,
        );
        status.secret_ref.as_ref().is_some_and(|told| judge(object, status, told, &before))
    });
    judged.count()
}

/// Status against the very version of the Secret that it names.
fn judge<K: Credential>(object: &K, status: &CredentialStatus, told: &SecretRef, before: &[&Secret]) -> bool {
    let version = |secret: &&&Secret| secret.resource_version().as_ref() == Some(&told.resource_version);
    let secret = before.iter().find(version).unwrap_or_else(|| {
        panic!(
            "{} names version {} of its Secret, which there was not",
            object.name_any(),
            told.resource_version
        )
    });
    let ledger = read(secret).expect("what was verified has a ledger");
    let words = format!("version {} of {}", at(object), object.name_any());
    assert_eq!(secret.uid().as_ref(), Some(&told.uid), "{words}");
    assert_eq!(said(status), in_it(&ledger), "{words}: status and ledger");
    assert_eq!(object.told_identity().unwrap_or_default().id, ledger.id, "{words}");
    let is_true = |kind: &str| status.conditions.iter().any(|one| one.type_ == kind && one.status == "True");
    assert!(!is_true("Active") || ledger.is_live(), "{words}: active, but {:?}", ledger.state);
    let of_this_spec = |kind: &str| {
        let condition = status.conditions.iter().find(|one| one.type_ == kind);
        condition.is_some_and(|one| one.observed_generation == object.meta().generation)
    };
    if is_true("Ready") && of_this_spec("Ready") {
        let effective = status.effective.as_ref().and_then(|effective| effective.permissions.clone());
        let grant = effective.map(|effective| Grant { effective, ..Grant::default() });
        assert_eq!(
            ledger.ours.form,
            form(object, grant.as_ref()),
            "{words}: ready, but not as the spec asks"
        );
    }
    true
}

/// None on what is not ours.
fn read(secret: &Secret) -> Option<Ledger> {
    Ledger::parse(secret.annotations().get(LEDGER)?).ok()
}

type Said = (String, i64, [Option<String>; 3], Vec<String>, Vec<String>);

fn said(status: &CredentialStatus) -> Said {
    let time = |time: &Option<Time>| time.as_ref().map(|time| time.0.to_string());
    let retirement = status.previous.as_ref().map(|previous| previous.retirement_time.0.to_string());
    (
        status.state.map(|state| format!("{state:?}")).unwrap_or_default(),
        status.revision.unwrap_or_default(),
        [time(&status.issue_time), time(&status.expiration_time), retirement],
        status.digests.iter().map(|digest| digest.value.clone()).collect(),
        status.handled_triggers.clone().unwrap_or_default().rotate,
    )
}

fn in_it(ledger: &Ledger) -> Said {
    let retirement = ledger.previous.as_ref().map(|previous| previous.retirement_time.to_string());
    let previous = ledger.previous.iter().map(|previous| previous.digest.clone());
    (
        format!("{:?}", ledger.state),
        ledger.revision,
        [
            ledger.issue_time.map(|time| time.to_string()),
            ledger.not_after.map(|time| time.to_string()),
            retirement,
        ],
        ledger.digest.clone().into_iter().chain(previous).collect(),
        ledger.handled.rotate.clone(),
    )
}

/// One etcd numbers the versions of all its objects in one row.
fn at(object: &impl Resource) -> u64 {
    object.meta().resource_version.as_ref().and_then(|text| text.parse().ok()).expect("a version is a number")
}
