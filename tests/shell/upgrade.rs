//! What an operator of today left in the cluster means the same to every later one. The stories in `frozen/` are its very
//! words, and no code makes them anew: where one does not hold any more, all credentials of its kind would get new values
//! when the operator is upgraded. The keys in them guard nothing.

use std::{fs, path::Path};

use chatelaine::{
    api::{AccessToken, ApiKeyPair, LEDGER, SshKey},
    credentials::Credential,
};
use serde_json::{Value, json};

use crate::stage::{Stage, ledger};

/// A credential, its Account and its Secrets, as they were.
struct Story {
    name: String,
    text: Value,
}

fn stories(kind: &str) -> Vec<Story> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shell/frozen");
    let files = fs::read_dir(folder).expect("the stories").map(|entry| entry.expect("a file").path());
    let story = |path: &Path| {
        let text = fs::read_to_string(path).expect("a story");
        Story { name: path.display().to_string(), text: serde_json::from_str(&text).expect("JSON") }
    };
    files.map(|path| story(&path)).filter(|story| story.text["object"]["kind"] == kind).collect()
}

/// What must stay: everything in the Secrets but who wrote them when.
fn secrets<K: Credential>(stage: &Stage<K>, story: &Story) -> Vec<Value> {
    let names = story.text["secrets"].as_array().expect("Secrets").iter();
    let mut all: Vec<_> =
        names.map(|secret| stage.secret(secret["metadata"]["name"].as_str().expect("a name"))).collect();
    for secret in &mut all {
        secret["metadata"]["resourceVersion"] = json!(null);
    }
    all
}

/// What must stay of a status: the days run on, and the versions are this server's.
fn status<K: Credential>(stage: &Stage<K>) -> Value {
    let mut status = stage.object("ci")["status"].clone();
    status["expiry"] = json!(null);
    status["secretRef"]["resourceVersion"] = json!(null);
    for condition in status["conditions"].as_array_mut().expect("conditions") {
        condition["lastTransitionTime"] = json!(null);
    }
    status
}

fn staged<K: Credential>(story: &Story) -> Stage<K> {
    let mut stage = Stage::<K>::new(json!({}));
    stage.server.put("accounts", story.text["account"].clone());
    stage.see_account();
    stage.server.put(&K::plural(&()), story.text["object"].clone());
    for secret in story.text["secrets"].as_array().expect("Secrets") {
        stage.server.put("secrets", secret.clone());
    }
    stage
}

async fn means_the_same<K: Credential>(least: usize) {
    let stories = stories(K::KIND);
    assert!(stories.len() >= least, "{} stories of {}", stories.len(), K::KIND);
    for story in stories {
        let name = &story.name;
        let mut stage = staged::<K>(&story);
        let (before, told) = (secrets(&stage, &story), status(&stage));
        let asked = stage.rest().await;
        let writes = |asked: &[String]| {
            let written = asked.iter().filter(|asked| !asked.starts_with("GET "));
            written.filter(|asked| **asked != stage.status_path()).count()
        };
        assert_eq!(writes(&asked), 0, "{name}: {asked:?}");
        assert_eq!(secrets(&stage, &story), before, "{name}");
        assert_eq!(status(&stage), told, "{name}");

        // Without a status the Secret alone says as much.
        stage.edit(|object| object["status"] = json!(null));
        stage.rest().await;
        assert_eq!(secrets(&stage, &story), before, "{name}: without a status");

        // A word of a later operator that this one does not know.
        let mut newer = stage.secret("ci");
        let mut page = ledger(&newer);
        page["later"] = json!({"any": ["thing"]});
        newer["metadata"]["annotations"][LEDGER] = json!(page.to_string());
        stage.server.put("secrets", newer);
        stage.rest().await;
        assert_eq!(stage.secret("ci")["data"], before[0]["data"], "{name}: an unknown word");
        assert_eq!(stage.ledger()["revision"], ledger(&before[0])["revision"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_written_of_a_token_means_the_same_for_ever() {
    means_the_same::<AccessToken>(4).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_written_of_a_pair_means_the_same_for_ever() {
    means_the_same::<ApiKeyPair>(3).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_written_of_a_key_means_the_same_for_ever() {
    means_the_same::<SshKey>(4).await;
}

#[test]
fn the_stories_have_a_word_of_every_cause_and_state() {
    let all: String = ["AccessToken", "ApiKeyPair", "SshKey"]
        .into_iter()
        .flat_map(stories)
        .flat_map(|story| story.text["secrets"].as_array().cloned().unwrap_or_default())
        .map(|secret| ledger(&secret).to_string())
        .collect();
    let reasons = [
        "Issued",
        "Rotated",
        "Renewed",
        "RolledBack",
        "SecretRecreated",
        "SecretRepaired",
        "Restored",
        "Adopted",
    ];
    for word in reasons.into_iter().chain(["Live", "Withheld", "Expired", "Revoked"]) {
        assert!(all.contains(&format!("\"{word}\"")), "{word}");
    }
}
