//! Every interleaving of two that ask and one that serves, through an inbox, under `--cfg loom`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use sync_protocols::{Coalesced, Inbox};

/// What the model asks of a flag, so that a broken one can take its place.
trait Flag: Send + Sync + 'static {
    fn raise(&self) -> bool;
    fn lower(&self);
}

impl Flag for Coalesced {
    fn raise(&self) -> bool {
        Coalesced::raise(self)
    }
    fn lower(&self) {
        Coalesced::lower(self);
    }
}

/// Two leave something and ask; the third takes what is in the inbox and serves, twice in between and as long as
/// there is something when both have asked. In the end it has seen both: had it not, no item would be in the inbox,
/// and it would sleep on what was left. That is written and read Relaxed: only flag and inbox make it visible.
fn model<F: Flag>(
    make: impl Fn() -> F + Send + Sync + 'static,
    serve: impl Fn(&F, &AtomicUsize) -> usize + Send + Sync + 'static,
) {
    loom::model(move || {
        let flag = Arc::new(make());
        let inbox = Arc::new(Inbox::default());
        let left = Arc::new(AtomicUsize::new(0));
        let askers = [(), ()].map(|()| {
            let (flag, inbox, left) = (flag.clone(), inbox.clone(), left.clone());
            thread::spawn(move || {
                left.fetch_add(1, Ordering::Relaxed);
                if flag.raise() {
                    assert_eq!(inbox.push(()), Ok(true), "two items were on their way");
                }
            })
        });
        let mut seen = 0;
        let mut items = Vec::new();
        let mut turn = || {
            inbox.take_all(&mut items);
            let item = items.pop();
            if item.is_some() {
                seen = serve(&flag, &left);
            }
            item.is_some()
        };
        turn();
        turn();
        for asker in askers {
            asker.join().unwrap();
        }
        while turn() {}
        assert_eq!(seen, 2, "a request was lost");
    });
}

/// As the protocol says: first lower the flag, then look.
fn lower_then_look<F: Flag>(flag: &F, left: &AtomicUsize) -> usize {
    flag.lower();
    left.load(Ordering::Relaxed)
}

#[test]
fn c1_what_is_left_before_asking_is_seen_by_a_serving() {
    model(Coalesced::default, lower_then_look);
}

/// In the model above, an inbox that is not empty tells of a second item; here the items are counted.
#[test]
fn c2_two_that_ask_at_once_deliver_one_item() {
    loom::model(|| {
        let flag = Arc::new(Coalesced::default());
        let askers = [(), ()].map(|()| {
            let flag = flag.clone();
            thread::spawn(move || usize::from(flag.raise()))
        });
        let delivered: usize = askers.into_iter().map(|asker| asker.join().unwrap()).sum();
        assert_eq!(delivered, 1);
        flag.lower();
        assert!(flag.raise(), "after the lowering the next one delivers");
    });
}

#[test]
#[should_panic(expected = "a request was lost")]
fn loom_finds_a_serving_that_lowers_the_flag_afterwards() {
    model(Coalesced::default, |flag, left| {
        let seen = left.load(Ordering::Relaxed);
        flag.lower();
        seen
    });
}

/// Lowers with a store, which acquires nothing.
#[derive(Default)]
struct Stores(AtomicBool);

impl Flag for Stores {
    fn raise(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
    fn lower(&self) {
        self.0.store(false, Ordering::Release);
    }
}

#[test]
#[should_panic(expected = "a request was lost")]
fn loom_finds_a_lowering_that_acquires_nothing() {
    model(Stores::default, lower_then_look);
}

/// Asks whether the flag is up in one step and raises it in another.
#[derive(Default)]
struct LooksFirst(AtomicBool);

impl Flag for LooksFirst {
    fn raise(&self) -> bool {
        let was_up = self.0.load(Ordering::Acquire);
        self.0.store(true, Ordering::Release);
        !was_up
    }
    fn lower(&self) {
        self.0.swap(false, Ordering::AcqRel);
    }
}

#[test]
#[should_panic(expected = "two items were on their way")]
fn loom_finds_a_flag_that_is_looked_at_before_it_is_raised() {
    model(LooksFirst::default, lower_then_look);
}
