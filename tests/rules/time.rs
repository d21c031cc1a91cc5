//! Durations and times.

use serde_json::{Value, json};

use super::Answer::{Accepted, Refused};
use super::{AccessToken, CREDENTIALS, Row, accepted, change, refused};

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = CREDENTIALS
        .into_iter()
        .flat_map(|kind| {
            let with = move |sentence, spec: Value| accepted(kind, sentence, spec);
            let not = move |sentence, spec: Value, message| refused(kind, sentence, spec, message);
            [
                with("a lifetime is a duration", json!({"lifetime": "90d"})),
                not(
                    "a lifetime has a unit",
                    json!({"lifetime": "90"}),
                    "must be never or a duration above zero",
                ),
                with(
                    "an expiration time is an RFC 3339 time",
                    json!({"expirationTime": "2027-01-01T00:00:00Z"}),
                ),
                not(
                    "an expiration time is not before the year 2000",
                    json!({"expirationTime": "1999-12-31T23:59:59Z"}),
                    "between the years 2000 and 9000",
                ),
                not(
                    "lifetime and expirationTime exclude each other",
                    json!({"lifetime": "90d", "expirationTime": "2027-01-01T00:00:00Z"}),
                    "lifetime and expirationTime exclude each other: remove one of them",
                ),
                not(
                    "lifetime never and expirationTime exclude each other too",
                    json!({"lifetime": "never", "expirationTime": "2027-01-01T00:00:00Z"}),
                    "exclude each other",
                ),
                change(
                    kind,
                    "one end may be exchanged for the other",
                    json!({"lifetime": "90d"}),
                    json!({"lifetime": null, "expirationTime": "2027-01-01T00:00:00Z"}),
                    Accepted,
                ),
                change(
                    kind,
                    "the second end is not added later",
                    json!({"lifetime": "90d"}),
                    json!({"expirationTime": "2027-01-01T00:00:00Z"}),
                    Refused("exclude each other"),
                ),
                with("a warning comes before the end", json!({"lifetime": "90d", "warnBefore": "7d"})),
                not(
                    "a warning is shorter than the lifetime",
                    json!({"lifetime": "1d", "warnBefore": "24h"}),
                    "warnBefore must be shorter than lifetime",
                ),
                not(
                    "a warning is a duration",
                    json!({"warnBefore": "soon"}),
                    "must be a duration above zero such as 7d, 12h or 1h30m: the units are",
                ),
                not(
                    "a warning needs an end",
                    json!({"lifetime": "never", "warnBefore": "7d"}),
                    "warnBefore means nothing with lifetime never",
                ),
                with("an overlap is a duration", json!({"rotation": {"overlap": "24h"}})),
                with("an overlap may be zero", json!({"rotation": {"overlap": "0s"}})),
                not(
                    "an overlap is not never",
                    json!({"rotation": {"overlap": "never"}}),
                    "must be a duration such as 24h, 1h30m or 0s: the units are y w d h m s, the largest comes first",
                ),
                not(
                    "an overlap is not empty",
                    json!({"rotation": {"overlap": ""}}),
                    "must be a duration such as 24h",
                ),
            ]
        })
        .collect();
    rows.extend(durations());
    rows.extend(times());
    rows.extend(warnings());
    rows
}

fn durations() -> Vec<Row> {
    let good = [
        ("never is a lifetime", "never"),
        ("one second is a lifetime", "1s"),
        ("hours and minutes are a lifetime", "1h30m"),
        ("all units together are a lifetime", "1y2w3d4h5m6s"),
        ("the greatest digits are a lifetime", "99y9999w99999d999999h9999999m99999999s"),
        ("zeros beside something are a lifetime", "0y001d"),
    ];
    let bad = [
        ("an empty lifetime is refused", ""),
        ("a lifetime of zero is refused", "0s"),
        ("a lifetime of many zeros is refused", "00y0000w"),
        ("units out of order are refused", "30m1h"),
        ("a unit twice is refused", "1d1d"),
        ("a unit without a number is refused", "d"),
        ("an unknown unit is refused", "10M"),
        ("spaces are refused", "30 days"),
        ("ISO 8601 is refused", "P30D"),
        ("a fraction is refused", "1.5h"),
        ("a negative lifetime is refused", "-1h"),
        ("too many years are refused", "100y"),
        ("too many seconds are refused", "123456789s"),
        ("Never with a capital is refused", "Never"),
        ("never and a duration are refused", "never1d"),
        ("a line break at the end is refused", "90d\n"),
        ("other digits than ASCII are refused", "٣d"),
    ];
    let good = good.map(|(sentence, text)| accepted(AccessToken, sentence, json!({"lifetime": text})));
    let bad = bad.map(|(sentence, text)| {
        refused(
            AccessToken,
            sentence,
            json!({"lifetime": text}),
            "must be never or a duration above zero such as 90d, 12h or 1h30m: the units are y w d h m s, the largest \
             comes first",
        )
    });
    let long = refused(
        AccessToken,
        "a lifetime ends at 38 characters",
        json!({"lifetime": "1".repeat(39)}),
        "Too long",
    );
    good.into_iter().chain(bad).chain([long.server_alone()]).collect()
}

fn warnings() -> Vec<Row> {
    let with = |sentence, lifetime: &str, warn: &str| {
        accepted(AccessToken, sentence, json!({"lifetime": lifetime, "warnBefore": warn}))
    };
    let not = |sentence, lifetime: &str, warn: &str| {
        refused(
            AccessToken,
            sentence,
            json!({"lifetime": lifetime, "warnBefore": warn}),
            "warnBefore must be shorter than lifetime: shorten warnBefore or lengthen lifetime",
        )
    };
    vec![
        with("a warning one second before the issue is not too long", "1d", "23h59m59s"),
        not("a warning as long as the lifetime is too long", "1y", "365d"),
        not("weeks are counted", "1w", "8d"),
        not("sums are counted", "1h30m", "90m"),
        not("minutes are not months", "1h", "61m"),
        with("seconds are the smallest", "2s", "1s"),
        with(
            "the greatest digits can be compared",
            "99y9999w99999d999999h9999999m99999999s",
            "99y9999w99999d",
        ),
        refused(
            AccessToken,
            "a warning of zero is refused",
            json!({"warnBefore": "0d"}),
            "must be a duration above zero",
        ),
        refused(
            AccessToken,
            "a warning of never is refused",
            json!({"warnBefore": "never"}),
            "must be a duration above zero",
        ),
        accepted(
            AccessToken,
            "a warning before the Account's default end is allowed",
            json!({"warnBefore": "7d"}),
        ),
        accepted(
            AccessToken,
            "a warning before an expiration time is allowed",
            json!({"expirationTime": "2027-01-01T00:00:00Z", "warnBefore": "7d"}),
        ),
    ]
}

fn times() -> Vec<Row> {
    let good = [
        ("a time may have an offset", "2027-01-01T00:00:00+02:00"),
        ("a time may have a negative offset", "2027-01-01T00:00:00-11:30"),
        ("a time may have a fraction", "2027-01-01T00:00:00.123456Z"),
        ("a time may have nine digits of a fraction", "2027-01-01T00:00:00.123456789Z"),
        ("a time may be past", "2020-02-29T23:59:59Z"),
    ];
    let bad = [
        ("a date alone is refused", "2027-01-01", "must be of type date-time"),
        ("a day that does not exist is refused", "2027-02-30T00:00:00Z", "must be of type date-time"),
        ("a leap second is refused", "2027-06-30T23:59:60Z", "must be of type date-time"),
        ("a time without an offset is refused", "2027-01-01T00:00:00", "must be of type date-time"),
        ("words are refused", "tomorrow", "must be of type date-time"),
        ("lower-case letters are refused", "2027-01-01t00:00:00z", "must be an RFC 3339 time"),
        ("a comma is refused", "2027-01-01T00:00:00,5Z", "should match"),
        ("ten digits of a fraction are refused", "2027-01-01T00:00:00.1234567891Z", "should match"),
        ("an offset of a whole day is refused", "2027-01-01T00:00:00+24:00", "should match"),
        ("the year 1970 is refused", "1970-01-01T00:00:00Z", "between the years 2000 and 9000"),
        ("the year 9999 is refused", "9999-12-31T23:59:59Z", "between the years 2000 and 9000"),
    ];
    let good = good.map(|(sentence, time)| accepted(AccessToken, sentence, json!({"expirationTime": time})));
    let bad = bad.map(|(sentence, time, message)| {
        refused(AccessToken, sentence, json!({"expirationTime": time}), message).server_alone()
    });
    let last = refused(
        AccessToken,
        "the last year is 8999",
        json!({"expirationTime": "9000-01-01T00:00:00Z"}),
        "between the years 2000 and 9000",
    );
    good.into_iter().chain(bad).chain([last]).collect()
}
