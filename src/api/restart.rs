//! Workloads that are restarted for new material: what users name, and what status says came of it.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule;

/// A workload to restart.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    /// What the workload is: a Deployment, a StatefulSet or a DaemonSet.
    pub kind: WorkloadKind,

    /// The name of the workload, in the same namespace as the credential. Example: web
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::workload_name())]
    pub name: String,
}

/// The kinds of workloads that have a pod template and roll it out.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

/// What came of a workload that spec.restart names.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Restarted {
    /// What the workload is: a Deployment, a StatefulSet or a DaemonSet.
    pub kind: WorkloadKind,

    /// The name of the workload, in the same namespace.
    #[schemars(length(max = 253))]
    pub name: String,

    /// The last revision of the Secret for which the workload was restarted, or did not need to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,

    /// Why the workload could not be restarted for the current revision, and what to do; absent if all is well. It
    /// is tried again after five minutes at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}
