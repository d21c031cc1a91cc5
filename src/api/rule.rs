//! The sentences of admission: one CEL rule each, with a message that says what to do.
//!
//! A rule is used where the field is declared. Bounds (`maxLength`, `maxItems`, …) stand beside the fields
//! too: without them the API server cannot estimate what a rule costs and refuses the whole definition.

use std::fmt::Display;

use kube::core::Rule;

/// `90d`, `1h30m`, `1y`: the units in this order, each at most once, and few enough digits that the sum stays
/// below a thousand years.
const DURATION: &str = "([0-9]{1,2}y)?([0-9]{1,4}w)?([0-9]{1,5}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?";

const DURATION_HINT: &str = "the units are y w d h m s, the largest comes first";

/// The longest text that [`DURATION`] admits.
pub const DURATION_LENGTH: u32 = 38;

/// RFC 3339 as every program reads it. The API server's `date-time` also takes a comma, any number of digits
/// after it, and offsets beyond a day; an object with such a time could not be read by the operator.
pub const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

/// Prefixes of Secrets that belong to the operator, to Helm and to the cluster's bootstrap tokens.
const TAKEN_PREFIXES: &str = "['chatelaine-', 'sh.helm.release.', 'bootstrap-token-']";

pub(super) fn matches(pattern: &str) -> String {
    format!("self.matches(r'^({pattern})$')")
}

// names

/// An object's name is copied into label values, which end at 63 characters.
pub fn name_fits_a_label() -> Rule {
    Rule::new("size(self.metadata.name) <= 63")
        .message("metadata.name has more than 63 characters: choose a shorter name")
}

/// By default the Secret has the credential's name, so the name is held to the same standard.
pub fn name_is_not_taken() -> Rule {
    Rule::new(format!("!{TAKEN_PREFIXES}.exists(p, self.metadata.name.startsWith(p))"))
        .message(
            "metadata.name begins with chatelaine-, sh.helm.release. or bootstrap-token-, which belong to others: \
             choose another name",
        )
}

/// Sits on the root, because the default of `spec.secret.name` is `metadata.name`, and because a rule on the
/// optional field itself would not see the field come or go.
pub fn secret_name_is_kept() -> Rule {
    Rule::new(format!("{} == {}", secret_of("self"), secret_of("oldSelf")))
        .message(
            "spec.secret.name cannot be changed (its default is metadata.name): \
             create another credential with the new Secret name and delete this one when nothing uses it",
        )
        .field_path(".spec")
}

/// A key that is encrypted with what is in its own Secret would be encrypted anew for ever.
pub fn passphrase_is_elsewhere() -> Rule {
    Rule::new(format!(
        "!has(self.spec.passphraseSecretRef) || self.spec.passphraseSecretRef.name != {}",
        secret_of("self")
    ))
    .message(
        "spec.passphraseSecretRef names the Secret that the key is written to: keep the passphrase in another Secret",
    )
    .field_path(".spec")
}

/// What is made from the password would be written over it.
pub fn password_is_elsewhere() -> Rule {
    Rule::new(
        "!has(self.spec.password) || !has(self.spec.password.secretRef) \
         || self.spec.password.secretRef.name != self.metadata.name + '-password'",
    )
    .message(
        "spec.password.secretRef names the Secret that the operator writes for this Account: keep the password in \
         another Secret",
    )
    .field_path(".spec")
}

/// The name of a credential's Secret.
fn secret_of(object: &str) -> String {
    format!(
        "(has({object}.spec.secret) && has({object}.spec.secret.name) \
         ? {object}.spec.secret.name : {object}.metadata.name)"
    )
}

/// `of` is what it names, with its article.
pub fn name_of(of: &str) -> Rule {
    let message = format!(
        "must be the name of {of} in this namespace: lower-case letters, digits, '-' and '.', at most 63 characters"
    );
    Rule::new(format!("size(self) <= 63 && {}", matches(SUBDOMAIN))).message(message.as_str())
}

pub fn secret_name() -> Rule {
    Rule::new(matches(SUBDOMAIN)).message(
        "must be a valid Secret name: lower-case letters, digits, '-' and '.', beginning and ending with a letter or \
         digit, at most 253 characters",
    )
}

pub fn workload_name() -> Rule {
    Rule::new(matches(SUBDOMAIN)).message(
        "must be the name of a workload in this namespace: lower-case letters, digits, '-' and '.', beginning and \
         ending with a letter or digit",
    )
}

pub fn secret_name_is_not_taken() -> Rule {
    Rule::new(format!("!{TAKEN_PREFIXES}.exists(p, self.startsWith(p))")).message(
        "begins with chatelaine-, sh.helm.release. or bootstrap-token-, which belong to others: choose another name",
    )
}

pub fn secret_key() -> Rule {
    Rule::new("self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')").message(
        "must be a key of a Secret: letters, digits and -_. , at most 253 characters, not . and not ..",
    )
}

// text

pub fn no_control_characters() -> Rule {
    Rule::new(r"!self.matches(r'\p{Cc}')")
        .message("must not contain control characters such as tabs or line breaks: write it on one line")
}

pub fn email() -> Rule {
    const LABEL: &str = r"[\p{L}\p{N}]([-\p{L}\p{N}]*[\p{L}\p{N}])?";
    Rule::new(matches(&format!(r#"[^@\p{{Z}}\p{{Cc}}<>,;"]{{1,64}}@{LABEL}([.]{LABEL})*"#))).message(
        "must be one bare e-mail address, such as alice@example.com, without a name, spaces or brackets",
    )
}

pub fn phone() -> Rule {
    Rule::new(matches("[+]?[0-9(][-0-9 ()./]{1,38}")).message(
        "must be a phone number: digits, spaces and -()./ after an optional +, such as +48 123 456 789",
    )
}

/// `what` names the field in the message.
pub fn slug(what: &str) -> Rule {
    Rule::new(matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?")).message(
        format!("{what} must be lower-case letters, digits and inner dashes, such as s3 or object-store")
            .as_str(),
    )
}

pub fn token_prefix() -> Rule {
    Rule::new(matches("[a-z][a-z0-9]{0,15}")).message(
        "must be 1 to 16 lower-case letters and digits, beginning with a letter; the underscore is added",
    )
}

pub fn access_key_prefix() -> Rule {
    Rule::new(matches("[A-Z0-9]{1,8}")).message("must be 1 to 8 upper-case letters and digits")
}

pub fn permission() -> Rule {
    const SLUG: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    Rule::new(matches(&format!(r"{SLUG}:({SLUG}|[*])|[*]:[*]"))).message(
        "must be resource:action, resource:* or *:*, in lower-case letters, digits and dashes, such as servers:read",
    )
}

// roles

pub fn included_roles_exist() -> Rule {
    Rule::new(
        "!has(self.roles) || self.roles.all(r, !has(r.include) \
         || r.include.all(name, self.roles.exists(other, other.name == name)))",
    )
    .message("a role includes one that is not in the list: add that role, or remove it from include")
    .field_path(".roles")
}

/// Circles of one and of two: longer ones are beyond the budget of a rule, and are found by the operator.
pub fn no_two_roles_are_mutual() -> Rule {
    Rule::new(
        "!has(self.roles) || !self.roles.exists(one, has(one.include) && self.roles.exists(other, \
         has(other.include) && other.name in one.include && one.name in other.include))",
    )
    .message("a role includes itself, or two include each other: remove one of the two from include")
    .field_path(".roles")
}

// time

/// The seconds in a duration that [`DURATION`] admits.
pub(super) fn seconds(duration: &str) -> String {
    format!(
        "{duration}.findAll('[0-9]+[ywdhms]', 6).map(p, int(p.substring(0, size(p) - 1)) * \
         (p.endsWith('y') ? 31536000 : p.endsWith('w') ? 604800 : p.endsWith('d') ? 86400 \
         : p.endsWith('h') ? 3600 : p.endsWith('m') ? 60 : 1)).sum()"
    )
}

pub fn duration_or_never() -> Rule {
    Rule::new(format!("self == 'never' || (self.matches('[1-9]') && {})", matches(DURATION))).message(
        format!("must be never or a duration above zero such as 90d, 12h or 1h30m: {DURATION_HINT}").as_str(),
    )
}

pub fn duration_above_zero() -> Rule {
    Rule::new(format!("self.matches('[1-9]') && {}", matches(DURATION)))
        .message(format!("must be a duration above zero such as 7d, 12h or 1h30m: {DURATION_HINT}").as_str())
}

pub fn duration() -> Rule {
    Rule::new(format!("size(self) > 0 && {}", matches(DURATION)))
        .message(format!("must be a duration such as 24h, 1h30m or 0s: {DURATION_HINT}").as_str())
}

pub fn plausible_time() -> Rule {
    Rule::new("self >= timestamp('2000-01-01T00:00:00Z') && self < timestamp('9000-01-01T00:00:00Z')")
        .message(
            "must be an RFC 3339 time between the years 2000 and 9000, such as 2027-01-01T00:00:00Z; \
         to make a credential that does not expire, write lifetime: never",
        )
}

pub fn one_end() -> Rule {
    Rule::new("!(has(self.lifetime) && has(self.expirationTime))")
        .message("lifetime and expirationTime exclude each other: remove one of them")
        .field_path(".lifetime")
}

pub fn warning_needs_an_end() -> Rule {
    Rule::new("!(has(self.warnBefore) && has(self.lifetime) && self.lifetime == 'never')")
        .message(
            "warnBefore means nothing with lifetime never: remove warnBefore, or give a lifetime that ends",
        )
        .field_path(".warnBefore")
}

/// A malformed duration is spoken of by its own rule; this one stays silent about it.
pub fn warning_within_lifetime() -> Rule {
    Rule::new(format!(
        "!has(self.warnBefore) || !has(self.lifetime) || self.lifetime == 'never' || {} < {}",
        seconds("self.warnBefore"),
        seconds("self.lifetime")
    ))
    .message("warnBefore must be shorter than lifetime: shorten warnBefore or lengthen lifetime")
    .field_path(".warnBefore")
}

/// A default that no credential could be issued with would be a trap.
pub fn default_lifetime_within_limit() -> Rule {
    const DEFAULT: &str = "self.credentialDefaults.lifetime";
    Rule::new(format!(
        "!has(self.limits) || !has(self.limits.maxLifetime) || !has(self.credentialDefaults) || !has({DEFAULT}) \
         || ({DEFAULT} != 'never' && {} <= {})",
        seconds(DEFAULT),
        seconds("self.limits.maxLifetime")
    ))
    .message(
        "credentialDefaults.lifetime must not be longer than limits.maxLifetime: shorten it, remove it, or raise the limit",
    )
    .field_path(".credentialDefaults.lifetime")
}

/// A list in CEL, without its brackets.
pub fn quoted(words: &[impl Display]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

// immutable fields

const REPLACE: &str = "create another credential, and delete this one when nothing uses it";

/// For a field that is always there, because it is required or has a default.
pub fn kept(field: &str) -> Rule {
    Rule::new(format!("self.{field} == oldSelf.{field}"))
        .message(format!("{field} cannot be changed: {REPLACE}").as_str())
        .field_path(format!(".{field}"))
}

/// For an optional field: sits on the parent, where coming and going are seen too.
pub fn kept_if_any(field: &str) -> Rule {
    Rule::new(format!(
        "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
    ))
    .message(format!("{field} cannot be changed, added or removed later: {REPLACE}").as_str())
    .field_path(format!(".{field}"))
}
