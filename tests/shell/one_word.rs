//! One vocabulary: the event, the log line and the condition of one act say the same word.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use chatelaine::{
    api::{AccessToken, REVOKE, ROLLBACK, ROTATE},
    controller::report::publish,
};
use serde_json::{Value, json};
use tracing::{
    Dispatch,
    subscriber::{DefaultGuard, set_default},
};

use crate::stage::Stage;

/// What is logged in this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with it").write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// With one subscriber alone, what another thread says first would be silent for this one too: `tracing` asks only the
    /// thread that is there whether anybody listens.
    fn listen(&self) -> (DefaultGuard, Dispatch) {
        let other = Dispatch::new(tracing_subscriber::registry());
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        (set_default(subscriber), other)
    }

    /// Reason and message of the lines that tell of an object.
    fn lines(&self) -> Vec<(String, String)> {
        let text = self.0.lock().expect("nobody panics with it").clone();
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        let word = |line: &Value, field: &str| line["fields"][field].as_str().map(str::to_owned);
        lines.filter_map(|line: Value| Some((word(&line, "reason")?, word(&line, "message")?))).collect()
    }
}

type Act = fn(&mut Stage<AccessToken>);

/// Each with the word that is told of it, and the conditions that say it too.
const ACTS: [(&str, Act, &[&str]); 10] = [
    ("AccountNotFound", Stage::remove_account, &["Ready", "Active", "Reconciling"]),
    ("Issued", |stage| stage.account(granting("*:*")), &["Ready", "Active"]),
    ("Rotated", |stage| stage.annotate(ROTATE, "1"), &["Ready", "Active"]),
    ("RolledBack", |stage| stage.annotate(ROLLBACK, "1"), &["Ready", "Active"]),
    ("Inactive", |stage| stage.edit(|object| object["spec"]["active"] = json!(false)), &["Ready", "Active"]),
    // What is back is there for the reason that it was there for.
    ("Reactivated", |stage| stage.edit(|object| object["spec"]["active"] = json!(true)), &[]),
    // Its message says what was cut; what is left is served.
    ("PermissionNotGranted", |stage| stage.account(granting("c:d")), &[]),
    (
        "Revoked",
        |stage| stage.annotate(REVOKE, "1"),
        &["Ready", "Active", "ExpiringSoon", "Expired", "Stalled"],
    ),
    ("PermissionNotGranted", |stage| stage.annotate(ROTATE, "2"), &["Ready", "Stalled"]),
    ("Unreadable", |stage| stage.edit(|object| object["spec"]["comment"] = json!(7)), &["Ready", "Stalled"]),
];

fn granting(permission: &str) -> Value {
    json!({"email": "alice@example.com", "permissions": [permission]})
}

/// Passes until nothing is written any more.
async fn rest(stage: &mut Stage<AccessToken>) {
    for _ in 0..10 {
        stage.see();
        stage.look().await.expect("a pass");
        if stage.server.asked().iter().all(|asked| asked.starts_with("GET")) {
            return;
        }
    }
    panic!("it never comes to rest");
}

#[tokio::test(start_paused = true)]
async fn the_event_the_log_line_and_the_condition_of_one_act_say_the_same_word() {
    let log = Log::default();
    let listening = log.listen();
    let mut stage = Stage::<AccessToken>::new(json!({"rotation": {"overlap": "1h"}, "permissions": ["a:b"]}));
    let mut heard = 0;
    for (word, act, conditions) in ACTS {
        act(&mut stage);
        rest(&mut stage).await;
        let lines = log.lines().split_off(heard);
        assert_eq!(lines.iter().map(|(reason, _)| &**reason).collect::<Vec<_>>(), [word], "{lines:?}");
        for kind in conditions {
            assert_eq!(stage.condition(kind)["reason"], word, "{kind}");
        }
        heard += lines.len();
    }
    drop(listening);
    let (server, clock, client) =
        (stage.server.clone(), stage.keeper.house.clock.clone(), stage.server.client());
    publish(client, clock, stage.end()).await;
    let mut events = server.all("events");
    events.sort_by_key(|event| {
        event["metadata"]["resourceVersion"].as_str().and_then(|one| one.parse::<u64>().ok())
    });
    let said: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(event["reason"], event["action"]);
            assert_eq!(event["regarding"]["uid"], "uid-ci");
            (
                event["reason"].as_str().expect("a word").to_owned(),
                event["note"].as_str().expect("text").to_owned(),
            )
        })
        .collect();
    assert_eq!(said, log.lines());
}

#[tokio::test(start_paused = true)]
async fn what_expires_by_itself_is_told_with_one_word_too() {
    let log = Log::default();
    let _listening = log.listen();
    let mut stage = Stage::<AccessToken>::new(json!({"lifetime": "1s"}));
    rest(&mut stage).await;
    // The wall clock does not follow tokio's.
    std::thread::sleep(Duration::from_millis(1_100));
    rest(&mut stage).await;
    let words: Vec<_> = log.lines().into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(words, ["Issued", "Expired"]);
    for kind in ["Ready", "Active", "ExpiringSoon", "Expired", "Stalled"] {
        assert_eq!(stage.condition(kind)["reason"], "Expired", "{kind}");
    }
}
