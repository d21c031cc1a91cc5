//! Limits of an Account.

use serde_json::{Value, json};

use super::{Account, Row, accepted, refused};

pub fn rows() -> Vec<Row> {
    let with = |sentence, limits: Value| accepted(Account, sentence, json!({"limits": limits}));
    let not =
        |sentence, limits: Value, message| refused(Account, sentence, json!({"limits": limits}), message);
    let services = |count| -> Value { (0..count).map(|n| (format!("s{n}"), json!(n))).collect() };
    let lifetimes = |sentence, default: &str, most: &str| {
        let spec = json!({"credentialDefaults": {"lifetime": default}, "limits": {"maxLifetime": most}});
        accepted(Account, sentence, spec)
    };
    let longer = |sentence, default: &str, most: &str| {
        let spec = json!({"credentialDefaults": {"lifetime": default}, "limits": {"maxLifetime": most}});
        refused(
            Account,
            sentence,
            spec,
            "credentialDefaults.lifetime must not be longer than limits.maxLifetime",
        )
    };
    vec![
        with(
            "an account may be limited in everything",
            json!({"apiKeyPairs": 5, "sshKeys": 0, "accessTokens": 1_000_000, "maxLifetime": "1y",
                   "perService": {"s3": 1, "object-store": 0}}),
        ),
        with("an account may have no limits", json!({})),
        not("a limit is not negative", json!({"sshKeys": -1}), "should be greater than or equal to 0")
            .server_alone(),
        not("a limit is a whole number", json!({"sshKeys": 1.5}), "spec.limits.sshKeys").server_alone(),
        not(
            "a limit ends at a million",
            json!({"sshKeys": 1_000_001}),
            "should be less than or equal to 1000000",
        )
        .server_alone(),
        not("a limit is of a kind that there is", json!({"passwords": 1}), "unknown field").server_alone(),
        not(
            "a service is a slug",
            json!({"perService": {"S3": 1}}),
            "a service must be at most 63 lower-case",
        ),
        not(
            "a service's name ends at 63 characters",
            json!({"perService": {"s".repeat(64): 1}}),
            "a service must be at most 63",
        ),
        not("a service's limit is a number", json!({"perService": {"s3": "1"}}), "perService.s3")
            .server_alone(),
        with("there may be limits for 32 services", json!({"perService": services(32)})),
        not(
            "there are limits for at most 32 services",
            json!({"perService": services(33)}),
            "must have at most 32",
        )
        .server_alone(),
        not(
            "the longest lifetime is a duration",
            json!({"maxLifetime": "long"}),
            "must be a duration above zero",
        ),
        not(
            "the longest lifetime is above zero",
            json!({"maxLifetime": "0s"}),
            "must be a duration above zero",
        ),
        not(
            "the longest lifetime is not never",
            json!({"maxLifetime": "never"}),
            "must be a duration above zero",
        ),
        lifetimes("the default may be as long as the limit in other units", "1y", "365d"),
        longer("the default is not longer than the limit", "91d", "90d"),
        longer("the default is not longer than the limit in smaller units", "25h", "1d"),
        longer("under a limit the default is not never", "never", "99y"),
    ]
}
