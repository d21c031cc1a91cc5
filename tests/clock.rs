//! A clock that disagrees with the API server's: nothing is taken away or replaced by it, and readiness says so.

#![cfg(feature = "operator")]

mod history;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::to_bytes, extract::Request, response::Response};
use chatelaine::{
    api::{AccessToken, Account, LEDGER, State},
    controller::{Readiness, Settings, client::connect, clock::Clock, run, run::Unwatched},
};
use history::{Hands, History, block_on, consistent, eventually, ledger, value};
use http::{HeaderValue, StatusCode, header::DATE};
use jiff::{SignedDuration, fmt::rfc2822};
use k8s_openapi::api::core::v1::Secret;
use kube::{Client, Config};
use serde_json::{Value, json};
use support::User;
use tokio::{
    net::TcpListener,
    sync::{Mutex, MutexGuard, oneshot},
    task::JoinHandle,
};

const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: i64 = 3_600;

/// The API server as seen through a door that tells another time: everything passes, but for its `Date`.
async fn behind(client: Client, skew: Arc<AtomicI64>) -> Config {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let pass = move |request: Request| pass(client.clone(), skew.clone(), request);
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(pass)).await });
    Config::new(format!("http://{address}").parse().expect("an address"))
}

async fn pass(client: Client, skew: Arc<AtomicI64>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    // Whom it is for is decided here.
    head.headers.remove("host");
    let answer = client.send(http::Request::from_parts(head, body.to_vec().into())).await;
    let Ok(mut answer) = answer else {
        let gone = Response::builder().status(StatusCode::BAD_GATEWAY).body(axum::body::Body::empty());
        return gone.expect("an answer");
    };
    if let Some(date) = answer.headers_mut().get_mut(DATE) {
        *date = shifted(date, skew.load(Ordering::Acquire));
    }
    answer.map(axum::body::Body::new)
}

fn shifted(date: &HeaderValue, seconds: i64) -> HeaderValue {
    let time =
        rfc2822::parse(date.to_str().expect("text")).expect("a date") + SignedDuration::from_secs(seconds);
    let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    text.parse().expect("a header")
}

async fn state(hands: &Hands, name: &str) -> Option<State> {
    hands.secret(name).await.map(|secret| ledger(&secret).state)
}

async fn holds(hands: &Hands, name: &str, key: &str) -> bool {
    hands.secret(name).await.is_some_and(|secret| value(&secret, key).is_some())
}

/// An operator behind a door that tells another time, and a namespace for it. It looks at all there are, so there is
/// one at a time.
struct Household {
    hands: Hands,
    skew: Arc<AtomicI64>,
    readiness: Readiness,
    running: JoinHandle<Result<(), Unwatched>>,
    stop: oneshot::Sender<()>,
    _alone: MutexGuard<'static, ()>,
}

impl Household {
    async fn begin(seconds: i64) -> Self {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let _alone = ALONE.lock().await;
        let control_plane = support::shared().await;
        let operator = control_plane.client_for(&User::Operator).await.expect("a client");
        let skew = Arc::new(AtomicI64::new(seconds));
        let clock = Clock::default();
        let client = connect(behind(operator, skew.clone()).await, clock.clone()).expect("a client");
        let readiness = Readiness::new(clock.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let stopping = async move {
            let _ = stopped.await;
        };
        let running = tokio::spawn(run(client, clock, Settings::default(), readiness.clone(), stopping));
        tokio::time::timeout(PATIENCE, readiness.filled()).await.expect("the caches are filled");
        let hands = Hands { client: control_plane.client(), namespace: control_plane.namespace().await };
        hands.create::<Account>("alice", json!({"email": "alice@example.com"})).await;
        Self { hands, skew, readiness, running, stop, _alone }
    }

    async fn token(&self, name: &str, mut spec: Value) {
        spec["accountRef"] = json!({"name": "alice"});
        self.hands.create::<AccessToken>(name, spec).await;
    }

    fn is_unready(&self) {
        let why = self.readiness.check().expect_err("the clocks disagree");
        assert!(why.contains("clocks"), "{why}");
    }

    async fn until_it_says_so(&self, name: &str) {
        eventually(&format!("{name} says so when it is due"), PATIENCE, async || {
            let token = self.hands.api::<AccessToken>().get(name).await.expect("it is there");
            let conditions = token.status.map(|status| status.common.conditions).unwrap_or_default();
            conditions.iter().any(|one| one.type_ == "Reconciling" && one.reason == "ClockSkew")
        })
        .await;
    }

    async fn end(self) {
        assert_eq!(self.readiness.check(), Ok(()));
        let _ = self.stop.send(());
        let ended = tokio::time::timeout(PATIENCE, self.running).await.expect("it ends when asked");
        ended.expect("and not by a panic").expect("nor because it lost a watch");
    }
}

#[test]
fn while_the_clocks_disagree_nothing_is_taken_away_and_afterwards_everything_that_is_due() {
    block_on(async {
        let household = Household::begin(HOUR).await;
        let hands = &household.hands;
        household.token("short", json!({"lifetime": "3s"})).await;
        household.token("overlapping", json!({"rotation": {"overlap": "3s"}})).await;
        eventually("both are issued: that needs no clock", PATIENCE, async || {
            holds(hands, "short", "token").await && holds(hands, "overlapping", "token").await
        })
        .await;
        hands.rotate::<AccessToken>("overlapping", "once").await;
        eventually("a person's wish needs no clock", PATIENCE, async || {
            holds(hands, "overlapping", "previousToken").await
        })
        .await;
        household.is_unready();
        household.until_it_says_so("short").await;
        // Long after both were due.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(state(hands, "short").await, Some(State::Live));
        assert!(holds(hands, "short", "token").await);
        assert!(holds(hands, "overlapping", "previousToken").await);

        household.skew.store(0, Ordering::Release);
        eventually("what is due is taken", PATIENCE, async || {
            state(hands, "short").await == Some(State::Expired)
                && !holds(hands, "overlapping", "previousToken").await
        })
        .await;
        assert!(!holds(hands, "short", "token").await);
        assert!(holds(hands, "overlapping", "token").await);
        household.end().await;
    });
}

/// As if the token had been issued so long ago.
async fn aged(hands: &Hands, name: &str, age: SignedDuration) {
    let secret = hands.secret(name).await.expect("it is issued");
    let mut page = ledger(&secret);
    for time in [&mut page.issue_time, &mut page.not_after].into_iter().flatten() {
        *time -= age;
    }
    if let Some(noted) = &mut page.schedule {
        noted.since -= age;
    }
    hands.merge::<Secret>(name, Hands::annotation(LEDGER, &page.to_text())).await;
}

#[test]
fn while_the_clocks_disagree_nothing_is_replaced_by_a_date_and_afterwards_each_once() {
    block_on(async {
        // The server's is the slow one: what this operator takes for due is not due yet.
        let household = Household::begin(-HOUR).await;
        let hands = &household.hands;
        let history = History::begin(hands.client.clone(), &hands.namespace).await;
        let replaced = ["every", "cron", "renewed"];
        for (name, spec) in replaced.into_iter().zip([
            json!({"rotation": {"every": "1h", "overlap": "10m"}}),
            json!({"rotation": {"cron": "*/10 * * * *", "overlap": "5m"}}),
            json!({"lifetime": "3h", "renewBefore": "2h"}),
        ]) {
            household.token(name, spec).await;
        }
        household.token("ending", json!({"lifetime": "1h"})).await;
        let all = ["every", "cron", "renewed", "ending"];
        for name in all {
            eventually("it is issued", PATIENCE, async || holds(hands, name, "token").await).await;
            aged(hands, name, SignedDuration::from_mins(100)).await;
        }
        for name in all {
            household.until_it_says_so(name).await;
        }
        household.is_unready();
        tokio::time::sleep(Duration::from_secs(3)).await;
        for name in all {
            let page = ledger(&hands.secret(name).await.expect("it is there"));
            assert_eq!((page.state, page.revision), (State::Live, 1), "{name}");
        }

        household.skew.store(0, Ordering::Release);
        eventually("what is due is done", PATIENCE, async || {
            for name in replaced {
                if !holds(hands, name, "previousToken").await {
                    return false;
                }
            }
            state(hands, "ending").await == Some(State::Expired)
        })
        .await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        history.settle(hands.client.clone(), &hands.namespace).await;
        for name in replaced {
            let found = consistent(&history.of(name), "token", "previousToken");
            assert_eq!((found.revision, found.values.len()), (2, 2), "{name} was replaced once");
        }
        assert_eq!(consistent(&history.of("ending"), "token", "previousToken").revision, 1);
        household.end().await;
    });
}
