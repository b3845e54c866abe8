//! How fast this interpreter is on this machine: what a time slice is worth in instructions.
//!
//! A fixed loop is run under the policy of the run, so that the figures of `--stats` can be read beside CPython's.
//! It says nothing about absolute speed: only ratios inside one run are claimed anywhere.

use std::time::Duration;

use gil_interpreter::gil::Policy;
use gil_interpreter::{Output, Program, RunOptions};

/// Without any builtin, so that nothing but the loop is in it.
fn source(turns: u32) -> String {
    format!("def count(n):\n    while n > 0:\n        n -= 1\ncount({turns})\n")
}

const TURNS: u32 = 500_000;

/// What a turn of the loop costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calibration {
    pub(crate) turn_ns: f64,
    pub(crate) instructions_per_turn: u32,
}

/// Runs the loop; `None` when it did not run to its end, for example after Ctrl-C.
pub(crate) fn measure(like: &RunOptions) -> Option<Calibration> {
    let compile = |turns: u32| Program::compile("calibration", &source(turns)).ok();
    let instructions_per_turn = instructions_per_turn(&compile(TURNS)?)?;
    let run = |turns: u32| {
        let options = RunOptions {
            policy: like.policy,
            ablations: like.ablations,
            interval: like.interval,
            check_interval: like.check_interval,
            clock: like.clock.clone(),
            output: Output::captured(),
            ..RunOptions::default()
        };
        let report = gil_interpreter::run(&compile(turns)?, options);
        (report.exit_code == 0).then_some(report.elapsed)
    };
    let (start, whole) = (run(0)?, run(TURNS)?);
    let turn_ns = whole.saturating_sub(start).as_nanos() as f64 / f64::from(TURNS);
    Some(Calibration { turn_ns, instructions_per_turn })
}

/// From the head of the loop to the jump back to it.
fn instructions_per_turn(program: &Program) -> Option<u32> {
    let codes = program.listing();
    let count = codes.iter().find(|code| code.name == "count")?;
    let mut heads = count.instructions.iter().filter_map(|one| {
        let head: u32 = one.text.strip_prefix("JUMP_BACKWARD to ")?.parse().ok()?;
        Some(one.index - head + 1)
    });
    heads.next_back()
}

impl Calibration {
    /// One line for `--stats`.
    pub(crate) fn line(&self, policy: Policy, interval: Duration, check_interval: u32) -> String {
        let instruction_ns = self.turn_ns / f64::from(self.instructions_per_turn);
        let slice = match policy {
            Policy::Free => "there are no slices".to_owned(),
            Policy::Tick => format!(
                "a slice of {check_interval} ticks takes about {:.1} µs",
                f64::from(check_interval) * instruction_ns / 1e3
            ),
            _ => format!(
                "a slice of {} ms is about {} instructions",
                interval.as_secs_f64() * 1e3,
                grouped((interval.as_nanos() as f64 / instruction_ns) as u64)
            ),
        };
        format!(
            "calibration: a turn of `while n > 0: n -= 1` takes {:.1} ns, {} instructions of {instruction_ns:.1} ns; {slice}\n  \
             (CPython 2.7 to 3.13 take 15 to 38 ns for the turn on a machine of 2021)",
            self.turn_ns, self.instructions_per_turn
        )
    }
}

/// 1234567 as `1 234 567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_inside_the_subset_and_its_turn_is_short() {
        let program = Program::compile("calibration", &source(7)).expect("inside the subset");
        let per_turn = instructions_per_turn(&program).expect("it has a loop");
        assert!((2..=8).contains(&per_turn), "{per_turn}");
    }

    #[test]
    fn the_line_says_what_a_slice_is_worth() {
        let calibration = Calibration { turn_ns: 12.0, instructions_per_turn: 3 };
        let line = |policy| calibration.line(policy, Duration::from_millis(5), 100);
        assert!(
            line(Policy::Gil310).contains("3 instructions of 4.0 ns; a slice of 5 ms is about 1 250 000")
        );
        assert!(line(Policy::Tick).contains("100 ticks takes about 0.4 µs"));
        assert!(line(Policy::Free).contains("no slices"));
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 12, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1 000", "1 234 567"]);
    }
}
