//! What only an Account has.

use serde_json::json;

use super::Answer::{Accepted, Refused};
use super::{Account, Row, accepted, change, refused};

pub fn rows() -> Vec<Row> {
    let with = |sentence, spec| accepted(Account, sentence, spec);
    let not = |sentence, spec, message| refused(Account, sentence, spec, message);
    let email = "must be one bare e-mail address";
    let phone = "must be a phone number";
    vec![
        with("an account needs nothing but an e-mail address", json!({})),
        with(
            "an account may say all that there is to say",
            json!({
                "firstName": "Alice", "lastName": "Liddell", "companyName": "Wonderland Ltd. – Spółka",
                "email": "alice+ci@mail.example.com", "phone": "+48 (22) 123-456/7",
                "notification": {"email": "ops@example.com", "phone": "112"},
                "groups": [{"id": "7", "name": "Developers"}, {"id": "b2c4-77"}],
                "active": false,
                "credentialDefaults": {"lifetime": "1y", "overlap": "24h"},
                "permissions": ["servers:read", "ssh-keys:*", "*:*"],
                "attributes": {"plan": "gold", "limits/rate": "100", "policy": "{\"a\": [1]}", "empty": ""},
                "tokenPrefix": "acme",
            }),
        ),
        with("an account may ask for a password", json!({"password": {}})),
        not("a password is no text", json!({"password": "secret"}), "must be of type object").server_alone(),
        not(
            "a password has no field for itself",
            json!({"password": {"value": "secret"}}),
            "unknown field \"spec.password.value\"",
        )
        .server_alone(),
        with("a password may be brought", json!({"password": {"secretRef": {"name": "alice-login"}}})),
        with(
            "a password may be brought under any key",
            json!({"password": {"secretRef": {"name": "alice-login", "key": "log.in_1"}}}),
        ),
        with(
            "another's Secret may have the password",
            json!({"password": {"secretRef": {"name": "bob-password"}}}),
        ),
        not(
            "a password that is brought is somewhere",
            json!({"password": {"secretRef": {}}}),
            "secretRef.name: Required value",
        )
        .server_alone(),
        not(
            "a password is not brought from the Secret that is made of it",
            json!({"password": {"secretRef": {"name": "example-password"}}}),
            "spec.password.secretRef names the Secret that the operator writes for this Account",
        ),
        not(
            "a password is not brought from the operator's own Secrets",
            json!({"password": {"secretRef": {"name": "chatelaine-held-1"}}}),
            "begins with chatelaine-",
        ),
        not(
            "a password is brought from a Secret that there can be",
            json!({"password": {"secretRef": {"name": "Alice"}}}),
            "must be a valid Secret name",
        ),
        not(
            "a password is brought from a key that there can be",
            json!({"password": {"secretRef": {"name": "alice-login", "key": "pass word"}}}),
            "must be a key of a Secret",
        ),
        not(
            "a password is not brought from an empty key",
            json!({"password": {"secretRef": {"name": "alice-login", "key": ""}}}),
            "must be a key of a Secret",
        ),
        change(
            Account,
            "a generated password can be followed by one that is brought",
            json!({"password": {}}),
            json!({"password": {"secretRef": {"name": "alice-login"}}}),
            Accepted,
        ),
        change(
            Account,
            "a password that is brought can be followed by a generated one",
            json!({"password": {"secretRef": {"name": "alice-login"}}}),
            json!({"password": {}}),
            Accepted,
        ),
        not("an account has an e-mail address", json!({"email": null}), "spec.email: Required value")
            .server_alone(),
        not("an e-mail address is not empty", json!({"email": ""}), email),
        not("an e-mail address has an @", json!({"email": "alice.example.com"}), email),
        not("an e-mail address has one @", json!({"email": "alice@b@example.com"}), email),
        not("an e-mail address has no spaces", json!({"email": "alice @example.com"}), email),
        not("an e-mail address has no no-break spaces", json!({"email": "alice\u{a0}@example.com"}), email),
        not("an e-mail address has no line break at its end", json!({"email": "alice@example.com\n"}), email),
        not("an e-mail address comes without a name", json!({"email": "Alice <alice@example.com>"}), email),
        not("an e-mail address stands alone", json!({"email": "a@example.com,b@example.com"}), email),
        not("an e-mail address has no empty label", json!({"email": "alice@example..com"}), email),
        not("an e-mail address names a host", json!({"email": "alice@"}), email),
        not(
            "the part before the @ ends at 64 characters",
            json!({"email": format!("{}@example.com", "a".repeat(65))}),
            email,
        ),
        not(
            "an e-mail address ends at 254 characters",
            json!({"email": format!("alice@{}.com", "a.".repeat(122) + "a")}),
            "spec.email: Too long",
        )
        .server_alone(),
        with("an e-mail address may have a local host", json!({"email": "root@localhost"})),
        not(
            "the address for notices is an e-mail address too",
            json!({"notification": {"email": "ops"}}),
            email,
        ),
        not("a phone number has digits", json!({"phone": "call me"}), phone),
        not("a phone number is not empty", json!({"phone": ""}), phone),
        not("a phone number is one line", json!({"phone": "+48 1\n+48 2"}), phone),
        not(
            "the phone number for notices is a phone number too",
            json!({"notification": {"phone": "x"}}),
            phone,
        ),
        not(
            "group ids never begin with system:",
            json!({"groups": [{"id": "system:masters", "name": "Masters"}]}),
            "ids that begin with system: are Kubernetes' own",
        ),
        with("a group id may hold system: further on", json!({"groups": [{"id": "eco:system:1"}]})),
        not(
            "a group id is not empty",
            json!({"groups": [{"id": ""}]}),
            "must be an id of 1 to 128 characters",
        ),
        not(
            "a group id has no spaces",
            json!({"groups": [{"id": "a b"}]}),
            "must be an id of 1 to 128 characters",
        ),
        with("a group id may have 128 characters", json!({"groups": [{"id": "g".repeat(128)}]})),
        not("a group id ends at 128 characters", json!({"groups": [{"id": "g".repeat(129)}]}), "Too long")
            .server_alone(),
        not("a group has an id", json!({"groups": [{"name": "x"}]}), "spec.groups[0].id: Required value")
            .server_alone(),
        not("a group occurs once", json!({"groups": [{"id": "7"}, {"id": "7"}]}), "Duplicate value")
            .server_alone(),
        not(
            "the defaults' lifetime is a duration",
            json!({"credentialDefaults": {"lifetime": "90"}}),
            "must be never or a duration",
        ),
        not(
            "the defaults' lifetime is above zero",
            json!({"credentialDefaults": {"lifetime": "0d"}}),
            "must be never or a duration above zero",
        ),
        with("the defaults' lifetime may be never", json!({"credentialDefaults": {"lifetime": "never"}})),
        not(
            "the defaults' overlap is a duration",
            json!({"credentialDefaults": {"overlap": "never"}}),
            "must be a duration such as 24h",
        ),
        with("the defaults' overlap may be zero", json!({"credentialDefaults": {"overlap": "0s"}})),
        not(
            "a token prefix is lower-case",
            json!({"tokenPrefix": "Acme"}),
            "must be 1 to 16 lower-case letters and digits",
        ),
        not(
            "a token prefix has no underscore, which is added",
            json!({"tokenPrefix": "acme_"}),
            "the underscore is added",
        ),
        not(
            "a token prefix begins with a letter",
            json!({"tokenPrefix": "1acme"}),
            "beginning with a letter",
        ),
        not("a token prefix is not empty", json!({"tokenPrefix": ""}), "must be 1 to 16"),
        not(
            "a token prefix ends at 16 characters",
            json!({"tokenPrefix": "a".repeat(17)}),
            "spec.tokenPrefix: Too long",
        )
        .server_alone(),
        change(
            Account,
            "everything in an account can be changed",
            json!({"firstName": "Alice", "tokenPrefix": "a", "permissions": ["a:b"], "active": true}),
            json!({"firstName": null, "email": "b@example.com", "tokenPrefix": "b", "permissions": null, "active": false}),
            Accepted,
        ),
        change(
            Account,
            "a change is held to the same rules",
            json!({}),
            json!({"email": "nobody"}),
            Refused(email),
        ),
    ]
}
