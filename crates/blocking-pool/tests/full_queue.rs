//! What a bounded queue does when it is full: reject, block, or run on the caller.

mod common;

use std::sync::mpsc;
use std::thread;

use blocking_pool::{BlockingPool, JobKind, JobOutcome, PoolBuilder, SubmitError, WhenFull};
use common::{BOTH, LONG, Outcomes, build, occupy, submit, until};

fn bounded(when_full: WhenFull) -> impl Iterator<Item = BlockingPool> {
    let builder = move || BlockingPool::builder().threads(1).queue_limit(Some(2)).when_full(when_full);
    BOTH.into_iter().map(move |scheduler| build(PoolBuilder::scheduler(builder(), scheduler)))
}

#[test]
fn reject_gives_the_job_back_as_an_error_and_counts_it() {
    for pool in bounded(WhenFull::Reject) {
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        (0..2).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        let refused = pool.submit(JobKind::FastIo, "third", || 2, outcomes.complete(2));
        let error = refused.expect_err("the queue is full");
        assert_eq!(
            error.to_string(),
            "the queue of the pool is full with 2 jobs: submit again when some have ended"
        );
        let metrics = pool.metrics();
        assert_eq!(metrics.kind(JobKind::FastIo).rejected, 1);
        assert_eq!((metrics.total().submitted, metrics.total().depth), (3, 2));
        occupied.release();
        outcomes.take(2);
        submit(&pool, 3, &outcomes);
        assert_eq!(outcomes.next().0, 3, "there is room again");
    }
}

#[test]
fn a_cancelled_job_makes_room_when_its_end_was_told() {
    for pool in bounded(WhenFull::Reject) {
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        let handles = [submit(&pool, 0, &outcomes), submit(&pool, 1, &outcomes)];
        handles[0].cancel().unwrap();
        assert!(pool.submit(JobKind::Cpu, "early", || 9, outcomes.complete(9)).is_err(), "not told yet");
        handles[1].cancel_here().unwrap();
        submit(&pool, 2, &outcomes);
        occupied.release();
        let mut told = outcomes.take(3);
        told.sort_by_key(|(tag, _)| *tag);
        assert_eq!(told, [(0, JobOutcome::Cancelled), (1, JobOutcome::Cancelled), (2, JobOutcome::Done(2))]);
    }
}

#[test]
fn cancelled_jobs_do_not_pile_up_behind_a_stuck_thread() {
    for pool in bounded(WhenFull::Reject) {
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        for tag in 0..10_000 {
            let kind = if tag % 2 == 0 { JobKind::Cpu } else { JobKind::SlowIo };
            let handle =
                pool.submit(kind, "passing", move || tag, outcomes.complete(tag)).expect("there is room");
            handle.cancel_here().unwrap();
        }
        assert_eq!(outcomes.take(10_000).len(), 10_000);
        submit(&pool, 1, &outcomes);
        occupied.release();
        assert_eq!(outcomes.next(), (1, JobOutcome::Done(1)));
        assert_eq!(pool.metrics().total().cancelled, 10_000);
    }
}

#[test]
fn block_waits_for_a_place() {
    for pool in bounded(WhenFull::Block) {
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        (0..2).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        let (submitted, third) = mpsc::channel();
        let complete = outcomes.complete(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                pool.submit(JobKind::Cpu, "third", || 2, complete).unwrap();
                submitted.send(()).unwrap();
            });
            assert!(third.try_recv().is_err(), "no place before the release");
            occupied.release();
            third.recv().unwrap();
        });
        let tags: Vec<_> = outcomes.take(3).into_iter().map(|(tag, _)| tag).collect();
        assert_eq!(tags, [0, 1, 2]);
    }
}

#[test]
fn a_shutdown_ends_the_wait_for_a_place() {
    for pool in bounded(WhenFull::Block) {
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        (0..2).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        let (gate, complete) = (occupied.gate(), outcomes.complete(2));
        thread::scope(|scope| {
            let waits = scope.spawn(|| pool.submit(JobKind::Cpu, "late", || 2, complete));
            let closes = scope.spawn(|| pool.shutdown(LONG));
            assert!(matches!(waits.join().unwrap(), Err(SubmitError::ShutDown)));
            assert_eq!(outcomes.take(2), [(0, JobOutcome::Cancelled), (1, JobOutcome::Cancelled)]);
            gate.open();
            assert_eq!(closes.join().unwrap().cancelled, 2);
        });
    }
}

#[test]
fn a_job_that_submits_to_its_own_full_pool_runs_it_instead_of_waiting_for_itself() {
    for pool in bounded(WhenFull::Block) {
        let (tell, told) = mpsc::channel();
        let inner = pool.clone();
        let work = move || {
            for at in 0..5 {
                let tell = tell.clone();
                let note = move |_| tell.send((at, thread::current().name().map(str::to_owned))).unwrap();
                inner.submit(JobKind::Cpu, "inner", || (), note).unwrap();
            }
        };
        pool.submit(JobKind::Cpu, "outer", work, |_| ()).unwrap();
        let told: Vec<_> = told.iter().collect();
        assert!(told.iter().all(|(_, thread)| thread.as_deref() == Some("pool-0")));
        // Two fit into the queue; the others ran at once.
        assert_eq!(told.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [2, 3, 4, 0, 1]);
    }
}

#[test]
fn run_on_caller_runs_and_tells_before_submit_returns() {
    for pool in bounded(WhenFull::RunOnCaller) {
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        (0..2).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        let (tell, told) = mpsc::channel();
        let work = || thread::current().id();
        let handle =
            pool.submit(JobKind::Cpu, "here", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
        assert_eq!(told.try_recv(), Ok(JobOutcome::Done(thread::current().id())));
        assert_eq!(handle.state(), blocking_pool::JobState::Finished);
        let falls = pool.submit(JobKind::Cpu, "falls", || panic!("here"), |_: JobOutcome<()>| ());
        assert!(falls.is_ok(), "a panic is an outcome here, too");
        let total = pool.metrics().total();
        assert_eq!((total.submitted, total.done, total.panicked, total.depth), (5, 1, 1, 2));
        occupied.release();
        outcomes.take(2);
    }
}

#[test]
fn many_blocked_submitters_all_get_their_turn() {
    for pool in bounded(WhenFull::Block) {
        let outcomes = Outcomes::default();
        thread::scope(|scope| {
            for submitter in 0..4 {
                let complete: Vec<_> = (0..100).map(|at| outcomes.complete(submitter * 100 + at)).collect();
                let pool = &pool;
                scope.spawn(move || {
                    for complete in complete {
                        pool.submit(JobKind::Cpu, "busy", || 0, complete).unwrap();
                    }
                });
            }
        });
        assert_eq!(outcomes.take(400).len(), 400);
        until(|| pool.metrics().total().depth == 0);
    }
}
