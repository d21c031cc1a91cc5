//! What every kind has in the same place: written once, for all of them.

use kube::core::object::{HasSpec, HasStatus};

use crate::{
    api::{CredentialSpec, CredentialStatus},
    every_kind,
};

/// The common part of `spec` and `status`.
pub trait Shared: HasSpec + HasStatus {
    fn common(&self) -> &CredentialSpec;
    fn common_mut(&mut self) -> &mut CredentialSpec;
    /// `spec.rotation.overlap`.
    fn overlap(&self) -> Option<&str>;
    fn common_status(&self) -> Option<&CredentialStatus>;
}

macro_rules! share {
    ($($kind:ty),+) => {$(
        impl Shared for $kind {
            fn common(&self) -> &CredentialSpec {
                &self.spec.common
            }

            fn common_mut(&mut self) -> &mut CredentialSpec {
                &mut self.spec.common
            }

            fn overlap(&self) -> Option<&str> {
                self.spec.rotation.as_ref()?.overlap.as_deref()
            }

            fn common_status(&self) -> Option<&CredentialStatus> {
                Some(&self.status.as_ref()?.common)
            }
        }
    )+};
}
every_kind!(share);
