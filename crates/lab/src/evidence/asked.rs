//! What was asked for, read back from the parameters of a result: what is not usual about it, and the command for it.

use experiment_kit::experiment::{Experiment, Knob};
use experiment_kit::report::Report;
use serde_json::Value;

/// The subject of a result that is of this project.
const OURS: &str = "runtime-lab";

/// What a reader must know before the verdicts: another runtime, one that was broken on purpose, or other numbers.
pub(crate) fn unusual(experiment: &Experiment, params: &Value) -> Option<String> {
    let mut said = Vec::new();
    if let Some(subject) = other_subject(params) {
        said.push(format!("Measured on {subject}, not on this project."));
    }
    if let Some(flaw) = params["flaw"].as_str() {
        said.push(format!("The runtime was broken on purpose: --flaw {flaw}."));
    }
    let numbers: Vec<String> = changed(experiment, params);
    if !numbers.is_empty() {
        said.push(format!("Not with the usual numbers: {}.", numbers.join(", ")));
    }
    (!said.is_empty()).then(|| said.join(" "))
}

/// What the pictures say. It is written of a sound runtime, and of a broken one it says what should be there.
pub(crate) fn reading(experiment: &Experiment, params: &Value) -> String {
    match params["flaw"].as_str() {
        Some(_) => format!("Of a sound runtime one would read: {}", experiment.reading),
        None => experiment.reading.to_owned(),
    }
}

/// The command that measures the same on a runtime that is not broken, if this one was.
pub(crate) fn without_flaw(experiment: &Experiment, report: &Report) -> Option<String> {
    report.params["flaw"].as_str()?;
    Some(command_beside(experiment, report, None))
}

/// The command that measures the same again.
pub(crate) fn command(experiment: &Experiment, report: &Report) -> String {
    command_beside(experiment, report, report.params["flaw"].as_str())
}

fn command_beside(experiment: &Experiment, report: &Report, flaw: Option<&str>) -> String {
    let mut command = format!("lab run {}", experiment.name);
    if is_quick(&report.params) {
        command.push_str(" --quick");
    }
    for number in changed(experiment, &report.params) {
        command.push_str(&format!(" --set {number}"));
    }
    if let Some(flaw) = flaw {
        command.push_str(&format!(" --flaw {flaw}"));
    }
    if let Some(subject) = other_subject(&report.params) {
        command.push_str(&format!(" --on {}", subject.rsplit(' ').next().unwrap_or(subject)));
    }
    command.push_str(&format!(" --seed {}", report.seed));
    command
}

/// The numbers that are not those of a usual run, or of a usual quick one, as `name=value`.
fn changed(experiment: &Experiment, params: &Value) -> Vec<String> {
    let other = |knob: &Knob| {
        let usual = if is_quick(params) { knob.quick } else { knob.usual };
        let value = params[knob.name].as_f64().filter(|value| *value != usual)?;
        Some(format!("{}={value}", knob.name))
    };
    experiment.knobs.iter().filter_map(other).collect()
}

fn is_quick(params: &Value) -> bool {
    params["quick"] == true
}

fn other_subject(params: &Value) -> Option<&str> {
    params["subject"].as_str().filter(|subject| *subject != OURS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_pictures_say_is_said_of_a_sound_runtime_when_it_is_broken() {
        let handlers = experiments::named("handlers").expect("there is one");
        assert_eq!(reading(handlers, &json!({"flaw": null})), handlers.reading);
        let broken = reading(handlers, &json!({"flaw": "inline-in-pool"}));
        assert_eq!(broken, format!("Of a sound runtime one would read: {}", handlers.reading));
    }

    #[test]
    fn only_what_is_not_usual_is_said() {
        let handlers = experiments::named("handlers").expect("there is one");
        let said = |params: Value| unusual(handlers, &params);
        let knob = &handlers.knobs[0];
        let mut usual = json!({"quick": true, "flaw": null, "subject": OURS});
        usual[knob.name] = knob.quick.into();
        assert_eq!(said(usual.clone()), None);
        let mut other = usual.clone();
        other[knob.name] = (knob.quick + 1.0).into();
        other["flaw"] = "inline-in-pool".into();
        let expected = format!(
            "The runtime was broken on purpose: --flaw inline-in-pool. Not with the usual numbers: {}={}.",
            knob.name,
            knob.quick + 1.0
        );
        assert_eq!(said(other), Some(expected));
        usual["subject"] = "node 20.1.0".into();
        assert_eq!(said(usual), Some("Measured on node 20.1.0, not on this project.".to_owned()));
    }
}
