//! Judges `bounded_queue`: nothing lost, nothing twice, never more inside than allowed, and nobody left waiting.

use std::sync::Arc;

use crate::explore::{Wrong, alone, check, check_sleeps, explore};
use crate::run;
use crate::seed::Rng;
use crate::standing::happened;
use crate::sync::{AtomicUsize, Mutex, thread};

const SCHEDULES: usize = 300;

/// What the learner writes.
pub trait BoundedQueue: Send + Sync + 'static {
    /// An empty queue that holds `capacity` items at most, which is at least 1.
    fn new(capacity: usize) -> Self;
    /// Puts an item at the end; waits while the queue is full. Once the queue is closed, the item comes back as an error.
    fn push(&self, item: u64) -> Result<(), u64>;
    /// Takes the item at the front; waits while the queue is empty. Once the queue is closed and empty, `None`.
    fn pop(&self) -> Option<u64>;
    /// From now on nothing goes in. What is inside can still be taken, and nobody waits any more.
    fn close(&self);
}

/// Judges it.
pub fn grade<Q: BoundedQueue>() {
    run::grade("bounded_queue", |seed| {
        alone(one_after_the_other::<Told<Q>>)?;
        explore(seed, SCHEDULES, full_means_wait::<Told<Q>>)?;
        explore(seed, SCHEDULES / 10, who_waits_sleeps::<Told<Q>>)?;
        explore(seed, SCHEDULES, each_push_wakes_one::<Told<Q>>).map_err(left_waiting)?;
        explore(seed, SCHEDULES, each_pop_wakes_one::<Told<Q>>).map_err(left_waiting)?;
        // The smallest queue with the most threads is where those that wait are woken in vain.
        explore(seed, 8 * SCHEDULES, || everything_arrives::<Told<Q>>(1, 3, 3))?;
        let mut random = Rng::new(seed);
        for _ in 0..3 {
            let capacity = 1 + random.below(3) as usize;
            let producers = 1 + random.below(3);
            let consumers = 1 + random.below(3) as usize;
            explore(random.next(), SCHEDULES, move || {
                everything_arrives::<Told<Q>>(capacity, producers, consumers)
            })?;
        }
        explore(seed, SCHEDULES, close_wakes_those_who_pop::<Told<Q>>)?;
        explore(seed, SCHEDULES, close_wakes_those_who_push::<Told<Q>>)?;
        Ok("order, limit, waiting, closing; under some thousand schedules".to_owned())
    });
}

/// The learner's queue, which tells what happened to it.
struct Told<Q>(Q);

impl<Q: BoundedQueue> BoundedQueue for Told<Q> {
    fn new(capacity: usize) -> Self {
        happened(format!("a queue with capacity {capacity} was made"));
        Told(Q::new(capacity))
    }

    fn push(&self, item: u64) -> Result<(), u64> {
        let pushed = self.0.push(item);
        happened(if pushed.is_ok() { "push has returned Ok" } else { "push has returned Err" });
        pushed
    }

    fn pop(&self) -> Option<u64> {
        let taken = self.0.pop();
        happened(if taken.is_some() { "pop has returned an item" } else { "pop has returned None" });
        taken
    }

    fn close(&self) {
        self.0.close();
        happened("close has returned");
    }
}

/// More words about the deadlock of a scene in which two wait for what two calls in a row bring.
fn left_waiting(wrong: Wrong) -> String {
    if wrong == Wrong::Deadlock {
        format!(
            "{wrong}Two threads had something to wait for, and two calls in a row brought it for both. If one of the two \
             sleeps all the same, look at what each of the two calls did about those who wait, and at where they were then: \
             one that was woken by the first call need not have got up when the second one came."
        )
    } else {
        wrong.into()
    }
}

fn one_after_the_other<Q: BoundedQueue>() {
    let queue = Q::new(3);
    for item in 1..=3 {
        check(queue.push(item) == Ok(()), || {
            format!("push({item}) into an open queue with room was refused")
        });
    }
    for item in 1..=2 {
        let found = queue.pop();
        check(found == Some(item), || format!("1, 2, 3 went in; pop number {item} returned {found:?}"));
    }
    queue.close();
    let found = queue.push(9);
    check(found == Err(9), || {
        format!("push(9) after close returned {found:?} instead of the item as an error")
    });
    let found = queue.pop();
    check(found == Some(3), || format!("3 was inside when the queue was closed; pop returned {found:?}"));
    let found = queue.pop();
    check(found.is_none(), || format!("the queue is closed and empty; pop returned {found:?}"));
}

fn full_means_wait<Q: BoundedQueue>() {
    let queue = Arc::new(Q::new(1));
    let pushed = Arc::new(AtomicUsize::new(0));
    let producer = {
        let (queue, pushed) = (queue.clone(), pushed.clone());
        thread::spawn("producer", move || {
            for item in 1..=3 {
                let found = queue.push(item);
                check(found == Ok(()), || {
                    format!("push({item}) returned {found:?}, though nobody closed the queue")
                });
                pushed.fetch_add(1);
            }
        })
    };
    for taken in 0..3 {
        thread::yield_now();
        // The producer may not have counted yet what it has pushed already.
        let pushed = pushed.load();
        check(pushed <= taken + 1, || {
            format!(
                "the queue holds 1 item at most, that is its capacity; pushes that have returned: {pushed}, items that \
                 were taken: {taken}. A push into a full queue has to wait"
            )
        });
        let found = queue.pop();
        let expected = taken as u64 + 1;
        check(found == Some(expected), || {
            format!("pop returned {found:?} instead of {expected}, though the queue is open")
        });
    }
    producer.join();
}

fn who_waits_sleeps<Q: BoundedQueue>() {
    let queue = Arc::new(Q::new(1));
    let popping = {
        let queue = queue.clone();
        thread::spawn("consumer", move || queue.pop())
    };
    check_sleeps("consumer");
    let _ = queue.push(1);
    popping.join();
    let _ = queue.push(2);
    let pushing = {
        let queue = queue.clone();
        thread::spawn("producer", move || queue.push(3))
    };
    check_sleeps("producer");
    queue.pop();
    let _ = pushing.join();
}

/// Two pushes in a row, before either of those who wait could get up; nobody closes the queue.
fn each_push_wakes_one<Q: BoundedQueue>() {
    let queue = Arc::new(Q::new(2));
    let waiting: Vec<_> = (1..=2)
        .map(|number| {
            let queue = queue.clone();
            thread::spawn(&format!("consumer {number}"), move || queue.pop())
        })
        .collect();
    for item in 1..=2 {
        let _ = queue.push(item);
    }
    waiting.into_iter().for_each(|one| _ = one.join());
}

/// Two pops in a row from a full queue, while two wait for room.
fn each_pop_wakes_one<Q: BoundedQueue>() {
    let queue = Arc::new(Q::new(2));
    for item in 1..=2 {
        let _ = queue.push(item);
    }
    let waiting: Vec<_> = (3..=4)
        .map(|item| {
            let queue = queue.clone();
            thread::spawn(&format!("producer {item}"), move || queue.push(item))
        })
        .collect();
    for _ in 0..2 {
        queue.pop();
    }
    waiting.into_iter().for_each(|one| _ = one.join());
}

fn everything_arrives<Q: BoundedQueue>(capacity: usize, producers: u64, consumers: usize) {
    let queue = Arc::new(Q::new(capacity));
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let producing: Vec<_> = (1..=producers)
        .map(|number| {
            let queue = queue.clone();
            thread::spawn(&format!("producer {number}"), move || {
                for item in 1..=2 {
                    let pushed = queue.push(number * 10 + item);
                    check(pushed.is_ok(), || "push was refused though nobody closed the queue".to_owned());
                }
            })
        })
        .collect();
    let consuming: Vec<_> = (1..=consumers)
        .map(|number| {
            let (queue, arrived) = (queue.clone(), arrived.clone());
            thread::spawn(&format!("consumer {number}"), move || {
                while let Some(item) = queue.pop() {
                    arrived.lock().push(item);
                }
            })
        })
        .collect();
    producing.into_iter().for_each(|one| one.join());
    queue.close();
    consuming.into_iter().for_each(|one| one.join());
    let mut arrived = arrived.lock().clone();
    arrived.sort_unstable();
    let expected: Vec<u64> = (1..=producers).flat_map(|number| [number * 10 + 1, number * 10 + 2]).collect();
    check(arrived == expected, || {
        format!(
            "capacity {capacity}, {producers} producers, {consumers} consumers: {expected:?} went in, {arrived:?} came \
             out. If something is missing: did a pop return None before the queue was closed?"
        )
    });
}

fn close_wakes_those_who_pop<Q: BoundedQueue>() {
    let queue = Arc::new(Q::new(2));
    let waiting: Vec<_> = (1..=3)
        .map(|number| {
            let queue = queue.clone();
            thread::spawn(&format!("consumer {number}"), move || queue.pop())
        })
        .collect();
    let _ = queue.push(7);
    queue.close();
    let found: Vec<_> = waiting.into_iter().map(|one| one.join()).collect();
    let sevens = found.iter().filter(|found| **found == Some(7)).count();
    let nothing = found.iter().filter(|found| found.is_none()).count();
    check((sevens, nothing) == (1, 2), || {
        format!("one item, three who pop, then close: they got {found:?} instead of one Some(7) and two None")
    });
}

fn close_wakes_those_who_push<Q: BoundedQueue>() {
    let queue = Arc::new(Q::new(1));
    let waiting: Vec<_> = (1..=3)
        .map(|item| {
            let queue = queue.clone();
            thread::spawn(&format!("producer {item}"), move || queue.push(item))
        })
        .collect();
    queue.close();
    let refused: Vec<u64> = waiting.into_iter().map(|one| one.join()).filter_map(Result::err).collect();
    let mut inside = Vec::new();
    while let Some(item) = queue.pop() {
        inside.push(item);
    }
    let mut all = [refused.clone(), inside.clone()].concat();
    all.sort_unstable();
    check(all == [1, 2, 3] && inside.len() <= 1, || {
        format!(
            "three push into a queue for one, then close: {refused:?} came back, {inside:?} were inside. Each item must \
             do one of both, and one at most can be inside"
        )
    });
}
