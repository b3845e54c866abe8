//! `queue`: queues between threads, first in first out, last in first out, or by value.
//!
//! # Model
//! Items are taken and put with the global lock held, so that the collector finds each of them; only waiting for
//! one, or for room, is done without it. Under `per-interp`, where heaps are not shared, items are messages: copies.
//!
//! # Invariants
//! - Q1: at most `maxsize` items are inside, and each item that was put is got once.
//!
//! # Source
//! CPython 3.11 `Lib/queue.py`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::message::{Message, Route, pack, unpack};
use super::support::{HOST_NAME, deadline, flag, host, module_class, seconds, set_host, set_slot, whole};
use super::threading::Mutual;
use super::wait::{Watched, wait};
use crate::gil::Policy;
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, NativeFn, Registry};
use crate::types;
use crate::value::{Id, Value};

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    // CPython's has its class in C, which shows in tracebacks as `_queue.Empty`.
    let empty = r.module_class("queue", "Empty", types::EXCEPTION, &[]);
    r.heap.class_mut(empty, |class| class.module = Some("_queue".into()));
    r.module_class("queue", "Full", types::EXCEPTION, &[]);
    let queue = r.module_class("queue", "Queue", types::OBJECT, &[HOST_NAME, "maxsize"]);
    methods(r, queue, |m, args| init(m, args, Order::First));
    r.method(queue, "full", LockUse::Holds, full);
    r.method(queue, "task_done", LockUse::Holds, task_done);
    r.method(queue, "join", LockUse::Releases, join);
    let last = r.module_class("queue", "LifoQueue", queue, &[]);
    r.method(last, "__init__", LockUse::Holds, |m, args| init(m, args, Order::Last));
    let least = r.module_class("queue", "PriorityQueue", queue, &[]);
    r.method(least, "__init__", LockUse::Holds, |m, args| init(m, args, Order::Least));
    let simple = r.module_class("queue", "SimpleQueue", types::OBJECT, &[HOST_NAME]);
    methods(r, simple, init_simple);
}

fn methods<H: Heap>(r: &mut Registry<'_, H>, class: Id, init: NativeFn<H>) {
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "put", LockUse::TriesFirst, put);
    r.method(class, "get", LockUse::TriesFirst, get);
    r.method(class, "put_nowait", LockUse::TriesFirst, put_nowait);
    r.method(class, "get_nowait", LockUse::TriesFirst, get_nowait);
    r.method(class, "qsize", LockUse::Holds, qsize);
    r.method(class, "empty", LockUse::Holds, empty);
}

/// Which item comes out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    First,
    Last,
    Least,
}

/// An item inside: a value where the heap is shared, else a copy.
#[derive(Clone, Debug)]
enum Item {
    Value(Value),
    Message(Message),
}

/// What is inside, by order of leaving for all but `Last`.
#[derive(Default)]
struct Line {
    items: VecDeque<Item>,
    unfinished: i64,
}

struct QueueHost {
    order: Order,
    /// None is without a limit.
    room: Option<usize>,
    line: Watched<Line>,
    /// Held while items are compared, which may run Python.
    sorting: Mutual,
}

impl QueueHost {
    fn new(order: Order, maxsize: i64) -> QueueHost {
        let room = usize::try_from(maxsize).ok().filter(|room| *room > 0);
        QueueHost { order, room, line: Watched::default(), sorting: Mutual::new(false) }
    }

    fn is_full(&self, line: &Line) -> bool {
        self.room.is_some_and(|room| line.items.len() >= room)
    }

    /// Puts at a place if there is room; gives the item back otherwise.
    fn put(&self, place: Option<usize>, item: Item) -> Result<(), Item> {
        self.line.change(|line| {
            if self.is_full(line) {
                return Err(item);
            }
            line.items.insert(place.unwrap_or(line.items.len()).min(line.items.len()), item);
            line.unfinished += 1;
            Ok(())
        })
    }

    fn get(&self) -> Option<Item> {
        self.line.change(|line| match self.order {
            Order::Last => line.items.pop_back(),
            _ => line.items.pop_front(),
        })
    }
}

impl HostObject for QueueHost {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        self.line.with(|line| {
            for item in &line.items {
                if let Item::Value(value) = item {
                    visit(*value);
                }
            }
        });
    }

    fn bytes(&self) -> usize {
        self.line.with(|line| line.items.iter().map(item_bytes).sum())
    }
}

fn item_bytes(item: &Item) -> usize {
    size_of::<Item>()
        + match item {
            Item::Value(_) => 0,
            Item::Message(message) => message.bytes(),
        }
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args, order: Order) -> Result<Value, Unwind> {
    let [receiver, maxsize] = args.bind(m, "Queue.__init__", ["/self", "maxsize"], 1)?;
    let maxsize = if maxsize == Value::Unbound { 0 } else { whole(m, maxsize)? };
    set_host(m, receiver, Arc::new(QueueHost::new(order, maxsize)));
    set_slot(m, receiver, 1, Value::Int(maxsize));
    Ok(Value::None)
}

fn init_simple<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.bind(m, "SimpleQueue", ["/self"], 1)?;
    set_host(m, receiver, Arc::new(QueueHost::new(Order::First, 0)));
    Ok(Value::None)
}

fn of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<QueueHost>, Unwind> {
    host(m, receiver, "Queue")
}

/// The deadline of `timeout`, with the check of CPython's queues.
pub(super) fn limit<H: Heap>(
    m: &mut Machine<H>,
    block: bool,
    timeout: Value,
) -> Result<Option<Instant>, Unwind> {
    match timeout {
        Value::Unbound | Value::None => Ok(None),
        _ if !block => Ok(None),
        other => {
            let seconds = match other {
                Value::Float(seconds) => seconds,
                other => seconds(m, other)?,
            };
            if seconds < 0.0 {
                return Err(m.value_error("'timeout' must be a non-negative number"));
            }
            Ok(deadline(m, seconds))
        }
    }
}

/// The exception `queue.Empty` or `queue.Full`.
pub(super) fn refuse<H: Heap>(m: &mut Machine<H>, name: &str) -> Unwind {
    let class = module_class(m, "queue", name);
    m.raise(class, String::new())
}

fn put<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, item, block, timeout] =
        args.bind(m, "Queue.put", ["/self", "item", "block", "timeout"], 2)?;
    let block = flag(m, block, true)?;
    put_item(m, receiver, item, block, timeout)
}

fn put_nowait<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, item] = args.bind(m, "Queue.put_nowait", ["/self", "item"], 2)?;
    put_item(m, receiver, item, false, Value::None)
}

fn put_item<H: Heap>(
    m: &mut Machine<H>,
    receiver: Value,
    value: Value,
    block: bool,
    timeout: Value,
) -> Result<Value, Unwind> {
    let queue = of(m, receiver)?;
    let deadline = limit(m, block, timeout)?;
    let mut item = match m.shared.settings.policy {
        Policy::PerInterp => Item::Message(pack(m, value, Route::Thread)?),
        _ => Item::Value(value),
    };
    m.heap.charge(item_bytes(&item));
    give_way(m);
    loop {
        let put = match queue.order {
            Order::Least => sorted(m, &queue, |m, queue| {
                let place = place_of(m, queue, value)?;
                Ok(queue.put(Some(place), item))
            })?,
            _ => queue.put(None, item),
        };
        match put {
            Ok(()) => return Ok(Value::None),
            Err(back) => item = back,
        }
        let room = |line: &mut Line| (!queue.is_full(line)).then_some(());
        if !block || wait(m, deadline, |slice| queue.line.attempt(slice, room))?.is_none() {
            return Err(refuse(m, "Full"));
        }
    }
}

/// 2.7 gave the global lock away for each lock that it took, and a queue takes one.
fn give_way<H: Heap>(m: &mut Machine<H>) {
    if m.shared.settings.policy == Policy::Tick {
        m.allow_threads(|| ());
    }
}

/// Does something with the order of the items, which nobody else changes meanwhile.
fn sorted<R, H: Heap>(
    m: &mut Machine<H>,
    queue: &QueueHost,
    work: impl FnOnce(&mut Machine<H>, &QueueHost) -> Result<R, Unwind>,
) -> Result<R, Unwind> {
    queue.sorting.acquire(m, true, None)?;
    let result = work(m, queue);
    queue.sorting.release(m)?;
    result
}

/// Behind all items that are not greater.
fn place_of<H: Heap>(m: &mut Machine<H>, queue: &QueueHost, value: Value) -> Result<usize, Unwind> {
    let (mut low, mut high) = (0, queue.line.with(|line| line.items.len()));
    while low < high {
        let middle = (low + high) / 2;
        let Some(other) = queue.line.with(|line| line.items.get(middle).cloned()) else { break };
        let other = value_of(m, other)?;
        m.roots.push(other);
        let before = m.less(value, other);
        m.roots.pop();
        if before? { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}

fn value_of<H: Heap>(m: &mut Machine<H>, item: Item) -> Result<Value, Unwind> {
    match item {
        Item::Value(value) => Ok(value),
        Item::Message(message) => unpack(m, &message),
    }
}

fn get<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, block, timeout] = args.bind(m, "Queue.get", ["/self", "block", "timeout"], 1)?;
    let block = flag(m, block, true)?;
    get_item(m, receiver, block, timeout)
}

fn get_nowait<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.get_nowait")?;
    get_item(m, receiver, false, Value::None)
}

fn get_item<H: Heap>(
    m: &mut Machine<H>,
    receiver: Value,
    block: bool,
    timeout: Value,
) -> Result<Value, Unwind> {
    let queue = of(m, receiver)?;
    let deadline = limit(m, block, timeout)?;
    give_way(m);
    loop {
        let got = match queue.order {
            Order::Least => sorted(m, &queue, |_, queue| Ok(queue.get()))?,
            _ => queue.get(),
        };
        if let Some(item) = got {
            return value_of(m, item);
        }
        let any = |line: &mut Line| (!line.items.is_empty()).then_some(());
        if !block || wait(m, deadline, |slice| queue.line.attempt(slice, any))?.is_none() {
            return Err(refuse(m, "Empty"));
        }
    }
}

fn qsize<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.qsize")?;
    Ok(Value::Int(of(m, receiver)?.line.with(|line| line.items.len()) as i64))
}

fn empty<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.empty")?;
    Ok(Value::Bool(of(m, receiver)?.line.with(|line| line.items.is_empty())))
}

fn full<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.full")?;
    let queue = of(m, receiver)?;
    Ok(Value::Bool(queue.line.with(|line| queue.is_full(line))))
}

fn task_done<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.task_done")?;
    let done = of(m, receiver)?.line.change(|line| {
        let any = line.unfinished > 0;
        line.unfinished -= i64::from(any);
        any
    });
    if done { Ok(Value::None) } else { Err(m.value_error("task_done() called too many times")) }
}

fn join<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.join")?;
    let queue = of(m, receiver)?;
    let done = |line: &mut Line| (line.unfinished == 0).then_some(());
    wait(m, None, |slice| queue.line.attempt(slice, done))?;
    Ok(Value::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(item: Option<Item>) -> Option<i64> {
        match item {
            Some(Item::Value(Value::Int(number))) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn q1_items_come_out_once_in_their_order_and_no_more_go_in_than_fit() {
        let first = QueueHost::new(Order::First, 2);
        let last = QueueHost::new(Order::Last, 0);
        for number in 1..=3 {
            assert_eq!(first.put(None, Item::Value(Value::Int(number))).is_ok(), number <= 2);
            assert!(last.put(None, Item::Value(Value::Int(number))).is_ok());
        }
        assert_eq!([first.get(), first.get(), first.get()].map(number), [Some(1), Some(2), None]);
        assert_eq!([last.get(), last.get(), last.get()].map(number), [Some(3), Some(2), Some(1)]);
        assert_eq!(first.line.with(|line| line.unfinished), 2);
    }

    #[test]
    fn what_is_inside_is_found_by_the_collector() {
        let queue = QueueHost::new(Order::First, 0);
        assert!(queue.put(None, Item::Value(Value::List(Id(7)))).is_ok());
        assert!(queue.put(None, Item::Message(Message::Str("x".repeat(1000)))).is_ok());
        let mut found = Vec::new();
        queue.trace(&mut |value| found.push(value));
        assert_eq!(found, [Value::List(Id(7))]);
        assert!(queue.bytes() > 1000);
    }
}
