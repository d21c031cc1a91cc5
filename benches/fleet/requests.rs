//! What the API server says that it was asked: its own counters, before and after.

use std::{collections::BTreeMap, ops::Sub};

use anyhow::Result;
use kube::Client;

/// Requests of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub verb: String,
    /// With its subresource, as in RBAC.
    pub resource: String,
    pub code: String,
}

/// All requests so far. A watch counts when it is opened.
#[derive(Clone, Debug, Default)]
pub struct Count {
    answered: BTreeMap<Request, i64>,
    open: BTreeMap<String, i64>,
}

impl Count {
    pub async fn now(client: &Client) -> Result<Self> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let text = client.request_text(request).await?;
        let mut count = Self::default();
        for line in text.lines() {
            let Some((name, rest)) = line.split_once('{') else { continue };
            let Some((labels, value)) = rest.rsplit_once("} ") else { continue };
            let label = |name: &str| label(labels, name);
            let value = value.trim().parse::<f64>().unwrap_or_default() as i64;
            match name {
                "apiserver_request_total" => {
                    let resource = match label("subresource") {
                        "" => label("resource").to_owned(),
                        subresource => format!("{}/{subresource}", label("resource")),
                    };
                    let request =
                        Request { verb: label("verb").into(), resource, code: label("code").into() };
                    *count.answered.entry(request).or_default() += value;
                }
                // The server counts a watch as answered when it has ended.
                "apiserver_longrunning_requests" if label("verb") == "WATCH" => {
                    *count.open.entry(label("resource").into()).or_default() += value;
                }
                _ => {}
            }
        }
        Ok(count)
    }

    pub fn open_watches(&self, resource: &str) -> i64 {
        self.open.get(resource).copied().unwrap_or_default()
    }

    /// Requests for the resources that the operator works with, by verb and resource.
    pub fn by_verb(&self) -> BTreeMap<(String, String), i64> {
        let mut all: BTreeMap<(String, String), i64> = BTreeMap::new();
        for (request, number) in &self.answered {
            *all.entry((request.verb.clone(), request.resource.clone())).or_default() += number;
        }
        for (resource, number) in &self.open {
            *all.entry(("WATCH".to_owned(), resource.clone())).or_default() += number;
        }
        all.retain(|(_, resource), number| *number != 0 && is_ours(resource));
        all
    }

    pub fn writes(&self) -> i64 {
        self.sum(|verb, resource| !is_read(verb) && resource != "events")
    }

    pub fn reads(&self) -> i64 {
        self.sum(|verb, resource| is_read(verb) && resource != "events")
    }

    pub fn events(&self) -> i64 {
        self.sum(|_, resource| resource == "events")
    }

    /// Secrets that were asked to be made, also in vain.
    pub fn secret_posts(&self) -> i64 {
        self.sum(|verb, resource| verb == "POST" && resource == "secrets")
    }

    /// Statuses of Accounts that were written, also in vain.
    pub fn account_pictures(&self) -> i64 {
        self.sum(|verb, resource| verb == "PUT" && resource == "accounts/status")
    }

    fn sum(&self, which: impl Fn(&str, &str) -> bool) -> i64 {
        let all = self.by_verb();
        all.iter().filter(|((verb, resource), _)| which(verb, resource)).map(|(_, number)| number).sum()
    }
}

impl Sub<&Count> for Count {
    type Output = Count;

    fn sub(mut self, before: &Count) -> Count {
        for (request, number) in &before.answered {
            *self.answered.entry(request.clone()).or_default() -= number;
        }
        for (resource, number) in &before.open {
            *self.open.entry(resource.clone()).or_default() -= number;
        }
        self
    }
}

fn is_read(verb: &str) -> bool {
    ["GET", "LIST", "WATCH"].contains(&verb)
}

fn is_ours(resource: &str) -> bool {
    let resource = resource.split('/').next().unwrap_or_default();
    ["secrets", "events", "accounts", "accesstokens", "apikeypairs", "sshkeys"].contains(&resource)
}

/// The value of a label; none of those that matter has a quote in it.
fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    labels
        .split("\",")
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""))
        .map_or("", |value| value.trim_end_matches('"'))
}
