//! What is replaced by itself: `every`, `cron` and `renewBefore`.

use serde_json::{Value, json};

use super::{AccessToken, CREDENTIALS, Kind, Row, SshKey, accepted, refused};

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> =
        CREDENTIALS.into_iter().flat_map(|kind| [renewals(kind), schedules(kind)]).flatten().collect();
    rows.extend(expressions());
    rows.extend(zones());
    rows.extend(uploads());
    rows
}

fn renewals(kind: Kind) -> Vec<Row> {
    let with = |sentence, spec: Value| accepted(kind, sentence, spec);
    let not = |sentence, spec: Value, message| refused(kind, sentence, spec, message);
    let short = "renewBefore must be at least a minute shorter than lifetime";
    let endless = "renewBefore needs a lifetime: it means nothing with expirationTime";
    vec![
        with("a renewal comes before the end", json!({"lifetime": "90d", "renewBefore": "10d"})),
        with("a renewal may go by the Account's lifetime", json!({"renewBefore": "10d"})),
        with("a renewal leaves a minute", json!({"lifetime": "90d", "renewBefore": "89d23h59m"})),
        not(
            "a renewal leaves no less than a minute",
            json!({"lifetime": "90d", "renewBefore": "89d23h59m1s"}),
            short,
        ),
        not(
            "a renewal is not as long as the lifetime",
            json!({"lifetime": "1d", "renewBefore": "24h"}),
            short,
        ),
        not("a renewal needs an end", json!({"lifetime": "never", "renewBefore": "10d"}), endless),
        not(
            "a renewal does not move an expiration time",
            json!({"expirationTime": "2027-01-01T00:00:00Z", "renewBefore": "10d"}),
            endless,
        ),
        not(
            "a renewal is a duration",
            json!({"lifetime": "90d", "renewBefore": "soon"}),
            "must be a duration above zero",
        ),
        not(
            "a renewal of zero is refused",
            json!({"lifetime": "90d", "renewBefore": "0s"}),
            "must be a duration above zero",
        ),
        with(
            "a credential may be renewed and rotated",
            json!({"lifetime": "90d", "renewBefore": "10d", "rotation": {"every": "30d", "overlap": "1d"}}),
        ),
    ]
}

fn schedules(kind: Kind) -> Vec<Row> {
    let with = |sentence, rotation: Value| accepted(kind, sentence, json!({"rotation": rotation}));
    let not =
        |sentence, rotation: Value, message| refused(kind, sentence, json!({"rotation": rotation}), message);
    let overlap = "every and cron need overlap: say how long";
    vec![
        not(
            "a cron expression has five fields",
            json!({"cron": "@daily", "overlap": "0s"}),
            "must be a cron expression of five fields",
        ),
        not(
            "a time zone has a name",
            json!({"cron": "0 3 * * 1", "timeZone": "+02:00", "overlap": "0s"}),
            "must be the name of a time zone",
        ),
        with("a credential may be rotated every so often", json!({"every": "30d", "overlap": "24h"})),
        with("an overlap of zero is explicit", json!({"every": "30d", "overlap": "0s"})),
        with("a credential may be rotated by cron", json!({"cron": "0 3 * * 1", "overlap": "0s"})),
        with(
            "cron may have a time zone",
            json!({"cron": "0 3 * * 1", "timeZone": "Europe/Warsaw", "overlap": "24h"}),
        ),
        not("every needs an overlap", json!({"every": "30d"}), overlap),
        not("cron needs an overlap", json!({"cron": "0 3 * * 1"}), overlap),
        not(
            "every and cron exclude each other",
            json!({"every": "30d", "cron": "0 3 * * 1", "overlap": "0s"}),
            "every and cron exclude each other: remove one of them",
        ),
        not("a time zone is for cron", json!({"timeZone": "UTC"}), "timeZone is only for cron"),
        not(
            "a time zone is not for every",
            json!({"every": "30d", "timeZone": "UTC", "overlap": "0s"}),
            "timeZone is only for cron",
        ),
        not(
            "an overlap is shorter than the period",
            json!({"every": "1d", "overlap": "24h"}),
            "overlap must be shorter than every",
        ),
        with(
            "an overlap may be one second shorter than the period",
            json!({"every": "1d", "overlap": "23h59m59s"}),
        ),
        not(
            "a period is a duration",
            json!({"every": "daily", "overlap": "0s"}),
            "must be a duration above zero",
        ),
        not("a period is not zero", json!({"every": "0s", "overlap": "0s"}), "must be a duration above zero"),
        not("a period is at least a minute", json!({"every": "59s", "overlap": "0s"}), "must be at least 1m"),
        with("a period of a minute is allowed", json!({"every": "60s", "overlap": "0s"})),
        refused(
            kind,
            "a period is shorter than the lifetime",
            json!({"lifetime": "30d", "rotation": {"every": "30d", "overlap": "0s"}}),
            "rotation.every must be shorter than lifetime",
        ),
        accepted(
            kind,
            "a period has no bound without an end",
            json!({"lifetime": "never", "rotation": {"every": "99y", "overlap": "0s"}}),
        ),
    ]
}

fn expressions() -> Vec<Row> {
    let good = [
        ("cron may have lists, ranges and steps", "0,30 8-18/2 1-7,15 * *"),
        ("cron may have names", "0 0 * jan-JUN MON,wed"),
        ("cron may have steps over all", "*/15 */2 */3 */4 *"),
        ("cron may have more than one space", "0  3 *   * 1"),
    ];
    let bad = [
        ("four fields are refused", "0 3 * *"),
        ("six fields are refused", "0 0 3 * * 1"),
        ("names of schedules are refused", "@daily"),
        ("an interval is refused", "@every 1h"),
        ("a time zone beside the fields is refused", "TZ=UTC 0 3 * * 1"),
        ("an empty expression is refused", ""),
        ("spaces in front are refused", " 0 3 * * 1"),
        ("a tab is refused", "0\t3 * * 1"),
        ("a line break is refused", "0 3 * * 1\n"),
        ("a question mark is refused", "0 3 ? * 1"),
        ("the last day is refused", "0 3 L * *"),
        ("a negative number is refused", "-1 3 * * *"),
        ("three digits are refused", "100 3 * * *"),
        ("a step without a number is refused", "*/ 3 * * *"),
        ("an empty item is refused", "0,,5 3 * * *"),
    ];
    let rotation = |cron: &str| json!({"rotation": {"cron": cron, "overlap": "0s"}});
    let good = good.map(|(sentence, cron)| accepted(AccessToken, sentence, rotation(cron)));
    let bad = bad.map(|(sentence, cron)| {
        refused(AccessToken, sentence, rotation(cron), "must be a cron expression of five fields")
    });
    let long = format!("{} 3 * * *", ["0"; 64].join(","));
    let long = refused(AccessToken, "a cron expression ends at 128 characters", rotation(&long), "Too long");
    good.into_iter().chain(bad).chain([long.server_alone()]).collect()
}

fn zones() -> Vec<Row> {
    let good =
        ["UTC", "Europe/Warsaw", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"];
    let bad = ["", "Europe/", "/Warsaw", "Europe Warsaw", "+02:00", "../etc/passwd", "Europe/Warsaw\n"];
    let rotation = |zone: &str| json!({"rotation": {"cron": "0 3 * * 1", "timeZone": zone, "overlap": "0s"}});
    let good =
        good.map(|zone| accepted(AccessToken, "a time zone is a name of the IANA database", rotation(zone)));
    let bad = bad.map(|zone| {
        refused(AccessToken, "a time zone is a name", rotation(zone), "must be the name of a time zone")
    });
    good.into_iter().chain(bad).collect()
}

/// A public key that somebody has pasted cannot be replaced by itself.
fn uploads() -> Vec<Row> {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice@laptop";
    let with = |mut spec: Value| {
        super::merge(&mut spec, json!({"method": "Upload", "publicKey": key}));
        spec
    };
    let message = "an uploaded key cannot be replaced by itself";
    [
        json!({"rotation": {"every": "30d", "overlap": "0s"}}),
        json!({"rotation": {"cron": "0 3 * * 1", "overlap": "0s"}}),
        json!({"lifetime": "90d", "renewBefore": "10d"}),
    ]
    .into_iter()
    .map(|spec| refused(SshKey, "an uploaded key is not replaced by itself", with(spec), message))
    .chain([accepted(SshKey, "an uploaded key may overlap", with(json!({"rotation": {"overlap": "1h"}})))])
    .collect()
}
