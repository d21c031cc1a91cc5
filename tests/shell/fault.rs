//! What can go wrong with a request.

use http::Method;

/// What goes wrong with the next request of this method whose path begins so.
pub struct Fault {
    pub method: Method,
    pub path: &'static str,
    pub phase: Phase,
    pub answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It never arrives, or late.
    Before,
    /// It is done, and the answer is withheld, or late.
    Committed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Status(u16),
    Silence,
    /// Cut off in the middle of the object.
    Garbled,
    /// As it should be, from a server whose clock is an hour fast.
    Fast,
    /// As it should be, when it is let through.
    Late,
}
