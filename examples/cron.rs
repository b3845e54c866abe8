//! A scheduler in one process: commands at their times, each with a time limit, none twice at once.
//!
//! ```sh
//! cargo run --example cron                          # three jobs that show something
//! cargo run --example cron -- jobs.txt --limit 30   # a line: every 5s COMMAND, or */5 * * * * * COMMAND
//! cargo run --example cron -- jobs.txt --next 3     # when each would run
//! ```
//!
//! How a line is read is in `cron/schedule.rs`, what becomes of it in `cron/job.rs`. Each job has a timer of the loop
//! and asks again for its next time when it was due, so nothing drifts; it looks at the wall clock, which may have been
//! set, at least once a minute. Watch what happens to a job that takes longer than its period: it is skipped, and that
//! is said. One that takes longer than the limit is asked to end (SIGTERM) and ended some time later (SIGKILL), with
//! all that is in its process group.
//!
//! Ctrl-C or SIGTERM asks all that runs to end and waits for it; a second one ends it. What a shell has started and
//! what does not mind SIGTERM outlives a shell that does. Unix only.

#[cfg(unix)]
#[path = "cron/schedule.rs"]
mod schedule;
#[cfg(unix)]
#[path = "cron/job.rs"]
mod job;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Runs the commands of a table at their times.
#[derive(Parser)]
struct Options {
    /// The table, one job on each line; without it, three jobs that show something.
    file: Option<PathBuf>,
    /// How long a run may take.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    limit: Duration,
    /// How long a run that was asked to end may go on.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    grace: Duration,
    /// Only print the next so many times of each job.
    #[arg(long, value_name = "N")]
    next: Option<usize>,
}

/// What is run when nothing was asked for.
const SHOWN: &str = "\
every 1s echo tick
*/5 * * * * * echo this second can be divided by five
every 2s sleep 3
";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    on_the_loop::run(Options::parse())
}

#[cfg(not(unix))]
fn main() {
    let Options { file: _, limit: _, grace: _, next: _ } = Options::parse();
    println!("this example needs Unix, for commands such as\n{SHOWN}");
}

#[cfg(unix)]
mod on_the_loop {
    use std::cell::Cell;
    use std::rc::Rc;

    use anyhow::{Context, bail, ensure};
    use runtime_lab::{RunMode, Runtime, Signal};
    use rustix::process::Signal as Kind;

    use super::job::{Job, now};
    use super::schedule::{self, Entry, Utc};
    use super::{Options, SHOWN};

    pub(super) fn run(options: Options) -> anyhow::Result<()> {
        let entries = read(&options)?;
        if let Some(count) = options.next {
            entries.iter().for_each(|entry| show_next(entry, count));
            return Ok(());
        }
        let runtime = Runtime::new()?;
        let lp = runtime.handle();
        let jobs = entries.into_iter().map(|entry| Job::new(&lp, entry, options.limit, options.grace));
        let jobs: Rc<Vec<Rc<Job>>> = Rc::new(jobs.collect());
        let is_stopping = Rc::new(Cell::new(false));
        for signal in [Kind::INT, Kind::TERM] {
            let (jobs, is_stopping, watcher) = (jobs.clone(), is_stopping.clone(), Signal::new(&lp));
            watcher.start(signal.as_raw(), move |_, _| {
                let asked = is_stopping.replace(true);
                jobs.iter().for_each(|job| job.stop(asked));
            })?;
            // What runs keeps the loop alive, and not the wish to hear of a signal.
            watcher.unref();
        }
        println!("{} jobs; Ctrl-C ends them", jobs.len());
        jobs.iter().try_for_each(Job::wait)?;
        runtime.run(RunMode::Default)?;
        jobs.iter().for_each(|job| job.say_all());
        Ok(())
    }

    fn read(options: &Options) -> anyhow::Result<Vec<Entry>> {
        let Some(file) = &options.file else {
            return Ok(schedule::parse(SHOWN).expect("our own table is well"));
        };
        let table = std::fs::read_to_string(file).with_context(|| format!("cannot read {file:?}"))?;
        let entries = match schedule::parse(&table) {
            Ok(entries) => entries,
            Err(problems) => bail!("{} cannot be used\n{}", file.display(), problems.join("\n")),
        };
        ensure!(!entries.is_empty(), "{} has no jobs", file.display());
        Ok(entries)
    }

    fn show_next(entry: &Entry, count: usize) {
        println!("line {}: {}", entry.line, entry.command);
        let times =
            std::iter::successors(entry.schedule.next_after(now()), |due| entry.schedule.next_after(*due));
        times.take(count).for_each(|due| println!("  {}", Utc(due)));
    }
}
