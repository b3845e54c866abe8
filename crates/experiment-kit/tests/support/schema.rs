//! A check against the published JSON Schema, as far as that schema goes.
//!
//! Small on purpose: it knows the keywords that `schema/result-v1.json` uses and panics at any other, so that a
//! rule added to the schema cannot be ignored here in silence.

use experiment_kit::report::SCHEMA;
use serde_json::Value;

/// What is wrong with `value`, each with its place; empty when it is a proper result.
pub(crate) fn violations(value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut found = Vec::new();
    check(value, &schema, &schema, "result", &mut found);
    found
}

fn check(value: &Value, rule: &Value, root: &Value, place: &str, found: &mut Vec<String>) {
    for (keyword, wanted) in rule.as_object().unwrap() {
        let ok = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => true,
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "type" => has_type(value, wanted),
            "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "format" => {
                assert_eq!(wanted, "date-time");
                value.as_str().is_none_or(is_date_time)
            }
            "required" => {
                let missing = |key: &&Value| value.get(key.as_str().unwrap()).is_none();
                found.extend(
                    wanted.as_array().unwrap().iter().filter(missing).map(|key| format!("{place}: no {key}")),
                );
                true
            }
            "properties" => {
                for (key, rule) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        check(value, rule, root, &format!("{place}.{key}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = |key: &str| rule.get("properties").is_some_and(|known| known.get(key).is_some());
                for (key, value) in value.as_object().into_iter().flatten().filter(|(key, _)| !known(key)) {
                    check(value, wanted, root, &format!("{place}.{key}"), found);
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, wanted, root, &format!("{place}[{index}]"), found);
                }
                true
            }
            "$ref" => {
                let target = root.pointer(wanted.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                check(value, target, root, place, found);
                true
            }
            "anyOf" => wanted.as_array().unwrap().iter().any(|rule| {
                let mut inner = Vec::new();
                check(value, rule, root, place, &mut inner);
                inner.is_empty()
            }),
            other => panic!("the schema uses `{other}`, which this check does not know"),
        };
        if !ok {
            found.push(format!("{place}: {value} is against {keyword} {wanted}"));
        }
    }
}

fn has_type(value: &Value, wanted: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("no type `{other}`"),
    };
    match wanted {
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        name => is(name.as_str().unwrap()),
    }
}

/// `2026-11-21T10:48:00Z`
fn is_date_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00Z"
}
