//! What a password costs that somebody brings, and what becomes of its line.

use std::time::Duration;

use chatelaine::{
    api::AccessToken,
    controller::{brought_passwords::forget, queue::Again},
    core::reason::Reason,
};
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::stage::{Stage, ledger};

const STATUS: &str = "PUT accounts/alice/status";
pub const SECRET: &str = "alice-password";
pub const GET_SECRET: &str = "GET secrets/alice-password";
const PUT_SECRET: &str = "PUT secrets/alice-password";
pub const GET_LOGIN: &str = "GET secrets/login";
pub const COPY: &str = "chatelaine-held-uid-alice";

pub fn brought() -> Value {
    json!({"secretRef": {"name": "login", "key": "password"}})
}

pub fn stage_with(password: Value) -> Stage<AccessToken> {
    let mut stage = Stage::new(json!({}));
    stage.delete_object("ci");
    stage.account(json!({"email": "alice@example.com", "password": password}));
    stage
}

pub fn login(stage: &Stage<AccessToken>, password: &[u8]) {
    let data = json!({"password": BASE64.encode(password)});
    let metadata = json!({"name": "login", "namespace": "ns", "uid": "uid-login"});
    stage.server.put("secrets", json!({"metadata": metadata, "data": data}));
}

pub async fn issued() -> Stage<AccessToken> {
    let mut stage = stage_with(brought());
    login(&stage, b"correct horse\n");
    rest(&mut stage).await;
    assert_eq!(page(&stage)["revision"], 1);
    stage
}

/// One pass, with caches that show what is there.
pub async fn pass(stage: &mut Stage<AccessToken>) -> Again {
    stage.see_account();
    stage.see_secret(SECRET);
    stage.see_secret(COPY);
    stage.look_at_account().await.expect("a pass")
}

/// Passes until nothing is asked any more and nothing is hashed; what was asked for.
pub async fn rest(stage: &mut Stage<AccessToken>) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..20 {
        pass(stage).await;
        let asked = stage.server.asked();
        let is_quiet = asked.iter().all(|one| one.starts_with("GET"));
        all.extend(asked);
        if !woken(stage).await && is_quiet {
            return all;
        }
    }
    panic!("it never comes to rest: {all:#?}");
}

/// Whether the Account is to be looked at again, once all is hashed: the clock stands still until then.
pub async fn woken(stage: &Stage<AccessToken>) -> bool {
    let queue = &stage.keeper.house.queue;
    let mut woken = false;
    while let Ok(key) = tokio::time::timeout(Duration::from_millis(1), queue.next()).await {
        queue.done(&key, Again::Never);
        woken = true;
    }
    woken
}

pub async fn a_minute_later() {
    tokio::time::advance(Duration::from_secs(61)).await;
}

pub fn account(stage: &Stage<AccessToken>) -> Value {
    stage.server.get("accounts", "alice").expect("it is there")
}

pub fn edit(stage: &mut Stage<AccessToken>, edit: impl FnOnce(&mut Value)) {
    let mut object = account(stage);
    edit(&mut object);
    stage.server.put("accounts", object);
}

/// `Type=Status Reason` of a condition of the password.
pub fn says(stage: &Stage<AccessToken>, kind: &str) -> String {
    let account = account(stage);
    let all = account["status"]["password"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|one| one["type"] == kind);
    let text = |one: &Value, field: &str| one[field].as_str().expect("text").to_owned();
    found.map_or_else(String::new, |one| format!("{} {}", text(one, "status"), text(one, "reason")))
}

pub fn page(stage: &Stage<AccessToken>) -> Value {
    ledger(&stage.secret(SECRET))
}

pub fn keys(stage: &Stage<AccessToken>) -> Vec<String> {
    stage.secret(SECRET)["data"].as_object().expect("data").keys().cloned().collect()
}

fn value(stage: &Stage<AccessToken>, key: &str) -> String {
    let value = stage.secret(SECRET)["data"][key].as_str().expect("it is there").to_owned();
    String::from_utf8(BASE64.decode(value.as_bytes()).unwrap()).unwrap()
}

pub fn lets_in(stage: &Stage<AccessToken>, password: &str) -> bool {
    let line = value(stage, "htpasswd");
    bcrypt::verify(password, line.strip_prefix("alice:").expect("her line")).expect("a hash")
}

fn writes(asked: &[String]) -> Vec<&str> {
    asked.iter().map(String::as_str).filter(|one| !one.starts_with("GET") && *one != STATUS).collect()
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_one_read_and_one_create_and_a_quiet_pass_asks_once_a_minute() {
    let mut stage = stage_with(brought());
    login(&stage, b"correct horse\n");
    let asked = rest(&mut stage).await;
    assert_eq!(asked, [GET_LOGIN, STATUS, "POST secrets", STATUS, STATUS]);
    assert_eq!(keys(&stage), ["htpasswd", "username"], "no copy of the password");
    assert_eq!(stage.secret(SECRET)["type"], "kubernetes.io/basic-auth");
    assert!(lets_in(&stage, "correct horse"));
    assert!(page(&stage)["digest"].as_str().unwrap().starts_with("htpasswd-sha256:"));
    assert_eq!(says(&stage, "Ready"), "True Issued");
    let again = pass(&mut stage).await;
    assert!(matches!(again, Again::In(pause) if pause <= Duration::from_secs(60)), "{again:?}");
    assert_eq!(stage.server.asked(), [""; 0]);
    a_minute_later().await;
    assert_eq!(rest(&mut stage).await, [GET_LOGIN], "its version, no more");
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_nothing_is_written() {
    let mut stage = issued().await;
    let before = (stage.secret(SECRET), account(&stage));
    forget(&stage.keeper.house, "uid-alice");
    assert_eq!(rest(&mut stage).await, [GET_LOGIN, GET_SECRET]);
    assert_eq!((stage.secret(SECRET), account(&stage)), before);
}

#[tokio::test(start_paused = true)]
async fn another_password_is_the_next_revision_in_one_write_and_the_old_line_ends_at_once() {
    let mut stage = issued().await;
    stage.told();
    login(&stage, b"battery staple");
    assert_eq!(rest(&mut stage).await, [""; 0], "nobody says so");
    a_minute_later().await;
    let asked = rest(&mut stage).await;
    assert_eq!(asked[..2], [GET_LOGIN, GET_LOGIN], "its version, and then itself");
    assert_eq!(writes(&asked), [PUT_SECRET], "{asked:?}");
    let page = page(&stage);
    assert_eq!((&page["revision"], &page["previous"]), (&json!(2), &Value::Null));
    assert_eq!(page["history"][1]["reason"], "Rotated");
    assert!(lets_in(&stage, "battery staple") && !lets_in(&stage, "correct horse"));
    assert_eq!(stage.told(), [Reason::Rotated]);
}

#[tokio::test(start_paused = true)]
async fn a_touched_secret_with_the_same_password_changes_nothing() {
    let mut stage = issued().await;
    let before = (stage.secret(SECRET), account(&stage));
    login(&stage, b"correct horse");
    a_minute_later().await;
    assert_eq!(rest(&mut stage).await, [GET_LOGIN, GET_LOGIN]);
    assert_eq!((stage.secret(SECRET), account(&stage)), before);
}

#[tokio::test(start_paused = true)]
async fn from_a_generated_password_to_one_that_is_brought_and_back_is_one_write_each() {
    let mut stage = stage_with(json!({}));
    rest(&mut stage).await;
    let generated = value(&stage, "password");
    // The same password again, in the user's own Secret: it leaves this one all the same.
    login(&stage, generated.as_bytes());
    edit(&mut stage, |account| account["spec"]["password"] = brought());
    let asked = rest(&mut stage).await;
    assert_eq!(writes(&asked), [PUT_SECRET], "{asked:?}");
    assert_eq!(keys(&stage), ["htpasswd", "username"]);
    assert_eq!((&page(&stage)["revision"], &page(&stage)["previous"]), (&json!(2), &Value::Null));
    assert!(lets_in(&stage, &generated));

    edit(&mut stage, |account| account["spec"]["password"] = json!({}));
    let asked = rest(&mut stage).await;
    assert_eq!(writes(&asked), [PUT_SECRET], "{asked:?}");
    assert_eq!(keys(&stage), ["htpasswd", "password", "username"]);
    assert_eq!(page(&stage)["revision"], 3);
    assert_ne!(value(&stage, "password"), generated);
    assert!(lets_in(&stage, &value(&stage, "password")));
    assert_eq!(rest(&mut stage).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn until_the_password_can_be_had_the_generated_one_stays_whole() {
    let mut stage = stage_with(json!({}));
    rest(&mut stage).await;
    let before = stage.secret(SECRET)["data"].clone();
    edit(&mut stage, |account| {
        account["spec"]["password"] = brought();
        account["metadata"]["annotations"]["chatelaine.dev/rotate-password"] = json!("1");
    });
    rest(&mut stage).await;
    assert_eq!(stage.secret(SECRET)["data"], before);
    assert_eq!(says(&stage, "Ready"), "True Issued", "what is valid is served");
    assert_eq!(says(&stage, "Reconciling"), "True PasswordNotFound");
}

#[tokio::test(start_paused = true)]
async fn without_the_password_nothing_is_made_and_it_is_looked_for_soon_and_then_each_minute() {
    let mut stage = stage_with(brought());
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let Again::In(pause) = pass(&mut stage).await else { panic!("it is looked for again") };
        pauses.push(pause.as_secs_f32().ceil() as u64);
        tokio::time::advance(pause).await;
    }
    assert!(pauses.iter().any(|pause| *pause <= 1) && pauses[11] >= 59, "{pauses:?}");
    assert!(stage.server.asked().iter().all(|one| one == GET_LOGIN || one == STATUS));
    assert_eq!(says(&stage, "Ready"), "False PasswordNotFound");
    assert_eq!(says(&stage, "Reconciling"), "True PasswordNotFound");
    login(&stage, b"at last it is here");
    a_minute_later().await;
    rest(&mut stage).await;
    assert_eq!(page(&stage)["revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_password_is_refused_with_advice_and_a_live_line_stays() {
    let mut live = issued().await;
    let before = live.secret(SECRET);
    let mut blank = stage_with(brought());
    let long = [b'x'; 73];
    for (password, reason, advice) in [
        (&b""[..], "PasswordNotFound", "is empty: put the password there"),
        (b"\n", "PasswordNotFound", "is empty: put the password there"),
        (b"1234567", "InvalidPassword", "choose a longer one"),
        (&long, "InvalidPassword", "choose a shorter one"),
        (b"not text \xff\xfe", "InvalidPassword", "is not text"),
        (b"of two\nlines", "InvalidPassword", "line breaks"),
        (b"with a NUL \0", "InvalidPassword", "control characters"),
    ] {
        for stage in [&mut live, &mut blank] {
            login(stage, password);
            a_minute_later().await;
            let asked = rest(stage).await;
            assert_eq!(writes(&asked), [""; 0], "{advice}");
            let told = account(stage)["status"].to_string();
            assert!(told.contains(advice) && told.contains("key password of the Secret login"), "{told}");
            let text = String::from_utf8_lossy(password);
            assert!(text.trim().is_empty() || !told.contains(&*text), "{told}");
            let hint = if reason == "InvalidPassword" { "Stalled" } else { "Reconciling" };
            assert_eq!(says(stage, hint), format!("True {reason}"));
        }
        assert_eq!(live.secret(SECRET), before, "{advice}");
        assert!(blank.server.get("secrets", SECRET).is_none(), "{advice}");
    }
    login(&live, b"correct horse");
    a_minute_later().await;
    rest(&mut live).await;
    assert_eq!((live.secret(SECRET), says(&live, "Ready")), (before, "True Issued".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_trigger_changes_nothing_and_that_is_said() {
    let mut stage = issued().await;
    let before = stage.secret(SECRET)["data"].clone();
    stage.told();
    edit(&mut stage, |account| {
        account["metadata"]["annotations"]["chatelaine.dev/rotate-password"] = json!("1");
    });
    assert_eq!(writes(&rest(&mut stage).await), [PUT_SECRET], "it is recorded");
    assert_eq!(stage.secret(SECRET)["data"], before);
    assert_eq!((&page(&stage)["revision"], &page(&stage)["handled"]["rotate"]), (&json!(1), &json!(["1"])));
    assert_eq!(stage.told(), [Reason::Updated]);
    assert_eq!(rest(&mut stage).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_users_secret_is_never_written_and_goes_with_nothing() {
    let mut stage = issued().await;
    login(&stage, b"battery staple");
    let before = stage.secret("login");
    a_minute_later().await;
    rest(&mut stage).await;
    edit(&mut stage, |account| account["spec"]["password"] = Value::Null);
    let asked = rest(&mut stage).await;
    assert_eq!(writes(&asked), ["DELETE secrets/alice-password"], "{asked:?}");
    assert_eq!(stage.secret("login"), before);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_asked_for_reads_the_users_secret_at_once() {
    let mut stage = issued().await;
    login(&stage, b"battery staple");
    edit(&mut stage, |account| {
        account["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"] = json!("now");
    });
    rest(&mut stage).await;
    assert!(lets_in(&stage, "battery staple"));
}
