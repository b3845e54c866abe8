//! A queue between processes, as it stands in the process that made it.
//!
//! # Model
//! Whoever gets or puts says where to answer. What cannot be done now waits in line and is answered when it can;
//! a cancelled one is refused at once. Waiters are served in the order in which they came.
//!
//! # Invariants
//! - G1: each item is answered to one getter, in the order of putting, and no getter waits while there are items.
//! - G2: a cancelled request is answered exactly once, refused or not.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::message::Message;
use super::wire::Outcome;

/// What the items of one queue may need in all.
const MOST_BYTES: usize = 256 << 20;

/// Where an answer goes.
pub(super) trait Answer: Send + Sync {
    /// Gives the outcome back when nobody is there any more.
    fn answer(&self, request: u64, outcome: Outcome) -> Result<(), Outcome>;
}

/// Somebody who waits for an answer.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) to: Arc<dyn Answer>,
    pub(super) request: u64,
}

impl Asker {
    fn is(&self, other: &Asker) -> bool {
        self.request == other.request && Arc::ptr_eq(&self.to, &other.to)
    }
}

/// See the file's header.
pub(super) struct SharedQueue {
    pub(super) number: u64,
    room: Option<usize>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    items: VecDeque<Message>,
    bytes: usize,
    getters: VecDeque<Asker>,
    putters: VecDeque<(Asker, Message)>,
}

impl SharedQueue {
    pub(super) fn new(number: u64, room: Option<usize>) -> SharedQueue {
        SharedQueue { number, room, line: Mutex::default() }
    }

    pub(super) fn get(&self, asker: Asker) {
        let mut line = self.line.lock();
        line.getters.push_back(asker);
        self.settle(&mut line);
    }

    pub(super) fn put(&self, asker: Asker, item: Message) {
        let mut line = self.line.lock();
        if line.bytes + item.bytes() > MOST_BYTES {
            // Whoever asked and has gone needs no answer.
            let _ = asker.to.answer(asker.request, Outcome::TooMuch);
            return;
        }
        line.putters.push_back((asker, item));
        self.settle(&mut line);
    }

    /// Refuses a request that still waits; false when it does not.
    pub(super) fn cancel(&self, asker: &Asker) -> bool {
        let mut line = self.line.lock();
        let before = line.getters.len() + line.putters.len();
        line.getters.retain(|other| !other.is(asker));
        line.putters.retain(|(other, _)| !other.is(asker));
        let waited = line.getters.len() + line.putters.len() < before;
        if waited {
            // As above.
            let _ = asker.to.answer(asker.request, Outcome::Refused);
        }
        waited
    }

    /// Takes out everything that waits for an answer there.
    pub(super) fn forget(&self, to: &Arc<dyn Answer>) {
        let mut line = self.line.lock();
        line.getters.retain(|other| !Arc::ptr_eq(&other.to, to));
        line.putters.retain(|(other, _)| !Arc::ptr_eq(&other.to, to));
        self.settle(&mut line);
    }

    /// Puts back what was taken and could not be used, as the next.
    pub(super) fn give_back(&self, item: Message) {
        let mut line = self.line.lock();
        line.bytes += item.bytes();
        line.items.push_front(item);
        self.settle(&mut line);
    }

    /// How many items it has, and how many fit.
    pub(super) fn size(&self) -> Outcome {
        let items = self.line.lock().items.len() as u64;
        Outcome::Size { items, room: self.room.map(|room| room as u64) }
    }

    fn settle(&self, line: &mut Line) {
        loop {
            if !line.items.is_empty() && !line.getters.is_empty() {
                let (Some(item), Some(getter)) = (line.items.pop_front(), line.getters.pop_front()) else {
                    return;
                };
                let bytes = item.bytes();
                match getter.to.answer(getter.request, Outcome::Item(item)) {
                    Err(Outcome::Item(back)) => line.items.push_front(back),
                    _ => line.bytes = line.bytes.saturating_sub(bytes),
                }
            } else if self.room.is_none_or(|room| line.items.len() < room) && !line.putters.is_empty() {
                let Some((putter, item)) = line.putters.pop_front() else { return };
                line.bytes += item.bytes();
                line.items.push_back(item);
                // What was put stays, whether or not the putter hears of it.
                let _ = putter.to.answer(putter.request, Outcome::Done);
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes the answers; answers nobody when it is gone.
    #[derive(Default)]
    struct Notes {
        heard: Mutex<Vec<String>>,
        gone: bool,
    }

    impl Answer for Notes {
        fn answer(&self, request: u64, outcome: Outcome) -> Result<(), Outcome> {
            if self.gone {
                return Err(outcome);
            }
            let what = match outcome {
                Outcome::Item(Message::Int(number)) => format!("{request}={number}"),
                other => format!("{request}:{other:?}"),
            };
            self.heard.lock().push(what);
            Ok(())
        }
    }

    fn ask(to: &Arc<Notes>, request: u64) -> Asker {
        Asker { to: Arc::clone(to) as Arc<dyn Answer>, request }
    }

    #[test]
    fn g1_items_go_to_getters_in_order_and_past_those_who_are_gone() {
        let queue = SharedQueue::new(1, Some(1));
        let (notes, gone) = (Arc::new(Notes::default()), Arc::new(Notes { gone: true, ..Notes::default() }));
        queue.get(ask(&gone, 1));
        queue.get(ask(&notes, 2));
        queue.put(ask(&notes, 3), Message::Int(30));
        queue.put(ask(&notes, 4), Message::Int(40));
        queue.put(ask(&notes, 5), Message::Int(50));
        assert_eq!(*notes.heard.lock(), ["3:Done", "2=30", "4:Done"], "the third does not fit");
        queue.get(ask(&notes, 6));
        queue.get(ask(&notes, 7));
        assert_eq!(notes.heard.lock()[3..], ["6=40", "5:Done", "7=50"]);
        assert!(matches!(queue.size(), Outcome::Size { items: 0, room: Some(1) }));
        assert_eq!(queue.line.lock().bytes, 0);
    }

    #[test]
    fn g2_a_cancelled_request_is_answered_once() {
        let queue = SharedQueue::new(1, None);
        let notes = Arc::new(Notes::default());
        queue.get(ask(&notes, 1));
        assert!(queue.cancel(&ask(&notes, 1)));
        assert!(!queue.cancel(&ask(&notes, 1)));
        queue.put(ask(&notes, 2), Message::Int(5));
        assert!(!queue.cancel(&ask(&notes, 2)));
        assert_eq!(*notes.heard.lock(), ["1:Refused", "2:Done"]);
        queue.get(ask(&notes, 3));
        queue.get(ask(&notes, 4));
        let to: Arc<dyn Answer> = Arc::clone(&notes) as Arc<dyn Answer>;
        queue.forget(&to);
        queue.give_back(Message::Int(6));
        assert!(matches!(queue.size(), Outcome::Size { items: 1, room: None }));
    }
}
