//! The sentences of admission about what is replaced by itself, and when.

use kube::core::Rule;

use super::rule::{matches, seconds};

/// One item of a field: all, a value or a range, and a step.
const CRON_ITEM: &str = "([*]|([0-9]{1,2}|[A-Za-z]{3})(-([0-9]{1,2}|[A-Za-z]{3}))?)(/[0-9]{1,2})?";

pub fn renewal_needs_a_lifetime() -> Rule {
    Rule::new(
        "!has(self.renewBefore) || !(has(self.expirationTime) || (has(self.lifetime) && self.lifetime == 'never'))",
    )
    .message(
        "renewBefore needs a lifetime: it means nothing with expirationTime, which a renewal does not move, nor with \
         lifetime never; remove renewBefore, or give a lifetime such as 90d",
    )
    .field_path(".renewBefore")
}

pub fn renewal_within_lifetime() -> Rule {
    Rule::new(format!(
        "!has(self.renewBefore) || !has(self.lifetime) || self.lifetime == 'never' || {} + 60 <= {}",
        seconds("self.renewBefore"),
        seconds("self.lifetime")
    ))
    .message("renewBefore must be at least a minute shorter than lifetime: shorten renewBefore or lengthen lifetime")
    .field_path(".renewBefore")
}

/// The structure; whether the numbers are in their ranges, and whether it ever fires, is judged by the operator.
pub fn cron() -> Rule {
    let field = format!("{CRON_ITEM}(,{CRON_ITEM})*");
    Rule::new(matches(&format!("{field}( +{field}){{4}}"))).message(
        "must be a cron expression of five fields: minute, hour, day of the month, month, day of the week, such as \
         0 3 * * 1; names such as @daily are not known, write 0 0 * * *",
    )
}

pub fn time_zone() -> Rule {
    Rule::new(matches("[A-Za-z][-+A-Za-z0-9_]*(/[-+A-Za-z0-9_]+)*"))
        .message("must be the name of a time zone in the IANA database, such as Europe/Warsaw or UTC")
}

pub fn at_least_a_minute() -> Rule {
    Rule::new(format!("{} >= 60", seconds("self"))).message("must be at least 1m")
}

pub fn one_schedule() -> Rule {
    Rule::new("!(has(self.every) && has(self.cron))")
        .message("every and cron exclude each other: remove one of them")
        .field_path(".every")
}

pub fn time_zone_needs_cron() -> Rule {
    Rule::new("!has(self.timeZone) || has(self.cron)")
        .message("timeZone is only for cron: remove it, or give a cron expression")
        .field_path(".timeZone")
}

pub fn schedule_needs_overlap() -> Rule {
    Rule::new("!(has(self.every) || has(self.cron)) || has(self.overlap)")
        .message(
            "every and cron need overlap: say how long the old material stays valid after each rotation, such as \
             24h, or 0s to end it at once",
        )
        .field_path(".overlap")
}

pub fn overlap_within_every() -> Rule {
    Rule::new(format!(
        "!has(self.every) || !has(self.overlap) || {} < {}",
        seconds("self.overlap"),
        seconds("self.every")
    ))
    .message("overlap must be shorter than every: shorten overlap or lengthen every")
    .field_path(".overlap")
}

/// Sits on the spec of each kind, which has both.
pub fn rotation_within_lifetime() -> Rule {
    Rule::new(format!(
        "!has(self.rotation) || !has(self.rotation.every) || !has(self.lifetime) || self.lifetime == 'never' || \
         {} < {}",
        seconds("self.rotation.every"),
        seconds("self.lifetime")
    ))
    .message(
        "rotation.every must be shorter than lifetime, or the material expires before it is rotated: shorten every \
         or lengthen lifetime",
    )
    .field_path(".rotation")
}
