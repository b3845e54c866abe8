//! What each protocol promises where no second thread is needed to see it.
#![cfg(not(loom))]

use std::sync::mpsc;
use std::task::Waker;
use std::thread;

use sync_protocols::{
    Call, Cancel, Channel, Closed, Coalesced, Inbox, JobState, JobWord, Latch, NoPermit, Permits, Seat,
    Sleepers,
};

#[test]
fn i1_items_are_taken_in_order_and_only_the_first_of_a_burst_wakes() {
    let inbox = Inbox::default();
    assert_eq!([1, 2, 3].map(|item| inbox.push(item)), [Ok(true), Ok(false), Ok(false)]);
    let mut taken = vec![0];
    inbox.take_all(&mut taken);
    assert_eq!(taken, [0, 1, 2, 3]);
}

#[test]
fn i3_a_closed_inbox_returns_what_it_holds_and_accepts_nothing() {
    let inbox = Inbox::default();
    assert_eq!(inbox.push(4), Ok(true));
    assert_eq!(inbox.close(), [4]);
    assert_eq!(inbox.push(5), Err(Closed(5)));
    let mut taken = Vec::new();
    inbox.take_all(&mut taken);
    assert_eq!(taken, []);
}

#[test]
fn s2_a_burst_calls_one_thread_and_no_more_until_it_has_arrived() {
    let crew = Sleepers::new(8);
    let calls: Vec<_> = (0..100).map(|_| crew.call_one()).collect();
    assert_eq!(calls[0], Call::Start);
    assert!(calls[1..].iter().all(|call| *call == Call::Nobody));
    crew.arrive();
    assert_eq!(crew.call_one(), Call::Start, "handed on");
    assert_eq!(crew.counts(), (0, 2));
}

#[test]
fn s3_a_thread_that_is_not_started_is_called_after_every_sleeper() {
    let crew = Sleepers::new(2);
    assert_eq!(crew.call_one(), Call::Start);
    assert_eq!(crew.call_one(), Call::Nobody, "one is on its way");
    crew.arrive();
    assert_eq!(crew.call_one(), Call::Start);
    crew.arrive();
    assert_eq!(crew.call_one(), Call::Nobody, "nobody is left to call");
    assert_eq!(crew.counts(), (0, 2));
}

#[test]
fn s3_the_last_one_to_sit_down_is_called_first() {
    let crew = Sleepers::new(1);
    let (woken, wakes) = mpsc::channel();
    thread::scope(|scope| {
        for name in ["first", "second"] {
            let (crew, woken) = (&crew, woken.clone());
            let asleep = crew.counts().0;
            scope.spawn(move || {
                let seat = Seat::new();
                assert!(crew.sleep(&seat, || false));
                woken.send(name).unwrap();
            });
            while crew.counts().0 == asleep {
                thread::yield_now();
            }
        }
        assert_eq!(crew.call_one(), Call::Woken);
        assert_eq!(wakes.recv(), Ok("second"));
        assert_eq!(crew.call_one(), Call::Woken);
        assert_eq!(wakes.recv(), Ok("first"));
        assert_eq!(crew.call_one(), Call::Start);
    });
}

#[test]
fn s4_a_closed_crew_says_so_and_lets_nobody_sleep() {
    let crew = Sleepers::new(1);
    crew.close();
    assert_eq!(crew.call_one(), Call::Closed);
    assert!(!crew.sleep(&Seat::new(), || unreachable!("nobody looks in a closed crew")));
}

#[test]
fn a_start_that_failed_is_not_tried_again_until_asked() {
    let crew = Sleepers::new(3);
    assert_eq!(crew.call_one(), Call::Start);
    crew.start_failed();
    assert_eq!(crew.call_one(), Call::Nobody);
    crew.set_spare(1);
    assert_eq!(crew.call_one(), Call::Start);
}

#[test]
fn j1_each_state_answers_for_itself() {
    let word = JobWord::default();
    assert_eq!(word.state(), JobState::Queued);
    assert_eq!(word.cancel(), Cancel::Won);
    assert_eq!((word.state(), word.cancel(), word.begin()), (JobState::Cancelled, Cancel::Already, false));
    assert!(word.deliver());
    assert_eq!((word.state(), word.cancel(), word.deliver()), (JobState::Finished, Cancel::Finished, false));

    let word = JobWord::default();
    assert!(word.begin());
    assert_eq!(
        (word.state(), word.cancel(), word.withdraw()),
        (JobState::Running, Cancel::Running, Cancel::Running)
    );
    word.finish();
    assert_eq!((word.state(), word.withdraw()), (JobState::Finished, Cancel::Finished));
}

#[test]
fn q1_a_permit_more_than_the_limit_is_not_given() {
    let permits = Permits::new(1);
    assert_eq!(permits.try_take(), Ok(()));
    assert_eq!(permits.try_take(), Err(NoPermit::Full));
    permits.give_back();
    assert_eq!(permits.take(), Ok(()));
    permits.close();
    assert_eq!(permits.take(), Err(NoPermit::Closed));
}

#[test]
fn c2_requests_are_one_until_the_serving_begins() {
    let flag = Coalesced::default();
    assert_eq!([flag.raise(), flag.raise()], [true, false]);
    flag.lower();
    assert_eq!([flag.raise(), flag.raise()], [true, false]);
    assert!(!Coalesced::raised().raise(), "its maker delivers");
}

#[test]
fn m1_what_was_accepted_is_received_after_a_close_too() {
    let channel = Channel::new(2);
    channel.try_send(1).unwrap();
    channel.close();
    assert_eq!(channel.try_send(2), Err(mpsc::TrySendError::Disconnected(2)));
    assert_eq!(
        (channel.try_receive(), channel.try_receive()),
        (Ok(1), Err(mpsc::TryRecvError::Disconnected))
    );
}

#[test]
fn m3_a_promised_place_is_not_given_to_another() {
    let channel = Channel::new(1);
    channel.try_send(1).unwrap();
    let mut ticket = None;
    assert_eq!(channel.send(2, &mut ticket, Waker::noop()), Err(mpsc::TrySendError::Full(2)));
    assert_eq!(channel.try_receive(), Ok(1));
    assert_eq!(channel.try_send(3), Err(mpsc::TrySendError::Full(3)));
    assert_eq!((channel.send(2, &mut ticket, Waker::noop()), ticket, channel.len()), (Ok(()), None, 1));
}

#[test]
fn o1_a_latch_stays_open() {
    let (latch, mut ticket) = (Latch::default(), None);
    assert!(!latch.wait(&mut ticket, Waker::noop()));
    latch.leave(ticket.unwrap());
    latch.open();
    latch.open();
    assert!(latch.is_open() && latch.wait(&mut ticket, Waker::noop()));
}
