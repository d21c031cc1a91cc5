//! Somebody else who writes or deletes the Secret between any request and its answer: what he put there stays, what he took
//! is a loss, and what he made is his.

use std::time::Duration;

use chatelaine::api::AccessToken;
use serde_json::{Value, json};

use crate::{
    interrupted::{WORKS, beginning, in_the_middle, outcome, requests},
    server::Phase,
    stage::Stage,
};

/// What somebody does to a Secret, and what of it is still there afterwards.
type Meddle = (&'static str, fn(&mut Value), fn(&Value) -> bool);

const EDITS: [Meddle; 4] = [
    (
        "a label of his",
        |secret| secret["metadata"]["labels"]["backup"] = json!("yes"),
        |secret| secret["metadata"]["labels"]["backup"] == "yes",
    ),
    (
        "a key of his",
        |secret| secret["data"]["ca.crt"] = json!("dGhlaXJz"),
        |secret| secret["data"]["ca.crt"] == "dGhlaXJz",
    ),
    (
        "not our label",
        |secret| secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("theirs"),
        |secret| secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "chatelaine",
    ),
    (
        "no owner",
        |secret| secret["metadata"]["ownerReferences"] = Value::Null,
        |secret| secret["metadata"]["ownerReferences"][0]["uid"] == "uid-ci",
    ),
];

const PHASES: [Phase; 2] = [Phase::Before, Phase::Committed];

#[tokio::test(start_paused = true)]
async fn who_edits_the_secret_in_the_middle_of_anything_changes_nothing_of_the_end_and_keeps_what_is_his() {
    for (name, from, ask, end) in WORKS {
        for request in requests(from, ask).await {
            for (phase, (what, edit, is_as_it_should)) in
                PHASES.into_iter().flat_map(|phase| EDITS.map(|edit| (phase, edit)))
            {
                let (mut stage, was) = beginning(from).await;
                ask(&mut stage);
                let server = stage.server.clone();
                if what == "no owner" && name == "note a ledger that is gone" {
                    // Then nothing says whose it is.
                    continue;
                }
                let mut meddled = false;
                in_the_middle(&stage, request.clone(), phase, async || {
                    if let Some(mut secret) = server.get("secrets", "ci") {
                        edit(&mut secret);
                        server.put("secrets", secret);
                        meddled = true;
                    }
                })
                .await;
                stage.rest().await;
                let at = format!("{name}: {what} at {request:?}, {phase:?}");
                assert_eq!(outcome(&stage, &was), end, "{at}");
                assert!(!meddled || is_as_it_should(&stage.secret("ci")), "{at}: {:#}", stage.secret("ci"));
                stage.was_consistent();
            }
        }
    }
}

/// Passes until nothing more comes of it. What waits for another is looked at again each time.
async fn looked_at(stage: &mut Stage<AccessToken>) {
    for _ in 0..6 {
        stage.see();
        let _ = stage.look().await;
        // What no cache will ever show is not waited for longer.
        tokio::time::advance(Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_the_secret_in_the_middle_of_anything_causes_a_loss_and_revives_nothing() {
    for (name, from, ask, end) in WORKS {
        for request in requests(from, ask).await {
            for phase in PHASES {
                let (mut stage, was) = beginning(from).await;
                ask(&mut stage);
                let server = stage.server.clone();
                let testified = stage.object("ci")["status"]["revision"].is_number();
                let mut last = Value::Null;
                in_the_middle(&stage, request.clone(), phase, async || {
                    last = server.get("secrets", "ci").unwrap_or_default();
                    server.remove("secrets", "ci");
                })
                .await;
                // Else a live one would be made again in a minute.
                stage.edit(|object| {
                    if object["status"]["issueTime"].is_string() {
                        object["status"]["issueTime"] = json!("2026-01-01T00:00:00Z");
                    }
                });
                looked_at(&mut stage).await;
                stage.rest().await;
                let at = format!("{name}: taken at {request:?}, {phase:?}");
                let (state, wanted) = (stage.ledger()["state"].clone(), end.split(' ').next());
                assert_eq!(state.as_str(), wanted, "{at}: {}", outcome(&stage, &was));
                let token = &stage.secret("ci")["data"]["token"];
                assert!(state == "Live" || token.is_null(), "{at}");
                let fresh = last.is_null() || *token != last["data"]["token"] || token.is_null();
                assert!(fresh || name == "give back", "{at}: it was gone, and came back");
                // Where not even status knew of a past it begins anew.
                if testified {
                    stage.was_consistent();
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_puts_one_of_his_own_in_its_place_in_the_middle_of_anything_keeps_it_as_it_is() {
    let theirs = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"token": "dGhlaXJz"},
        "metadata": {"name": "ci", "namespace": "ns", "uid": "uid-theirs"},
    });
    for (name, from, ask, _) in WORKS {
        for request in requests(from, ask).await {
            for phase in PHASES {
                let (mut stage, _) = beginning(from).await;
                ask(&mut stage);
                let server = stage.server.clone();
                in_the_middle(&stage, request.clone(), phase, async || server.put("secrets", theirs.clone()))
                    .await;
                let before = stage.secret("ci");
                looked_at(&mut stage).await;
                let at = format!("{name}: his at {request:?}, {phase:?}");
                assert_eq!(stage.secret("ci"), before, "{at}");
                assert_eq!(stage.condition("Ready")["reason"], "SecretConflict", "{at}");
            }
        }
    }
}
