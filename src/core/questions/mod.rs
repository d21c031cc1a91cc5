//! The questions of the decision, in files of what they are about. [`lifecycle`](super::lifecycle) has their order.

pub(super) mod drift;
pub(super) mod ending;
pub(super) mod locking;
pub(super) mod minting;
pub(super) mod overlap;
pub(super) mod parent;
pub(super) mod reach;
pub(super) mod withholding;
