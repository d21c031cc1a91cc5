//! Restarting workloads for new material: one look at a workload for all who want something of it, and at most one
//! patch of an annotation on its pod template. Never in the way of a pass.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use k8s_openapi::api::core::v1::{ObjectReference, PodTemplateSpec};
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde_json::{Map, Value, json};

use super::{
    error::Failure,
    house::House,
    observe::Seen,
    queue::{Key, Lane},
    rollouts::{News, Place, Wish},
    secrets::secret_name,
};
use crate::{
    api::{LEDGER, Restart, Restarted, WorkloadKind},
    core::{
        ledger::Ledger,
        reason::Reason,
        restart::{Held, Outcome, Verdict, Workload, annotation, judge, tell, unsettled},
        scene::Existence,
    },
    credentials::Credential,
};

/// What could not be done because of what is there is looked at again after this time.
const AGAIN: Duration = Duration::from_secs(300);
/// What could not be asked is asked again after this time.
const SOON: Duration = Duration::from_secs(30);
/// So often in a row somebody else may be faster.
const ATTEMPTS: usize = 5;
/// Who the server says has set the annotation. Flux takes back what was set by managers whose name begins with
/// `kubectl`, and leaves all others alone.
const MANAGER: &str = "chatelaine";

/// What status says of the workloads that the spec names.
pub fn told<K: Credential>(house: &House, key: &Key, seen: &Seen<K>) -> Vec<Restarted> {
    let wanted = &seen.object.common().restart;
    if wanted.is_empty() {
        return Vec::new();
    }
    let known = house.rollouts.known(key);
    let before = seen.object.common_status().map_or(&[][..], |status| &status.restarts);
    tell(wanted, before, |target| known.get(target))
}

/// Hands on which workloads are not yet known to need nothing more for the revision in the Secret. Status is read to
/// save a look: the annotation decides.
pub fn hand_on<K: Credential>(house: &House, key: &Key, seen: &Seen<K>, told: &[Restarted]) {
    let object = &*seen.object;
    let stands = seen.scene.existence == Existence::Standing && !seen.scene.is_damaged();
    let ledger = seen.scene.ledger().filter(|_| stands);
    let held = ledger.and_then(|ledger| Held::of(&secret_name(object), ledger));
    let wish = |held: &Held, target: &Restart| {
        let about = ObjectReference { resource_version: None, ..object.object_ref(&()) };
        let place = Place { namespace: key.namespace.clone(), target: target.clone() };
        (place, Wish { held: held.clone(), about, generation: object.meta().generation })
    };
    let wishes = held.iter().flat_map(|held| {
        unsettled(&object.common().restart, told, held.revision).map(|target| wish(held, target))
    });
    house.rollouts.want(key, wishes.collect());
}

/// Looks at workloads when they are due, for ever.
pub async fn restart_workloads(house: Arc<House>) {
    loop {
        // One workload that makes the code panic must not end the restarts of all others.
        if AssertUnwindSafe(restart_next(&house)).catch_unwind().await.is_err() {
            tracing::error!("a restart panicked");
        }
    }
}

/// Waits for the next workload that is due and looks at it.
pub async fn restart_next(house: &House) {
    let (place, wishes) = house.rollouts.next().await;
    for _ in 0..ATTEMPTS {
        match look_at(house, &place, &wishes).await {
            Ok(outcomes) => return conclude(house, &place, wishes, &outcomes),
            Err(Failure::Outrun | Failure::Gone) => {}
            Err(Failure::Terminating) => return,
            Err(failure) => {
                let hint = hindrance(&place.target, &failure);
                let outcome = hint.map(|message| Outcome::Hindered { message });
                let outcomes = wishes.keys().filter_map(|key| Some((key.clone(), outcome.clone()?)));
                let outcomes = outcomes.collect();
                return conclude(house, &place, wishes, &outcomes);
            }
        }
    }
    conclude(house, &place, wishes, &HashMap::new());
}

/// Reads the workload and patches it if anybody needs that; what came of it for each who asked.
async fn look_at(
    house: &House,
    place: &Place,
    wishes: &HashMap<Key, Wish>,
) -> Result<HashMap<Key, Outcome>, Failure> {
    let Restart { kind, name } = &place.target;
    let api = workloads(house, place);
    let found = house.ask(api.get_opt(name)).await?;
    let Some(found) = found.filter(|found| found.metadata.deletion_timestamp.is_none()) else {
        let message = format!(
            "There is no {kind:?} {name} in this namespace: create it, or remove it from spec.restart"
        );
        let hindered = |key: &Key| (key.clone(), Outcome::Hindered { message: message.clone() });
        return Ok(wishes.keys().map(hindered).collect());
    };
    let workload = workload(&found);
    let mut verdicts: HashMap<&Key, Verdict> =
        wishes.iter().map(|(key, wish)| (key, judge(&workload, &wish.held))).collect();
    for (key, wish) in wishes.iter().filter(|(key, _)| verdicts[key] == Verdict::Ahead).collect::<Vec<_>>() {
        let verdict =
            if still_holds(house, place, wish).await? { Verdict::Restart } else { Verdict::UpToDate };
        verdicts.insert(key, verdict);
    }
    let due = || wishes.iter().filter(|(key, _)| verdicts[key] == Verdict::Restart).map(|(_, wish)| wish);
    let annotations: Map<String, Value> =
        due().map(|Wish { held, .. }| (annotation(&held.secret), json!(held.revision.to_string()))).collect();
    if !annotations.is_empty() {
        let patch = json!({
            "metadata": {"uid": found.uid(), "resourceVersion": found.resource_version()},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        });
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        house.ask(api.patch(name, &params, &Patch::Merge(patch))).await?;
    }
    for Wish { held, about, .. } in due() {
        let text = format!("{kind:?} {name} is restarted for revision {} of the Secret", held.revision);
        house.reporter.tell(about.clone(), Reason::Restarted, text);
    }
    let outcome = |(key, wish): (&Key, &Wish)| {
        let outcome = match verdicts[key] {
            Verdict::Restart | Verdict::UpToDate | Verdict::Ahead => {
                Outcome::Settled { revision: wish.held.revision }
            }
            Verdict::Unrelated => Outcome::Hindered {
                message: format!(
                    "The {kind:?} {name} does not use the Secret {}: its pod template names it nowhere; use it \
                     there, or remove the workload from spec.restart",
                    wish.held.secret
                ),
            },
        };
        (key.clone(), outcome)
    };
    Ok(wishes.iter().map(outcome).collect())
}

/// Whether the Secret holds this revision of this credential now. A credential that was created anew, or put back from a
/// backup, begins with a lower one than the workload was restarted for.
async fn still_holds(house: &House, place: &Place, wish: &Wish) -> Result<bool, Failure> {
    let secret = house.ask(house.secrets_in(&place.namespace).get_opt(&wish.held.secret)).await?;
    let annotations = secret.and_then(|secret| secret.metadata.annotations).unwrap_or_default();
    let ledger = annotations.get(LEDGER).and_then(|text| Ledger::parse(text).ok());
    Ok(ledger.is_some_and(|ledger| {
        ledger.is_live()
            && ledger.revision == wish.held.revision
            && Some(&ledger.owner.uid) == wish.about.uid.as_ref()
    }))
}

/// Notes what came of it, has those told who do not know yet, and looks again where something was in the way.
fn conclude(house: &House, place: &Place, wishes: HashMap<Key, Wish>, outcomes: &HashMap<Key, Outcome>) {
    for (key, wish) in wishes {
        let outcome = outcomes.get(&key);
        match outcome {
            Some(Outcome::Settled { .. }) => {}
            Some(Outcome::Hindered { .. }) => house.rollouts.again(&key, place.clone(), wish, AGAIN),
            None => house.rollouts.again(&key, place.clone(), wish, SOON),
        }
        let news = outcome.map(|outcome| house.rollouts.note(&key, &place.target, outcome.clone()));
        if news == Some(News::Some) {
            house.queue.push(key, Lane::Ordinary);
        }
    }
}

/// What a person has to change; None for what passes by itself.
fn hindrance(target: &Restart, failure: &Failure) -> Option<String> {
    let Restart { kind, name } = target;
    match failure {
        Failure::Forbidden => Some(format!(
            "The operator may not restart the {kind:?} {name}: install deploy/components/restart, see whether a \
             policy forbids it, or remove it from spec.restart"
        )),
        Failure::Refused { code, reason } => Some(format!(
            "The API server refuses to restart the {kind:?} {name} ({code} {reason}): see whether a policy \
             forbids it"
        )),
        Failure::Outrun | Failure::Gone | Failure::Terminating | Failure::Unclear(_) | Failure::Mint(_) => {
            None
        }
    }
}

fn workloads(house: &House, place: &Place) -> Api<DynamicObject> {
    let plural = match place.target.kind {
        WorkloadKind::Deployment => "deployments",
        WorkloadKind::StatefulSet => "statefulsets",
        WorkloadKind::DaemonSet => "daemonsets",
    };
    let kind = GroupVersionKind::gvk("apps", "v1", &format!("{:?}", place.target.kind));
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    Api::namespaced_with(house.client.clone(), &place.namespace, &resource)
}

fn workload(found: &DynamicObject) -> Workload {
    let template = found.data.pointer("/spec/template").cloned().unwrap_or_default();
    let template: PodTemplateSpec = serde_json::from_value(template).unwrap_or_default();
    Workload {
        created: found.metadata.creation_timestamp.as_ref().map(|time| time.0),
        annotations: template.metadata.and_then(|metadata| metadata.annotations).unwrap_or_default(),
        pod: template.spec.unwrap_or_default(),
    }
}
