//! Progress on stderr: a live line on a terminal, a plain line for each round elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use experiment_kit::conduct::Watcher;
use experiment_kit::verdict::Claim;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where the progress of a run is shown.
pub(crate) struct Progress {
    bar: ProgressBar,
    live: bool,
    name: String,
}

impl Progress {
    /// Progress of the run `name` on stderr, live if that is a terminal.
    pub(crate) fn on_stderr(name: &str) -> Progress {
        let live =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("the template is valid"));
        Progress { bar, live, name: name.to_owned() }
    }
}

impl Watcher for Progress {
    fn cell(&self, round: usize, index: usize, of: usize, cell: &str) {
        if self.live {
            self.bar.set_message(format!("{} round {} {}/{of} {cell}", self.name, round + 1, index + 1));
            self.bar.tick();
        }
    }

    fn round(&self, round: usize, claims: &[Claim], elapsed: Duration) {
        if !self.live {
            let words = claims.iter().map(|claim| format!("{} {}", claim.id, claim.verdict.word()));
            let words = words.collect::<Vec<String>>().join(", ");
            anstream::eprintln!(
                "{} round {} after {:.1} s: {words}",
                self.name,
                round + 1,
                elapsed.as_secs_f64()
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
