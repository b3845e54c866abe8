//! Every interleaving of two senders, a receiver and a close at an inbox, under `--cfg loom`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::Mutex;
use loom::thread;
use sync_protocols::{Closed, Inbox};

/// What the model asks of an inbox, so that a broken one can take its place.
trait Port: Send + Sync + 'static {
    fn push(&self, item: u32) -> bool;
    fn take_all(&self, into: &mut Vec<u32>);
}

impl Port for Inbox<u32> {
    fn push(&self, item: u32) -> bool {
        Inbox::push(self, item).expect("it is open")
    }
    fn take_all(&self, into: &mut Vec<u32>) {
        Inbox::take_all(self, into);
    }
}

/// Two senders, one item each; the receiver sleeps whenever it finds nothing. A lost wake-up is a deadlock, which
/// loom reports.
fn model<P: Port>(make: impl Fn() -> P + Send + Sync + 'static) {
    loom::model(move || {
        let port = Arc::new(make());
        let receiver = thread::current();
        for item in [1, 2] {
            let (port, receiver) = (port.clone(), receiver.clone());
            thread::spawn(move || {
                if port.push(item) {
                    receiver.unpark(); // Keeps until the next park, as an eventfd does.
                }
            });
        }
        let mut taken = Vec::new();
        while taken.len() < 2 {
            let before = taken.len();
            port.take_all(&mut taken);
            if taken.len() == before {
                thread::park();
            }
        }
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
    });
}

#[test]
fn i2_the_receiver_never_sleeps_on_an_item() {
    model(Inbox::default);
}

#[test]
fn i1_an_item_is_returned_once_or_comes_back_to_its_sender() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::default());
        let senders: Vec<_> = [1, 2]
            .map(|item| {
                let inbox = inbox.clone();
                thread::spawn(move || match inbox.push(item) {
                    Ok(_) => None,
                    Err(Closed(back)) => Some(back),
                })
            })
            .into();
        let mut seen = Vec::new();
        inbox.take_all(&mut seen);
        seen.extend(inbox.close());
        seen.extend(senders.into_iter().filter_map(|sender| sender.join().unwrap()));
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        assert_eq!(inbox.push(3), Err(Closed(3)));
    });
}

/// Asks whether the inbox is empty in one step and appends in another.
#[derive(Default)]
struct LooksFirst(Mutex<Vec<u32>>);

impl Port for LooksFirst {
    fn push(&self, item: u32) -> bool {
        let was_empty = self.0.lock().unwrap().is_empty();
        self.0.lock().unwrap().push(item);
        was_empty
    }
    fn take_all(&self, into: &mut Vec<u32>) {
        into.append(&mut self.0.lock().unwrap());
    }
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_sender_that_looks_before_it_appends() {
    model(LooksFirst::default);
}
