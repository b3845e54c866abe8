//! Progress on stderr: a live line on a terminal, a plain line for each act elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::starvation::acts::Act;
use crate::starvation::figures::Measured;
use crate::stats::Summary;

/// Where the progress of a run is shown.
pub(crate) struct Progress {
    bar: ProgressBar,
    live: bool,
}

impl Progress {
    /// Progress on stderr, live if that is a terminal.
    pub(crate) fn on_stderr() -> Progress {
        let live =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        Progress { bar, live }
    }

    /// One line that stays.
    pub(crate) fn say(&self, line: &str) {
        if self.live {
            self.bar.suspend(|| anstream::eprintln!("{line}"));
        } else {
            anstream::eprintln!("{line}");
        }
    }

    /// The acts begin; there are `acts` of them.
    pub(crate) fn begin(&self, acts: usize) {
        self.bar.set_length(acts as u64);
        if self.live {
            let style =
                ProgressStyle::with_template("{bar:20} {prefix} {msg}").expect("the template is valid");
            self.bar.set_style(style);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// There are `acts` more.
    pub(crate) fn extend(&self, acts: usize) {
        self.bar.inc_length(acts as u64);
    }

    /// An act begins.
    pub(crate) fn act_begins(&self, round: usize, act: Act) {
        self.bar.set_prefix(format!("round {} {:<9}", round + 1, act.name()));
    }

    /// So many requests of the act have been answered.
    pub(crate) fn answered(&self, count: usize) {
        if self.live {
            self.bar.set_message(format!("{count} answers"));
        }
    }

    /// An act is over.
    pub(crate) fn act_ends(&self, round: usize, act: Act, measured: &Measured) {
        self.bar.inc(1);
        if self.live {
            self.bar.set_message(p99_so_far(measured));
        } else {
            let last: Vec<f64> = measured.of(act).pings_ms.last().cloned().unwrap_or_default();
            let Summary { count, p99, .. } = Summary::of(last);
            eprintln!("round {} {:<9} {count:>5} pings, p99 {p99:8.2} ms", round + 1, act.name());
        }
    }

    /// The live line goes away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// What is known already, one number for each act.
fn p99_so_far(measured: &Measured) -> String {
    let known = Act::ALL.into_iter().filter(|&act| measured.of(act).ping_count() > 0);
    let parts = known.map(|act| format!("{} {:.1}", act.name(), measured.of(act).pings().p99));
    format!("p99 ms: {}", parts.collect::<Vec<String>>().join("  "))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
