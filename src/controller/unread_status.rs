//! What is told of a stored object that does not fit the schema: that it does not, and what its Secret's ledger says all
//! the same. Such an object cannot be applied to or replaced; a merge patch works.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
    core::{DynamicObject, NamespaceResourceScope, PartialObjectMetaExt},
    discovery::ApiResource,
};
use serde_json::{Map, Value, json};

use super::{error::Failure, guarded::Guarded, house::House, observe::Seen};
use crate::{
    api::{Account, CredentialStatus, Next},
    core::{
        condition::{Conditions, Hindrance, Truth, gist},
        due::Due,
        lifecycle::Complaint,
        project::{Report, project},
        reason::Reason,
    },
    credentials::Credential,
};

const MEND: &str = "The stored object does not fit the schema of this operator's version: mend it with kubectl edit (to apply it \
     again may fail), or, if what is wrong cannot be changed, delete it and create it again";

/// What the ledger says of material, where it can also say nothing.
const SAID_OR_NOT: [&str; 8] =
    ["issueTime", "expirationTime", "previous", "digests", "binding", "expiry", "next", "history"];

/// Why an object with a Secret is left as it is.
pub fn complaint() -> Complaint {
    let message = format!("{MEND}; until then its material can only expire or be revoked");
    Complaint::person(Reason::Unreadable, message)
}

/// Tells it of an Account. What was said of its credentials stays: for them nothing changes.
pub async fn tell_account(house: &House, guarded: &Guarded<Account>) -> Result<(), Failure> {
    let told = conditions(&guarded.told());
    let conditions = amiss(house, guarded, &told, |conditions| {
        for active in told.iter().filter(|one| one.type_ == "Active") {
            conditions.keep(active);
        }
    });
    patch(house, guarded, fields(json!({"conditions": conditions}))).await
}

/// Tells it of a credential whose Secret is not there, or cannot speak: nothing can be used, and what was testified stays.
pub async fn tell_alone<K: Credential>(house: &House, guarded: &Guarded<K>) -> Result<(), Failure> {
    let told = conditions(&guarded.told());
    let conditions = amiss(house, guarded, &told, |conditions| {
        conditions.set("Active", Truth::False, Reason::Unreadable, gist(MEND));
        for end in told.iter().filter(|one| matches!(&*one.type_, "ExpiringSoon" | "Expired")) {
            conditions.keep(end);
        }
    });
    patch(house, guarded, fields(json!({"conditions": conditions, "binding": null, "next": null}))).await
}

/// Tells it of a credential, beside what its Secret says.
pub async fn tell<K: Credential>(
    house: &House,
    guarded: &Guarded<K>,
    secret: &str,
    seen: &Seen<K>,
) -> Result<(), Failure> {
    let told = guarded.told();
    let before = serde_json::from_value(told.clone()).unwrap_or_else(|_| CredentialStatus {
        conditions: conditions(&told),
        ..CredentialStatus::default()
    });
    let complaint = complaint();
    let report = Report {
        complaint: Some(&complaint),
        seen: Some(&before),
        generation: guarded.meta.generation,
        requested_at: None,
        secret_name: secret,
        witness: seen.witness.as_ref(),
        restarts: &[],
    };
    let end = seen.scene.ledger().filter(|ledger| !ledger.is_dead()).and_then(|ledger| ledger.not_after);
    let status = CredentialStatus {
        // Nothing else comes by itself.
        next: end.map(|end| Next { action: format!("{:?}", Due::Expire), time: Time(end) }),
        // What depends on the spec stays as it was told, and so does where to look for the Secret.
        effective: None,
        secret_ref: None,
        last_handled_reconcile_at: None,
        ..project(&seen.scene, report)
    };
    let mut fields = fields(serde_json::to_value(status).unwrap_or_default());
    for field in SAID_OR_NOT {
        fields.entry(field).or_insert(Value::Null);
    }
    patch(house, guarded, fields).await
}

fn fields(status: Value) -> Map<String, Value> {
    match status {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The conditions that were told, whatever stands beside them.
fn conditions(told: &Value) -> Vec<Condition> {
    serde_json::from_value(told["conditions"].clone()).unwrap_or_default()
}

fn amiss<K>(
    house: &House,
    guarded: &Guarded<K>,
    told: &[Condition],
    beside: impl FnOnce(&mut Conditions<'_>),
) -> Vec<Condition> {
    let mut conditions = Conditions::new(told, house.clock.now(), guarded.meta.generation);
    conditions.set("Ready", Truth::False, Reason::Unreadable, MEND);
    beside(&mut conditions);
    conditions.set("Stalled", Truth::True, Reason::Unreadable, gist(MEND));
    conditions.finish()
}

/// Patches what is new in the status; null removes a field. The version is the one that all was decided on: the status
/// endpoint does not look at the uid, and the object may have been mended meanwhile.
async fn patch<K>(house: &House, guarded: &Guarded<K>, mut fields: Map<String, Value>) -> Result<(), Failure>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let (meta, told) = (&guarded.meta, guarded.told());
    fields.insert("observedGeneration".to_owned(), json!(meta.generation));
    if fields.iter().all(|(field, value)| told[field] == *value) {
        return Ok(());
    }
    let api: Api<DynamicObject> =
        Api::namespaced_with(house.client.clone(), &meta.namespace, &ApiResource::erase::<K>(&()));
    let patch = json!({"metadata": {"resourceVersion": meta.resource_version}, "status": fields});
    match house.ask(api.patch_status(&meta.name, &PatchParams::default(), &Patch::Merge(patch))).await {
        Ok(object) => {
            let [before, now] =
                [&told, &object.data["status"]].map(|status| Hindrance::of(&conditions(status)));
            if let Some(Hindrance { reason, message, hint: _ }) =
                now.filter(|now| before.as_ref() != Some(now))
            {
                let about = meta.object_meta().into_response_partial::<K>().object_ref(&());
                house.reporter.tell(about, reason, message);
            }
            Ok(())
        }
        // Outrun: its watch brings it back here.
        Err(Failure::Gone | Failure::Outrun) => Ok(()),
        Err(failure) => Err(failure),
    }
}
