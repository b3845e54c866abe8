//! Every interleaving of senders that wait, go away or find it closed, and a receiver, under `--cfg loom`.
//!
//! A wake-up that is lost is a deadlock, which loom reports.
#![cfg(loom)]

use std::sync::Arc;
use std::sync::mpsc::{SendError, TryRecvError, TrySendError};
use std::task::{Wake, Waker};

use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread::{self, Thread};
use sync_protocols::Channel;

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

/// Counts its wake-ups.
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// The next item, or `None` at the end; sleeps in between.
fn receive<T>(channel: &Channel<T>, waker: &Waker) -> Option<T> {
    loop {
        match channel.receive(waker) {
            Ok(item) => return Some(item),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => thread::park(),
        }
    }
}

#[test]
fn m2_nobody_sleeps_beside_what_he_waits_for() {
    loom::model(|| {
        let channel = Arc::new(Channel::new(1));
        let sender = channel.clone();
        let sends = thread::spawn(move || {
            for item in 1..=3 {
                sender.send_blocking(item).unwrap();
            }
            sender.remove_sender();
        });
        let waker = own_waker();
        let mut received = Vec::new();
        while let Some(item) = receive(&channel, &waker) {
            received.push(item);
        }
        sends.join().unwrap();
        assert_eq!(received, [1, 2, 3]);
    });
}

#[test]
fn m1_two_senders_and_one_place_lose_nothing() {
    loom::model(|| {
        let channel = Arc::new(Channel::new(1));
        channel.add_sender();
        let senders = [1, 2].map(|item| {
            let channel = channel.clone();
            thread::spawn(move || {
                channel.send_blocking(item).unwrap();
                channel.remove_sender();
            })
        });
        let waker = own_waker();
        let mut received = Vec::new();
        while let Some(item) = receive(&channel, &waker) {
            received.push(item);
        }
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn m1_a_value_is_received_or_comes_back_when_the_receiver_goes() {
    loom::model(|| {
        let channel = Arc::new(Channel::new(1));
        channel.add_sender();
        let senders = [1, 2].map(|item| {
            let channel = channel.clone();
            thread::spawn(move || match channel.send_blocking(item) {
                Ok(()) => 0,
                Err(SendError(back)) => back,
            })
        });
        let received = channel.try_receive().unwrap_or(0);
        channel.close();
        let left: i32 = channel.clear().into_iter().sum();
        let back: i32 = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
        assert_eq!(received + left + back, 3);
    });
}

#[test]
fn m2_a_receiver_hears_of_a_channel_that_another_thread_closes() {
    loom::model(|| {
        let channel = Arc::new(Channel::<u32>::new(1));
        let closes = channel.clone();
        let closer = thread::spawn(move || closes.close());
        assert_eq!(receive(&channel, &own_waker()), None);
        closer.join().unwrap();
    });
}

#[test]
fn m1_a_wait_that_is_given_up_while_a_value_comes_leaves_it_there() {
    loom::model(|| {
        let channel = Arc::new(Channel::new(1));
        let woken = Arc::new(Counts(AtomicUsize::new(0)));
        assert_eq!(channel.receive(&Waker::from(woken.clone())), Err(TryRecvError::Empty));
        let sends = channel.clone();
        let sender = thread::spawn(move || sends.try_send(1).unwrap());
        channel.stop_waiting();
        assert_eq!(receive(&channel, &own_waker()), Some(1));
        sender.join().unwrap();
        assert!(woken.0.load(SeqCst) <= 1);
        assert_eq!(Arc::strong_count(&woken), 1);
    });
}

/// One value is in, two senders wait. The first goes away while the value is taken, and says so with `go`.
fn leaves(go: impl Fn(&Channel<u32>, u64) + Send + Sync + 'static) {
    let go = Arc::new(go);
    loom::model(move || {
        let channel = Arc::new(Channel::new(1));
        channel.try_send(0).unwrap();
        let mut first = None;
        assert_eq!(channel.send(1, &mut first, Waker::noop()), Err(TrySendError::Full(1)));
        let (second, go) = (channel.clone(), go.clone());
        let second = thread::spawn(move || second.send_blocking(2).unwrap());
        let (impatient, ticket) = (channel.clone(), first.unwrap());
        let impatient = thread::spawn(move || go(&impatient, ticket));
        assert_eq!(channel.try_receive(), Ok(0));
        second.join().unwrap();
        impatient.join().unwrap();
        assert_eq!((channel.try_receive(), channel.try_receive()), (Ok(2), Err(TryRecvError::Empty)));
    });
}

#[test]
fn m2_a_promise_that_is_not_used_is_passed_on() {
    leaves(Channel::give_up);
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_sender_that_leaves_without_a_word() {
    leaves(|_, _| {});
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_receiver_that_looks_and_then_leaves_its_waker() {
    loom::model(|| {
        let channel = Arc::new(Channel::new(1));
        let sender = channel.clone();
        let woken = Arc::new(loom::sync::Mutex::new(None::<Waker>));
        let wakes = woken.clone();
        thread::spawn(move || {
            sender.try_send(1).unwrap();
            let waker = wakes.lock().unwrap().take();
            waker.into_iter().for_each(Waker::wake);
        });
        let waker = own_waker();
        while channel.try_receive().is_err() {
            *woken.lock().unwrap() = Some(waker.clone());
            thread::park();
        }
    });
}

#[test]
fn m4_a_burst_wakes_a_sleeping_receiver_once() {
    loom::model(|| {
        let channel = Arc::new(Channel::new(2));
        let woken = Arc::new(Counts(AtomicUsize::new(0)));
        let waker = Waker::from(woken.clone());
        assert_eq!(channel.receive(&waker), Err(TryRecvError::Empty));
        let senders = [1, 2].map(|item| {
            let channel = channel.clone();
            thread::spawn(move || channel.try_send(item).unwrap())
        });
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert_eq!(woken.0.load(SeqCst), 1);
    });
}
