//! A real Kubernetes control plane on loopback, for tests and for `make up`.
//!
//! | file | idea |
//! |---|---|
//! | [`checkout`] | where things are: this checkout, the cache folder |
//! | [`binaries`] | finds etcd, kube-apiserver, kube-controller-manager and kubectl, or builds them once |
//! | [`leash`] | child processes that end when this process ends, however it ends |
//! | [`scratch`] | throw-away folders that a later run removes if this one cannot |
//! | [`ports`] | loopback ports that two runs on one machine never both take |
//! | [`servers`] | the command lines of the three servers, and what they need on disk |
//! | [`cluster`] | a running API server as seen by a named user: clients, kubeconfigs, kubectl |
//! | [`install`] | CRDs and RBAC, as `deploy/` has them |
//! | [`control_plane`] | the three servers as a value: started, restarted, ended on drop |
//! | [`operator`] | the product's binary as a value |
//! | [`shared`] | one control plane, and one operator, for all tests of a test binary |
//!
//! ```no_run
//! # async fn a_test() -> anyhow::Result<()> {
//! let control_plane = support::shared().await;
//! let namespace = control_plane.namespace().await;
//! let secrets: kube::Api<k8s_openapi::api::core::v1::Secret> =
//!     kube::Api::namespaced(control_plane.client(), &namespace);
//! # Ok(()) }
//! ```

pub mod binaries;
pub mod checkout;
pub mod cluster;
pub mod control_plane;
pub mod install;
pub mod leash;
pub mod operator;
pub mod ports;
pub mod scratch;
pub mod servers;
pub mod shared;
pub mod skip;

pub use cluster::{Cluster, Kubectl, User, collection};
pub use control_plane::ControlPlane;
pub use operator::Operator;
pub use shared::{own, shared, shared_operator};
pub use skip::skip;
