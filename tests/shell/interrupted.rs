//! Whatever goes wrong with any request of anything that is done, and whether the same operator goes on or another one
//! after it died: the end is the same, each cause acts once, and nothing is lost.

use std::pin::pin;

use chatelaine::api::{ADOPT, AccessToken, LEDGER, RETIRE, REVOKE, ROLLBACK, ROTATE};
use http::Method;
use serde_json::{Value, json};

use crate::{
    server::{Answer, Fault, Phase},
    stage::{Stage, ledger},
};

const COPY: &str = "chatelaine-held-uid-ci";
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Where a work begins.
#[derive(Clone, Copy, Debug)]
pub enum Beginning {
    Nothing,
    /// The second revision, with the first as its previous one.
    Overlap,
    Withheld,
    Revoked,
}
use Beginning::{Nothing, Overlap, Revoked, Withheld};

/// Who goes on after a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heir {
    Itself,
    /// The operator died of it.
    Another,
}

pub type Ask = fn(&mut Stage<AccessToken>);

/// What is done, from where, who asks for it how, and what there is in the end.
pub const WORKS: [(&str, Beginning, Ask, &str); 25] = [
    ("issue", Nothing, |_| (), "Live 1: new in the Secret, no copy"),
    (
        "born inactive",
        Nothing,
        |stage| set_active(stage, false),
        "Withheld 0: nothing in the Secret, no copy",
    ),
    (
        "born revoked",
        Nothing,
        |stage| stage.annotate(REVOKE, "v"),
        "Revoked 0: nothing in the Secret, no copy",
    ),
    ("adopt", Nothing, offer, "Live 1: current in the Secret, no copy"),
    ("rotate", Overlap, |stage| stage.annotate(ROTATE, "r"), "Live 3: new current in the Secret, no copy"),
    (
        "rotate all",
        Overlap,
        |stage| stage.annotate_account(ROTATE, "r"),
        "Live 3: new current in the Secret, no copy",
    ),
    ("rotate by schedule", Overlap, fall_due, "Live 3: new current in the Secret, no copy"),
    (
        "roll back",
        Overlap,
        |stage| stage.annotate(ROLLBACK, "b"),
        "Live 3: previous current in the Secret, no copy",
    ),
    ("retire", Overlap, |stage| stage.annotate(RETIRE, "t"), "Live 2: current in the Secret, no copy"),
    ("revoke", Overlap, |stage| stage.annotate(REVOKE, "v"), "Revoked 2: nothing in the Secret, no copy"),
    ("revoke and rotate", Overlap, revoke_and_rotate, "Live 3: new in the Secret, no copy"),
    ("issue anew", Revoked, |stage| stage.annotate(ROTATE, "r"), "Live 3: new in the Secret, no copy"),
    ("expire", Overlap, expire, "Expired 2: nothing in the Secret, no copy"),
    ("render", Overlap, relabel, "Live 2: current previous in the Secret, no copy"),
    ("make again", Overlap, lose, "Live 3: new in the Secret, no copy"),
    ("repair", Overlap, damage, "Live 3: new in the Secret, no copy"),
    ("note a ledger that is gone", Overlap, strip, "Live 3: new in the Secret, no copy"),
    ("take back", Overlap, restore, "Live 2: current previous in the Secret, no copy"),
    (
        "withhold",
        Overlap,
        |stage| set_active(stage, false),
        "Withheld 2: nothing in the Secret, current previous in the copy",
    ),
    (
        "give back",
        Withheld,
        |stage| set_active(stage, true),
        "Live 2: current previous in the Secret, no copy",
    ),
    ("give back after a rotate", Withheld, rotate_and_activate, "Live 3: new in the Secret, no copy"),
    (
        "revoke what is withheld",
        Withheld,
        |stage| stage.annotate(REVOKE, "v"),
        "Revoked 2: nothing in the Secret, no copy",
    ),
    ("expire what is withheld", Withheld, expire, "Expired 2: nothing in the Secret, no copy"),
    (
        "retire what is withheld",
        Withheld,
        |stage| stage.annotate(RETIRE, "t"),
        "Withheld 2: nothing in the Secret, current in the copy",
    ),
    (
        "make again as withheld",
        Withheld,
        lose,
        "Withheld 2: nothing in the Secret, current previous in the copy",
    ),
];

/// All that is ever asked for.
const REQUESTS: [(Method, &str); 7] = [
    (Method::GET, "secrets/ci"),
    (Method::GET, "secrets/chatelaine-held-"),
    (Method::POST, "secrets"),
    (Method::PUT, "secrets/ci"),
    (Method::PUT, "secrets/chatelaine-held-"),
    (Method::DELETE, "secrets/chatelaine-held-"),
    (Method::PUT, "accesstokens/ci/status"),
];

/// It is done or it is not, and the answer says so, says something else, or never comes.
const FAULTS: [(Phase, Answer); 10] = [
    (Phase::Before, Answer::Status(403)),
    (Phase::Before, Answer::Status(409)),
    (Phase::Before, Answer::Status(429)),
    (Phase::Before, Answer::Status(500)),
    (Phase::Before, Answer::Silence),
    // As by somebody in between who sends it twice.
    (Phase::Committed, Answer::Status(409)),
    (Phase::Committed, Answer::Status(404)),
    (Phase::Committed, Answer::Status(504)),
    (Phase::Committed, Answer::Silence),
    (Phase::Committed, Answer::Garbled),
];

fn set_active(stage: &mut Stage<AccessToken>, active: bool) {
    stage.edit(|object| object["spec"]["active"] = json!(active));
}

fn expire(stage: &mut Stage<AccessToken>) {
    stage.edit(|object| object["spec"]["expirationTime"] = json!(LONG_AGO));
}

fn relabel(stage: &mut Stage<AccessToken>) {
    stage.edit(|object| object["spec"]["secret"] = json!({"labels": {"team": "blue"}}));
}

fn revoke_and_rotate(stage: &mut Stage<AccessToken>) {
    stage.annotate(REVOKE, "v");
    stage.annotate(ROTATE, "r");
}

fn rotate_and_activate(stage: &mut Stage<AccessToken>) {
    stage.annotate(ROTATE, "r");
    set_active(stage, true);
}

/// Somebody writes the Secret; the cache shows it.
fn touch(stage: &mut Stage<AccessToken>, edit: impl FnOnce(&mut Value)) {
    let mut secret = stage.secret("ci");
    edit(&mut secret);
    stage.server.put("secrets", secret);
    stage.see();
}

fn edit_ledger(stage: &mut Stage<AccessToken>, edit: impl FnOnce(&mut Value)) {
    touch(stage, |secret| {
        let mut page = ledger(secret);
        edit(&mut page);
        secret["metadata"]["annotations"][LEDGER] = json!(page.to_string());
    });
}

/// Issued so long ago that it is made again at once.
fn age(stage: &mut Stage<AccessToken>) {
    edit_ledger(stage, |page| page["issueTime"] = json!(LONG_AGO));
    stage.edit(|object| object["status"]["issueTime"] = json!(LONG_AGO));
}

fn fall_due(stage: &mut Stage<AccessToken>) {
    stage.edit(|object| object["spec"]["rotation"]["every"] = json!("2h"));
    age(stage);
}

fn lose(stage: &mut Stage<AccessToken>) {
    age(stage);
    stage.server.remove("secrets", "ci");
    stage.see();
}

fn damage(stage: &mut Stage<AccessToken>) {
    age(stage);
    touch(stage, |secret| secret["data"]["token"] = json!("AAAA"));
}

fn strip(stage: &mut Stage<AccessToken>) {
    age(stage);
    touch(stage, |secret| secret["metadata"]["annotations"] = json!({}));
}

/// Object and Secret come out of a backup: no status, and the Secret is that of an earlier uid.
fn restore(stage: &mut Stage<AccessToken>) {
    edit_ledger(stage, |page| page["owner"]["uid"] = json!("uid-before"));
    touch(stage, |secret| secret["metadata"]["ownerReferences"] = Value::Null);
    stage.edit(|object| object["status"] = Value::Null);
}

fn offer(stage: &mut Stage<AccessToken>) {
    let mut theirs = stage.secret("offered");
    theirs["metadata"] = json!({
        "name": "ci", "namespace": "ns", "uid": "uid-theirs", "annotations": {ADOPT: "AccessToken/ci"},
    });
    stage.server.put("secrets", theirs);
    stage.see();
}

/// The stage, and the token and the previous one that there are.
pub async fn beginning(from: Beginning) -> (Stage<AccessToken>, [Value; 2]) {
    let mut stage = Stage::new(json!({"rotation": {"overlap": "1h"}}));
    if let Nothing = from {
        // A token that somebody made elsewhere.
        stage.add("offered", json!({}));
        stage.rest_of("offered").await;
        let values = values(&stage.secret("offered"));
        return (stage, values);
    }
    stage.rest().await;
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    let values = values(&stage.secret("ci"));
    match from {
        Nothing | Overlap => {}
        Withheld => set_active(&mut stage, false),
        Revoked => stage.annotate(REVOKE, "leak"),
    }
    stage.rest().await;
    (stage, values)
}

fn values(secret: &Value) -> [Value; 2] {
    ["token", "previousToken"].map(|key| secret["data"][key].clone())
}

/// What there is, in words; the ledger names the copy that there is and no other, and status says the same.
pub fn outcome(stage: &Stage<AccessToken>, [current, previous]: &[Value; 2]) -> String {
    let (page, copy) = (stage.ledger(), stage.server.get("secrets", COPY));
    let named = copy.as_ref().map_or(&Value::Null, |copy| &copy["metadata"]["uid"]);
    assert_eq!(&page["held"]["uid"], named, "{page:#}");
    let status = &stage.object("ci")["status"];
    assert_eq!((&status["state"], &status["revision"]), (&page["state"], &page["revision"]));
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
    let state = page["state"].as_str().expect("a state");
    format!("{state} {}: {} in the Secret, {copy}", page["revision"], words(&stage.secret("ci")))
}

/// What the first pass asks for when nothing goes wrong.
pub async fn requests(from: Beginning, ask: Ask) -> Vec<(Method, &'static str)> {
    let (mut stage, _) = beginning(from).await;
    ask(&mut stage);
    stage.server.asked();
    stage.look().await.expect("nothing goes wrong");
    let asked = stage.server.asked();
    let is_asked = |(method, path): &(Method, &str)| {
        let request = format!("{method} {path}");
        asked.iter().any(|asked| asked.starts_with(&request))
    };
    let requests: Vec<_> = REQUESTS.into_iter().filter(is_asked).collect();
    assert!(requests.len() >= 2, "{asked:?}");
    requests
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_any_request_the_end_is_the_same_each_cause_acts_once_and_nothing_is_lost() {
    for (name, from, ask, end) in WORKS {
        for (method, path) in requests(from, ask).await {
            for (phase, answer) in FAULTS {
                // What is read is there: nobody says of it that it is not.
                if method == Method::GET && answer == Answer::Status(404) {
                    continue;
                }
                let dies = phase == Phase::Committed || answer == Answer::Silence;
                for heir in [Heir::Itself, Heir::Another].into_iter().take(if dies { 2 } else { 1 }) {
                    let at = format!("{name}: {method} {path} {phase:?} {answer:?}, {heir:?} goes on");
                    let (mut stage, was) = beginning(from).await;
                    ask(&mut stage);
                    stage.server.spoil(Fault { method: method.clone(), path, phase, answer });
                    let _ = stage.look().await;
                    assert!(stage.server.is_through(), "{at}: it was not asked for");
                    if heir == Heir::Another {
                        stage = stage.another_operator();
                        stage.see_account();
                    }
                    stage.rest().await;
                    assert_eq!(outcome(&stage, &was), end, "{at}");
                    if stage.ledger()["state"] == "Withheld" && stage.ledger()["revision"] != 0 {
                        set_active(&mut stage, true);
                        stage.rest().await;
                        assert_eq!(stage.secret("ci")["data"]["token"], was[0], "{at}: it comes back");
                    }
                    stage.was_consistent();
                }
            }
        }
    }
}

/// One pass of the one, and in the middle of it what another does.
pub async fn in_the_middle(
    one: &Stage<AccessToken>,
    (method, path): (Method, &'static str),
    phase: Phase,
    meanwhile: impl AsyncFnOnce(),
) {
    one.server.spoil(Fault { method, path, phase, answer: Answer::Late });
    let mut look = pin!(one.look());
    tokio::select! {
        biased;
        outcome = &mut look => panic!("{path} was not asked for: {outcome:?}"),
        () = one.server.reached() => {}
    }
    meanwhile().await;
    one.server.let_through();
    let _ = look.await;
}

/// Without a lease, or when that of the one has run out and it does not know yet.
#[tokio::test(start_paused = true)]
async fn an_operator_that_does_the_same_before_or_after_any_request_of_another_changes_nothing_of_the_end() {
    for (name, from, ask, end) in WORKS {
        for request in requests(from, ask).await {
            for phase in [Phase::Before, Phase::Committed] {
                let at = format!("{name}: the other one acts at {request:?}, {phase:?}");
                let (mut one, was) = beginning(from).await;
                ask(&mut one);
                let mut other = one.another_operator();
                other.see_account();
                in_the_middle(&one, request.clone(), phase, async || {
                    other.rest().await;
                })
                .await;
                one.rest().await;
                other.rest().await;
                assert_eq!(outcome(&one, &was), end, "{at}");
                one.was_consistent();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_changes_his_mind_while_it_is_done_loses_nothing_whichever_operator_hears_of_it() {
    for (active, from, end) in [
        (false, Overlap, "Live 2: current previous in the Secret, no copy"),
        (true, Withheld, "Withheld 2: nothing in the Secret, current previous in the copy"),
    ] {
        let ask: Ask =
            if active { |stage| set_active(stage, true) } else { |stage| set_active(stage, false) };
        for request in requests(from, ask).await {
            for phase in [Phase::Before, Phase::Committed] {
                let (mut one, was) = beginning(from).await;
                ask(&mut one);
                let mut other = one.another_operator();
                other.see_account();
                in_the_middle(&one, request.clone(), phase, async || {
                    set_active(&mut other, !active);
                    other.rest().await;
                })
                .await;
                one.rest().await;
                other.rest().await;
                assert_eq!(outcome(&one, &was), end, "{request:?} {phase:?}");
                one.was_consistent();
            }
        }
    }
}
