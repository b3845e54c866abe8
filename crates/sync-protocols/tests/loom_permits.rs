//! Every interleaving of waiting submitters and returned permits, under `--cfg loom`.
#![cfg(loom)]

use std::sync::Arc;

use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::SeqCst;
use loom::sync::{Condvar, Mutex};
use loom::thread;
use sync_protocols::{NoPermit, Permits};

/// What the model asks of permits, so that broken ones can take their place.
trait Gate: Send + Sync + 'static {
    fn take(&self);
    fn give_back(&self);
}

impl Gate for Permits {
    fn take(&self) {
        Permits::take(self).expect("it is open");
    }
    fn give_back(&self) {
        Permits::give_back(self);
    }
}

/// Both permits are out, two submitters want one each, both come back. A submitter that sleeps on beside a free
/// permit is a deadlock, which loom reports.
fn model<G: Gate>(make: impl Fn() -> G + Send + Sync + 'static) {
    loom::model(move || {
        let gate = Arc::new(make());
        gate.take();
        gate.take();
        let waiters = [(); 2].map(|()| {
            let gate = gate.clone();
            thread::spawn(move || gate.take())
        });
        gate.give_back();
        gate.give_back();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

#[test]
fn q2_nobody_sleeps_beside_a_free_permit() {
    model(|| Permits::new(2));
}

#[test]
fn q1_never_more_than_the_limit_are_out() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(1));
        let out = Arc::new(AtomicUsize::new(0));
        let holders = [(); 2].map(|()| {
            let (permits, out) = (permits.clone(), out.clone());
            thread::spawn(move || {
                permits.take().expect("it is open");
                assert_eq!(out.fetch_add(1, SeqCst), 0, "two permits of one are out");
                out.fetch_sub(1, SeqCst);
                permits.give_back();
            })
        });
        for holder in holders {
            holder.join().unwrap();
        }
        assert_eq!(permits.free(), 1);
    });
}

#[test]
fn q3_a_close_ends_every_wait() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(1));
        permits.take().expect("one is free");
        let waiters = [(); 2].map(|()| {
            let permits = permits.clone();
            thread::spawn(move || permits.take())
        });
        permits.close();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Err(NoPermit::Closed));
        }
        assert_eq!(permits.try_take(), Err(NoPermit::Closed));
    });
}

/// Notifies only when the first permit comes back.
struct NotifiesOnce {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Gate for NotifiesOnce {
    fn take(&self) {
        let mut free = self.free.lock().unwrap();
        while *free == 0 {
            free = self.returned.wait(free).unwrap();
        }
        *free -= 1;
    }
    fn give_back(&self) {
        let mut free = self.free.lock().unwrap();
        *free += 1;
        if *free == 1 {
            self.returned.notify_one();
        }
    }
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_permits_that_notify_only_once() {
    model(|| NotifiesOnce { free: Mutex::new(2), returned: Condvar::new() });
}
