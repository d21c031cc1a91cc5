//! The sentences of admission about a token of a pair: it is short-lived, and cares for itself.

use kube::core::Rule;

use super::rule::seconds;

/// What holds of every other credential holds of one that is no part of a pair.
fn of_a_pair(demand: &str) -> Rule {
    Rule::new(format!("!has(self.apiKeyPairRef) || ({demand})"))
}

pub fn renews_itself() -> Rule {
    of_a_pair("!has(self.renewBefore)")
        .message("a token of a pair is renewed by itself at two thirds of its life: remove renewBefore")
        .field_path(".renewBefore")
}

pub fn has_no_schedule() -> Rule {
    of_a_pair("!has(self.rotation) || !(has(self.rotation.every) || has(self.rotation.cron))")
        .message(
            "a token of a pair is renewed by itself at two thirds of its life: remove every and cron, and give a \
             lifetime to have it renewed more or less often",
        )
        .field_path(".rotation")
}

pub fn lifetime_ends() -> Rule {
    of_a_pair("!has(self.lifetime) || self.lifetime != 'never'")
        .message(
            "a token of a pair is short-lived: give a lifetime such as 12h, remove it to have 24h, or remove \
             apiKeyPairRef for a token that stands for itself",
        )
        .field_path(".lifetime")
}

/// Below that there would be less than a minute from the issue to the renewal. A malformed duration is spoken of by its
/// own rule.
pub fn lifetime_is_long_enough() -> Rule {
    of_a_pair(&format!(
        "!has(self.lifetime) || self.lifetime == 'never' || {} >= 120",
        seconds("self.lifetime")
    ))
    .message("the lifetime of a token of a pair must be at least 2m, so that there is time to renew it: lengthen it")
    .field_path(".lifetime")
}

pub fn warning_within_its_day() -> Rule {
    of_a_pair(&format!(
        "!has(self.warnBefore) || has(self.lifetime) || has(self.expirationTime) || {} < 86400",
        seconds("self.warnBefore")
    ))
    .message("warnBefore must be shorter than the 24h that a token of a pair lives: shorten it, or give a lifetime")
    .field_path(".warnBefore")
}

/// Nobody attends to a retained Secret: the token in it would outlive its pair.
pub fn is_not_retained() -> Rule {
    of_a_pair("self.deletionPolicy != 'Retain'")
        .message("a token of a pair cannot outlive its object: remove deletionPolicy, or write Delete")
        .field_path(".deletionPolicy")
}
