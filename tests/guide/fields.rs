//! The reference of each kind's fields, made from the schema that `kubectl explain` reads.

use std::fmt::Write;

use anyhow::{Context, Result};
use chatelaine::api::{crd_yaml, crds};
use serde_json::Value;

use crate::made;

#[test]
fn every_field_of_every_kind_is_in_the_reference() -> Result<()> {
    for crd in crds() {
        let yaml: Value = serde_yaml::from_str(&crd_yaml(&crd))?;
        let kind = yaml.pointer("/spec/names/kind").and_then(Value::as_str).context("a kind")?;
        let schema = yaml.pointer("/spec/versions/0/schema/openAPIV3Schema").context("a schema")?;
        let mut page = format!(
            "# The fields of {kind}\n\n<!-- Made from the schema: do not edit. -->\n\n{}\n",
            text(schema)
        );
        for part in ["spec", "status"] {
            let schema = schema.pointer(&format!("/properties/{part}")).context("a part")?;
            write!(page, "\n## {part}\n")?;
            fields(&mut page, schema, part)?;
        }
        made(&format!("docs/fields/{}.md", kind.to_lowercase()), &page)?;
    }
    Ok(())
}

fn fields(page: &mut String, schema: &Value, path: &str) -> Result<()> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let mut facts = vec![type_of(field)];
        facts.extend(required.contains(&name.as_str()).then(|| "required".to_owned()));
        facts.extend(field.get("default").map(|default| format!("default `{default}`")));
        facts.extend(field["enum"].as_array().map(|values| {
            let values: Vec<_> = values.iter().filter_map(Value::as_str).map(|v| format!("`{v}`")).collect();
            format!("one of {}", values.join(", "))
        }));
        write!(page, "\n### {path}\n\n*{}*\n\n{}\n", facts.join(", "), text(field))?;
        fields(page, field, &path)?;
        fields(page, &field["items"], &format!("{path}[]"))?;
    }
    Ok(())
}

fn type_of(field: &Value) -> String {
    match field["type"].as_str() {
        Some("array") => format!("list of {}s", type_of(&field["items"])),
        Some("object") if field.get("additionalProperties").is_some() => "map of strings".to_owned(),
        Some(plain) => match field["format"].as_str() {
            Some("date-time") => "time (RFC 3339)".to_owned(),
            Some(_) | None => plain.to_owned(),
        },
        None => "any".to_owned(),
    }
}

/// A description as Markdown: what looks like a tag or a pattern is not one.
fn text(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_").replace('[', "\\[").replace("|", "\\|")
}
