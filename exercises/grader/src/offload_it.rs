//! Judges `offload_it`: work on the pool, its outcome on the loop, exactly once, in order of completion.
//!
//! # Model
//! The real loop and the real pool. Jobs stand at gates that the grader opens when something has happened on the loop, so
//! every case has one order on a fast machine and on a busy one; only a wrong answer leaves a gate closed until the patience
//! is over.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use blocking_pool::{BlockingPool, JobKind, JobOutcome};
pub use event_loop::{Completion, LoopHandle};
use event_loop::{EventLoop, RunMode};

use crate::seed::Rng;
use crate::words::SECOND_CANCEL;

/// How long a job stands at a gate that nobody opens. Right answers open each gate at once.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the grader's own panic says.
const PLANNED: &str = "planned by the grader";

/// What a job does, on a thread of the pool.
pub type Work = Box<dyn FnOnce() -> u64 + Send>;

/// What is called with the outcome, on the thread of the loop. It cannot be sent to another thread.
pub type After = Box<dyn FnOnce(&LoopHandle, Outcome)>;

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and this is what it returned.
    Done(u64),
    /// It ran and panicked.
    Panicked,
    /// It was cancelled before it began, and never runs.
    Cancelled,
}

/// Threads that run closures, and nothing more: no results, no cancelling; a panic is swallowed.
#[derive(Clone)]
pub struct Pool {
    threads: BlockingPool,
    /// What was swallowed, for the grader's message.
    swallowed: Arc<Mutex<Vec<String>>>,
}

impl Pool {
    fn new(threads: usize) -> Pool {
        let threads = BlockingPool::builder().threads(threads).build().expect("a small pool");
        Pool { threads, swallowed: Arc::default() }
    }

    /// Runs `code` on the next thread that has nothing to do.
    pub fn run(&self, code: impl FnOnce() + Send + 'static) {
        let swallowed = self.swallowed.clone();
        let complete = move |outcome| match outcome {
            JobOutcome::Panicked(report) if report.message != PLANNED => {
                fault(&swallowed, &report.to_string())
            }
            _ => {}
        };
        let submitted = self.threads.submit(JobKind::Cpu, "offload_it", code, complete);
        submitted.expect("the queue of the grader's pool has no limit");
    }
}

impl Pool {
    /// A line about the first panic that nobody caught.
    fn swallowed(&self) -> String {
        let swallowed = self.swallowed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        swallowed.first().map_or(String::new(), |panic| format!("\nA closure on the pool panicked: {panic}"))
    }
}

/// What the learner writes.
pub trait Offload {
    /// Names a job that may be cancelled.
    type Ticket;

    /// Runs `work` on the pool, and later `after` with the outcome on the loop; the loop stays alive until then.
    fn offload(lp: &LoopHandle, pool: &Pool, work: Work, after: After) -> Self::Ticket;

    /// Takes the job back. `true` when it will never run because of this call; `false` when it runs already, has run, or was
    /// cancelled before. The `after` of a cancelled job gets [`Outcome::Cancelled`], once, but not inside this call.
    fn cancel(ticket: &Self::Ticket) -> bool;
}

/// Grades an `Offload` and ends the process.
pub fn grade<O: Offload>() {
    crate::run::grade("offload_it", judge::<O>);
}

fn judge<O: Offload>(seed: u64) -> Result<String, String> {
    let mut rng = Rng::new(seed);
    many::<O>(&mut rng)?;
    order_of_completion::<O>()?;
    panics::<O>(&mut rng)?;
    cancel::<O>(&mut rng)?;
    Ok("threads, order, panics, cancelling".to_owned())
}

/// A door that a job waits at.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.lock() = true;
        self.0.1.notify_all();
    }

    /// Waits until somebody opens it; `false` when nobody did.
    fn pass(&self) -> bool {
        let open = self.0.1.wait_timeout_while(self.lock(), PATIENCE, |open| !*open);
        *open.unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.0.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct OpenAtEnd(Gate);

impl Drop for OpenAtEnd {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// One loop, one pool, and what was seen.
struct Scene {
    event_loop: EventLoop,
    pool: Pool,
    here: ThreadId,
    /// The only thread of the pool, when it has one.
    pool_thread: Option<ThreadId>,
    seen: Rc<RefCell<Vec<(usize, Outcome)>>>,
    faults: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    fn new(threads: usize) -> Scene {
        let event_loop = EventLoop::new().expect("a loop");
        let (here, pool) = (thread::current().id(), Pool::new(threads));
        let (tell, told) = mpsc::channel();
        pool.run(move || {
            // The other end waits for it.
            let _ = tell.send(thread::current().id());
        });
        let pool_thread = told.recv().ok().filter(|_| threads == 1);
        Scene { event_loop, pool, here, pool_thread, seen: Rc::default(), faults: Arc::default() }
    }

    /// Offloads job `number`; `then` runs with its outcome.
    fn offload<O: Offload>(
        &self,
        number: usize,
        work: impl FnOnce() -> u64 + Send + 'static,
        then: impl FnOnce(&LoopHandle) + 'static,
    ) -> O::Ticket {
        let (here, faults, seen) = (self.here, self.faults.clone(), self.seen.clone());
        let pool_thread = self.pool_thread;
        let complain = faults.clone();
        let work = move || {
            if thread::current().id() == here {
                fault(&complain, "the work ran on the loop's thread: nobody is served meanwhile.");
                return 0;
            }
            if pool_thread.is_some_and(|only| only != thread::current().id()) {
                fault(
                    &complain,
                    "the work ran on a thread that is not the pool's: one thread per job has no limit.",
                );
            }
            work()
        };
        let returned = Rc::new(RefCell::new(false));
        let was_returned = returned.clone();
        let after = move |lp: &LoopHandle, outcome| {
            // A closure that cannot be sent can be on another thread only by unsafe code, so the thread is not asked.
            if !*was_returned.borrow() {
                fault(
                    &faults,
                    "`after` was called before `offload` returned: it comes later, from the loop.",
                );
            }
            seen.borrow_mut().push((number, outcome));
            then(lp);
        };
        let ticket = O::offload(&self.event_loop.handle(), &self.pool, Box::new(work), Box::new(after));
        *returned.borrow_mut() = true;
        ticket
    }

    /// Runs the loop to its end; what was seen, or the first fault.
    fn finish(&self, jobs: usize) -> Result<Vec<(usize, Outcome)>, String> {
        let ran = self.event_loop.run(RunMode::Default);
        if let Some(fault) = self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner).first() {
            return Err(fault.clone());
        }
        ran.map_err(|error| crate::run::why(&format!("the loop ended early: {error}")))?;
        let seen = self.seen.take();
        for number in 0..jobs {
            let outcomes = seen.iter().filter(|(job, _)| *job == number).count();
            if outcomes != 1 {
                return Err(format!(
                    "{jobs} jobs were offloaded; the loop had nothing left to do and ended, and job {number} has had \
                     {outcomes} outcomes instead of one.\nA loop stays alive for a request (`lp.request`) until its \
                     completion comes, or is dropped: then `after` is dropped, too, uncalled.{}",
                    self.pool.swallowed()
                ));
            }
        }
        Ok(seen)
    }
}

fn fault(faults: &Mutex<Vec<String>>, text: &str) {
    faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(text.to_owned());
}

/// Jobs that all wait for one moment after the last was offloaded: whoever waits for a job in `offload` never gets there.
fn many<O: Offload>(rng: &mut Rng) -> Result<(), String> {
    let jobs = 3 + rng.below(6) as usize;
    let scene = Scene::new(2);
    let gate = Gate::default();
    let values: Vec<u64> = (0..jobs).map(|_| rng.below(1_000_000)).collect();
    for (number, value) in values.iter().copied().enumerate() {
        let (gate, faults) = (gate.clone(), scene.faults.clone());
        let work = move || {
            if !gate.pass() {
                fault(
                    &faults,
                    "`offload` did not return while its job ran: the loop's thread waits for the pool.",
                );
            }
            value
        };
        scene.offload::<O>(number, work, |_lp| {});
        if scene.faults.lock().is_ok_and(|faults| !faults.is_empty()) {
            break;
        }
    }
    // The loop has to come round before any job may end.
    let opener = gate.clone();
    scene.event_loop.handle().set_immediate(move |_lp| opener.open());
    for (number, outcome) in scene.finish(jobs)? {
        let right = Outcome::Done(values[number]);
        if outcome != right {
            return Err(format!("job {number} returned {}, but its outcome is {outcome:?}.", values[number]));
        }
    }
    Ok(())
}

/// The first job may end only when the outcome of the second has arrived.
fn order_of_completion<O: Offload>() -> Result<(), String> {
    let scene = Scene::new(2);
    let gate = Gate::default();
    let (waits, faults) = (gate.clone(), scene.faults.clone());
    let slow = move || {
        if !waits.pass() {
            fault(
                &faults,
                "a job that was offloaded second has ended, but its outcome was not delivered while the first still \
                 ran.\nOutcomes come in the order in which jobs end, and jobs run side by side.",
            );
        }
        1
    };
    scene.offload::<O>(0, slow, |_lp| {});
    scene.offload::<O>(1, || 2, move |_lp| gate.open());
    let seen = scene.finish(2)?;
    if seen != [(1, Outcome::Done(2)), (0, Outcome::Done(1))] {
        return Err(format!("the second job ended first, but the outcomes came like this: {seen:?}."));
    }
    Ok(())
}

/// A panic is an outcome, and the jobs around it are not harmed.
fn panics<O: Offload>(rng: &mut Rng) -> Result<(), String> {
    let scene = Scene::new(1);
    let bad = rng.below(3) as usize;
    for number in 0..3 {
        let work = move || {
            if number == bad {
                // As a panic, without the message on the screen.
                std::panic::resume_unwind(Box::new(PLANNED));
            }
            number as u64
        };
        scene.offload::<O>(number, work, |_lp| {});
    }
    let seen = scene.finish(3).map_err(|error| format!("{error}\n(In this case job {bad} of 3 panics.)"))?;
    for (number, outcome) in seen {
        let right = if number == bad { Outcome::Panicked } else { Outcome::Done(number as u64) };
        if outcome != right {
            return Err(format!(
                "job {bad} of 3 panicked; the outcome of job {number} is {outcome:?}, expected {right:?}."
            ));
        }
    }
    Ok(())
}

/// One thread runs job 0; jobs behind it are cancelled or not; then everything ends.
fn cancel<O: Offload>(rng: &mut Rng) -> Result<(), String> {
    let jobs = 3 + rng.below(4) as usize;
    let unlucky = 1 + rng.below(jobs as u64 - 1) as usize;
    let scene = Scene::new(1);
    let (started, gate) = (Gate::default(), Gate::default());
    let (starts, waits) = (started.clone(), gate.clone());
    let blocker = move || {
        starts.open();
        // The patience is the grader's: if it is over, an earlier fault has been found.
        waits.pass();
        0
    };
    // Also when a fault ends this early, for the pool waits for its job.
    let gate = OpenAtEnd(gate);
    let mut tickets = vec![scene.offload::<O>(0, blocker, |_lp| {})];
    for number in 1..jobs {
        let faults = scene.faults.clone();
        let work = move || {
            if number == unlucky {
                fault(&faults, "a job was cancelled, `cancel` said `true`, and the job ran all the same.");
            }
            number as u64
        };
        tickets.push(scene.offload::<O>(number, work, |_lp| {}));
    }
    if !started.pass() {
        return Err("a job was offloaded, and no thread of the pool has begun it.".to_owned());
    }
    if O::cancel(&tickets[0]) {
        return Err(
            "`cancel` said `true` about a job that runs already; it cannot be stopped any more.".to_owned()
        );
    }
    if !O::cancel(&tickets[unlucky]) {
        return Err("`cancel` said `false` about a job that waits in the queue of a busy pool.".to_owned());
    }
    if O::cancel(&tickets[unlucky]) {
        return Err(format!("{SECOND_CANCEL}."));
    }
    if !scene.seen.borrow().is_empty() {
        return Err("`cancel` called `after` itself. It comes later, from the loop.".to_owned());
    }
    drop(gate);
    for (number, outcome) in scene.finish(jobs)? {
        let right = if number == unlucky { Outcome::Cancelled } else { Outcome::Done(number as u64) };
        if outcome != right {
            return Err(format!(
                "job {unlucky} of {jobs} was cancelled while job 0 ran; the outcome of job {number} is {outcome:?}, \
                 expected {right:?}."
            ));
        }
    }
    if O::cancel(&tickets[0]) {
        return Err("`cancel` said `true` about a job whose outcome has been delivered.".to_owned());
    }
    if O::cancel(&tickets[unlucky]) {
        return Err(format!("{SECOND_CANCEL}."));
    }
    Ok(())
}
