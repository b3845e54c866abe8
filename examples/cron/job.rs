//! A job of the scheduler: its timer, its run, its time limit, and the end of both.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use runtime_lab::{Child, LoopHandle, Timer};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::schedule::{Entry, Utc};

/// The wall clock may be set while a job waits, so it is looked at as often as this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The wall clock: since 1970, in UTC.
pub(crate) fn now() -> Duration {
    clock::wall_now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// A line of the table at work.
pub(crate) struct Job {
    entry: Entry,
    limit: Duration,
    grace: Duration,
    timer: Timer,
    running: RefCell<Option<Run>>,
    runs: Cell<u64>,
    skipped: Cell<u64>,
    unwell: Cell<u64>,
}

/// A run that has not ended.
struct Run {
    child: Child,
    began: Instant,
    /// For the limit, then for the grace.
    limit: Timer,
}

impl Job {
    /// A job that waits for nothing yet; `limit` is for each run, `grace` for one that was asked to end.
    pub(crate) fn new(lp: &LoopHandle, entry: Entry, limit: Duration, grace: Duration) -> Rc<Job> {
        let [runs, skipped, unwell] = Default::default();
        let timer = Timer::new(lp);
        Rc::new(Job { entry, limit, grace, timer, running: RefCell::default(), runs, skipped, unwell })
    }

    /// Sets the timer for the next time.
    pub(crate) fn wait(self: &Rc<Self>) -> anyhow::Result<()> {
        let now = now();
        let due = self.entry.schedule.next_after(now).context("the schedule has no next time")?;
        let this = self.clone();
        // Otherwise the time that was spent in callbacks would be added.
        self.timer.loop_handle().update_time();
        self.timer.start((due - now).min(LOOK_AGAIN), Duration::ZERO, move |lp| this.look(lp, due))?;
        Ok(())
    }

    fn look(self: &Rc<Self>, lp: &LoopHandle, due: Duration) {
        if now() >= due {
            self.begin(lp);
        }
        if let Err(error) = self.wait() {
            self.say(&format!("is not due any more: {error:#}"));
        }
    }

    fn begin(self: &Rc<Self>, lp: &LoopHandle) {
        if self.running.borrow().is_some() {
            add(&self.skipped);
            return self.say("skipped, the run before goes on");
        }
        add(&self.runs);
        self.say("starts");
        let mut shell = Command::new("sh");
        shell.args(["-c", &self.entry.command]).stdin(Stdio::null()).process_group(0);
        let this = self.clone();
        match Child::spawn(lp, shell, move |lp, status| this.ended(lp, status)) {
            Ok(child) => self.limit(lp, child),
            Err(error) => {
                add(&self.unwell);
                self.say(&format!("cannot be started: {error}"));
            }
        }
    }

    fn limit(self: &Rc<Self>, lp: &LoopHandle, child: Child) {
        lp.update_time();
        let (this, limit) = (self.clone(), Timer::new(lp));
        let started = limit.start(self.limit, Duration::ZERO, move |_| {
            this.say("takes too long and is asked to end");
            this.ask_to_end();
        });
        *self.running.borrow_mut() = Some(Run { child, began: lp.now(), limit });
        if started.is_err() {
            self.signal(Signal::KILL);
        }
    }

    fn ask_to_end(self: &Rc<Self>) {
        self.signal(Signal::TERM);
        let timer = self.running.borrow().as_ref().map(|run| run.limit.clone());
        let this = self.clone();
        let started = timer.map(|timer| {
            timer.start(self.grace, Duration::ZERO, move |_| {
                this.say("does not end and is ended");
                this.signal(Signal::KILL);
            })
        });
        if matches!(started, Some(Err(_))) {
            self.signal(Signal::KILL);
        }
    }

    /// Sends a signal to the group of the run. Its leader is reaped only when its end is told, which takes the run
    /// away: so the number is still its own.
    fn signal(&self, signal: Signal) {
        let pid = self.running.borrow().as_ref().map(|run| run.child.id());
        let group = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(Err(error)) = group.map(|group| kill_process_group(group, signal)) {
            self.say(&format!("cannot be sent a signal: {error}"));
        }
    }

    fn ended(&self, lp: &LoopHandle, status: io::Result<ExitStatus>) {
        let Some(run) = self.running.take() else { return };
        run.limit.close();
        run.child.close();
        if !status.as_ref().is_ok_and(ExitStatus::success) {
            add(&self.unwell);
        }
        let how = match status.map(|status| (status.code(), status.signal())) {
            Ok((Some(code), _)) => format!("ended with {code}"),
            Ok((None, signal)) => format!("was ended by signal {}", signal.unwrap_or(0)),
            Err(error) => format!("ended, and how is not known: {error}"),
        };
        lp.update_time();
        self.say(&format!("{how} after {:.3} s", (lp.now() - run.began).as_secs_f64()));
    }

    /// No more runs; the one that goes on is asked to end, or ended when it was asked before.
    pub(crate) fn stop(self: &Rc<Self>, asked_before: bool) {
        self.timer.close();
        if self.running.borrow().is_none() {
            return;
        }
        if asked_before { self.signal(Signal::KILL) } else { self.ask_to_end() }
    }

    /// That nobody reads it any more, as behind a pipe, is no reason to leave jobs alone.
    fn say(&self, what: &str) {
        let _ = writeln!(io::stdout(), "{} line {}: {what}", Utc(now()), self.entry.line);
    }

    pub(crate) fn say_all(&self) {
        let Job { entry, runs, skipped, unwell, .. } = self;
        let (line, runs, skipped, unwell) = (entry.line, runs.get(), skipped.get(), unwell.get());
        let _ =
            writeln!(io::stdout(), "line {line}: {runs} runs, {skipped} skipped, {unwell} did not end well");
    }
}

fn add(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
