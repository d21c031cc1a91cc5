//! What the Secret is to look like: formats, templates and its type, and what they ask of each other.

use serde_json::{Map, Value, json};

use super::Answer::{Accepted, Refused};
use super::{AccessToken, ApiKeyPair, CREDENTIALS, Kind, Row, SshKey, accepted, change, refused};

const ALL: [&str; 9] = [
    "Json",
    "Csv",
    "Env",
    "AwsCredentials",
    "AwsCredentialProcess",
    "Rclone",
    "S3cmd",
    "MinioClient",
    "ServiceBinding",
];

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = CREDENTIALS.into_iter().flat_map(templates).collect();
    rows.extend(CREDENTIALS.into_iter().flat_map(formats));
    rows.extend([ApiKeyPair, AccessToken].into_iter().flat_map(clashes));
    rows.extend(CREDENTIALS.into_iter().flat_map(made));
    rows.extend([ApiKeyPair, AccessToken].into_iter().flat_map(types));
    rows.extend(servers());
    rows.push(refused(
        SshKey,
        "a variable has a name, also where there is no format for it",
        json!({"secret": {"formats": ["Env"], "keys": {"ssh-publickey": "id.pub"}}}),
        "format Env needs new names in keys that can be variables",
    ));
    rows.push(refused(
        SshKey,
        "the type of an SshKey's Secret is given",
        json!({"secret": {"type": "Opaque"}}),
        "the type of an SshKey's Secret follows from method",
    ));
    rows
}

/// The key that holds the secret, and all other names that a template can show.
fn names(kind: Kind) -> (&'static str, &'static [&'static str]) {
    match kind {
        ApiKeyPair => ("secretKey", &["accessKey", "previousAccessKey", "previousSecretKey", "permissions"]),
        AccessToken => ("token", &["previousToken", "permissions"]),
        SshKey => (
            "ssh-privatekey",
            &["ssh-publickey", "authorized_keys", "previous-ssh-privatekey", "previous-ssh-publickey"],
        ),
        Kind::Account => panic!("an Account has no Secret"),
    }
}

fn templates(kind: Kind) -> Vec<Row> {
    let (secret, others) = names(kind);
    let template = |template: Value| json!({"secret": {"template": template}});
    let with = |sentence, text: &str| accepted(kind, sentence, template(json!({"a": text})));
    let not = |sentence, text: &str| {
        refused(kind, sentence, template(json!({"a": text})), "$(name) in a template can be ")
    };
    let key = |sentence, key: &str| {
        refused(kind, sentence, template(json!({key: "x"})), "a key must be one of a Secret: letters, digits")
    };
    let many = |n: usize| (0..n).map(|i| (format!("k{i}"), json!("v"))).collect::<Map<_, _>>();
    let every: String = others
        .iter()
        .chain(&["name", "namespace", "account", "expirationTime"])
        .map(|name| format!("$({name})"))
        .collect();
    vec![
        with("a template may be any text", "x = ${X} {{ x }} $X $$ 100% (\"é\")\r\n\t$"),
        with("a template may be empty", ""),
        with("a template shows the secret", &format!("a$({secret})b")),
        with("a template shows everything that is the credential's", &every),
        with("a template has filters", &format!("$({secret}|base64) $({secret}|json) $({secret}|url)")),
        with("an escaped bracket is text", "$$(unknown) $$$$(( $$("),
        with("an escaped dollar stands before a value", &format!("$$$({secret})")),
        not("an unknown name is refused", "$(password)"),
        not("an unknown name after a known one is refused", &format!("$({secret}) $(password)")),
        not("an empty name is refused", "$()"),
        not("a name is not closed by the end", &format!("$({secret}")),
        not("an unknown filter is refused", &format!("$({secret}|hex)")),
        not("an empty filter is refused", &format!("$({secret}|)")),
        not("two filters are refused", &format!("$({secret}|base64|json)")),
        not("a name has no spaces around it", &format!("$( {secret} )")),
        not("an odd number of dollars is not escaped", "$$$(unknown)"),
        not("the name of another field is refused", "$(comment)"),
        refused(
            kind,
            "a template has no control characters",
            template(json!({"a": "x\u{0}"})),
            "must not contain control characters other than tabs and line breaks",
        ),
        refused(
            kind,
            "a template has no control characters of Latin-1",
            template(json!({"a": "x\u{9f}"})),
            "must not contain control characters other than tabs and line breaks",
        ),
        refused(
            kind,
            "a template ends at 8192 characters",
            template(json!({"a": "x".repeat(8193)})),
            "Too long",
        )
        .server_alone(),
        accepted(kind, "eight templates are allowed", template(json!(many(8)))),
        accepted(
            kind,
            "eight long templates with many names are allowed",
            template(
                many(8).keys().map(|k| (k.clone(), json!(format!("$({secret})").repeat(300)))).collect(),
            ),
        ),
        refused(kind, "nine templates are refused", template(json!(many(9))), "must have at most 8")
            .server_alone(),
        key("a template's key has no slash", "a/b"),
        key("a template's key is not empty", ""),
        key("a template's key is not a dot", "."),
        key("a template's key does not lead upwards", "..data"),
        refused(
            kind,
            "a template's key is not one of the kind's own",
            template(json!({secret: "x"})),
            "a key of secret.template must not be one of the Secret's own keys",
        ),
        change(
            kind,
            "a template can be changed, added and removed",
            template(json!({"a": "1", "b": "2"})),
            template(json!({"a": "3", "b": null, "c": "4"})),
            Accepted,
        ),
    ]
}

fn can(kind: Kind) -> &'static [&'static str] {
    match kind {
        ApiKeyPair => &ALL,
        AccessToken => &["Json", "Csv", "Env", "ServiceBinding"],
        SshKey => &["ServiceBinding"],
        Kind::Account => &[],
    }
}

/// The keys of the Secret that a format or a type makes.
const MADE: [(&str, &str, &[&str]); 11] = [
    ("formats", "Json", &["credentials.json"]),
    ("formats", "Csv", &["credentials.csv"]),
    ("formats", "Env", &["credentials.env"]),
    ("formats", "AwsCredentials", &["aws-credentials"]),
    ("formats", "AwsCredentialProcess", &["aws-credential-process.json"]),
    ("formats", "Rclone", &["rclone.conf"]),
    ("formats", "S3cmd", &["s3cfg"]),
    ("formats", "MinioClient", &["mc-config.json"]),
    ("formats", "ServiceBinding", &["type", "provider"]),
    ("type", "kubernetes.io/basic-auth", &["username", "password"]),
    ("type", "kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
];

fn formats(kind: Kind) -> Vec<Row> {
    let can = can(kind);
    let with = |formats: Value| {
        let mut spec = json!({"secret": {"formats": formats}});
        if kind == ApiKeyPair {
            spec["attributes"] = json!({"endpoint": "https://s3.example.com"});
        }
        spec
    };
    let mut rows = vec![
        accepted(kind, "all formats of the kind together are allowed", with(json!(can))),
        accepted(kind, "no formats are allowed", with(json!([]))),
        refused(kind, "a format is asked for once", with(json!([can[0], can[0]])), "Duplicate value")
            .server_alone(),
        refused(kind, "an unknown format is refused", with(json!(["Toml"])), "Unsupported value")
            .server_alone(),
        change(kind, "formats can be changed", with(json!(can)), with(json!([])), Accepted),
    ];
    let message = match kind {
        SshKey => "secret.formats of an SshKey can have only: ServiceBinding;",
        ApiKeyPair | AccessToken | Kind::Account => {
            "secret.formats of an AccessToken can have only: Json, Csv, Env, ServiceBinding;"
        }
    };
    let cannot = ALL.iter().filter(|format| !can.contains(format));
    rows.extend(cannot.map(|format| {
        refused(kind, "a format that makes no sense for the kind is refused", with(json!([format])), message)
    }));
    rows
}

/// Two fields never make the same key.
fn made(kind: Kind) -> Vec<Row> {
    let (secret, _) = names(kind);
    let server = json!({"endpoint": "https://s3.example.com", "registry": "registry.example.com"});
    let not = |sentence, field: &str, maker: &str, other: Value| {
        let maker = if field == "formats" { json!([maker]) } else { json!(maker) };
        let mut spec = json!({"secret": {field: maker}});
        super::merge(&mut spec["secret"], other);
        if kind != SshKey {
            spec["attributes"] = server.clone();
        }
        refused(kind, sentence, spec, "keys or template names a key that formats or type makes")
    };
    let has = |field: &str, maker: &&str| match field {
        "formats" => can(kind).contains(maker),
        _ => kind != SshKey,
    };
    let mut rows = vec![refused(
        kind,
        "a template is not a new name",
        json!({"secret": {"keys": {secret: "a"}, "template": {"a": "x"}}}),
        "keys and template make the same key",
    )];
    for (field, maker, keys) in MADE.iter().filter(|(field, maker, _)| has(field, maker)) {
        for key in *keys {
            rows.push(not("a template is not what is made", field, maker, json!({"template": {*key: "x"}})));
            rows.push(not("a new name is not what is made", field, maker, json!({"keys": {secret: key}})));
        }
    }
    rows
}

/// What formats leave to the other fields, and what they ask of them.
fn clashes(kind: Kind) -> Vec<Row> {
    let (secret, _) = names(kind);
    let not = |sentence, secret: Value, message| refused(kind, sentence, json!({"secret": secret}), message);
    let with = |sentence, secret: Value| accepted(kind, sentence, json!({"secret": secret}));
    vec![
        with(
            "a template may replace a format",
            json!({"formats": ["Csv"], "template": {"credentials.json": "x"}}),
        ),
        with(
            "a template may say what a binding needs",
            json!({"template": {"type": "s3", "provider": "acme"}}),
        ),
        with("a template may be called password in another type", json!({"template": {"password": "x"}})),
        not(
            "a variable has a name",
            json!({"formats": ["Env"], "keys": {secret: "a.b"}}),
            "format Env needs new names in keys that can be variables",
        ),
        with(
            "a new name may be a variable",
            json!({"formats": ["Env"], "keys": {secret: "AWS_SECRET_ACCESS_KEY"}}),
        ),
    ]
}

fn types(kind: Kind) -> Vec<Row> {
    let of = |type_: &str| json!({"secret": {"type": type_}});
    let kept = Refused("secret.type cannot be changed");
    let docker = |registry: Value| json!({"secret": {"type": "kubernetes.io/dockerconfigjson"}, "attributes": {"registry": registry}});
    let registry = "type kubernetes.io/dockerconfigjson needs attributes.registry";
    vec![
        accepted(kind, "a Secret may be for basic authentication", of("kubernetes.io/basic-auth")),
        accepted(kind, "a Secret may be for a registry", docker(json!("registry.example.com:5000/team"))),
        accepted(kind, "a registry may have a scheme", docker(json!("https://index.docker.io/v1/"))),
        refused(kind, "a registry is named", of("kubernetes.io/dockerconfigjson"), registry),
        refused(kind, "a registry's name is not empty", docker(json!("")), registry),
        refused(kind, "a registry's name has no spaces", docker(json!("a b")), registry),
        refused(kind, "another type is refused", of("kubernetes.io/tls"), "Unsupported value").server_alone(),
        change(kind, "a type is not changed", of("kubernetes.io/basic-auth"), of("Opaque"), kept),
        change(kind, "a type is not added", json!({}), of("kubernetes.io/basic-auth"), kept),
        change(kind, "a type is not removed", of("kubernetes.io/basic-auth"), json!({"secret": null}), kept),
        change(kind, "the default of the type may be written down", json!({}), of("Opaque"), Accepted),
    ]
}

/// What the formats of object stores ask of the attributes.
fn servers() -> Vec<Row> {
    let with = |sentence, format: &str, attributes: Value| {
        accepted(ApiKeyPair, sentence, json!({"secret": {"formats": [format]}, "attributes": attributes}))
    };
    let not = |sentence, format: &str, attributes: Value, message| {
        refused(
            ApiKeyPair,
            sentence,
            json!({"secret": {"formats": [format]}, "attributes": attributes}),
            message,
        )
    };
    let mut rows = vec![
        not(
            "an alias has an address",
            "MinioClient",
            json!({}),
            "format MinioClient needs attributes.endpoint",
        ),
        with("without an endpoint it is AWS", "Rclone", json!({})),
        with("what no format shows is free", "Json", json!({"endpoint": "anything", "region": "any thing"})),
    ];
    for format in ["Rclone", "S3cmd", "MinioClient"] {
        for endpoint in ["https://s3.example.com", "http://10.0.0.1:9000", "https://[2001:db8::1]:9000"] {
            rows.push(with(
                "an endpoint is an address",
                format,
                json!({"endpoint": endpoint, "region": "eu-1"}),
            ));
        }
        for endpoint in
            ["s3.example.com", "https://s3.example.com/path", "https://", "https://a b", "ftp://x"]
        {
            rows.push(not(
                "an endpoint is nothing but a scheme and a host",
                format,
                json!({"endpoint": endpoint}),
                "attributes.endpoint must be a scheme and a host",
            ));
        }
        rows.push(not(
            "a region is one word",
            format,
            json!({"endpoint": "https://a", "region": "eu 1"}),
            "attributes.region must be one word",
        ));
    }
    rows
}
