//! Status beside a Secret that can speak: what it says is told anew, and nothing of it is believed.

use chatelaine::api::{AccessToken, ROTATE};
use serde_json::{Value, json};

use crate::stage::Stage;

type Lie = fn(&mut Value);

/// But for a later revision and an end: those are heard, because a Secret that says less is an old copy.
const LIES: [(&str, Lie); 14] = [
    ("state", |status| status["state"] = json!("Withheld")),
    ("an earlier revision", |status| status["revision"] = json!(1)),
    ("id", |status| status["id"] = json!("0123456789abcdef")),
    ("issue time", |status| status["issueTime"] = json!("2020-01-01T00:00:00Z")),
    ("an end that has passed", |status| status["expirationTime"] = json!("2020-01-02T00:00:00Z")),
    ("expired", |status| (status["isExpired"], status["expiry"]) = (json!(true), json!("Expired"))),
    ("no previous one", |status| status["previous"] = Value::Null),
    ("an overlap that is over", |status| {
        status["previous"]["retirementTime"] = json!("2020-01-01T00:00:00Z")
    }),
    ("digests", |status| status["digests"] = json!([{"value": "sha256:00"}])),
    ("handled values", |status| status["handledTriggers"] = Value::Null),
    ("what comes next", |status| {
        status["next"] = json!({"action": "Expire", "time": "2020-01-01T00:00:00Z"})
    }),
    ("permissions", |status| status["effective"]["permissions"] = json!(["*:*"])),
    ("history", |status| status["history"] = json!([])),
    ("conditions", |status| status["conditions"] = json!([])),
];

/// In an overlap, and to end some day.
async fn overlapping() -> Stage<AccessToken> {
    let spec = json!({"rotation": {"overlap": "1h"}, "lifetime": "90d", "permissions": ["servers:read"]});
    let mut stage = Stage::new(spec);
    stage.rest().await;
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    stage
}

/// Without the times that say when it was told.
fn told(stage: &Stage<AccessToken>) -> Value {
    let mut status = stage.object("ci")["status"].clone();
    for condition in status["conditions"].as_array_mut().expect("conditions") {
        condition["lastTransitionTime"] = Value::Null;
    }
    status
}

#[tokio::test(start_paused = true)]
async fn nothing_that_status_says_is_believed_while_the_secret_can_speak_and_all_of_it_is_told_anew() {
    for (what, lie) in LIES {
        let mut stage = overlapping().await;
        let (secret, truth) = (stage.secret("ci"), told(&stage));
        stage.edit(|object| lie(&mut object["status"]));
        assert_ne!(told(&stage), truth, "{what}: that is true");
        let asked = stage.rest().await;
        assert_eq!(stage.secret("ci"), secret, "{what}: {asked:?}");
        assert_eq!(told(&stage), truth, "{what}: {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_status_calls_handled_and_the_ledger_does_not_acts() {
    let mut stage = overlapping().await;
    stage.edit(|object| {
        object["metadata"]["annotations"][ROTATE] = json!("new");
        object["status"]["handledTriggers"]["rotate"] = json!(["again", "new"]);
    });
    stage.rest().await;
    assert_eq!(
        (&stage.ledger()["revision"], &stage.ledger()["handled"]["rotate"]),
        (&json!(3), &json!(["again", "new"]))
    );
}
