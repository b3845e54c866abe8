//! Whole programs whose output must be what stands beside them, on both heaps.

use crate::gil::Policy;
use crate::{Output, Program, RunOptions, run};

const METHODS: &str = include_str!("recorded/methods.py");
const METHODS_OUT: &str = include_str!("recorded/methods.txt");
const LIMITS: &str = include_str!("recorded/limits.py");
const LIMITS_OUT: &str = include_str!("recorded/limits.txt");

const LIMIT_BYTES: usize = 32 << 20;

fn output_of(name: &str, source: &str, policy: Policy) -> String {
    let program = Program::compile(name, source).expect("it is in the subset");
    let output = Output::captured();
    let options = RunOptions {
        policy,
        output: output.clone(),
        memory_limit_bytes: LIMIT_BYTES,
        ..RunOptions::default()
    };
    let report = run(&program, options);
    let (text, errors) = output.captured_text();
    assert_eq!((report.exit_code, &*errors), (0, ""));
    text
}

fn compare(name: &str, source: &str, expected: &str) {
    for policy in [Policy::Gil310, Policy::Free] {
        let text = output_of(name, source, policy);
        let differing = text.lines().zip(expected.lines()).find(|(ours, theirs)| ours != theirs);
        assert_eq!(differing, None, "{policy:?}");
        assert_eq!(text, expected, "{policy:?}");
    }
}

#[test]
fn methods_and_their_errors_are_those_of_cpython() {
    compare("methods.py", METHODS, METHODS_OUT);
}

#[test]
fn what_is_too_big_or_too_deep_is_an_error_and_the_program_goes_on() {
    compare("limits.py", LIMITS, LIMITS_OUT);
}
