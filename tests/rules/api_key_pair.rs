//! What only an ApiKeyPair has.

use serde_json::{Value, json};

use super::Answer::{self, Accepted, Refused};
use super::{ApiKeyPair, Row, accepted, change, refused};

pub fn rows() -> Vec<Row> {
    let with = |sentence, spec: Value| accepted(ApiKeyPair, sentence, spec);
    let not = |sentence, spec: Value, message| refused(ApiKeyPair, sentence, spec, message);
    let changed = |sentence, before: Value, after: Value, answer: Answer| {
        change(ApiKeyPair, sentence, before, after, answer)
    };
    let service = "service must be lower-case letters, digits and inner dashes";
    let prefix = "must be 1 to 8 upper-case letters and digits";
    let prefix_kept = Refused("accessKeyPrefix cannot be changed, added or removed later");
    vec![
        with("a service is a slug", json!({"service": "object-store-2"})),
        not("a service is lower-case", json!({"service": "S3"}), service),
        not("a service is not empty", json!({"service": ""}), service),
        not("a service does not begin with a dash", json!({"service": "-s3"}), service),
        not("a service has no slash", json!({"service": "s3/eu"}), service),
        not("a service ends at 63 characters", json!({"service": "a".repeat(64)}), "spec.service: Too long")
            .server_alone(),
        with("a pair may be Standard", json!({"format": "Standard", "accessKeyPrefix": "ACME2024"})),
        with("a pair may be Aws", json!({"format": "Aws"})),
        with("a pair may be Uuid", json!({"format": "Uuid"})),
        with("a pair may be Upper", json!({"format": "Upper"})),
        not(
            "an unknown format of a pair is refused",
            json!({"format": "Gcp"}),
            "supported values: \"Standard\", \"Aws\", \"Uuid\", \"Upper\"",
        )
        .server_alone(),
        with("a prefix goes with the default format", json!({"accessKeyPrefix": "ACME"})),
        not(
            "a prefix goes with no other format",
            json!({"format": "Aws", "accessKeyPrefix": "ACME"}),
            "accessKeyPrefix is only for format Standard",
        ),
        not("a prefix is upper-case", json!({"accessKeyPrefix": "acme"}), prefix),
        not("a prefix is not empty", json!({"accessKeyPrefix": ""}), prefix),
        not("a prefix ends at 8 characters", json!({"accessKeyPrefix": "A".repeat(9)}), "Too long")
            .server_alone(),
        with("a rotation may renew the secret key alone", json!({"rotation": {"mode": "SecretOnly"}})),
        with("a rotation may renew both keys", json!({"rotation": {"mode": "KeyPair", "overlap": "1h"}})),
        not(
            "an unknown mode is refused",
            json!({"rotation": {"mode": "Both"}}),
            "supported values: \"SecretOnly\", \"KeyPair\"",
        )
        .server_alone(),
        changed("a mode can be changed", json!({}), json!({"rotation": {"mode": "KeyPair"}}), Accepted),
        changed(
            "a service is not changed",
            json!({}),
            json!({"service": "s3"}),
            Refused("service cannot be changed"),
        ),
        changed(
            "a service is not put back to its default",
            json!({"service": "s3"}),
            json!({"service": null}),
            Refused("service cannot be changed"),
        ),
        changed("the default service may be written down", json!({}), json!({"service": "api"}), Accepted),
        changed(
            "a pair's format is not changed",
            json!({}),
            json!({"format": "Uuid"}),
            Refused("format cannot be changed"),
        ),
        changed(
            "a pair's format is not put back to its default",
            json!({"format": "Aws"}),
            json!({"format": null}),
            Refused("format cannot be changed"),
        ),
        changed(
            "a prefix is not changed",
            json!({"accessKeyPrefix": "A"}),
            json!({"accessKeyPrefix": "B"}),
            prefix_kept,
        ),
        changed("a prefix is not added", json!({}), json!({"accessKeyPrefix": "B"}), prefix_kept),
        changed(
            "a prefix is not removed",
            json!({"accessKeyPrefix": "A"}),
            json!({"accessKeyPrefix": null}),
            prefix_kept,
        ),
    ]
}
