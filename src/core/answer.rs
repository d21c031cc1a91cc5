//! What a decision can be: one write, or rest and what stands in the way.

use jiff::Timestamp;

use super::{ledger::Copy, page::Page, reason::Reason};

/// What is to be done now: at most one write.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Nothing; what stands in the way, if anything does.
    Rest(Option<Complaint>),
    /// Create or replace the Secret.
    Write(Box<Page>),
    /// Create the seal, without which nothing is encrypted.
    Seal,
    /// Create the copy from the material in the Secret.
    Hold,
    /// Remove the previous material from the copy.
    Trim,
    /// Write anew whose the copy is: this object's, owned by it or not, as the spec asks.
    Reown,
    /// Delete this copy.
    Discard(Copy),
}

/// What stands in the way, and who can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub reason: Reason,
    pub message: String,
    pub remedy: Remedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Only somebody can: by a change that will be seen.
    Person,
    /// It passes by itself, or by a change elsewhere.
    Waiting { look_again: Option<Timestamp> },
}

/// The answer to one question.
pub(super) enum Answer {
    No,
    Yes(Act),
    /// It should be, but cannot; the next questions are asked all the same.
    Blocked(Complaint),
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self::Yes(Act::Write(Box::new(page)))
    }
}

impl Complaint {
    pub fn person(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), remedy: Remedy::Person }
    }

    pub fn waiting(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), remedy: Remedy::Waiting { look_again: None } }
    }

    pub fn until(self, time: Timestamp) -> Self {
        Self { remedy: Remedy::Waiting { look_again: Some(time) }, ..self }
    }

    /// Rest: no further question is asked.
    pub(in crate::core) fn stop(self) -> Answer {
        Answer::Yes(Act::Rest(Some(self)))
    }
}
