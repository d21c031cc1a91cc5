//! A clock that disagrees with the API server's: nothing is taken away by it, and readiness says so.

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
    api::{AccessToken, Account, State},
    controller::{Readiness, Settings, client::connect, clock::Clock, run},
};
use history::{Hands, block_on, eventually, ledger, value};
use http::{HeaderValue, StatusCode, header::DATE};
use jiff::{SignedDuration, fmt::rfc2822};
use kube::{Client, Config};
use serde_json::json;
use support::User;
use tokio::{net::TcpListener, sync::oneshot};

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

#[test]
fn while_the_clocks_disagree_nothing_is_taken_away_and_afterwards_everything_that_is_due() {
    block_on(async {
        let control_plane = support::shared().await;
        let operator = control_plane.client_for(&User::Operator).await.expect("a client");
        let skew = Arc::new(AtomicI64::new(HOUR));
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
        let of_alice = json!({"accountRef": {"name": "alice"}, "lifetime": "3s"});
        hands.create::<AccessToken>("short", of_alice).await;
        let overlapping = json!({"accountRef": {"name": "alice"}, "rotation": {"overlap": "3s"}});
        hands.create::<AccessToken>("overlapping", overlapping).await;
        eventually("both are issued: that needs no clock", PATIENCE, async || {
            holds(&hands, "short", "token").await && holds(&hands, "overlapping", "token").await
        })
        .await;
        hands.rotate::<AccessToken>("overlapping", "once").await;
        eventually("a person's wish needs no clock", PATIENCE, async || {
            holds(&hands, "overlapping", "previousToken").await
        })
        .await;

        let why = readiness.check().expect_err("the clocks disagree");
        assert!(why.contains("clocks"), "{why}");
        eventually("the object says so when it is due", PATIENCE, async || {
            let token = hands.api::<AccessToken>().get("short").await.expect("it is there");
            let conditions = token.status.map(|status| status.common.conditions).unwrap_or_default();
            conditions.iter().any(|one| one.type_ == "Reconciling" && one.reason == "ClockSkew")
        })
        .await;
        // Long after both were due.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(state(&hands, "short").await, Some(State::Live));
        assert!(holds(&hands, "short", "token").await);
        assert!(holds(&hands, "overlapping", "previousToken").await);

        skew.store(0, Ordering::Release);
        eventually("what is due is taken", PATIENCE, async || {
            state(&hands, "short").await == Some(State::Expired)
                && !holds(&hands, "overlapping", "previousToken").await
        })
        .await;
        assert!(!holds(&hands, "short", "token").await);
        assert!(holds(&hands, "overlapping", "token").await);
        assert_eq!(readiness.check(), Ok(()));
        let _ = stop.send(());
        let ended = tokio::time::timeout(PATIENCE, running).await.expect("it ends when asked");
        ended.expect("and not by a panic").expect("nor because it lost a watch");
    });
}
