//! Every text that a spec can hold, every bound and every rule, as the schema itself lists them: a new field cannot escape.

use std::collections::{BTreeMap, BTreeSet};

use chatelaine::api;
use kube::core::cel::{Validator, compile_schema};
use serde_json::{Value, json};

use crate::rules::{self, Answer, CREDENTIALS, Judge, Kind};

const CONTROL: [char; 8] = ['\0', '\t', '\n', '\r', '\u{b}', '\u{1b}', '\u{7f}', '\u{85}'];

/// A text in a manifest that is accepted.
#[derive(Clone, Debug)]
enum Place {
    /// A JSON pointer to it.
    Value(String),
    /// A key of the map there.
    Key(String, String),
}

impl Place {
    fn text<'a>(&'a self, manifest: &'a Value) -> &'a str {
        match self {
            Self::Value(pointer) => manifest.pointer(pointer).and_then(Value::as_str).unwrap(),
            Self::Key(_, key) => key,
        }
    }

    fn with(&self, manifest: &Value, text: String) -> Value {
        let mut other = manifest.clone();
        match self {
            Self::Value(pointer) => *other.pointer_mut(pointer).unwrap() = json!(text),
            Self::Key(map, key) => {
                let map = other.pointer_mut(map).and_then(Value::as_object_mut).unwrap();
                let value = map.remove(key).unwrap();
                map.insert(text, value);
            }
        }
        other
    }
}

pub fn schema_of(kind: Kind) -> Value {
    let named = |crd: &Value| crd["spec"]["names"]["kind"] == format!("{kind:?}");
    let crd = api::crds().into_iter().map(|crd| json!(crd)).find(named).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

fn is_free(schema: &Value) -> bool {
    schema["type"] == "string" && schema["enum"].is_null() && schema["format"] != "date-time"
}

/// The path of every free text and of every map's key, with where it stands in the value.
fn texts(path: &str, schema: &Value, pointer: &str, value: &Value, found: &mut Vec<(String, Place)>) {
    if is_free(schema) && value.as_str().is_some_and(|text| !text.is_empty()) {
        found.push((path.to_owned(), Place::Value(pointer.to_owned())));
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        texts(&format!("{path}[]"), &schema["items"], &format!("{pointer}/{n}"), item, found);
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let below = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        if schema["additionalProperties"].is_object() {
            found.push((format!("{path}{{key}}"), Place::Key(pointer.to_owned(), key.clone())));
            texts(&format!("{path}{{}}"), &schema["additionalProperties"], &below, inner, found);
        } else {
            texts(&format!("{path}.{key}"), &schema["properties"][key], &below, inner, found);
        }
    }
}

/// One good manifest for each text of the kind's spec: those of the rows.
fn good(kind: Kind, schema: &Value) -> BTreeMap<String, (Place, Value)> {
    let is_good = |row: &rules::Row| {
        row.kind == kind && row.answer == Answer::Accepted && row.judge == Judge::CelAndServer
    };
    let mut all = BTreeMap::new();
    for row in rules::all().into_iter().filter(is_good) {
        let mut found = Vec::new();
        texts(
            &format!("{kind:?}.spec"),
            &schema["properties"]["spec"],
            "/spec",
            &row.manifest["spec"],
            &mut found,
        );
        for (path, place) in found {
            all.entry(path).or_insert_with(|| (place, row.manifest.clone()));
        }
    }
    all
}

/// What may hold some all the same.
fn may_hold(path: &str, control: char) -> bool {
    let is_line_of_a_template =
        path.ends_with(".spec.secret.template{}") && ['\t', '\n', '\r'].contains(&control);
    // An uploaded key is read by the operator, which says what is wrong with it (InvalidKey).
    is_line_of_a_template || path == "SshKey.spec.publicKey"
}

#[test]
fn no_text_of_a_spec_takes_a_control_character_nor_a_map_a_key_without_end() {
    let mut tried = BTreeSet::new();
    for kind in [Kind::Account].into_iter().chain(CREDENTIALS) {
        let schema = schema_of(kind);
        let (compiled, judge) = (compile_schema(&schema), Validator::new());
        let is_taken = |manifest: &Value| judge.validate_compiled(&compiled, manifest, None).is_ok();
        for (path, (place, manifest)) in good(kind, &schema) {
            assert!(is_taken(&manifest), "{path}");
            let text = place.text(&manifest);
            let middle = text.char_indices().nth(text.chars().count() / 2).unwrap().0;
            for (at, control) in
                [0, middle, text.len()].into_iter().flat_map(|at| CONTROL.map(|control| (at, control)))
            {
                let broken = format!("{}{control}{}", &text[..at], &text[at..]);
                assert_eq!(
                    is_taken(&place.with(&manifest, broken.clone())),
                    may_hold(&path, control),
                    "{path}: {broken:?}"
                );
            }
            let long = text.repeat(400 / text.len() + 1);
            assert!(
                matches!(place, Place::Value(_)) || !is_taken(&place.with(&manifest, long)),
                "{path} has no bound"
            );
            tried.insert(path);
        }
    }
    let is_in_a_spec = |path: &str| path.split_once('.').is_some_and(|(_, rest)| rest.starts_with("spec"));
    let due: BTreeSet<String> = crate::fields()
        .into_iter()
        .filter(|(path, _)| is_in_a_spec(path))
        .flat_map(|(path, schema)| {
            let key = path.strip_suffix("{}").map(|map| format!("{map}{{key}}"));
            is_free(&schema).then_some(path).into_iter().chain(key)
        })
        .collect();
    assert_eq!(tried, due, "each has a row in which it is accepted");
}

/// A schema and all that are in it, at whatever depth.
fn all_in<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(schema);
    let properties = schema["properties"].as_object().into_iter().flatten().map(|(_, property)| property);
    let below = [&schema["items"], &schema["additionalProperties"]].into_iter().filter(|one| one.is_object());
    properties.chain(below).for_each(|inner| all_in(inner, found));
}

/// Nothing unknown is stored, wherever it stands: a server that is asked for strictness refuses it.
#[test]
fn no_part_of_a_schema_takes_what_it_does_not_know() {
    for kind in [Kind::Account].into_iter().chain(CREDENTIALS) {
        let (schema, mut parts) = (schema_of(kind), Vec::new());
        all_in(&schema, &mut parts);
        for part in parts {
            assert!(
                part["additionalProperties"].is_null() || part["additionalProperties"].is_object(),
                "{part}"
            );
            for loose in [
                "x-kubernetes-preserve-unknown-fields",
                "x-kubernetes-int-or-string",
                "x-kubernetes-embedded-resource",
            ] {
                assert!(part[loose].is_null(), "{kind:?}: {loose} in {part}");
            }
        }
    }
}

#[test]
fn every_rule_refuses_a_row() {
    let rows = rules::all();
    let mut silent = Vec::new();
    for kind in [Kind::Account].into_iter().chain(CREDENTIALS) {
        let (schema, mut parts) = (schema_of(kind), Vec::new());
        all_in(&schema, &mut parts);
        for rule in parts.iter().filter_map(|part| part["x-kubernetes-validations"].as_array()).flatten() {
            let message = rule["message"].as_str().unwrap();
            let refuses = rows.iter().any(|row| match row.answer {
                Answer::Refused(part) => row.kind == kind && message.contains(part),
                Answer::Accepted => false,
            });
            if !refuses {
                silent.push(format!("{kind:?}: {message}"));
            }
        }
    }
    assert!(silent.is_empty(), "rules that no row breaks:\n{}", silent.join("\n"));
}

/// The namespace is the boundary of trust: there is no place in a spec where another could be named.
#[test]
fn no_reference_has_a_namespace() {
    let namespaced: Vec<_> = crate::fields()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.contains(".spec") && path.to_lowercase().ends_with("namespace"))
        .collect();
    assert!(namespaced.is_empty(), "{namespaced:?}");
}

/// What a description says that there may be of something, but for bytes, which are those of a Secret elsewhere.
fn promised(description: &str) -> Vec<u64> {
    let after = |words: &str| description.split(words).skip(1).map(str::to_owned).collect::<Vec<_>>();
    let number = |rest: &String| {
        let (digits, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let counts = rest.is_empty() || rest.starts_with([' ', ',', '.', ':']) && !rest.starts_with(" bytes");
        digits.parse().ok().filter(|_| counts)
    };
    [after("t most "), after(" 1 to ")].concat().iter().filter_map(number).collect()
}

#[test]
fn the_bounds_that_the_manual_names_are_those_that_hold() {
    let mut named = 0;
    for (path, schema) in crate::fields() {
        let parts = [&schema, &schema["items"], &schema["additionalProperties"]];
        let bound = |part: &Value| {
            ["maxLength", "maxItems", "maxProperties", "maximum"].map(|name| part[name].as_u64())
        };
        let bounds: Vec<u64> = parts.into_iter().flat_map(bound).flatten().collect();
        for number in promised(schema["description"].as_str().unwrap_or_default()) {
            assert!(bounds.contains(&number), "{path} says {number}, and has {bounds:?}");
            named += 1;
        }
    }
    assert!(named > 40, "only {named} were found");
}
