//! The channel against a plain queue: random programs of senders that try, wait and give up, and a receiver.
#![cfg(not(loom))]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{TryRecvError, TrySendError};
use std::task::{Wake, Waker};

use proptest::prelude::*;
use sync_protocols::Channel;

#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Try,
    /// A sender comes that waits where there is no place.
    Come,
    /// The sender with this number, of those that wait, asks again.
    Ask(usize),
    /// The sender with this number, of those that wait, goes away.
    Leave(usize),
    Receive,
    /// The receiver leaves its waker where there is nothing.
    Await,
    /// The receiver takes it back.
    Forget,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Try),
        6 => Just(Step::Come),
        6 => (0..8_usize).prop_map(Step::Ask),
        3 => (0..8_usize).prop_map(Step::Leave),
        6 => Just(Step::Receive),
        4 => Just(Step::Await),
        1 => Just(Step::Forget),
        1 => Just(Step::Close),
    ]
}

/// A sender that waits: its value, its ticket, and its wake-ups.
struct Sender {
    value: u32,
    ticket: Option<u64>,
    woken: Arc<Counts>,
}

proptest! {
    #[test]
    fn m1_m2_m3_a_channel_does_what_a_queue_with_a_line_before_it_does(
        capacity in 1..4_usize,
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let channel = Channel::new(capacity);
        let mut waiting: Vec<Sender> = Vec::new();
        // What the model knows: the queue, and for each that waits whether a place is promised to it.
        let (mut queue, mut promised, mut closed) = (VecDeque::new(), Vec::<bool>::new(), false);
        // The receiver: how often it is to be woken, and whether the channel has its waker.
        let (receiver, mut wakes, mut awaits) = (Arc::new(Counts::default()), 0, false);
        let promises = |promised: &Vec<bool>| promised.iter().filter(|one| **one).count();
        for (number, step) in steps.into_iter().enumerate() {
            let value = number as u32;
            let before = queue.len();
            let has_room = queue.len() + promises(&promised) < capacity;
            match step {
                Step::Try => {
                    let expected = match (closed, has_room) {
                        (true, _) => Err(TrySendError::Disconnected(value)),
                        (false, false) => Err(TrySendError::Full(value)),
                        (false, true) => Ok(()),
                    };
                    prop_assert_eq!(channel.try_send(value), expected);
                    queue.extend(expected.is_ok().then_some(value));
                }
                Step::Come => {
                    let (woken, mut ticket) = (Arc::new(Counts::default()), None);
                    let sent = channel.send(value, &mut ticket, &Waker::from(woken.clone()));
                    prop_assert_eq!(sent.is_ok(), has_room && !closed);
                    queue.extend(sent.is_ok().then_some(value));
                    if sent == Err(TrySendError::Full(value)) {
                        waiting.push(Sender { value, ticket, woken });
                        promised.push(false);
                    }
                }
                Step::Ask(which) if !waiting.is_empty() => {
                    let which = which % waiting.len();
                    let sender = &mut waiting[which];
                    let waker = Waker::from(sender.woken.clone());
                    let sent = channel.send(sender.value, &mut sender.ticket, &waker);
                    prop_assert_eq!(sent.is_ok(), promised[which] && !closed);
                    prop_assert_eq!(sent == Err(TrySendError::Disconnected(sender.value)), closed);
                    queue.extend(sent.is_ok().then_some(sender.value));
                    if sent != Err(TrySendError::Full(sender.value)) {
                        prop_assert_eq!(sender.ticket, None);
                        waiting.remove(which);
                        promised.remove(which);
                    }
                }
                Step::Leave(which) if !waiting.is_empty() => {
                    let which = which % waiting.len();
                    channel.give_up(waiting.remove(which).ticket.unwrap());
                    if promised.remove(which) && !closed && let Some(next) = promised.iter().position(|one| !one) {
                        promised[next] = true;
                    }
                }
                Step::Receive | Step::Await => {
                    let end = if closed { TryRecvError::Disconnected } else { TryRecvError::Empty };
                    let expected = queue.pop_front().ok_or(end);
                    let received = match step {
                        Step::Await => channel.receive(&Waker::from(receiver.clone())),
                        _ => channel.try_receive(),
                    };
                    prop_assert_eq!(received, expected);
                    awaits |= matches!(step, Step::Await) && expected == Err(TryRecvError::Empty);
                    if expected.is_ok() && !closed && let Some(next) = promised.iter().position(|one| !one) {
                        promised[next] = true;
                    }
                }
                Step::Forget => {
                    channel.stop_waiting();
                    awaits = false;
                }
                Step::Close => {
                    channel.close();
                    closed = true;
                }
                Step::Ask(_) | Step::Leave(_) => {}
            }
            if awaits && (closed || queue.len() > before) {
                (wakes, awaits) = (wakes + 1, false);
            }
            prop_assert_eq!(receiver.0.load(SeqCst), wakes);
            prop_assert_eq!(Arc::strong_count(&receiver), 1 + usize::from(awaits), "kept as long as it waits");
            // Woken are those to whom a place is promised, each once; all, when it is closed.
            for (sender, promised) in waiting.iter().zip(&promised) {
                prop_assert_eq!(sender.woken.0.load(SeqCst), usize::from(*promised || closed));
            }
            prop_assert_eq!((channel.len(), channel.is_closed()), (queue.len(), closed));
            prop_assert!(channel.len() <= capacity);
            let line_has_room = queue.len() + promises(&promised) < capacity;
            prop_assert!(closed || !line_has_room || promised.iter().all(|one| *one), "beside a free place");
        }
    }
}
