//! What an issue, a rotation, a retirement and a quiet pass cost: these requests, and no others.

use chatelaine::{
    api::{AccessToken, ApiKeyPair, REVOKE, ROTATE, SshKey},
    controller::queue::{Again, Key, Lane},
    core::reason::Reason,
    credentials::Credential,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    server::{Answer, Fault, Phase},
    stage::Stage,
};

async fn issued<K: Credential>(spec: Value) -> Stage<K> {
    let mut stage = Stage::new(spec);
    stage.look().await.expect("issued");
    assert_eq!(stage.server.asked(), ["POST secrets".to_owned(), stage.status_path()]);
    assert_eq!(stage.ledger()["revision"], 1);
    assert_eq!(stage.told(), [Reason::Issued], "one event");
    stage.see();
    stage
}

async fn rotated<K: Credential>(spec: Value) {
    let mut stage = issued::<K>(spec).await;
    stage.annotate(ROTATE, "again");
    stage.look().await.expect("rotated");
    let status = stage.status_path();
    assert_eq!(stage.server.asked(), ["GET secrets/ci", "PUT secrets/ci", &status]);
    assert_eq!(stage.ledger()["revision"], 2);
    assert_ne!(stage.ledger()["previous"], Value::Null, "the old one overlaps");
    assert_eq!(stage.condition("Ready")["reason"], "Rotated");
    assert_eq!(stage.told(), [Reason::Rotated], "one event");
    stage.see();
    stage.look().await.expect("quiet");
    assert_eq!((stage.server.asked(), stage.told()), (vec![], vec![]));
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_one_create_and_one_status_write_and_a_rotation_one_read_one_replace_and_one_status_write()
 {
    let overlapping = json!({"rotation": {"overlap": "1h"}});
    rotated::<AccessToken>(overlapping.clone()).await;
    rotated::<ApiKeyPair>(overlapping.clone()).await;
    rotated::<SshKey>(overlapping).await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_pass_asks_for_nothing() {
    let stage = issued::<AccessToken>(json!({})).await;
    for _ in 0..3 {
        assert_eq!(stage.look().await, Ok(Again::Never));
    }
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_over_finished_ones_asks_for_nothing() {
    let before = issued::<AccessToken>(json!({})).await;
    let mut after = Stage::<AccessToken>::new(json!({}));
    after.server.put("accesstokens", before.object("ci"));
    after.server.put("secrets", before.secret("ci"));
    // The stage's server gave the Secret another version: the witness is of that one.
    let version = after.secret("ci")["metadata"]["resourceVersion"].clone();
    after.edit(|object| object["status"]["secretRef"]["resourceVersion"] = version);
    after.see();
    after.look().await.expect("quiet");
    assert_eq!(after.server.asked(), [""; 0]);
}

/// Everything in the status but when it came about.
fn timeless<K: Credential>(stage: &Stage<K>) -> Value {
    let mut status = stage.object("ci")["status"].clone();
    for condition in status["conditions"].as_array_mut().expect("conditions") {
        condition["lastTransitionTime"] = json!(null);
    }
    status
}

async fn survives_the_loss_of_its_status<K: Credential>(spec: Value) {
    let mut stage = issued::<K>(spec).await;
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    let (secret, told) = (stage.secret("ci"), timeless(&stage));
    stage.edit(|object| object["status"] = json!(null));
    assert_eq!(stage.rest().await, ["GET secrets/ci".to_owned(), stage.status_path()]);
    assert_eq!((stage.secret("ci"), timeless(&stage)), (secret, told));
}

#[tokio::test(start_paused = true)]
async fn a_lost_status_is_told_again_and_nothing_else_happens() {
    let overlapping = json!({"rotation": {"overlap": "1h"}});
    survives_the_loss_of_its_status::<AccessToken>(overlapping.clone()).await;
    survives_the_loss_of_its_status::<ApiKeyPair>(overlapping.clone()).await;
    survives_the_loss_of_its_status::<SshKey>(overlapping).await;
}

/// While the Secret is gone and cannot be made again yet, status goes on saying who it was.
async fn is_known_while_its_secret_is_gone<K: Credential>(spec: Value, identity: &[&str]) {
    let mut stage = issued::<K>(spec).await;
    let told = |stage: &Stage<K>| {
        let status = stage.object("ci")["status"].clone();
        let words = ["state", "revision", "issueTime", "digests", "handledTriggers"];
        identity.iter().chain(&words).map(|word| status[*word].clone()).collect::<Vec<_>>()
    };
    let before = told(&stage);
    assert!(before[..identity.len()].iter().all(|word| !word.is_null()), "{before:?}");
    assert_eq!(stage.rest().await, [""; 0]);
    stage.server.remove("secrets", "ci");
    stage.edit(|object| {
        object["spec"]["comment"] = json!("another");
        object["metadata"]["generation"] = json!(2);
    });
    for _ in 0..2 {
        stage.see();
        stage.look().await.expect("told");
    }
    assert_eq!(stage.condition("Ready")["status"], "False", "it waits out its minute");
    assert_eq!(stage.object("ci")["status"]["observedGeneration"], 2, "status was written");
    assert_eq!(told(&stage), before);
}

#[tokio::test(start_paused = true)]
async fn while_the_secret_is_gone_status_repeats_who_it_was() {
    is_known_while_its_secret_is_gone::<ApiKeyPair>(json!({}), &["accessKey"]).await;
    is_known_while_its_secret_is_gone::<SshKey>(json!({}), &["id", "fingerprint", "publicKey"]).await;
    is_known_while_its_secret_is_gone::<AccessToken>(json!({}), &["id"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_touched_is_read_once_and_noted() {
    let mut stage = issued::<AccessToken>(json!({})).await;
    let mut touched = stage.secret("ci");
    touched["metadata"]["annotations"]["somebody"] = json!("was here");
    stage.server.put("secrets", touched);
    assert_eq!(stage.rest().await, ["GET secrets/ci".to_owned(), stage.status_path()]);
    assert_eq!(stage.secret("ci")["metadata"]["annotations"]["somebody"], "was here");
}

#[tokio::test(start_paused = true)]
async fn editing_what_the_secret_shows_is_one_read_one_replace_and_one_status_write() {
    let mut stage = issued::<AccessToken>(json!({})).await;
    let before = stage.secret("ci")["data"]["token"].clone();
    stage.edit(|object| object["spec"]["permissions"] = json!(["servers:read"]));
    let status = stage.status_path();
    assert_eq!(stage.rest().await, ["GET secrets/ci", "PUT secrets/ci", &status]);
    assert_eq!(stage.secret("ci")["data"]["token"], before);
    assert_eq!(stage.ledger()["revision"], 1);
}

/// Argo CD and Flux wait for it.
#[tokio::test(start_paused = true)]
async fn an_edit_that_changes_nothing_is_one_status_write_that_says_it_was_seen_in_each_condition() {
    let mut stage = issued::<AccessToken>(json!({})).await;
    let before = timeless(&stage);
    stage.edit(|object| {
        object["spec"]["comment"] = json!("for people");
        object["metadata"]["generation"] = json!(2);
    });
    assert_eq!(stage.rest().await, [stage.status_path()]);
    let mut after = timeless(&stage);
    assert_eq!(after["observedGeneration"].take(), json!(2));
    for condition in after["conditions"].as_array_mut().expect("conditions") {
        assert_eq!(condition["observedGeneration"], 2, "{condition}");
        condition["observedGeneration"] = json!(1);
    }
    after["observedGeneration"] = json!(1);
    assert_eq!(after, before, "and nothing else");
}

#[tokio::test(start_paused = true)]
async fn a_due_date_goes_before_other_work_and_the_read_before_it_compares_the_clocks() {
    let mut stage = issued::<AccessToken>(json!({"lifetime": "1s"})).await;
    let alarm = stage.look().await.expect("quiet");
    assert!(matches!(alarm, Again::In(_)), "{alarm:?}");
    let other = Key { name: "other".into(), kind: AccessToken::KIND, namespace: "ns".into() };
    stage.keeper.house.queue.push(other, Lane::Ordinary);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(&*stage.next().await.name, "ci");
    assert_eq!(&*stage.next().await.name, "other");
    // The wall clock does not follow tokio's.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    tokio::time::advance(std::time::Duration::from_secs(59)).await;
    let status = stage.status_path();
    stage.look().await.expect("expired");
    let asked = stage.server.asked();
    assert_eq!(stage.ledger()["state"], "Expired", "{asked:?}");
    assert_eq!(asked, ["GET secrets/ci", "PUT secrets/ci", &status], "a fresh answer is a comparison");
    assert_eq!(stage.rest().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_within_the_pass_says_of_the_clocks_counts_for_its_next_write() {
    let mut stage = issued::<AccessToken>(json!({"rotation": {"overlap": "1s"}})).await;
    stage.annotate(ROTATE, "again");
    stage.look().await.expect("rotated");
    stage.see();
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    stage.server.asked();
    stage.edit(|object| object["spec"]["active"] = json!(false));
    for (method, path) in [(Method::POST, "secrets"), (Method::PUT, "secrets/ci")] {
        stage.server.spoil(Fault { method, path, phase: Phase::Committed, answer: Answer::Fast });
    }
    stage.look().await.expect("withheld");
    let status = stage.status_path();
    assert_eq!(stage.server.asked(), ["GET secrets/ci", "POST secrets", "PUT secrets/ci", &status]);
    assert_ne!(stage.ledger()["previous"], Value::Null, "the overlap is over, but the clocks disagree");
    stage.rest().await;
    assert_eq!(stage.ledger()["previous"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_rsa_key_is_made_elsewhere_and_issued_in_the_next_pass() {
    let mut stage = Stage::<SshKey>::new(json!({"algorithm": "Rsa", "bits": 2048}));
    stage.look().await.expect("begun");
    assert_eq!(stage.server.asked(), [stage.status_path()], "nothing is published while the key is made");
    assert_eq!(stage.condition("Reconciling")["reason"], "Minting");
    assert_eq!(&*stage.next().await.name, "ci");
    stage.see();
    stage.look().await.expect("issued");
    assert_eq!(stage.server.asked(), ["POST secrets".to_owned(), stage.status_path()]);
    assert_eq!(stage.rest().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_gets_a_condition_once_and_nothing_else() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.edit(|object| object["spec"]["lifetime"] = json!(["not", "a", "text"]));
    stage.look().await.expect("told");
    assert_eq!(stage.server.asked(), ["PATCH accesstokens/ci/status"]);
    assert_eq!(stage.condition("Stalled")["reason"], "Unreadable");
    stage.see();
    stage.look().await.expect("quiet");
    assert_eq!(stage.server.asked(), [""; 0], "it is told once");
}

#[tokio::test(start_paused = true)]
async fn without_its_account_nothing_is_minted() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.edit(|object| object["spec"]["accountRef"]["name"] = json!("nobody"));
    stage.look().await.expect("told");
    assert_eq!(stage.server.asked(), ["GET accounts/nobody".to_owned(), stage.status_path()]);
    assert_eq!(stage.condition("Ready")["reason"], "AccountNotFound");
}

/// With a finalizer, or deleted in the foreground, an object stays for a while.
#[tokio::test(start_paused = true)]
async fn a_deletion_costs_nothing_while_the_object_goes_and_when_it_is_gone() {
    type Edit = fn(&mut Stage<AccessToken>);
    let states: [(&str, Edit); 4] = [
        ("Live", |_| ()),
        ("Withheld", |stage| stage.edit(|object| object["spec"]["active"] = json!(false))),
        ("Revoked", |stage| stage.annotate(REVOKE, "leak")),
        ("Expired", |stage| {
            stage.edit(|object| object["spec"]["expirationTime"] = json!("2026-01-01T00:00:00Z"));
        }),
    ];
    for (state, edit) in states {
        let mut stage = Stage::<AccessToken>::new(json!({}));
        stage.rest().await;
        edit(&mut stage);
        stage.rest().await;
        assert_eq!(stage.ledger()["state"], state);
        let secret = stage.secret("ci");
        stage.edit(|object| object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
        assert_eq!(stage.rest().await, [""; 0], "{state}");
        stage.server.remove("secrets", "ci");
        for _ in 0..3 {
            stage.see();
            stage.look().await.expect("nothing is to be done");
        }
        let (status, asked) = (stage.status_path(), stage.server.asked());
        assert!(
            asked.iter().all(|asked| asked.starts_with("GET ") || *asked == status),
            "{state}: {asked:?}"
        );
        assert!(stage.server.get("secrets", "ci").is_none(), "{state}: it is not made again");
        stage.server.put("secrets", secret);
        stage.delete_object("ci");
        stage.look().await.expect("nobody is there");
        assert_eq!(stage.server.asked(), [""; 0], "{state}");
    }
}
