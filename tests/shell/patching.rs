//! What this server makes of a patch, as a real one does.

use chatelaine::{api::AccessToken, controller::clock::Clock};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::server::Server;

fn stored() -> Server {
    let server = Server::new(Clock::default());
    server.put(
        "accesstokens",
        json!({
            "apiVersion": "chatelaine.dev/v1alpha1", "kind": "AccessToken",
            "metadata": {"name": "ci", "namespace": "ns", "uid": "uid-ci", "generation": 3},
            "spec": {"accountRef": {"name": "alice"}},
            "status": {"state": "Live", "revision": 1, "expiry": "Never Expires"},
        }),
    );
    server
}

fn there(server: &Server) -> Value {
    server.get("accesstokens", "ci").expect("it is there")
}

#[tokio::test]
async fn a_patch_of_the_status_is_merged_into_the_status_alone_and_onto_the_version_that_it_names() {
    let server = stored();
    let api: Api<AccessToken> = Api::namespaced(server.client(), "ns");
    let patch = async |patch: Value| {
        let answer = api.patch_status("ci", &PatchParams::default(), &Patch::Merge(patch)).await;
        answer.map(drop).map_err(|error| match error {
            kube::Error::Api(status) => status.code,
            other => panic!("{other}"),
        })
    };
    let before = there(&server);
    let version = before["metadata"]["resourceVersion"].clone();
    let change = json!({
        "metadata": {"resourceVersion": version, "labels": {"a": "b"}, "generation": 9},
        "spec": {"active": false},
        "status": {"state": "Revoked", "expiry": null},
    });
    assert_eq!(patch(change.clone()).await, Ok(()));
    let after = there(&server);
    assert_eq!(after["status"], json!({"state": "Revoked", "revision": 1}));
    assert_eq!(after["spec"], before["spec"]);
    assert_ne!(after["metadata"]["resourceVersion"], version);
    let timeless = |mut object: Value| {
        object["metadata"]["resourceVersion"] = json!(null);
        object["metadata"].clone()
    };
    assert_eq!(timeless(after.clone()), timeless(before), "neither labels nor another generation");

    assert_eq!(patch(change).await, Err(409), "that was the version before");
    assert_eq!(patch(json!({"status": {"state": "Revoked"}})).await, Ok(()));
    assert_eq!(there(&server), after, "what changes nothing makes no version");
    assert_eq!(patch(json!({"status": {"revision": 2}})).await, Ok(()), "without a version it is not asked");
    assert_eq!(there(&server)["status"]["revision"], 2);
}
