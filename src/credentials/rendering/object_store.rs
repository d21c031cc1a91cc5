//! The files of the clients of object stores. Everything in them is of few characters: admission sees to the attributes,
//! the formats of key pairs to the rest, so that nothing needs to be escaped.

use serde::Serialize;

use super::{Text, sheet::Sheet};

/// What every one of these calls its one account.
const DEFAULT: &str = "default";

/// The shared credentials file of AWS.
pub fn aws_credentials(sheet: &Sheet<'_>) -> Text {
    section([
        ("aws_access_key_id", Some(sheet.username())),
        ("aws_secret_access_key", Some(sheet.password())),
    ])
}

/// What the `credential_process` of an AWS profile prints.
pub fn aws_credential_process(sheet: &Sheet<'_>) -> Text {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output<'a> {
        version: u8,
        access_key_id: &'a str,
        secret_access_key: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        expiration: &'a str,
    }
    super::json_text(&Output {
        version: 1,
        access_key_id: sheet.username(),
        secret_access_key: sheet.password(),
        expiration: sheet.text("expirationTime"),
    })
}

/// A remote of rclone.
pub fn rclone(sheet: &Sheet<'_>) -> Text {
    let endpoint = sheet.attribute("endpoint");
    section([
        ("type", Some("s3")),
        ("provider", Some(if endpoint.is_some() { "Other" } else { "AWS" })),
        ("access_key_id", Some(sheet.username())),
        ("secret_access_key", Some(sheet.password())),
        ("endpoint", endpoint),
        ("region", sheet.attribute("region")),
    ])
}

/// The file of s3cmd. A bucket is a part of the path, which every store understands; only AWS wants it in the host.
pub fn s3cmd(sheet: &Sheet<'_>) -> Text {
    let endpoint = sheet.attribute("endpoint").and_then(|endpoint| endpoint.split_once("://"));
    let (scheme, host) = endpoint.unzip();
    section([
        ("access_key", Some(sheet.username())),
        ("secret_key", Some(sheet.password())),
        ("host_base", host),
        ("host_bucket", host),
        ("use_https", scheme.map(|scheme| if scheme == "https" { "True" } else { "False" })),
        ("bucket_location", sheet.attribute("region")),
    ])
}

/// The `config.json` of MinIO's `mc`.
pub fn minio_client(sheet: &Sheet<'_>) -> Text {
    #[derive(Serialize)]
    struct Config<'a> {
        version: &'static str,
        aliases: Aliases<'a>,
    }
    #[derive(Serialize)]
    struct Aliases<'a> {
        default: Alias<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Alias<'a> {
        url: &'a str,
        access_key: &'a str,
        secret_key: &'a str,
        api: &'static str,
        path: &'static str,
    }
    let default = Alias {
        url: sheet.attribute("endpoint").unwrap_or_default(),
        access_key: sheet.username(),
        secret_key: sheet.password(),
        api: "S3v4",
        path: "auto",
    };
    super::json_text(&Config { version: "10", aliases: Aliases { default } })
}

fn section<'a>(lines: impl IntoIterator<Item = (&'static str, Option<&'a str>)>) -> Text {
    let mut text = Text::default();
    text.push(&["[", DEFAULT, "]\n"]);
    for (name, value) in lines {
        if let Some(value) = value {
            text.push(&[name, " = ", value, "\n"]);
        }
    }
    text
}
