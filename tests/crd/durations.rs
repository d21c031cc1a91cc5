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

fn duration() -> impl Strategy<Value = String> {
    let units = "([0-9]{1,2}y)?([0-9]{1,4}w)?([0-9]{1,5}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?";
    let any = string_regex(units).unwrap();
    // Those that are equal though they are written differently are rarely met by chance.
    let near = (0..3u64, 0..3u64, 0..4u64)
        .prop_map(|(weeks, days, hours)| format!("{weeks}w{days}d{}h", hours * 24));
    prop_oneof![any, near]
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
