//! One pool under several loops: the shape of libuv's process-wide pool.

use std::sync::mpsc::channel;
use std::thread;

use runtime_lab::{BlockingPool, JobKind, RunMode, Runtime};

use crate::support::{Busy, Log, drained};

#[test]
fn b52_eight_loops_share_a_pool_and_each_completion_comes_home() {
    const LOOPS: usize = 8;
    const JOBS: usize = 200;
    let pool = BlockingPool::builder().threads(4).build().unwrap();
    thread::scope(|scope| {
        for number in 0..LOOPS {
            let pool = pool.clone();
            scope.spawn(move || {
                let runtime = Runtime::builder().shared_pool(pool).build().unwrap();
                let heard = Log::default();
                for job in 0..JOBS {
                    let log = heard.clone();
                    let after = move |_lp: &runtime_lab::LoopHandle, outcome: runtime_lab::JobOutcome<_>| {
                        log.push((outcome.done().unwrap(), thread::current().id()));
                    };
                    runtime.offload(move || (number, job), after).unwrap();
                }
                assert!(!runtime.run(RunMode::Default).unwrap());
                let home = thread::current().id();
                let mut all = heard.take();
                all.sort_by_key(|(job, _)| *job);
                let expected: Vec<_> = (0..JOBS).map(|job| ((number, job), home)).collect();
                assert_eq!(all, expected);
            });
        }
    });
    assert_eq!(pool.metrics().total().done, (LOOPS * JOBS) as u64, "they were all jobs of the one pool");
}

#[test]
fn a_runtime_that_goes_leaves_the_shared_pool_and_its_jobs_alone() {
    let pool = BlockingPool::builder().threads(1).build().unwrap();
    let busy = Busy::hold(&pool, 1);
    let (ran, has_run) = channel();
    let runtime = Runtime::builder().shared_pool(pool.clone()).build().unwrap();
    runtime.offload(move || ran.send(()).unwrap(), |_lp, _outcome| panic!("the loop is gone")).unwrap();
    drop(runtime);
    drop(busy);
    has_run.recv().expect("the job ran though its loop is gone");
    drained(&pool);
    pool.submit(JobKind::Cpu, "later", || (), drop).expect("the pool serves others");
}
