//! Withholding and giving back: the copy before the Secret, the Secret before the copy's end.

use chatelaine::{
    api::{AccessToken, RETIRE, REVOKE, ROTATE, State},
    controller::queue::Again,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    server::{Answer, Fault, Phase},
    stage::Stage,
};

const COPY: &str = "chatelaine-held-uid-ci";

async fn issued() -> (Stage<AccessToken>, Value) {
    let mut stage = Stage::new(json!({}));
    stage.rest().await;
    let token = stage.secret("ci")["data"]["token"].clone();
    (stage, token)
}

fn set_active(stage: &mut Stage<AccessToken>, active: Value) {
    stage.edit(|object| object["spec"]["active"] = active);
}

#[tokio::test(start_paused = true)]
async fn the_copy_is_made_before_the_material_goes_and_goes_after_the_material_is_back() {
    let (mut stage, token) = issued().await;
    let status = stage.status_path();
    set_active(&mut stage, json!(false));
    assert_eq!(stage.rest().await, ["GET secrets/ci", "POST secrets", "PUT secrets/ci", &status]);
    assert_eq!(stage.secret("ci")["data"]["token"], Value::Null);
    assert_eq!(stage.secret(COPY)["data"]["token"], token);
    assert_eq!(stage.ledger()["held"]["uid"], stage.secret(COPY)["metadata"]["uid"]);
    set_active(&mut stage, json!(true));
    let back = stage.rest().await;
    let copy = format!("secrets/{COPY}");
    let wanted =
        ["GET secrets/ci", &format!("GET {copy}"), "PUT secrets/ci", &format!("DELETE {copy}"), &status];
    assert_eq!(back, wanted);
    assert_eq!(stage.secret("ci")["data"]["token"], token);
    assert_eq!(stage.ledger()["revision"], 1);
    assert!(stage.server.get("secrets", COPY).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stranger_on_the_name_of_the_copy_is_looked_at_again_each_minute_and_once_gone_hinders_nothing() {
    let (mut stage, token) = issued().await;
    stage.server.put("secrets", json!({"metadata": {"name": COPY, "namespace": "ns", "uid": "theirs"}}));
    set_active(&mut stage, json!(false));
    for _ in 0..2 {
        stage.see_object("ci");
        let again = stage.look().await;
        assert!(matches!(again, Ok(Again::In(rest)) if rest.as_secs() <= 60), "{again:?}");
        assert_eq!(stage.condition("Stalled")["reason"], "SecretConflict");
    }
    assert_eq!(stage.secret("ci")["data"]["token"], token);
    stage.server.remove("secrets", COPY);
    stage.see_object("ci");
    stage.look().await.expect("withheld");
    assert_eq!(stage.secret(COPY)["data"]["token"], token);
    assert_eq!(stage.secret("ci")["data"]["token"], Value::Null);
}

/// What somebody asks of one that is in an overlap, the writes by which it is done, and what there is afterwards.
struct Move {
    name: &'static str,
    from: State,
    ask: fn(&mut Stage<AccessToken>),
    writes: [(Method, &'static str); 2],
    end: &'static str,
}

const PUT: (Method, &str) = (Method::PUT, "secrets/ci");
const PUT_COPY: (Method, &str) = (Method::PUT, "secrets/chatelaine-held-");
const DELETE_COPY: (Method, &str) = (Method::DELETE, "secrets/chatelaine-held-");

const MOVES: [Move; 6] = [
    Move {
        name: "withhold",
        from: State::Live,
        ask: |stage| set_active(stage, json!(false)),
        writes: [(Method::POST, "secrets"), PUT],
        end: "Withheld 2: nothing in the Secret, current previous in the copy",
    },
    Move {
        name: "give back",
        from: State::Withheld,
        ask: |stage| set_active(stage, json!(true)),
        writes: [PUT, DELETE_COPY],
        end: "Live 2: current previous in the Secret, no copy",
    },
    Move {
        name: "give back after a rotate",
        from: State::Withheld,
        ask: |stage| {
            stage.annotate(ROTATE, "meanwhile");
            set_active(stage, json!(true));
        },
        writes: [PUT, DELETE_COPY],
        end: "Live 3: new in the Secret, no copy",
    },
    Move {
        name: "revoke",
        from: State::Withheld,
        ask: |stage| stage.annotate(REVOKE, "leak"),
        writes: [PUT, DELETE_COPY],
        end: "Revoked 2: nothing in the Secret, no copy",
    },
    Move {
        name: "expire",
        from: State::Withheld,
        ask: |stage| stage.edit(|object| object["spec"]["expirationTime"] = json!("2026-01-01T00:00:00Z")),
        writes: [PUT, DELETE_COPY],
        end: "Expired 2: nothing in the Secret, no copy",
    },
    Move {
        name: "retire",
        from: State::Withheld,
        ask: |stage| stage.annotate(RETIRE, "everybody has the new one"),
        writes: [PUT_COPY, PUT],
        end: "Withheld 2: nothing in the Secret, current in the copy",
    },
];

/// How a write can fail: it is done or it is not, and the answer says so, says something else, or never comes.
const FAULTS: [(Phase, Answer); 13] = [
    (Phase::Before, Answer::Status(403)),
    (Phase::Before, Answer::Status(409)),
    (Phase::Before, Answer::Status(422)),
    (Phase::Before, Answer::Status(429)),
    (Phase::Before, Answer::Status(500)),
    (Phase::Before, Answer::Status(503)),
    (Phase::Before, Answer::Silence),
    // As by somebody in between who sends it twice.
    (Phase::Committed, Answer::Status(409)),
    (Phase::Committed, Answer::Status(404)),
    (Phase::Committed, Answer::Status(500)),
    (Phase::Committed, Answer::Status(504)),
    (Phase::Committed, Answer::Silence),
    (Phase::Committed, Answer::Garbled),
];

/// One in an overlap, live or withheld; the token and the previous one.
async fn overlapping(state: State) -> (Stage<AccessToken>, [Value; 2]) {
    let mut stage = Stage::new(json!({"rotation": {"overlap": "1h"}}));
    stage.rest().await;
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    let values = values(&stage.secret("ci"));
    if state == State::Withheld {
        set_active(&mut stage, json!(false));
        stage.rest().await;
    }
    (stage, values)
}

fn values(secret: &Value) -> [Value; 2] {
    ["token", "previousToken"].map(|key| secret["data"][key].clone())
}

/// What there is, in words; the ledger names the copy that there is and no other, and status says the same.
fn outcome(stage: &Stage<AccessToken>, [current, previous]: &[Value; 2]) -> String {
    let (ledger, copy) = (stage.ledger(), stage.server.get("secrets", COPY));
    let named = copy.as_ref().map_or(&Value::Null, |copy| &copy["metadata"]["uid"]);
    assert_eq!(&ledger["held"]["uid"], named, "{ledger:#}");
    let status = &stage.object("ci")["status"];
    assert_eq!((&status["state"], &status["revision"]), (&ledger["state"], &ledger["revision"]));
    let words = |secret: &Value| {
        let word = |value: &Value| match value {
            Value::Null => None,
            value if value == current => Some("current"),
            value if value == previous => Some("previous"),
            _ => Some("new"),
        };
        let words: Vec<_> = values(secret).iter().filter_map(word).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
    };
    let copy = copy.map_or("no copy".to_owned(), |copy| format!("{} in the copy", words(&copy)));
    let state = ledger["state"].as_str().expect("a state");
    format!("{state} {}: {} in the Secret, {copy}", ledger["revision"], words(&stage.secret("ci")))
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_a_write_of_what_is_withheld_the_end_is_the_same_and_nothing_is_lost() {
    for Move { name, from, ask, writes, end } in MOVES {
        for (method, path) in writes {
            for (phase, answer) in FAULTS {
                for dies in [false, true] {
                    let at = format!("{name}: {method} {path} {phase:?} {answer:?}, dies: {dies}");
                    let (mut stage, was) = overlapping(from).await;
                    ask(&mut stage);
                    stage.server.spoil(Fault { method: method.clone(), path, phase, answer });
                    let _ = stage.look().await;
                    assert!(stage.server.is_through(), "{at}: it was not asked for");
                    if dies {
                        stage = stage.another_operator();
                        stage.see_account();
                    }
                    stage.rest().await;
                    assert_eq!(outcome(&stage, &was), end, "{at}");
                    if stage.ledger()["state"] == "Withheld" {
                        set_active(&mut stage, json!(true));
                        stage.rest().await;
                        assert_eq!(stage.secret("ci")["data"]["token"], was[0], "{at}: it comes back");
                    }
                    stage.was_consistent();
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_the_ledger_does_not_name_is_fenced_off_and_then_deleted() {
    let (mut stage, _) = issued().await;
    set_active(&mut stage, json!(false));
    stage.rest().await;
    let stray = stage.secret(COPY);
    set_active(&mut stage, json!(true));
    stage.rest().await;
    stage.server.put("secrets", {
        let mut stray = stray;
        stray["metadata"]["uid"] = json!("uid-stray");
        stray
    });
    let cleared = stage.rest().await;
    let position = |wanted: &str| cleared.iter().position(|asked| asked == wanted);
    let (fence, delete) = (position("PUT secrets/ci"), position(&format!("DELETE secrets/{COPY}")));
    assert!(fence.is_some() && fence < delete, "{cleared:?}");
    assert_eq!(stage.ledger()["discarded"]["uid"], "uid-stray");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_secret_under_the_copys_name_is_never_touched() {
    let (mut stage, token) = issued().await;
    let stranger = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": COPY, "namespace": "ns", "uid": "uid-stranger"},
        "data": {"mine": "bWluZQ=="},
    });
    stage.server.put("secrets", stranger.clone());
    set_active(&mut stage, json!(false));
    let _ = stage.look().await;
    stage.see();
    let _ = stage.look().await;
    let asked = stage.server.asked();
    assert!(!asked.iter().any(|one| one.ends_with(COPY) && !one.starts_with("GET")), "{asked:?}");
    assert_eq!(stage.secret(COPY)["data"], stranger["data"]);
    assert_eq!(stage.secret("ci")["data"]["token"], token, "nothing goes while it cannot be kept");
    assert_eq!(stage.condition("Ready")["reason"], "SecretConflict");
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_while_withheld_is_dead_before_its_copy_goes() {
    let (mut stage, _) = issued().await;
    set_active(&mut stage, json!(false));
    stage.rest().await;
    stage.annotate(REVOKE, "leak");
    let asked = stage.rest().await;
    let position = |wanted: &str| asked.iter().position(|one| one == wanted);
    let (write, delete) = (position("PUT secrets/ci"), position(&format!("DELETE secrets/{COPY}")));
    assert!(write.is_some() && write < delete, "{asked:?}");
    assert_eq!(stage.ledger()["state"], "Revoked");
    assert!(stage.server.get("secrets", COPY).is_none());
    set_active(&mut stage, json!(true));
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Revoked", "it never comes back");
}
