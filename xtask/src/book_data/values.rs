//! Every number of a result by name, so that a sentence of a page can include one.
//!
//! # Model
//! Each value stands between the marks of an anchor: `{{#include ../../data/countdown.values:G02_value}}`. The name is the
//! path in the JSON, joined by `_`, with `_` for everything that is neither letter nor digit.

use anyhow::{Result, bail};
use serde_json::Value;

use super::recorded::Recorded;
use super::rounded;

/// The list of values of one result.
///
/// # Errors
/// Two values of the same name.
pub(super) fn of(result: &Recorded) -> Result<String> {
    let mut values = Values::default();
    values.add("rounds", &result.rounds.to_string());
    values.add("seed", &result.seed.to_string());
    values.add("started_at", &result.started_at);
    for (name, value) in &result.params {
        values.add_json(&format!("params {name}"), value);
    }
    for (name, value) in &result.machine {
        values.add_json(&format!("machine {name}"), value);
    }
    for (name, version) in &result.versions {
        values.add(&format!("versions {name}"), version);
    }
    for claim in &result.claims {
        let id = &claim.id;
        values.add(&format!("{id} verdict"), &claim.verdict);
        values.add(&format!("{id} rule"), &claim.rule);
        for (name, value) in
            [("value", claim.value), ("low", claim.low), ("high", claim.high), ("threshold", claim.threshold)]
        {
            if let Some(value) = value {
                values.add(&format!("{id} {name}"), &rounded(value));
            }
        }
    }
    for (name, value) in &result.figures {
        values.add_json(name, value);
    }
    values.text()
}

/// Values by name, in the order in which they were added.
#[derive(Default)]
pub(super) struct Values(Vec<(String, String)>);

impl Values {
    /// Adds one; an empty text would be an empty anchor and is left out.
    pub(super) fn add(&mut self, path: &str, text: &str) {
        let name = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if !text.trim().is_empty() {
            self.0.push((name, text.replace('\n', " ")));
        }
    }

    /// Adds all numbers and texts below a value; lists have no names and are left out.
    fn add_json(&mut self, path: &str, value: &Value) {
        match value {
            Value::Number(number) => self.add(path, &rounded(number.as_f64().unwrap_or(f64::NAN))),
            Value::String(text) => self.add(path, text),
            Value::Object(inside) => {
                for (name, value) in inside {
                    self.add_json(&format!("{path} {name}"), value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Array(_) => {}
        }
    }

    /// The file.
    pub(super) fn text(self) -> Result<String> {
        let mut text = String::new();
        for (index, (name, value)) in self.0.iter().enumerate() {
            if self.0[..index].iter().any(|(other, _)| other == name) {
                bail!("two values would be called {name}");
            }
            text.push_str(&format!("ANCHOR: {name}\n{value}\nANCHOR_END: {name}\n"));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_names_of_their_paths() {
        let mut values = Values::default();
        values.add_json("echo_ms", &serde_json::json!({"a/1 b": {"p50": 1.2345, "list": [1]}, "none": null}));
        values.add("empty", " ");
        assert_eq!(
            values.text().unwrap(),
            "ANCHOR: echo_ms_a_1_b_p50\n1.23\nANCHOR_END: echo_ms_a_1_b_p50\n"
        );
        let mut twice = Values::default();
        twice.add("a b", "1");
        twice.add("a/b", "2");
        assert!(twice.text().is_err());
    }
}
