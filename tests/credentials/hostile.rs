//! Whatever is rendered is read back by a reader of its format, whatever there is in it: each format, each filter of a
//! template, each type of Secret.

use std::collections::BTreeMap;

use chatelaine::{
    api::{AccessToken, ApiKeyPair, SecretFormat, SecretType, SshKey},
    core::material::{Identity, Material, SecretBytes},
    credentials::{Credential, Showing},
};
use data_encoding::BASE64;
use percent_encoding::percent_decode_str;
use proptest::{prelude::*, string::string_regex};
use serde_json::{Map, Value, json};

use crate::fixture::{current, key_pair, mint, overlap, secret_text, ssh_key, text, token, withdrawn};
use crate::rendered::{Texts, csv_of, dotenv_of, ini_of, json_of, made, sh_of};

const UNTIL: &str = "2027-05-06T07:08:09Z";

/// What has a meaning somewhere, between spaces; and what cannot stand there.
const WORDS: &str = r#"" ' '\'' \ \" $ $(id) $(token) ${HOME} `id` , ; # = [x] % %41 %% {} {{x}} & | < > : @ é 🔑 a true null -1 ~"#;
const BREAKS: [&str; 6] = [" ", "\n", "\r\n", "\t", "\n[default]\n", "\u{1b}[0m"];

/// Texts that are full of these, and any others. No program takes a NUL in its arguments.
pub fn hostile() -> impl Strategy<Value = String> {
    let words: Vec<&str> = WORDS.split(' ').chain(BREAKS).collect();
    let tricky = prop::collection::vec(prop::sample::select(words), 0..10).prop_map(|words| words.concat());
    prop_oneof![any::<String>().prop_map(|text| text.replace('\0', "")), tricky]
}

pub fn is_line(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// Every name that the kind promises, as it is and through each filter.
fn all_templates(names: &[&str]) -> Value {
    let forms = [("plain", ""), ("base64", "|base64"), ("json", "|json"), ("url", "|url")];
    let template: Map<_, _> = names
        .iter()
        .flat_map(|name| {
            forms.map(|(form, filter)| (format!("{form}-{name}"), json!(format!("$$(<$({name}{filter})>"))))
        })
        .collect();
    json!(template)
}

/// The value of each name comes out of each filter, and what stood around it is around it still.
fn reads_templates<K: Credential>(object: &K, showing: Showing<'_>) {
    let parts = object.render(showing);
    let facts = BTreeMap::from([
        ("name", object.meta().name.clone().unwrap_or_default()),
        ("namespace", object.meta().namespace.clone().unwrap_or_default()),
        ("account", showing.account.to_owned()),
        ("permissions", showing.permissions.join(" ")),
        ("expirationTime", UNTIL.to_owned()),
    ]);
    let texts = made(object, showing, SecretType::Opaque);
    for name in K::NAMES {
        let value = match parts.get(*name) {
            Some(_) => text(&parts, name),
            None => facts.get(name).cloned().unwrap_or_default(),
        };
        let inner = |form: &str| {
            let all = &texts[&format!("{form}-{name}")];
            all.strip_prefix("$(<").and_then(|rest| rest.strip_suffix('>')).unwrap().to_owned()
        };
        assert_eq!(inner("plain"), value, "{name}");
        assert_eq!(BASE64.decode(inner("base64").as_bytes()).unwrap(), value.as_bytes(), "{name}");
        assert_eq!(serde_json::from_str::<String>(&inner("json")).unwrap(), value, "{name}");
        let url = inner("url");
        assert!(url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)), "{url}");
        assert_eq!(percent_decode_str(&url).decode_utf8().unwrap(), value, "{name}");
    }
}

/// What the renderings of one credential are to say.
struct Told<'a> {
    /// Name and value in the order of the kind, where empty is absent.
    sheet: &'a [(&'a str, &'a str)],
    /// How the variables are called.
    called: &'a [&'a str],
    login: (&'a str, &'a str),
    service: &'a str,
    endpoint: &'a str,
    registry: &'a str,
}

/// Reads what the format made. A further one is read here before anything compiles.
fn reads(format: SecretFormat, texts: &Texts, told: &Told<'_>) {
    let (id, secret) = told.login;
    match format {
        SecretFormat::Json => {
            let shown = told.sheet.iter().filter(|(name, value)| !value.is_empty() || *name == "permissions");
            let wanted: Map<_, _> = shown
                .map(|(name, value)| match *name {
                    "permissions" => {
                        ((*name).to_owned(), json!(value.split_whitespace().collect::<Vec<_>>()))
                    }
                    _ => ((*name).to_owned(), json!(value)),
                })
                .collect();
            assert_eq!(json_of(texts, "credentials.json"), json!(wanted));
        }
        SecretFormat::Csv => assert_eq!(csv_of(&texts["credentials.csv"]), owned(told.sheet)),
        SecretFormat::Env => reads_variables(&texts["credentials.env"], told),
        SecretFormat::AwsCredentialProcess => {
            let process =
                json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret, "Expiration": UNTIL});
            assert_eq!(json_of(texts, "aws-credential-process.json"), process);
        }
        SecretFormat::MinioClient => {
            let alias = json_of(texts, "mc-config.json")["aliases"]["default"].take();
            let wanted = (&json!(told.endpoint), &json!(id), &json!(secret));
            assert_eq!((&alias["url"], &alias["accessKey"], &alias["secretKey"]), wanted);
        }
        SecretFormat::ServiceBinding => {
            assert_eq!((texts["type"].as_str(), texts["provider"].as_str()), (told.service, "chatelaine"));
        }
        // These escape nothing: they are read below, with what admission lets through.
        SecretFormat::AwsCredentials | SecretFormat::Rclone | SecretFormat::S3cmd => {}
    }
}

fn reads_variables(env: &str, told: &Told<'_>) {
    let unset: String = told.called.iter().map(|name| format!("{name}=\n")).collect();
    let values: Vec<_> = told.sheet.iter().map(|(_, value)| (*value).to_owned()).collect();
    assert_eq!(sh_of(&format!("{unset}{env}"), told.called), values);
    // Its reader takes a backslash before a quote as an escape, which no shell does between single quotes, and a line for a line.
    if !env.replace(r"'\''", "").contains('\\') && values.iter().all(|value| is_line(value)) {
        let wanted = told.called.iter().zip(values).filter(|(_, value)| !value.is_empty());
        assert_eq!(dotenv_of(env), wanted.map(|(name, value)| ((*name).to_owned(), value)).collect());
    }
}

/// Reads what the type added.
fn reads_type(type_: SecretType, texts: &Texts, told: &Told<'_>) {
    let (username, password) = told.login;
    match type_ {
        SecretType::Opaque => {}
        SecretType::BasicAuth => {
            assert_eq!(texts["username"], username);
            let wanted = Some(password).filter(|password| !password.is_empty());
            assert_eq!(texts.get("password").map(String::as_str), wanted);
        }
        SecretType::DockerConfigJson => {
            let auth = BASE64.encode(format!("{username}:{password}").as_bytes());
            let entry = json!({"username": username, "password": password, "auth": auth});
            assert_eq!(json_of(texts, ".dockerconfigjson"), json!({"auths": {told.registry: entry}}));
        }
    }
}

fn owned(sheet: &[(&str, &str)]) -> Texts {
    sheet.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn of(id: &str, secret: &str) -> Material {
    Material { identity: Identity { id: id.into(), public: None }, secret: Some(SecretBytes::from(secret)) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_rendering_of_a_key_pair_is_read_back_whatever_is_in_it(
        [id, secret, previous_id, previous_secret] in [hostile(), hostile(), hostile(), hostile()],
        [account, endpoint, registry] in [hostile(), hostile(), hostile()],
        permissions in prop::collection::vec("[a-z]{1,5}:([a-z]{1,5}|[*])", 0..4),
    ) {
        let object = key_pair(json!({
            "service": "s3",
            "secret": {"formats": SecretFormat::ALL, "keys": {"secretKey": "AWS_SECRET"}, "template": all_templates(ApiKeyPair::NAMES)},
            "attributes": {"endpoint": endpoint, "registry": registry},
        }));
        let (material, previous) = (of(&id, &secret), of(&previous_id, &previous_secret));
        let showing = Showing {
            account: &account,
            permissions: &permissions,
            not_after: Some(UNTIL.parse().unwrap()),
            ..overlap(&material, &previous)
        };
        let permissions = permissions.join(" ");
        let told = Told {
            sheet: &[
                ("accessKey", &id), ("secretKey", &secret), ("account", &account), ("permissions", &permissions),
                ("expirationTime", UNTIL),
            ],
            called: &["accessKey", "AWS_SECRET", "account", "permissions", "expirationTime"],
            login: (&id, &secret),
            service: "s3",
            endpoint: &endpoint,
            registry: &registry,
        };
        for type_ in SecretType::ALL {
            let texts = made(&object, showing, type_);
            SecretFormat::ALL.into_iter().for_each(|format| reads(format, &texts, &told));
            reads_type(type_, &texts, &told);
        }
        reads_templates(&object, showing);
    }

    #[test]
    fn every_rendering_of_a_token_is_read_back_whatever_is_in_it(
        [secret, previous, account, registry] in [hostile(), hostile(), hostile(), hostile()],
        permissions in prop::collection::vec("[a-z]{1,5}:([a-z]{1,5}|[*])", 0..4),
    ) {
        let formats = [SecretFormat::Json, SecretFormat::Csv, SecretFormat::Env, SecretFormat::ServiceBinding];
        let object = token(json!({
            "secret": {"formats": formats, "template": all_templates(AccessToken::NAMES)},
            "attributes": {"registry": registry},
        }));
        let (material, previous) = (of("id", &secret), of("other", &previous));
        let showing = Showing {
            account: &account,
            permissions: &permissions,
            not_after: Some(UNTIL.parse().unwrap()),
            ..overlap(&material, &previous)
        };
        let permissions = permissions.join(" ");
        let told = Told {
            sheet: &[("token", &secret), ("account", &account), ("permissions", &permissions), ("expirationTime", UNTIL)],
            called: &["token", "account", "permissions", "expirationTime"],
            login: (&account, &secret),
            service: "access-token",
            endpoint: "",
            registry: &registry,
        };
        for type_ in SecretType::ALL {
            let texts = made(&object, showing, type_);
            formats.into_iter().for_each(|format| reads(format, &texts, &told));
            reads_type(type_, &texts, &told);
        }
        reads_templates(&object, showing);
    }

    /// These escape nothing: what admission and the formats of pairs let through has nothing to be escaped.
    #[test]
    fn the_files_of_object_stores_are_read_back_whatever_admission_lets_through(
        shape in prop::sample::select(&["Standard", "Aws", "Uuid", "Upper"][..]),
        seed: u64,
        endpoint in string_regex(r"https?://([A-Za-z0-9]([-A-Za-z0-9.]{0,9}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{1,9}\])(:[0-9]{1,5})?").unwrap(),
        region in string_regex("[A-Za-z0-9][-A-Za-z0-9_.]{0,20}").unwrap(),
    ) {
        let object = key_pair(json!({
            "format": shape,
            "secret": {"formats": ["AwsCredentials", "Rclone", "S3cmd"]},
            "attributes": {"endpoint": endpoint, "region": region},
        }));
        prop_assert!(object.validate_cel().is_ok(), "{:?}", object.validate_cel());
        let material = mint(&object, seed);
        let (id, secret) = (material.identity.id.as_str(), secret_text(&material));
        let texts = made(&object, current(&material), SecretType::Opaque);
        let ini = |key: &str, wanted: &[(&str, &str)]| assert_eq!(ini_of(&texts[key]), owned(wanted));
        let (scheme, host) = endpoint.split_once("://").unwrap();
        let https = if scheme == "https" { "True" } else { "False" };
        ini("aws-credentials", &[("aws_access_key_id", id), ("aws_secret_access_key", &secret)]);
        ini("rclone.conf", &[
            ("type", "s3"), ("provider", "Other"), ("access_key_id", id), ("secret_access_key", &secret),
            ("endpoint", &endpoint), ("region", &region),
        ]);
        ini("s3cfg", &[
            ("access_key", id), ("secret_key", &secret), ("host_base", host), ("host_bucket", host), ("use_https", https),
            ("bucket_location", &region),
        ]);
    }

    #[test]
    fn every_rendering_of_an_ssh_key_is_read_back(seed: u64, algorithm in prop::sample::select(&["Ed25519", "EcdsaP256"][..])) {
        let object = ssh_key(json!({
            "algorithm": algorithm,
            "options": {"command": "echo \"a 'b'\"", "from": ["10.0.0.0/8"]},
            "secret": {"formats": ["ServiceBinding"], "template": all_templates(SshKey::NAMES)},
        }));
        let (material, previous) = (mint(&object, seed), mint(&object, seed ^ 1));
        reads_templates(&object, Showing { not_after: Some(UNTIL.parse().unwrap()), ..overlap(&material, &previous) });
    }
}

#[test]
fn without_material_only_what_a_type_demands_is_made_and_no_secret_is_in_it() {
    let spec = |formats: Value, names: &[&str]| {
        json!({
            "secret": {"formats": formats, "template": all_templates(names), "keys": {}},
            "attributes": {"endpoint": "https://s3.example.com", "registry": "registry.example.com"},
        })
    };
    fn check<K: Credential>(object: &K, username: impl Fn(&Material) -> String) {
        let material = mint(object, 1);
        for type_ in SecretType::ALL {
            assert!(made(object, current(&material), type_).len() > 10, "{type_:?}");
            let gone = made(object, withdrawn(&material.identity, "it is revoked"), type_);
            let wanted: &[(&str, String)] = match type_ {
                SecretType::Opaque => &[],
                SecretType::BasicAuth => &[("username", username(&material))],
                SecretType::DockerConfigJson => &[(".dockerconfigjson", "{\"auths\":{}}\n".to_owned())],
            };
            let wanted = wanted.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
            assert_eq!(gone, wanted.collect(), "{type_:?}");
        }
    }
    let all = json!(SecretFormat::ALL);
    check(&key_pair(spec(all, ApiKeyPair::NAMES)), |material| material.identity.id.clone());
    let some = json!(["Json", "Csv", "Env", "ServiceBinding"]);
    check(&token(spec(some, AccessToken::NAMES)), |_| "alice".to_owned());
}
