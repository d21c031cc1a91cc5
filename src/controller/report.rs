//! Events: told off the hot path, at a bounded rate, so that a mass issue is not slowed by its own news.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        core::v1::ObjectReference,
        events::v1::{Event, EventSeries},
    },
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use super::{clock::Clock, packed::Packed};
use crate::core::{reason::Reason, short::short};

/// How many events wait at most; what comes then is dropped, and said so in the log.
const WAITING: usize = 10_000;
/// The pause between two events.
const PACE: Duration = Duration::from_millis(20);
/// How long the same about the same object belongs to one series, and how many are remembered for it.
const SERIES: Duration = Duration::from_secs(360);
const REMEMBERED: usize = 256;
/// Of a longer one the server takes nothing.
const LONGEST_NOTE: usize = 1_024;
const COMPONENT: &str = "chatelaine";

/// Takes news from everywhere.
#[derive(Clone)]
pub struct Reporter(mpsc::Sender<Waiting>);

/// One event as it waits: packed, because after a mass issue thousands do, and a reference is large.
pub struct Waiting(Packed);

impl Waiting {
    pub fn told(&self) -> Option<Told> {
        serde_json::from_str(&self.0.text()).ok()
    }
}

/// One event.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    pub about: ObjectReference,
    pub reason: Reason,
    pub text: String,
}

impl Reporter {
    pub fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    pub fn tell(&self, about: ObjectReference, reason: Reason, text: String) {
        tracing::info!(kind = about.kind, namespace = about.namespace, name = about.name, %reason, "{text}");
        let Ok(text) = serde_json::to_string(&Told { about, reason, text }) else { return };
        if self.0.try_send(Waiting(Packed::from(&*text))).is_err() {
            tracing::warn!("too many events at once: one was dropped");
        }
    }
}

/// Publishes what was told, until nobody can tell any more.
pub async fn publish(client: Client, clock: Clock, mut waiting: mpsc::Receiver<Waiting>) {
    let mut lately = Lately::default();
    while let Some(waiting) = waiting.recv().await {
        let Some(told) = waiting.told() else { continue };
        let reason = told.reason;
        let sending = send(&client, clock.now(), told, &mut lately);
        if !matches!(tokio::time::timeout(Duration::from_secs(10), sending).await, Ok(Ok(()))) {
            tracing::debug!(%reason, "an event could not be published");
        }
        tokio::time::sleep(PACE).await;
    }
}

/// A new event, or one more of a series.
async fn send(client: &Client, now: Timestamp, told: Told, lately: &mut Lately) -> kube::Result<()> {
    let api: Api<Event> = match told.about.namespace.as_deref() {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::default_namespaced(client.clone()),
    };
    if let Some((name, count)) = lately.again(&told) {
        let series = EventSeries { count, last_observed_time: MicroTime(now) };
        let patch = Patch::Merge(json!({"series": series}));
        return api.patch(&name, &PatchParams::default(), &patch).await.map(drop);
    }
    let event = event(now, &told);
    api.create(&PostParams::default(), &event).await?;
    lately.note(&told, event.metadata.name.unwrap_or_default());
    Ok(())
}

fn event(now: Timestamp, told: &Told) -> Event {
    let Told { about, reason, text } = told;
    Event {
        metadata: ObjectMeta {
            namespace: about.namespace.clone(),
            name: Some(format!("{}.{:x}", about.name.as_deref().unwrap_or(COMPONENT), now.as_nanosecond())),
            ..ObjectMeta::default()
        },
        action: Some(reason.to_string()),
        reason: Some(reason.to_string()),
        event_time: Some(MicroTime(now)),
        regarding: Some(about.clone()),
        note: Some(short(text, LONGEST_NOTE).into_owned()),
        reporting_controller: Some(COMPONENT.to_owned()),
        reporting_instance: Some(COMPONENT.to_owned()),
        type_: Some(weight(*reason).to_owned()),
        ..Event::default()
    }
}

/// The events of the last minutes, so that what happens again and again becomes a series. `kube` has a recorder that
/// remembers them too, but whole, all of them, and looks through them for each event: too much for a mass issue.
#[derive(Default)]
struct Lately(VecDeque<Sent>);

struct Sent {
    uid: Option<String>,
    reason: Reason,
    /// A digest of the text: something else about the same object is no repetition.
    text: u64,
    name: String,
    count: i32,
    at: Instant,
}

impl Lately {
    /// The event that this one repeats, and how often it has happened now.
    fn again(&mut self, told: &Told) -> Option<(String, i32)> {
        self.0.retain(|sent| sent.at.elapsed() < SERIES);
        let text = gist(&told.text);
        let is_same =
            |sent: &&mut Sent| sent.uid == told.about.uid && sent.reason == told.reason && sent.text == text;
        let sent = self.0.iter_mut().rfind(is_same)?;
        sent.count += 1;
        sent.at = Instant::now();
        Some((sent.name.clone(), sent.count))
    }

    fn note(&mut self, told: &Told, name: String) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        let uid = told.about.uid.clone();
        let text = gist(&told.text);
        self.0.push_back(Sent { uid, reason: told.reason, text, name, count: 1, at: Instant::now() });
    }
}

fn gist(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Whether people should look.
fn weight(reason: Reason) -> &'static str {
    match reason {
        Reason::Issued
        | Reason::Rotated
        | Reason::Renewed
        | Reason::RolledBack
        | Reason::Retired
        | Reason::NotYetDue
        | Reason::NeverExpires
        | Reason::Inactive
        | Reason::AccountInactive
        | Reason::ParentInactive
        | Reason::ParentNotIssued
        | Reason::Restored
        | Reason::Restarted
        | Reason::AwaitingRestore
        | Reason::Adopted
        | Reason::Reactivated
        | Reason::Accepted
        | Reason::BeingDeleted
        | Reason::Minting
        | Reason::Updated => "Normal",
        Reason::Revoked
        | Reason::Expired
        | Reason::ExpiresWithin
        | Reason::AccountNotFound
        | Reason::ParentNotFound
        | Reason::ParentExpired
        | Reason::ParentRevoked
        | Reason::SecretConflict
        | Reason::SecretTerminating
        | Reason::SecretRecreated
        | Reason::SecretRepaired
        | Reason::AwaitingMaterial
        | Reason::NotRestarted
        | Reason::PermissionNotGranted
        | Reason::QuotaExceeded
        | Reason::LifetimeExceeded
        | Reason::RoleNotFound
        | Reason::InvalidKey
        | Reason::PassphraseNotFound
        | Reason::InvalidPassphrase
        | Reason::PasswordNotFound
        | Reason::InvalidPassword
        | Reason::InvalidSpec
        | Reason::Unreadable
        | Reason::ClockSkew
        | Reason::MintingFailed
        | Reason::ApiUnavailable
        | Reason::Forbidden => "Warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(uid: &str, reason: Reason) -> Told {
        let about = ObjectReference { uid: Some(uid.into()), ..ObjectReference::default() };
        Told { about, reason, text: String::new() }
    }

    #[test]
    fn the_same_about_the_same_object_becomes_a_series() {
        let mut lately = Lately::default();
        assert_eq!(lately.again(&told("u", Reason::Issued)), None);
        lately.note(&told("u", Reason::Issued), "first".into());
        assert_eq!(lately.again(&told("u", Reason::Issued)), Some(("first".into(), 2)));
        assert_eq!(lately.again(&told("u", Reason::Issued)), Some(("first".into(), 3)));
        assert_eq!(lately.again(&told("v", Reason::Issued)), None);
        assert_eq!(lately.again(&told("u", Reason::Rotated)), None);
        let other = Told { text: "revision 3".into(), ..told("u", Reason::Issued) };
        assert_eq!(lately.again(&other), None, "what is told is something else");
    }

    #[test]
    fn a_long_text_is_cut_to_what_the_server_takes() {
        let long = Told { text: "ł".repeat(2_000), ..told("u", Reason::PermissionNotGranted) };
        let note = event(Timestamp::UNIX_EPOCH, &long).note.unwrap();
        assert!(note.len() <= 1_024 && note.len() > 1_000, "{}", note.len());
    }

    #[test]
    fn what_people_should_look_at_is_a_warning() {
        let type_of = |reason| event(Timestamp::UNIX_EPOCH, &told("u", reason)).type_.unwrap();
        for reason in
            [Reason::PermissionNotGranted, Reason::RoleNotFound, Reason::Revoked, Reason::InvalidKey]
        {
            assert_eq!(type_of(reason), "Warning", "{reason:?}");
        }
        for reason in [Reason::Issued, Reason::Rotated, Reason::Renewed, Reason::Inactive] {
            assert_eq!(type_of(reason), "Normal", "{reason:?}");
        }
    }

    #[test]
    fn a_mass_issue_is_not_remembered_whole() {
        let mut lately = Lately::default();
        for number in 0..2 * REMEMBERED {
            lately.note(&told(&number.to_string(), Reason::Issued), "x".into());
        }
        assert_eq!(lately.0.len(), REMEMBERED);
    }
}
