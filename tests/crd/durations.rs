//! Admission reads a duration as the operator does: what it lets through has a length, and two are compared by their lengths.

use std::sync::LazyLock;

use chatelaine::core::period::Period;
use kube::core::cel::{CompiledSchema, Validator, compile_schema};
use proptest::{prelude::*, string::string_regex};
use serde_json::{Value, json};

use crate::{
    rules::{AccessToken, Account, Kind, merge},
    texts::schema_of,
};

static OF_A_TOKEN: LazyLock<CompiledSchema> = LazyLock::new(|| compile_schema(&schema_of(AccessToken)));
static OF_AN_ACCOUNT: LazyLock<CompiledSchema> = LazyLock::new(|| compile_schema(&schema_of(Account)));

fn is_taken(kind: Kind, schema: &CompiledSchema, spec: Value) -> bool {
    let mut manifest = kind.manifest();
    merge(&mut manifest, json!({"spec": spec}));
    Validator::new().validate_compiled(schema, &manifest, None).is_ok()
}

fn takes(spec: Value) -> bool {
    is_taken(AccessToken, &OF_A_TOKEN, spec)
}

/// A year, a week and a minute in every unit, and a little more: chance seldom meets what is equal.
const NEAR: [&str; 26] = [
    "1y",
    "365d",
    "52w1d",
    "8760h",
    "525600m",
    "31536000s",
    "1y1s",
    "365d1m",
    "1w",
    "7d",
    "168h",
    "10080m",
    "604800s",
    "1w1s",
    "7d59s",
    "168h1m",
    "10081m",
    "604859s",
    "604860s",
    "604861s",
    "1m",
    "60s",
    "59s",
    "61s",
    "2m",
    "1s",
];

fn duration() -> impl Strategy<Value = String> {
    let units = "([0-9]{1,2}y)?([0-9]{1,4}w)?([0-9]{1,5}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?";
    let any = string_regex(units).unwrap();
    prop_oneof![any, prop::sample::select(&NEAR[..]).prop_map(str::to_owned)]
        .prop_filter("it is above zero", |text| text.contains(|c: char| ('1'..='9').contains(&c)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_text_admission_takes_for_a_duration_has_a_length(text in "[0-9ywdhms]{0,9}|([0-9]{1,9}[ywdhms]){1,6}") {
        if takes(json!({"lifetime": text})) {
            prop_assert!(text.parse::<Period>().is_ok_and(|period| period > Period::default()), "{}", text);
        }
        if takes(json!({"rotation": {"overlap": text}})) {
            prop_assert!(text.parse::<Period>().is_ok(), "{}", text);
        }
    }

    #[test]
    fn two_durations_are_compared_by_their_lengths(one in duration(), other in duration()) {
        let [long, short] = [&one, &other].map(|text| text.parse::<Period>().unwrap());
        let [long, short] = [long.as_secs(), short.as_secs()];
        prop_assert_eq!(takes(json!({"lifetime": one, "warnBefore": other})), short < long);
        prop_assert_eq!(takes(json!({"lifetime": one, "renewBefore": other})), short + 60 <= long);
        let every = json!({"rotation": {"every": one, "overlap": other}});
        prop_assert_eq!(takes(every), long >= 60 && short < long);
        let every = json!({"lifetime": one, "rotation": {"every": other, "overlap": "0s"}});
        prop_assert_eq!(takes(every), short >= 60 && short < long);
        let account = json!({"credentialDefaults": {"lifetime": other}, "limits": {"maxLifetime": one}});
        prop_assert_eq!(is_taken(Account, &OF_AN_ACCOUNT, account), short <= long);
    }
}
