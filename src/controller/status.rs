//! Writing status: only when it says something new, and only onto the version that it was decided on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt, api::Request, core::PartialObjectMeta};
use serde::Serialize;
use serde_json::json;

use super::{error::Failure, house::House, observe::Seen, secrets::secret_name};
use crate::{
    api::Restarted,
    core::{
        lifecycle::Complaint,
        project::{Report, project},
        reason::Reason,
        trigger::requested_at,
    },
    credentials::Credential,
};

/// Tells what was seen of a credential.
pub async fn tell<K: Credential>(
    house: &House,
    seen: &Seen<K>,
    complaint: Option<&Complaint>,
    restarts: &[Restarted],
) -> Result<(), Failure> {
    let object = &*seen.object;
    let before = object.common_status();
    let name = secret_name(object);
    let requested_at = requested_at(object.meta().annotations.as_ref());
    let report = Report {
        complaint,
        seen: before,
        generation: object.meta().generation,
        requested_at: requested_at.as_deref(),
        secret_name: &name,
        witness: seen.witness.as_ref(),
        restarts,
    };
    let common = project(&seen.scene, report);
    let news = news(before.map_or(&[], |before| &before.conditions), &common.conditions, complaint);
    let hindered = newly_hindered(before.map_or(&[], |before| &before.restarts), restarts);
    let cut = newly_cut(seen, before.and_then(|before| before.effective.as_ref()?.permissions.as_ref()));
    let status = object.tell(common, seen.scene.ledger().or(seen.scene.testimony.as_ref()));
    if object.status() == Some(&status) {
        return Ok(());
    }
    let version = replace(house, object, &status).await?;
    house.own_writes.wrote_object(&seen.scene.owner.uid, version.as_deref());
    for (reason, text) in news.into_iter().chain(cut).chain(hindered) {
        house.reporter.tell(object.object_ref(&()), reason, text);
    }
    Ok(())
}

/// What stands in the way, if it is new.
fn news(before: &[Condition], now: &[Condition], complaint: Option<&Complaint>) -> Option<(Reason, String)> {
    let Complaint { reason, message, .. } = complaint?;
    let told = |list: &[Condition]| {
        let hint = |condition: &&Condition| matches!(condition.type_.as_str(), "Stalled" | "Reconciling");
        list.iter().find(hint).map(|condition| (condition.reason.clone(), condition.message.clone()))
    };
    (told(before) != told(now) && *reason != Reason::Minting).then(|| (*reason, message.clone()))
}

/// A live credential lost permissions because its Account does not grant them any more.
fn newly_cut<K: Credential>(seen: &Seen<K>, before: Option<&Vec<String>>) -> Option<(Reason, String)> {
    let grant = seen.scene.policy.grant.as_ref()?;
    let (reason, lacking) = grant.lacking(&seen.scene.owner.account)?;
    let lost = before.is_some_and(|before| *before != grant.effective);
    let live = seen.scene.ledger().is_some_and(|ledger| ledger.is_live());
    (lost && live).then(|| (reason, format!("Permissions were cut at once: {lacking}")))
}

/// A workload cannot be restarted, and nobody was told so yet.
fn newly_hindered(before: &[Restarted], now: &[Restarted]) -> Option<(Reason, String)> {
    let is_new = |told: &&Restarted| told.message.is_some() && !before.iter().any(|seen| seen == *told);
    Some((Reason::NotRestarted, now.iter().find(is_new)?.message.clone()?))
}

/// Replaces the status of an object as it was seen; the answer's version. The resourceVersion is what protects a
/// re-created object of the same name: the status endpoint does not look at the uid.
pub async fn replace<K, S>(house: &House, object: &K, status: &S) -> Result<Option<String>, Failure>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    S: Serialize,
{
    let body = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {
            "name": object.name_any(),
            "namespace": object.namespace(),
            "uid": object.uid(),
            "resourceVersion": object.resource_version(),
        },
        "status": status,
    });
    let url = K::url_path(&(), object.namespace().as_deref());
    let body =
        serde_json::to_vec(&body).map_err(|_| Failure::Refused { code: 0, reason: "status".into() })?;
    let request = Request::new(url)
        .replace_subresource("status", &object.name_any(), &Default::default(), body)
        .map_err(|_| Failure::Refused { code: 0, reason: "status".into() })?;
    let answer: PartialObjectMeta<K> = house.ask(house.client.request(request)).await?;
    Ok(answer.metadata.resource_version)
}
