//! Events: told off the hot path, at a bounded rate, so that a mass issue is not slowed by its own news.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter as Component},
};
use tokio::sync::mpsc;

use crate::core::reason::Reason;

/// How many events wait at most; what comes then is dropped, and said so in the log.
const WAITING: usize = 10_000;
/// The pause between two events.
const PACE: Duration = Duration::from_millis(20);

/// Takes news from everywhere.
#[derive(Clone)]
pub struct Reporter(mpsc::Sender<Told>);

/// One event.
#[derive(Debug)]
pub struct Told {
    pub about: ObjectReference,
    pub reason: Reason,
    pub text: String,
}

impl Reporter {
    pub fn new() -> (Self, mpsc::Receiver<Told>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    pub fn tell(&self, about: ObjectReference, reason: Reason, text: String) {
        tracing::info!(kind = about.kind, namespace = about.namespace, name = about.name, %reason, "{text}");
        if self.0.try_send(Told { about, reason, text }).is_err() {
            tracing::warn!("too many events at once: one was dropped");
        }
    }
}

/// Publishes what was told, until nobody can tell any more.
pub async fn publish(client: Client, mut told: mpsc::Receiver<Told>) {
    let recorder = Recorder::new(client, Component { controller: "chatelaine".into(), instance: None });
    while let Some(Told { about, reason, text }) = told.recv().await {
        let event = Event {
            type_: weight(reason),
            reason: reason.to_string(),
            note: Some(text),
            action: reason.to_string(),
            secondary: None,
        };
        let sent = tokio::time::timeout(Duration::from_secs(10), recorder.publish(&event, &about)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::debug!(%reason, "an event could not be published");
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Whether people should look.
fn weight(reason: Reason) -> EventType {
    match reason {
        Reason::Issued
        | Reason::Rotated
        | Reason::Retired
        | Reason::NotYetDue
        | Reason::NeverExpires
        | Reason::Inactive
        | Reason::AccountInactive
        | Reason::Restored
        | Reason::Adopted
        | Reason::Reactivated
        | Reason::Accepted
        | Reason::Minting
        | Reason::Updated => EventType::Normal,
        Reason::Revoked
        | Reason::Expired
        | Reason::ExpiresWithin
        | Reason::AccountNotFound
        | Reason::SecretConflict
        | Reason::SecretTerminating
        | Reason::SecretRecreated
        | Reason::SecretRepaired
        | Reason::PermissionNotGranted
        | Reason::InvalidKey
        | Reason::InvalidSpec
        | Reason::Unreadable
        | Reason::ClockSkew
        | Reason::MintingFailed
        | Reason::ApiUnavailable
        | Reason::Forbidden => EventType::Warning,
    }
}
