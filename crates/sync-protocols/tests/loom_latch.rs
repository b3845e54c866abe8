//! Every interleaving of a latch that opens and those that wait for it, under `--cfg loom`.
#![cfg(loom)]

use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::thread::{self, Thread};
use sync_protocols::Latch;

/// Ends a park.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn own_waker() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

#[test]
fn o1_nobody_sleeps_beside_an_open_latch() {
    loom::model(|| {
        let latch = Arc::new(Latch::default());
        let waiters = [(); 2].map(|()| {
            let latch = latch.clone();
            thread::spawn(move || {
                let (waker, mut ticket) = (own_waker(), None);
                while !latch.wait(&mut ticket, &waker) {
                    thread::park();
                }
            })
        });
        latch.open();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_waiter_that_looks_and_then_leaves_its_waker() {
    loom::model(|| {
        let latch = Arc::new(Latch::default());
        let opener = latch.clone();
        let left = Arc::new(loom::sync::Mutex::new(None::<Waker>));
        let told = left.clone();
        thread::spawn(move || {
            opener.open();
            let waker = told.lock().unwrap().take();
            waker.into_iter().for_each(Waker::wake);
        });
        let waker = own_waker();
        while !latch.is_open() {
            *left.lock().unwrap() = Some(waker.clone());
            thread::park();
        }
    });
}
