//! An API server of a few lines: resource versions, preconditions, 409 and 404, answers that fail or never come.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};

use chatelaine::controller::clock::Clock;
use http::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, tz::TimeZone};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub use crate::fault::{Answer, Fault, Phase};

#[derive(Clone)]
pub struct Server {
    inner: Arc<Mutex<Inner>>,
    gate: Arc<Gate>,
    clock: Clock,
}

/// Where a request waits that is answered late.
#[derive(Default)]
struct Gate {
    reached: Notify,
    open: Notify,
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<Path, Value>,
    versions: u64,
    asked: Vec<Asked>,
    faults: Vec<Fault>,
    /// Every version of every Secret that there ever was.
    published: Vec<Value>,
    /// What a webhook makes of each Secret that is written.
    webhook: Option<Webhook>,
}

/// Gets the Secret and the version that it would have.
type Webhook = fn(&mut Value, u64);

/// Resource and name.
type Path = (String, String);

struct Asked {
    method: Method,
    path: String,
    body: Value,
    query: String,
}

type Reply = (u16, Value);

impl Server {
    pub fn new(clock: Clock) -> Self {
        Self { inner: Arc::default(), gate: Arc::default(), clock }
    }

    pub fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Client::new(service, "default")
    }

    /// Puts an object there, as somebody else would; replaces one of that name.
    pub fn put(&self, resource: &str, mut object: Value) {
        let mut inner = self.lock();
        let name = text(&object, "/metadata/name");
        object["metadata"]["resourceVersion"] = json!(inner.next_version());
        inner.keep(resource, &name, object);
    }

    pub fn remove(&self, resource: &str, name: &str) {
        self.lock().objects.remove(&(resource.into(), name.into()));
    }

    pub fn get(&self, resource: &str, name: &str) -> Option<Value> {
        self.lock().objects.get(&(resource.into(), name.into())).cloned()
    }

    pub fn all(&self, resource: &str) -> Vec<Value> {
        let inner = self.lock();
        inner.objects.iter().filter(|((of, _), _)| of == resource).map(|(_, object)| object.clone()).collect()
    }

    pub fn spoil(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Whether all that was to go wrong has gone wrong.
    pub fn is_through(&self) -> bool {
        self.lock().faults.is_empty()
    }

    /// Until a request waits that is to be answered late.
    pub async fn reached(&self) {
        self.gate.reached.notified().await;
    }

    pub fn let_through(&self) {
        self.gate.open.notify_one();
    }

    async fn wait(&self) {
        self.gate.reached.notify_one();
        self.gate.open.notified().await;
    }

    /// From now on every Secret that is written goes through this.
    pub fn admit(&self, webhook: Option<Webhook>) {
        self.lock().webhook = webhook;
    }

    /// What was asked since the last time, each as `VERB path`; none of it broke the house's rules of writing.
    pub fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut self.lock().asked);
        asked.iter().for_each(Asked::keeps_the_rules);
        asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// All versions of the Secrets of this name.
    pub fn published(&self, name: &str) -> Vec<Value> {
        let inner = self.lock();
        inner.published.iter().filter(|secret| secret["metadata"]["name"] == name).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let bytes = body.collect_bytes().await.expect("a body in memory");
        let asked = Asked {
            method: head.method,
            path: head
                .uri
                .path()
                .rsplit_once("/namespaces/ns/")
                .map_or(head.uri.path(), |at| at.1)
                .to_owned(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            query: head.uri.query().unwrap_or_default().to_owned(),
        };
        let fault = {
            let mut inner = self.lock();
            let meant = |fault: &Fault| fault.method == asked.method && asked.path.starts_with(fault.path);
            inner.faults.iter().position(meant).map(|at| inner.faults.remove(at))
        };
        let mut asked = asked;
        if asked.path.starts_with("secrets") && matches!(asked.method, Method::POST | Method::PUT) {
            let inner = self.lock();
            if let Some(webhook) = inner.webhook {
                webhook(&mut asked.body, inner.versions + 1);
            }
        }
        let late = fault.as_ref().filter(|fault| fault.answer == Answer::Late).map(|fault| fault.phase);
        if late == Some(Phase::Before) {
            self.wait().await;
        }
        let reply = match &fault {
            Some(Fault { phase: Phase::Before, .. }) if late.is_none() => None,
            Some(_) | None => Some(self.lock().serve(&asked)),
        };
        self.lock().asked.push(asked);
        if late == Some(Phase::Committed) {
            self.wait().await;
        }
        let answer = fault.map(|fault| fault.answer);
        let (code, body) = match (answer, reply) {
            (Some(Answer::Silence), _) => std::future::pending().await,
            (Some(Answer::Status(code)), _) => (code, status(code).1.to_string()),
            (Some(Answer::Garbled), reply) => {
                let body = reply.map(|(_, body)| body.to_string()).unwrap_or_default();
                (200, body[..body.len() / 2].to_owned())
            }
            (Some(Answer::Fast | Answer::Late) | None, Some((code, body))) => (code, body.to_string()),
            (Some(Answer::Fast | Answer::Late) | None, None) => {
                unreachable!("without a fault there is a reply")
            }
        };
        let hours = if answer == Some(Answer::Fast) { 1 } else { 0 };
        let now = self.clock.now() + SignedDuration::from_hours(hours);
        let date = now.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let answer =
            Response::builder().status(StatusCode::from_u16(code).expect("a code")).header("date", date);
        let answer = answer.body(Body::from(body.into_bytes())).expect("an answer");
        self.clock.hear(answer.headers());
        answer
    }
}

impl Inner {
    fn next_version(&mut self) -> String {
        self.versions += 1;
        self.versions.to_string()
    }

    fn keep(&mut self, resource: &str, name: &str, object: Value) {
        if resource == "secrets" {
            self.published.push(object.clone());
        }
        self.objects.insert((resource.into(), name.into()), object);
    }

    fn serve(&mut self, asked: &Asked) -> Reply {
        if asked.path == "/version" {
            return (
                200,
                json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0", "gitCommit": "",
                "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
            );
        }
        let mut parts = asked.path.split('/');
        let (resource, name, sub) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        match (asked.method.as_str(), name, sub) {
            ("POST", None, None) => self.create(resource, asked.body.clone()),
            ("GET", Some(name), None) => {
                let found = self.objects.get(&(resource.to_owned(), name.to_owned()));
                found.map_or_else(|| status(404), |object| (200, object.clone()))
            }
            ("PUT", Some(name), sub @ (None | Some("status"))) => {
                self.replace(resource, name, sub, asked.body.clone())
            }
            ("PATCH", Some(name), sub @ (None | Some("status"))) => {
                self.merge(resource, name, sub, &asked.body)
            }
            ("DELETE", Some(name), None) => self.delete(resource, name, &asked.body),
            _ => status(405),
        }
    }

    fn create(&mut self, resource: &str, mut object: Value) -> Reply {
        let name = text(&object, "/metadata/name");
        if self.objects.contains_key(&(resource.to_owned(), name.clone())) {
            return status(409);
        }
        let version = self.next_version();
        object["metadata"]["uid"] = json!(format!("uid-{version}"));
        object["metadata"]["resourceVersion"] = json!(version);
        self.keep(resource, &name, object.clone());
        (201, object)
    }

    fn replace(&mut self, resource: &str, name: &str, sub: Option<&str>, body: Value) -> Reply {
        let Some(there) = self.objects.get(&(resource.to_owned(), name.to_owned())).cloned() else {
            return status(404);
        };
        let differs = |field: &str| {
            let field = format!("/metadata/{field}");
            body.pointer(&field).is_some_and(|sent| Some(sent) != there.pointer(&field))
        };
        // The status endpoint does not look at the uid, as a real server does not.
        if differs("resourceVersion") || (sub.is_none() && differs("uid")) {
            return status(409);
        }
        let is_fixed = sub.is_none() && there["immutable"] == true;
        if is_fixed && (body["immutable"] != true || body["data"] != there["data"]) {
            return status(422);
        }
        let mut object = match sub {
            Some(_) => Value::clone(&there),
            None => body.clone(),
        };
        if sub.is_some() {
            object["status"] = body["status"].clone();
        }
        if object == there {
            return (200, there);
        }
        object["metadata"]["resourceVersion"] = json!(self.next_version());
        self.keep(resource, name, object.clone());
        (200, object)
    }

    /// RFC 7396; into the status alone, if it is that which is patched, and only then without another generation.
    fn merge(&mut self, resource: &str, name: &str, sub: Option<&str>, patch: &Value) -> Reply {
        let Some(there) = self.objects.get(&(resource.to_owned(), name.to_owned())).cloned() else {
            return status(404);
        };
        let version = "/metadata/resourceVersion";
        if patch.pointer(version).is_some_and(|sent| Some(sent) != there.pointer(version)) {
            return status(409);
        }
        let mut object = there.clone();
        match (sub, patch.get("status")) {
            (Some(_), Some(status)) => merge(&mut object["status"], status),
            (Some(_), None) => {}
            (None, _) => merge(&mut object, patch),
        }
        if object == there {
            return (200, there);
        }
        if object["spec"] != there["spec"] {
            let generation = there["metadata"]["generation"].as_i64().unwrap_or_default();
            object["metadata"]["generation"] = json!(generation + 1);
        }
        object["metadata"]["resourceVersion"] = json!(self.next_version());
        self.keep(resource, name, object.clone());
        (200, object)
    }

    fn delete(&mut self, resource: &str, name: &str, options: &Value) -> Reply {
        let path = (resource.to_owned(), name.to_owned());
        let Some(there) = self.objects.get(&path) else { return status(404) };
        if options.pointer("/preconditions/uid").is_some_and(|uid| *uid != there["metadata"]["uid"]) {
            return status(409);
        }
        self.objects.remove(&path);
        status(200)
    }
}

impl Asked {
    /// Every replace says what it was decided on, every delete whom it means, and nothing is forced.
    fn keeps_the_rules(&self) {
        let Self { method, path, body, query } = self;
        let says = |field: &str| body.pointer(field).is_some_and(Value::is_string);
        assert!(!query.contains("force"), "a forced apply: {method} {path}");
        // Triggers too stay as they are: what is taken away GitOps would put back, and it would act again.
        let is_ours =
            ["accounts", "apikeypairs", "sshkeys", "accesstokens"].iter().any(|kind| path.starts_with(kind));
        let is_told = method == Method::GET || path.ends_with("/status");
        assert!(!is_ours || is_told, "somebody's object is edited: {method} {path}");
        match (method.as_str(), path.starts_with("secrets")) {
            ("PUT", true) => {
                assert!(
                    says("/metadata/resourceVersion") && says("/metadata/uid"),
                    "decided on nothing: {path}"
                );
                assert!(body.get("stringData").is_none(), "stringData keeps what was removed: {path}");
            }
            ("PUT", false) => {
                assert!(path.ends_with("/status"), "what people write is replaced: {path}");
                assert!(says("/metadata/resourceVersion"), "decided on nothing: {path}");
            }
            ("DELETE", _) => {
                assert!(path.contains('/'), "a collection is deleted: {path}");
                assert!(says("/preconditions/uid"), "a name is deleted, not an object: {path}");
            }
            ("PATCH", true) => panic!("a Secret is patched: {path}"),
            ("PATCH", false) if !path.starts_with("events") => {
                assert!(says("/metadata/resourceVersion"), "decided on nothing: {path}");
                let is_ours = path.ends_with("/status") || query.contains("fieldManager=chatelaine");
                assert!(is_ours, "set by nobody: {path}");
            }
            _ => {}
        }
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (key, value) in patch {
        match value {
            Value::Null => drop(fields.remove(key)),
            value => merge(fields.entry(key).or_insert(Value::Null), value),
        }
    }
}

fn status(code: u16) -> Reply {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        _ => "Unknown",
    };
    let outcome = if code < 300 { "Success" } else { "Failure" };
    let body = json!({"apiVersion": "v1", "kind": "Status", "status": outcome, "code": code,
        "reason": reason, "message": "the server says so", "metadata": {}});
    (code, body)
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
