//! What can go wrong with a request, by what is to be done about it. Never carries what a server answered.

use kube::core::Status;

use crate::{
    core::{lifecycle::Complaint, reason::Reason},
    credentials::MintError,
};

/// A request that did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// 409, or a precondition that does not hold: somebody was faster. Look again.
    #[error("somebody was faster")]
    Outrun,
    /// 404: the object is gone, and so is the work; or it is what was to be deleted, or the namespace, or the kind that is not
    /// installed.
    #[error("the object is gone")]
    Gone,
    /// The namespace is being deleted: nothing can be made there any more.
    #[error("the namespace is being deleted")]
    Terminating,
    #[error("the operator may not do this")]
    Forbidden,
    /// The server refuses what was sent, and will again.
    #[error("the API server refused the request ({code} {reason})")]
    Refused { code: u16, reason: String },
    /// Time-out, broken connection, 429, 5xx: it may or may not have happened.
    #[error("no clear answer from the API server ({0})")]
    Unclear(String),
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(&status),
            kube::Error::SerdeError(_) => Self::Unclear("unreadable answer".into()),
            _ => Self::Unclear("connection".into()),
        }
    }
}

impl Failure {
    fn of_status(status: &Status) -> Self {
        let causes = || status.details.iter().flat_map(|details| &details.causes);
        match status.code {
            409 => Self::Outrun,
            404 => Self::Gone,
            403 if causes().any(|cause| cause.reason == "NamespaceTerminating") => Self::Terminating,
            403 => Self::Forbidden,
            400 | 405 | 410 | 413 | 415 | 422 => {
                Self::Refused { code: status.code, reason: status.reason.clone() }
            }
            code => Self::Unclear(code.to_string()),
        }
    }

    /// What people are told while it is tried again.
    pub fn complaint(&self) -> Complaint {
        match self {
            Self::Forbidden => Complaint::waiting(
                Reason::Forbidden,
                "The operator may not do this in this namespace: compare its roles with those in deploy/, or see whether a \
                 ResourceQuota or a policy forbids it; tried again",
            ),
            Self::Refused { code, reason } => Complaint::waiting(
                Reason::ApiUnavailable,
                format!("The API server refused what the operator sent ({code} {reason}); tried again"),
            ),
            Self::Mint(MintError(why)) => Complaint::waiting(
                Reason::MintingFailed,
                format!("New material could not be made ({why}); tried again"),
            ),
            Self::Outrun | Self::Gone | Self::Terminating | Self::Unclear(_) => {
                Complaint::waiting(Reason::ApiUnavailable, "The API server gave no clear answer; tried again")
            }
        }
    }
}
