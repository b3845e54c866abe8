//! How a loop is built: timer order, panic policy, what is recorded, which world it lives in.

use std::time::Duration;

use clock::Clock;
use runtime_trace::Recorder;

use crate::driver::{DriverLog, Script};
use crate::error::LoopError;
use crate::event_loop::EventLoop;

/// Where in a pass the timers run; libuv changed it in version 1.45.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TimerOrder {
    /// At the end of each pass, and once before the first when running to the end (libuv since 1.45, Node 20).
    #[default]
    Since145,
    /// At the start of each pass, and once more after the poll of a `Once` run (libuv before 1.45).
    Before145,
}

/// What a panic in a callback or in a detached task does to the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PanicPolicy {
    /// `run` ends with an error that names the place.
    #[default]
    End,
    /// The panic is counted and the loop goes on.
    CountAndGoOn,
}

/// The options of a loop; `EventLoop::options()` starts with the defaults.
#[derive(Clone)]
pub struct LoopOptions {
    pub(crate) timer_order: TimerOrder,
    pub(crate) panic_policy: PanicPolicy,
    pub(crate) recorder: Recorder,
    pub(crate) name: String,
    pub(crate) stall_threshold: Option<Duration>,
    pub(crate) phase_trace: bool,
    pub(crate) count_waiting: bool,
    pub(crate) pidfds: bool,
    pub(crate) world: World,
    pub(crate) log: Option<DriverLog>,
}

#[derive(Clone)]
pub(crate) enum World {
    Os,
    Script(Script),
    Replay(DriverLog),
}

impl Default for LoopOptions {
    fn default() -> Self {
        LoopOptions {
            timer_order: TimerOrder::default(),
            panic_policy: PanicPolicy::default(),
            recorder: Recorder::off(),
            name: "loop".to_owned(),
            stall_threshold: None,
            phase_trace: false,
            count_waiting: false,
            pidfds: true,
            world: World::Os,
            log: None,
        }
    }
}

impl LoopOptions {
    /// Where in a pass the timers run.
    pub fn timer_order(mut self, order: TimerOrder) -> Self {
        self.timer_order = order;
        self
    }

    /// What a panic in a callback does.
    pub fn panic_policy(mut self, policy: PanicPolicy) -> Self {
        self.panic_policy = policy;
        self
    }

    /// Records ticks, phases, callbacks and timers into a lane of this recorder.
    pub fn recorder(mut self, recorder: Recorder) -> Self {
        self.recorder = recorder;
        self
    }

    /// The name of the loop's lane in recordings; `loop` by default.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Times every callback and reports those that hold the loop for longer than this, with the place to
    /// blame. Costs two clock reads for each callback.
    pub fn stall_threshold(mut self, threshold: Duration) -> Self {
        self.stall_threshold = Some(threshold);
        self
    }

    /// Keeps a list of what ran in which phase, for tests, examples and replays.
    pub fn phase_trace(mut self, on: bool) -> Self {
        self.phase_trace = on;
        self
    }

    /// Counts the events that were there before poll had to wait, at the price of one more poll call before
    /// each one that may sleep (libuv's `UV_METRICS_IDLE_TIME` does the same).
    pub fn count_waiting_events(mut self, on: bool) -> Self {
        self.count_waiting = on;
        self
    }

    /// Whether child processes are watched by a pidfd where the system has one (the default, on Linux), or by SIGCHLD as it is
    /// done elsewhere. A pidfd costs a descriptor for each child; SIGCHLD costs a look at each child whenever one ends.
    pub fn pidfds(mut self, on: bool) -> Self {
        self.pidfds = on;
        self
    }

    /// Lets the loop live in a scripted world instead of the operating system.
    pub fn script(mut self, script: &Script) -> Self {
        self.world = World::Script(script.clone());
        self
    }

    /// Writes every answer of the world into `log`.
    pub fn log(mut self, log: &DriverLog) -> Self {
        self.log = Some(log.clone());
        self
    }

    /// Lets the loop live through a logged run again.
    pub fn replay(mut self, log: &DriverLog) -> Self {
        self.world = World::Replay(log.clone());
        self
    }

    /// Makes the loop.
    ///
    /// # Errors
    /// When the operating system has no descriptors left for its poll set and wake-up.
    pub fn build(self) -> Result<EventLoop, LoopError> {
        EventLoop::with_options(self)
    }

    pub(crate) fn clock(&self) -> Clock {
        match &self.world {
            World::Os | World::Replay(_) => Clock::real(),
            World::Script(script) => script.clock(),
        }
    }
}
