//! The global locks and the cell of two words with real threads, real time-outs and the real futex.
#![cfg(not(loom))]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sync_protocols::SeqCell;
use sync_protocols::gil::{Gil, Order, Parting, Requests, Rules, Taken, TickLock};

/// Longer than any test: nobody times out.
const HOUR: Duration = Duration::from_secs(3_600);
/// Shorter than any wait: everybody times out.
const MICROSECOND: Duration = Duration::from_micros(1);

/// One word for each of four threads, and a message to the test for each request.
struct Words {
    asked: [AtomicBool; 4],
    raised: Mutex<Sender<u32>>,
}

impl Words {
    fn new() -> (Arc<Words>, Receiver<u32>) {
        let (sender, receiver) = mpsc::channel();
        (Arc::new(Words { asked: Default::default(), raised: Mutex::new(sender) }), receiver)
    }

    fn asked(&self) -> [bool; 4] {
        [0, 1, 2, 3].map(|me| self.asked[me].load(SeqCst))
    }
}

impl Requests for Words {
    fn raise(&self, holder: u32) {
        self.asked[holder as usize].store(true, SeqCst);
        let _ = self.raised.lock().expect("nobody panics with it").send(holder);
    }
    fn clear(&self, me: u32) {
        self.asked[me as usize].store(false, SeqCst);
    }
}

type Shared = Arc<Gil<Vec<u32>>>;

fn gil(interval: Duration, rules: Rules) -> Shared {
    Arc::new(Gil::new(Vec::new(), interval, rules))
}

/// A thread that takes once, writes its key into the payload and goes; its report is what `join` gives.
fn visitor(gil: &Shared, words: &Arc<Words>, me: u32) -> JoinHandle<Taken<()>> {
    let (gil, words) = (gil.clone(), words.clone());
    thread::spawn(move || {
        let mut taken = gil.take(me, &*words);
        taken.payload.push(me);
        gil.give(me, taken.payload, Parting::Last, &*words);
        Taken {
            payload: (),
            waited: taken.waited,
            timeouts: taken.timeouts,
            requests: taken.requests,
            switched: taken.switched,
            behind: taken.behind,
        }
    })
}

fn until_waiting(gil: &Shared, count: u32) {
    while gil.waiting() < count {
        thread::yield_now();
    }
}

#[test]
fn g1_alone_a_thread_never_waits_and_switches_once() {
    let (words, _raised) = Words::new();
    let gil = gil(MICROSECOND, Rules::default());
    for turn in 0..100 {
        let taken = gil.take(2, &*words);
        assert_eq!((taken.waited, taken.timeouts, taken.behind), (false, 0, None));
        assert_eq!(taken.switched, turn == 0);
        let dropped = gil.give(2, taken.payload, Parting::Voluntary, &*words);
        assert!(!dropped.asked && !dropped.forced_wait);
    }
    assert_eq!(gil.switches(), 1);
}

#[test]
fn g1_no_turn_is_lost_whatever_the_rules_are() {
    let orders = [Order::Barging, Order::FairTicket, Order::IoFirst];
    for (forced_switch, order) in
        [true, false].into_iter().flat_map(|forced| orders.map(|order| (forced, order)))
    {
        let (words, _raised) = Words::new();
        let gil = Arc::new(Gil::new(0, MICROSECOND, Rules { forced_switch, order }));
        let threads = [0, 1, 2, 3].map(|me| {
            let (gil, words) = (gil.clone(), words.clone());
            thread::spawn(move || {
                for turn in 1..=500 {
                    let taken = gil.take(me, &*words);
                    let parting = match turn {
                        500 => Parting::Last,
                        _ if (turn + me) % 3 == 0 => Parting::Voluntary,
                        _ => Parting::Asked,
                    };
                    gil.give(me, taken.payload + 1, parting, &*words);
                }
            })
        });
        for thread in threads {
            thread.join().expect("it ends");
        }
        assert_eq!(gil.take(0, &*words).payload, 2_000, "{forced_switch} {order:?}");
    }
}

#[test]
fn g2_who_was_asked_comes_back_after_the_switch() {
    let (words, raised) = Words::new();
    let gil = gil(MICROSECOND, Rules::default());
    let payload = gil.take(0, &*words).payload;
    let visitor = visitor(&gil, &words, 1);
    assert_eq!(raised.recv(), Ok(0));
    let dropped = gil.give(0, payload, Parting::Asked, &*words);
    assert!(dropped.asked);
    assert_eq!(gil.switches(), 2, "it has been taken by then");
    let report = visitor.join().expect("it takes and gives");
    assert!(report.waited && report.switched && report.timeouts >= 1);
    assert_eq!((report.requests, report.behind), (1, Some(0)), "it asks once, however long it waits");
}

#[test]
fn g2_without_the_forced_switch_nobody_waits_in_give() {
    let (words, raised) = Words::new();
    let gil = gil(MICROSECOND, Rules { forced_switch: false, ..Rules::default() });
    let payload = gil.take(0, &*words).payload;
    let visitor = visitor(&gil, &words, 1);
    assert_eq!(raised.recv(), Ok(0));
    let dropped = gil.give(0, payload, Parting::Asked, &*words);
    assert!(dropped.asked && !dropped.forced_wait);
    visitor.join().expect("it takes and gives");
}

#[test]
fn g2_the_last_give_waits_for_nobody() {
    let (words, raised) = Words::new();
    let gil = gil(MICROSECOND, Rules::default());
    let payload = gil.take(0, &*words).payload;
    let visitor = visitor(&gil, &words, 1);
    assert_eq!(raised.recv(), Ok(0));
    let dropped = gil.give(0, payload, Parting::Last, &*words);
    assert!(dropped.asked && !dropped.forced_wait);
    visitor.join().expect("it takes and gives");
}

#[test]
fn g4_whoever_takes_starts_without_a_request() {
    let (words, raised) = Words::new();
    let gil = gil(MICROSECOND, Rules { forced_switch: false, ..Rules::default() });
    let payload = gil.take(0, &*words).payload;
    let visitor = visitor(&gil, &words, 1);
    assert_eq!(raised.recv(), Ok(0));
    assert_eq!(words.asked(), [true, false, false, false], "only the holder is asked");
    gil.give(0, payload, Parting::Asked, &*words);
    visitor.join().expect("it takes and gives");
    let payload = gil.take(0, &*words).payload;
    assert_eq!(words.asked(), [false; 4]);
    assert!(!gil.give(0, payload, Parting::Voluntary, &*words).asked);
}

#[test]
fn g5_nobody_is_asked_before_an_interval_is_over() {
    let (words, raised) = Words::new();
    let gil = gil(HOUR, Rules::default());
    let payload = gil.take(0, &*words).payload;
    let visitor = visitor(&gil, &words, 1);
    until_waiting(&gil, 1);
    assert!(!gil.give(0, payload, Parting::Voluntary, &*words).asked);
    let report = visitor.join().expect("it takes and gives");
    assert_eq!((report.waited, report.timeouts, report.requests), (true, 0, 0));
    assert!(raised.try_recv().is_err());
}

#[test]
fn g6_after_a_close_the_lock_still_works_and_nobody_is_held_in_give() {
    let (words, raised) = Words::new();
    let gil = gil(MICROSECOND, Rules::default());
    let payload = gil.take(0, &*words).payload;
    let visitor = visitor(&gil, &words, 1);
    assert_eq!(raised.recv(), Ok(0));
    gil.close();
    let dropped = gil.give(0, payload, Parting::Asked, &*words);
    assert!(dropped.asked && !dropped.forced_wait);
    let payload = gil.take(0, &*words).payload;
    gil.give(0, payload, Parting::Last, &*words);
    visitor.join().expect("it takes and gives");
}

#[test]
fn g7_tickets_are_served_in_order_and_the_giver_goes_behind() {
    let (words, _raised) = Words::new();
    let gil = gil(HOUR, Rules { order: Order::FairTicket, ..Rules::default() });
    let payload = gil.take(0, &*words).payload;
    let visitors = [3, 1, 2].map(|me| {
        let before = gil.waiting();
        let visitor = visitor(&gil, &words, me);
        until_waiting(&gil, before + 1);
        visitor
    });
    gil.give(0, payload, Parting::Voluntary, &*words);
    let taken = gil.take(0, &*words);
    assert_eq!(taken.payload, [3, 1, 2]);
    for visitor in visitors {
        visitor.join().expect("it takes and gives");
    }
}

#[test]
fn g8_a_thread_that_did_io_goes_before_one_that_waits_longer() {
    let (words, _raised) = Words::new();
    let gil = gil(HOUR, Rules { order: Order::IoFirst, ..Rules::default() });
    // Thread 2 did I/O once; its next visit is by the same key.
    let payload = gil.take(2, &*words).payload;
    gil.give(2, payload, Parting::Voluntary, &*words);
    let payload = gil.take(0, &*words).payload;
    let visitors = [1, 2].map(|me| {
        let before = gil.waiting();
        let visitor = visitor(&gil, &words, me);
        until_waiting(&gil, before + 1);
        visitor
    });
    gil.give(0, payload, Parting::Asked, &*words);
    for visitor in visitors {
        visitor.join().expect("it takes and gives");
    }
    assert_eq!(gil.take(0, &*words).payload, [2, 1]);
}

#[test]
fn the_interval_can_be_set_and_is_never_zero() {
    let gil = gil(Duration::from_millis(5), Rules::default());
    assert_eq!(gil.interval(), Duration::from_millis(5));
    gil.set_interval(Duration::from_nanos(10));
    assert_eq!(gil.interval(), MICROSECOND);
    gil.set_interval(Duration::MAX);
    assert_eq!(gil.interval(), Duration::from_micros(u64::from(u32::MAX)));
}

#[test]
fn y1_no_turn_of_the_tick_lock_is_lost() {
    let lock = Arc::new(TickLock::new(0));
    let threads = [0, 1, 2, 3].map(|me| {
        let lock = lock.clone();
        thread::spawn(move || {
            for _ in 0..5_000 {
                let taken = lock.take(me);
                lock.give(taken.payload + 1);
            }
        })
    });
    for thread in threads {
        thread.join().expect("it ends");
    }
    assert_eq!((lock.take(9).payload, lock.waiting()), (20_000, 0));
}

#[test]
fn y2_who_sleeps_is_woken_by_the_give() {
    let lock = Arc::new(TickLock::new('p'));
    let taken = lock.take(7);
    assert_eq!((taken.waited, taken.switched, taken.behind), (false, true, None));
    let sleeper = {
        let lock = lock.clone();
        thread::spawn(move || {
            let taken = lock.take(8);
            lock.give(taken.payload);
            (taken.waited, taken.switched, taken.behind)
        })
    };
    while lock.waiting() == 0 {
        thread::yield_now();
    }
    lock.give(taken.payload);
    assert_eq!(sleeper.join().expect("it is woken"), (true, true, Some(7)));
}

#[test]
fn z1_readers_beside_writers_get_whole_pairs() {
    let cell = Arc::new(SeqCell::new(0, !0));
    let writers = [1_u64, 2].map(|seed| {
        let cell = cell.clone();
        thread::spawn(move || {
            for number in 0..50_000 {
                let tag = number << 2 | seed;
                cell.store(tag, !tag);
            }
        })
    });
    for _ in 0..50_000 {
        let (tag, payload) = cell.load();
        assert_eq!(payload, !tag);
    }
    for writer in writers {
        writer.join().expect("it ends");
    }
    let (tag, payload) = cell.load();
    assert_eq!((tag >> 2, payload), (49_999, !tag), "the last store of one of the two");
}
