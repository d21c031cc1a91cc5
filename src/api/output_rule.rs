//! The sentences of admission about the Secret's output: which keys, formats and templates go together.

use kube::core::Rule;

use super::{
    output::{SecretFormat, SecretType},
    rule::quoted,
};

/// What can be named between `$(` and `)` ends with one of these, or with nothing.
const FILTERS: &str = "base64|json|url";

/// A host, and a port if need be.
const HOST: &str = r"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?";

/// The formats that name a server; each asks for the same attributes.
const OF_OBJECT_STORES: [SecretFormat; 3] =
    [SecretFormat::Rclone, SecretFormat::S3cmd, SecretFormat::MinioClient];

// keys

/// `allowed` are the data keys of the kind.
pub fn renamed_keys_are(allowed: &[&str]) -> Rule {
    Rule::new(if_any("keys", &format!("self.secret.keys.all(k, k in [{}])", quoted(allowed))))
        .message(format!("secret.keys can name only these keys: {}", allowed.join(", ")).as_str())
        .field_path(".secret.keys")
}

/// `type` and `provider` are what servicebinding.io reads in each Secret.
pub fn new_keys_are_not(canonical: &[&str]) -> Rule {
    let taken: Vec<&str> = canonical.iter().copied().chain(["type", "provider"]).collect();
    Rule::new(if_any(
        "keys",
        &format!("self.secret.keys.all(k, !(self.secret.keys[k] in [{}]))", quoted(&taken)),
    ))
    .message(
        format!("a new name in secret.keys must not be one of the Secret's own keys: {}", taken.join(", "))
            .as_str(),
    )
    .field_path(".secret.keys")
}

// formats and templates

/// Of a kind that does not have all of them.
pub fn formats_are(kind: &str, allowed: &[SecretFormat]) -> Rule {
    let names: Vec<_> = allowed.iter().map(|format| format!("{format:?}")).collect();
    Rule::new(if_any("formats", &format!("self.secret.formats.all(f, f in [{}])", quoted(&names))))
        .message(
            format!(
                "secret.formats of an {kind} can have only: {}; for others write a template",
                names.join(", ")
            )
            .as_str(),
        )
        .field_path(".secret.formats")
}

/// The whole grammar of a template as one pattern. A run of dollars before a bracket is halved by its escapes: an even
/// one is text, after an odd one comes a name.
pub fn templates_name(names: &[&str]) -> Rule {
    let known = names.join("|").replace('.', "[.]");
    let pattern = format!("([^$]|[$]+[^$(]|([$][$])+[(]|([$][$])*[$][(]({known})([|]({FILTERS}))?[)])*[$]*");
    Rule::new(if_any(
        "template",
        &format!("self.secret.template.all(k, self.secret.template[k].matches(r'^({pattern})$'))"),
    ))
    .message(
        format!(
            "$(name) in a template can be {}; with |base64, |json or |url after it or nothing; $$( writes $(",
            names.join(", ")
        )
        .as_str(),
    )
    .field_path(".secret.template")
}

pub fn template_keys_are_not(canonical: &[&str]) -> Rule {
    Rule::new(if_any("template", &format!("self.secret.template.all(k, !(k in [{}]))", quoted(canonical))))
        .message(
            format!(
                "a key of secret.template must not be one of the Secret's own keys: {}",
                canonical.join(", ")
            )
            .as_str(),
        )
        .field_path(".secret.template")
}

/// The rule stays silent where the field is absent.
fn if_any(field: &str, holds: &str) -> String {
    format!("!has(self.secret) || !has(self.secret.{field}) || {holds}")
}

// what the fields of `secret` ask of each other

pub fn template_keys_are_not_new_names() -> Rule {
    Rule::new("!has(self.template) || !has(self.keys) || self.keys.all(k, !(self.keys[k] in self.template))")
        .message("keys and template make the same key: give one of them another name")
        .field_path(".template")
}

/// Each format, and each type, has data keys of its own.
pub fn made_keys_are_free() -> Rule {
    let formats = SecretFormat::ALL.iter().map(|format| {
        let asked = format!("!has(self.formats) || !('{format:?}' in self.formats)");
        format!("({asked} || {})", free(format.data_keys()))
    });
    let types = SecretType::ALL.iter().filter(|one| !one.data_keys().is_empty()).map(|one| {
        format!("(!has(self.type) || self.type != '{}' || {})", one.name(), free(one.data_keys()))
    });
    Rule::new(formats.chain(types).collect::<Vec<_>>().join(" && ")).message(
        "keys or template names a key that formats or type makes: choose another name, or leave out the format",
    )
}

fn free(keys: &[&str]) -> String {
    let keys = quoted(keys);
    format!(
        "((!has(self.keys) || self.keys.all(k, !(self.keys[k] in [{keys}]))) \
         && (!has(self.template) || self.template.all(k, !(k in [{keys}]))))"
    )
}

/// A variable of an env file has the name of its key.
pub fn variables_have_names() -> Rule {
    Rule::new(
        "!has(self.formats) || !('Env' in self.formats) || !has(self.keys) \
         || self.keys.all(k, self.keys[k].matches('^[A-Za-z_][A-Za-z0-9_]*$'))",
    )
    .message("format Env needs new names in keys that can be variables: letters, digits and _, not beginning with a digit")
    .field_path(".keys")
}

// what formats and types ask of the attributes

/// Everybody who writes a credential for an object store down says where that store is.
pub fn endpoint_is_an_address() -> Rule {
    let asked = OF_OBJECT_STORES.iter().map(|format| format!("f == '{format:?}'")).collect::<Vec<_>>();
    Rule::new(if_any(
        "formats",
        &format!(
            "!self.secret.formats.exists(f, {}) || {}",
            asked.join(" || "),
            attribute("endpoint", &format!("https?://{HOST}"))
        ),
    ))
    .message("attributes.endpoint must be a scheme and a host for this format, such as https://s3.example.com:9000, without a path")
    .field_path(".attributes")
}

pub fn region_is_a_word() -> Rule {
    let asked = OF_OBJECT_STORES.iter().map(|format| format!("f == '{format:?}'")).collect::<Vec<_>>();
    Rule::new(if_any(
        "formats",
        &format!(
            "!self.secret.formats.exists(f, {}) || {}",
            asked.join(" || "),
            attribute("region", "[A-Za-z0-9][-A-Za-z0-9_.]{0,62}")
        ),
    ))
    .message("attributes.region must be one word for this format, such as eu-central-1")
    .field_path(".attributes")
}

/// An alias without an address would be none.
pub fn alias_needs_an_endpoint() -> Rule {
    Rule::new(if_any(
        "formats",
        "!('MinioClient' in self.secret.formats) || (has(self.attributes) && 'endpoint' in self.attributes)",
    ))
    .message("format MinioClient needs attributes.endpoint, such as https://s3.example.com")
    .field_path(".attributes")
}

pub fn docker_config_needs_a_registry() -> Rule {
    Rule::new(if_any(
        "type",
        &format!(
            "self.secret.type != 'kubernetes.io/dockerconfigjson' \
             || (has(self.attributes) && 'registry' in self.attributes && {})",
            attribute("registry", &format!("(https?://)?{HOST}(/[-A-Za-z0-9._/]*)?"))
        ),
    ))
    .message("type kubernetes.io/dockerconfigjson needs attributes.registry, such as registry.example.com")
    .field_path(".attributes")
}

fn attribute(name: &str, pattern: &str) -> String {
    format!(
        "(!has(self.attributes) || !('{name}' in self.attributes) || self.attributes['{name}'].matches(r'^({pattern})$'))"
    )
}

// the type

/// Sits on the parent of `secret`, where the whole field is seen to come and go.
pub fn type_is_kept() -> Rule {
    let type_of = |object: &str| {
        format!("(has({object}.secret) && has({object}.secret.type) ? {object}.secret.type : 'Opaque')")
    };
    Rule::new(format!("{} == {}", type_of("self"), type_of("oldSelf")))
        .message(
            "secret.type cannot be changed (its default is Opaque), as the type of a Secret cannot: create another \
             credential, and delete this one when nothing uses it",
        )
        .field_path(".secret")
}

/// Of an SshKey.
pub fn type_is_given() -> Rule {
    Rule::new("!has(self.secret) || !has(self.secret.type)")
        .message("the type of an SshKey's Secret follows from method: remove secret.type")
        .field_path(".secret.type")
}
