//! The least that issuing can cost: one POST and one status write for each credential, and nothing else.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use chatelaine::api::{AccessToken, LEDGER};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams, Request},
    core::PartialObjectMeta,
};
use serde_json::{Value, json};
use support::{Operator, User};

use crate::{
    OPERATOR,
    process::cpu_of,
    stage::{Stage, crew, token, token_name},
};

pub struct Floor {
    pub number: usize,
    pub took: Duration,
    /// CPU of the servers, and of the bare client.
    pub servers: Duration,
    pub own: Duration,
    /// How long the two bodies are.
    pub bytes: [usize; 2],
}

impl Floor {
    pub fn rate(&self) -> f64 {
        self.number as f64 / self.took.as_secs_f64()
    }
}

/// A Secret and a status that the operator made, to be repeated for other objects at the same length.
pub struct Pattern {
    name: String,
    uid: String,
    secret: String,
    secret_uid: String,
    secret_version: String,
    status: String,
}

impl Pattern {
    /// Lets the operator make one.
    pub async fn take(stage: &Stage) -> Result<Self> {
        let name = token_name(0);
        let accounts = Api::<chatelaine::api::Account>::namespaced(stage.plane.client(), "default");
        let account = json!({
            "apiVersion": "chatelaine.dev/v1alpha1", "kind": "Account",
            "metadata": {"name": "account-xyz"},
            "spec": {"email": "fleet@example.com", "permissions": ["servers:*", "dns:read"]},
        });
        accounts.create(&PostParams::default(), &serde_json::from_value(account)?).await?;
        let mut ready = stage.count_ready().await?;
        stage.tokens().create(&PostParams::default(), &token(&name, "account-xyz")?).await?;
        let operator = Operator::start(&stage.plane, OPERATOR, &[]).await?;
        ready.wait(1).await?;
        operator.stop().await?;
        let made = stage.tokens().get(&name).await?;
        let secrets: Api<Secret> = Api::default_namespaced(stage.plane.client());
        let mut secret = secrets.get(&name).await?;
        let pattern = |secret: &mut Secret| {
            let meta = &mut secret.metadata;
            meta.managed_fields = None;
            meta.creation_timestamp = None;
            (meta.uid.take().unwrap_or_default(), meta.resource_version.take().unwrap_or_default())
        };
        let (secret_uid, secret_version) = pattern(&mut secret);
        anyhow::ensure!(secret.annotations().contains_key(LEDGER), "the operator's Secret has no ledger");
        let status = serde_json::to_string(&made.status.as_ref().context("no status")?)?;
        // Whoever looks at the floor's objects next must not find one that is not of the floor.
        secrets.delete(&name, &DeleteParams::default()).await?;
        stage.tokens().delete(&name, &DeleteParams::default()).await?;
        Ok(Self {
            uid: made.uid().context("no uid")?,
            secret: serde_json::to_string(&secret)?,
            name,
            secret_uid,
            secret_version,
            status,
        })
    }

    fn secret_of(&self, token: &AccessToken) -> String {
        self.secret
            .replace(&self.uid, &token.uid().unwrap_or_default())
            .replace(&self.name, &token.name_any())
    }

    fn status_of(&self, token: &AccessToken, secret: &PartialObjectMeta<Secret>) -> Result<Vec<u8>> {
        let status = self
            .status
            .replace(&self.secret_uid, &secret.uid().unwrap_or_default())
            .replace(
                &format!("\"{}\"", self.secret_version),
                &format!("\"{}\"", secret.resource_version().unwrap_or_default()),
            )
            .replace(&self.name, &token.name_any());
        Ok(serde_json::to_vec(&json!({
            "apiVersion": "chatelaine.dev/v1alpha1",
            "kind": "AccessToken",
            "metadata": {
                "name": token.name_any(),
                "namespace": token.namespace(),
                "uid": token.uid(),
                "resourceVersion": token.resource_version(),
            },
            "status": serde_json::from_str::<Value>(&status)?,
        }))?)
    }
}

/// With the operator's rights, because checking them is part of what the server does.
pub async fn measure(stage: &Stage, pattern: &Pattern, tokens: &[AccessToken]) -> Result<Floor> {
    let client = stage.plane.client_for(&User::Operator).await?;
    let number = tokens.len();
    let first = tokens.first().context("no credentials")?;
    let none = PartialObjectMeta::default();
    let bytes = [pattern.secret_of(first).len(), pattern.status_of(first, &none)?.len()];
    // Prepared before the clock runs.
    let secrets: Vec<(AccessToken, String)> =
        tokens.iter().map(|token| (token.clone(), pattern.secret_of(token))).collect();
    let pattern = Arc::new(Pattern {
        name: pattern.name.clone(),
        uid: pattern.uid.clone(),
        secret: String::new(),
        secret_uid: pattern.secret_uid.clone(),
        secret_version: pattern.secret_version.clone(),
        status: pattern.status.clone(),
    });
    let mut ready = stage.count_ready().await?;
    let (servers, me) = (stage.plane.process_ids(), [std::process::id()]);
    let (servers_before, own_before) = (cpu_of(&servers)?, cpu_of(&me)?);
    let began = Instant::now();
    crew(secrets, move |(token, secret)| {
        let (client, pattern) = (client.clone(), pattern.clone());
        async move {
            let request = Request::new("/api/v1/namespaces/default/secrets")
                .create(&PostParams::default(), secret.into_bytes())?;
            let secret: PartialObjectMeta<Secret> = client.request(request).await?;
            let body = pattern.status_of(&token, &secret)?;
            let request = Request::new("/apis/chatelaine.dev/v1alpha1/namespaces/default/accesstokens")
                .replace_subresource("status", &token.name_any(), &PostParams::default(), body)?;
            let _: PartialObjectMeta<AccessToken> = client.request(request).await?;
            Ok(())
        }
    })
    .await?;
    ready.wait(number).await?;
    let took = began.elapsed();
    let (servers, own) = (cpu_of(&servers)? - servers_before, cpu_of(&me)? - own_before);
    Ok(Floor { number, took, servers, own, bytes })
}
