//! The JSON Schema of the configuration file: editors complete keys and mark mistakes with it.
//!
//! It is derived from `file.rs`, as the reference is. It is not the whole check: what takes two keys to see, or more than
//! a pattern, is left to `synwall config check`.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::file::File;
use crate::feed::provider;

/// What `file.rs` says of the keys. Beside JSON Schema it has `x-type` and `x-default` in the words of the reference, and each
/// example is a line of the file.
pub(super) static KEYS: LazyLock<Value> = LazyLock::new(|| {
    // Draft 7 is what editors know for certain. It ignores what stands beside a reference, so there are none.
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value()
});

/// The schema as a file.
pub fn json() -> String {
    let about = "The configuration of the synwall agent. `synwall config check` checks it in full.";
    let mut schema = json!({ "$schema": KEYS["$schema"], "title": "synwall.toml", "description": about });
    for (keyword, value) in KEYS.as_object().into_iter().flatten() {
        if schema.get(keyword).is_none() {
            schema[keyword] = value.clone();
        }
    }
    finish(&mut schema);
    for names in [
        "/properties/trust/properties/providers/items",
        "/properties/source/additionalProperties/properties/provider",
    ] {
        if let Some(names) = schema.pointer_mut(names) {
            names["enum"] = provider::names().into();
        }
    }
    format!("{schema:#}\n")
}

/// Turns the words of the reference into JSON Schema, in a node and all that it contains.
fn finish(node: &mut Value) {
    let Value::Object(node) = node else { return };
    node.shift_remove("x-type");
    let default = node.shift_remove("x-default");
    if let Some(default) = default.as_ref().and_then(Value::as_str).and_then(value) {
        node.insert("default".into(), default);
    }
    if let Some(Value::Array(examples)) = node.get_mut("examples") {
        let line = |example: &Value| value(example.as_str()?.split_once(" = ")?.1);
        *examples = examples.iter().filter_map(line).collect();
    }
    if let Some(Value::String(description)) = node.get_mut("description") {
        *description = on_one_line(description);
    }
    if let Some(Value::Object(keys)) = node.get_mut("properties") {
        let required = required(keys);
        keys.values_mut().for_each(finish);
        node.shift_remove("required");
        if !required.is_empty() {
            node.insert("required".into(), json!(required));
        }
    }
    for inner in ["items", "additionalProperties"] {
        node.get_mut(inner).into_iter().for_each(finish);
    }
}

/// The keys that have no default. The library takes all for required that are not an `Option` in the schema.
fn required(keys: &Map<String, Value>) -> Vec<String> {
    let required = keys.iter().filter(|(_, key)| key["x-default"] == "required");
    required.map(|(name, _)| name.clone()).collect()
}

/// A value as it is written in the file. None for words, such as "the system's".
fn value(toml: &str) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("value = {toml}")).ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

/// A text without the line breaks of the source code.
pub(super) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
