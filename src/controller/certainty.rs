//! How much an act may rest on the word of caches, which may be behind.

use crate::core::{lifecycle::Act, page::Current, policy::Source, scene::Scene};

/// Where the object was seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Word {
    OfTheCache,
    OfTheServer,
}

/// Whether the Secret has to be read first: nothing is written on their word but a first Secret, whose create the
/// server refuses if there is one, and no Secret is called lost, or not there yet.
pub fn needs_look(scene: &Scene, act: &Act) -> bool {
    match act {
        Act::Rest(_) => scene.lost().is_some() || scene.restore_awaited().is_some(),
        Act::Write(_) | Act::Seal | Act::Hold | Act::Trim | Act::Reown | Act::Discard(_) => !scene.is_blank(),
    }
}

/// Whether the object has to be read first: what is dead comes to life, and an uploaded key is replaced, only by what the
/// spec says now. Nothing in the Secret could tell that a cache still shows a date or a key that was taken back since.
pub fn needs_the_object(scene: &Scene, act: &Act) -> bool {
    match act {
        Act::Write(page) => {
            let is_new = matches!(page.current, Current::Mint { .. } | Current::Brought);
            let is_uploaded = matches!(scene.policy.source, Source::Brought { .. });
            is_new && scene.told().is_some_and(|told| told.is_dead() || is_uploaded)
        }
        Act::Rest(_) | Act::Seal | Act::Hold | Act::Trim | Act::Reown | Act::Discard(_) => false,
    }
}
