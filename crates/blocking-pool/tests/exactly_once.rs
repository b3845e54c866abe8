//! Every submission ends exactly once, whatever is done to the pool meanwhile: random programs, both schedulers.
//!
//! # Model
//! A program is a list of steps; jobs behave as their step says: they return, panic, submit another job, or wait
//! at a gate that a later step (or the end) opens. A second thread submits all the while. At the end the pool is
//! shut down in one of three ways, and each submission must have ended once: told by its `complete`, or rejected.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

use blocking_pool::{BlockingPool, JobHandle, JobKind, JobOutcome, Scheduler, SubmitError, Timing, WhenFull};
use common::{Gate, LONG, build};
use parking_lot::Mutex;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Behaviour {
    Return,
    Panic,
    SubmitAnother,
    WaitAtGate,
}

#[derive(Clone, Debug)]
enum Step {
    Submit(JobKind, Behaviour),
    Cancel(usize),
    CancelHere(usize),
    Resize(usize),
    OpenGate,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Shutdown,
    Drain,
    Drop,
}

#[derive(Clone, Debug)]
struct Program {
    threads: usize,
    limit: Option<(usize, WhenFull)>,
    steps: Vec<Step>,
    end: End,
}

fn programs() -> impl Strategy<Value = Program> {
    let kind = prop_oneof![Just(JobKind::Cpu), Just(JobKind::FastIo), Just(JobKind::SlowIo)];
    let behaviour = prop_oneof![
        5 => Just(Behaviour::Return),
        1 => Just(Behaviour::Panic),
        2 => Just(Behaviour::SubmitAnother),
        2 => Just(Behaviour::WaitAtGate),
    ];
    let step = prop_oneof![
        8 => (kind, behaviour).prop_map(|(kind, behaviour)| Step::Submit(kind, behaviour)),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => any::<usize>().prop_map(Step::CancelHere),
        1 => (1_usize..6).prop_map(Step::Resize),
        1 => Just(Step::OpenGate),
    ];
    // Who blocks, or runs a job himself, cannot open the gate; so these come without jobs that wait there.
    let when_full = prop_oneof![Just(WhenFull::Reject), Just(WhenFull::Block), Just(WhenFull::RunOnCaller)];
    let limit = proptest::option::of((1_usize..20, when_full));
    let end = prop_oneof![Just(End::Shutdown), Just(End::Drain), Just(End::Drop)];
    (1_usize..5, limit, proptest::collection::vec(step, 0..80), end)
        .prop_map(|(threads, limit, steps, end)| Program { threads, limit, steps, end })
}

/// How each submission ended: `ends[submission]` counts its completions and rejections.
#[derive(Default)]
struct Ledger {
    ends: Mutex<Vec<Arc<AtomicU32>>>,
    done: AtomicUsize,
    cancelled: AtomicUsize,
    panicked: AtomicUsize,
    rejected: AtomicUsize,
}

impl Ledger {
    fn submit(
        self: &Arc<Self>,
        pool: &BlockingPool,
        kind: JobKind,
        work: impl FnOnce() + Send + 'static,
    ) -> Option<JobHandle> {
        let ends = Arc::new(AtomicU32::new(0));
        self.ends.lock().push(ends.clone());
        let (ledger, told) = (self.clone(), ends.clone());
        let complete = move |outcome: JobOutcome<()>| {
            told.fetch_add(1, Ordering::SeqCst);
            let count = match outcome {
                JobOutcome::Done(()) => &ledger.done,
                JobOutcome::Cancelled => &ledger.cancelled,
                JobOutcome::Panicked(_) => &ledger.panicked,
            };
            count.fetch_add(1, Ordering::SeqCst);
        };
        match pool.submit(kind, "any", work, complete) {
            Ok(handle) => Some(handle),
            Err(SubmitError::Full { .. } | SubmitError::ShutDown) => {
                ends.fetch_add(1, Ordering::SeqCst);
                self.rejected.fetch_add(1, Ordering::SeqCst);
                None
            }
            Err(error) => panic!("threads can be started: {error}"),
        }
    }

    fn counts(&self) -> [u64; 4] {
        [&self.done, &self.cancelled, &self.panicked, &self.rejected]
            .map(|count| count.load(Ordering::SeqCst) as u64)
    }
}

fn behave(
    behaviour: Behaviour,
    ledger: &Arc<Ledger>,
    pool: &BlockingPool,
    gate: &Gate,
) -> impl FnOnce() + Send + 'static {
    let (ledger, gate) = (ledger.clone(), gate.clone());
    // Only these hold a clone: a drop of the last one inside the pool is a test of its own.
    let pool = matches!(behaviour, Behaviour::SubmitAnother).then(|| pool.clone());
    move || match behaviour {
        Behaviour::Return => (),
        Behaviour::Panic => std::panic::resume_unwind(Box::new("as it should")), // Without a message each time.
        Behaviour::SubmitAnother => drop(ledger.submit(&pool.expect("cloned above"), JobKind::Cpu, || ())),
        Behaviour::WaitAtGate => gate.pass(),
    }
}

fn run(program: &Program, scheduler: Scheduler) {
    let mut builder =
        BlockingPool::builder().threads(program.threads).scheduler(scheduler).timing(Timing::OneIn(2));
    if let Some((limit, when_full)) = program.limit {
        builder = builder.queue_limit(Some(limit)).when_full(when_full);
    }
    let pool = build(builder);
    let (ledger, gate) = (Arc::new(Ledger::default()), Gate::default());
    if program.limit.is_some_and(|(_, when_full)| when_full != WhenFull::Reject) {
        gate.open();
    }
    let other = {
        let (ledger, pool) = (ledger.clone(), pool.clone());
        thread::spawn(move || (0..50).for_each(|_| drop(ledger.submit(&pool, JobKind::Cpu, || ()))))
    };
    let mut handles = Vec::new();
    for step in &program.steps {
        match *step {
            Step::Submit(kind, behaviour) => {
                handles.extend(ledger.submit(&pool, kind, behave(behaviour, &ledger, &pool, &gate)));
            }
            Step::Cancel(at) if !handles.is_empty() => drop(handles[at % handles.len()].cancel()),
            Step::CancelHere(at) if !handles.is_empty() => drop(handles[at % handles.len()].cancel_here()),
            Step::Cancel(_) | Step::CancelHere(_) => (),
            Step::Resize(threads) => pool.resize(threads).expect("it is open"),
            Step::OpenGate => gate.open(),
        }
    }
    gate.open();
    let watcher = pool.clone();
    match program.end {
        End::Shutdown => drop(pool.shutdown(LONG)),
        End::Drain => drop(pool.drain(LONG)),
        End::Drop => drop(pool),
    }
    other.join().expect("the other submitter does not panic");
    let report = watcher.shutdown(LONG);
    assert_eq!(report.still_running, []);
    let ends: Vec<_> = ledger.ends.lock().iter().map(|ends| ends.load(Ordering::SeqCst)).collect();
    assert!(ends.iter().all(|ends| *ends == 1), "{ends:?}");
    let total = watcher.metrics().total();
    assert_eq!([total.done, total.cancelled, total.panicked, total.rejected], ledger.counts());
    assert_eq!(
        (total.submitted, total.depth, total.running),
        (total.done + total.cancelled + total.panicked, 0, 0)
    );
    assert_eq!(total.submitted + total.rejected, ends.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn p1_every_submission_ends_exactly_once_in_the_fifo_pool(program in programs()) {
        run(&program, Scheduler::Fifo);
    }

    #[test]
    fn p1_every_submission_ends_exactly_once_with_work_stealing(program in programs()) {
        run(&program, Scheduler::WorkStealing);
    }
}
