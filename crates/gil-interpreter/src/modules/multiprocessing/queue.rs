//! `multiprocessing.Queue`: in the process that made it the queue itself, elsewhere the way to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::super::message::{Message, Route, pack, unpack};
use super::super::queue::{limit, refuse};
use super::super::support::{HOST_NAME, flag, host, module_class, set_host, whole};
use super::super::wait::{Watched, wait};
use super::child::{Connection, take_answer};
use super::family;
use super::shared::{Answer, Asker, SharedQueue};
use super::wire::{Outcome, ToParent, WireError};
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry, instance_with};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let class = r.module_class("multiprocessing", "Queue", types::OBJECT, &[HOST_NAME]);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "put", LockUse::Releases, put);
    r.method(class, "get", LockUse::Releases, get);
    r.method(class, "put_nowait", LockUse::Releases, put_nowait);
    r.method(class, "get_nowait", LockUse::Releases, get_nowait);
    r.method(class, "qsize", LockUse::Releases, qsize);
    r.method(class, "empty", LockUse::Releases, empty);
    r.method(class, "full", LockUse::Releases, full);
    for name in ["close", "join_thread", "cancel_join_thread"] {
        // There is no thread that feeds a pipe here: what was put is there.
        r.method(class, name, LockUse::Holds, |m, args| {
            args.exactly::<1, _>(m, "Queue.close").map(|_| Value::None)
        });
    }
}

/// See the file's header.
pub(super) enum QueueHost {
    Here(Arc<SharedQueue>),
    There { number: u64, way: Arc<Connection> },
}

impl HostObject for QueueHost {}

/// The number under which other processes know a queue.
pub(super) fn number_of<H: Heap>(m: &Machine<H>, queue: &QueueHost) -> u64 {
    match queue {
        QueueHost::Here(queue) => {
            family(m).publish(queue);
            queue.number
        }
        QueueHost::There { number, .. } => *number,
    }
}

/// The queue of that number, as an object.
pub(super) fn value_of<H: Heap>(m: &mut Machine<H>, number: u64) -> Result<Value, Unwind> {
    let family = family(m);
    let queue = match (family.queue(number), family.parent.get()) {
        (Some(queue), _) => QueueHost::Here(queue),
        (None, Some(way)) => QueueHost::There { number, way: Arc::clone(way) },
        (None, None) => {
            return Err(m.runtime_error("this queue belongs to a process that only its child knows"));
        }
    };
    let class = module_class(m, "multiprocessing", "Queue");
    Ok(instance_with(m, class, Arc::new(queue)))
}

/// Where a thread of this process gets an answer.
#[derive(Default)]
struct Slot(Watched<Option<Outcome>>);

impl Answer for Slot {
    fn answer(&self, _: u64, outcome: Outcome) -> Result<(), Outcome> {
        self.0.change(|place| *place = Some(outcome));
        Ok(())
    }
}

/// What is asked of a queue.
enum Wish {
    Get,
    Put(Message),
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, maxsize] = args.bind(m, "Queue", ["/self", "maxsize"], 1)?;
    let maxsize = if maxsize == Value::Unbound { 0 } else { whole(m, maxsize)? };
    let queue = family(m).new_queue(usize::try_from(maxsize).ok().filter(|room| *room > 0));
    set_host(m, receiver, Arc::new(QueueHost::Here(queue)));
    Ok(Value::None)
}

fn of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<QueueHost>, Unwind> {
    host(m, receiver, "Queue")
}

fn ask<H: Heap>(
    m: &mut Machine<H>,
    queue: &QueueHost,
    wish: Wish,
    block: bool,
    deadline: Option<Instant>,
) -> Result<Outcome, Unwind> {
    match queue {
        QueueHost::Here(queue) => ask_here(m, queue, wish, block, deadline),
        QueueHost::There { number, way } => ask_there(m, *number, way, wish, block, deadline),
    }
}

fn ask_here<H: Heap>(
    m: &mut Machine<H>,
    queue: &SharedQueue,
    wish: Wish,
    block: bool,
    deadline: Option<Instant>,
) -> Result<Outcome, Unwind> {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let slot = Arc::new(Slot::default());
    let asker = Asker { to: Arc::clone(&slot) as Arc<dyn Answer>, request: REQUESTS.fetch_add(1, Relaxed) };
    m.allow_threads(|| {
        match wish {
            Wish::Get => queue.get(asker.clone()),
            Wish::Put(item) => queue.put(asker.clone(), item),
        }
        if !block {
            queue.cancel(&asker);
        }
    });
    let waited = match slot.0.with(Option::take) {
        Some(outcome) => return Ok(outcome),
        None => wait(m, deadline, |slice| slot.0.attempt(slice, Option::take)),
    };
    match waited {
        Ok(Some(outcome)) => return Ok(outcome),
        Ok(None) => queue.cancel(&asker),
        Err(_) => queue.cancel(&asker),
    };
    // Refused by the cancellation, or answered just before it.
    let outcome = slot.0.with(Option::take).unwrap_or(Outcome::Refused);
    match (waited, outcome) {
        (Err(error), Outcome::Item(item)) => {
            queue.give_back(item);
            Err(error)
        }
        (Err(error), _) => Err(error),
        (Ok(_), outcome) => Ok(outcome),
    }
}

fn ask_there<H: Heap>(
    m: &mut Machine<H>,
    number: u64,
    way: &Connection,
    wish: Wish,
    block: bool,
    deadline: Option<Instant>,
) -> Result<Outcome, Unwind> {
    let asked = m.allow_threads(|| {
        let request = way.ask(|request| match wish {
            Wish::Get => ToParent::Get { request, queue: number },
            Wish::Put(item) => ToParent::Put { request, queue: number, item },
        })?;
        if !block {
            way.send(&ToParent::Cancel { request })?;
        }
        Ok::<u64, WireError>(request)
    });
    let request = asked.map_err(|error| broken(m, &error))?;
    let limit = if block { deadline } else { None };
    let mut waited =
        wait(m, limit, |slice| way.answers.attempt(slice, |answers| take_answer(answers, request)));
    if waited.as_ref().is_ok_and(Option::is_none) {
        let cancelled = m.allow_threads(|| way.send(&ToParent::Cancel { request }));
        cancelled.map_err(|error| broken(m, &error))?;
        waited = wait(m, None, |slice| way.answers.attempt(slice, |answers| take_answer(answers, request)));
    }
    if waited.is_err() {
        way.forget(request);
        // Where that fails the parent has gone, and with it the queue.
        let _ = way.send(&ToParent::Cancel { request });
    }
    Ok(waited?.unwrap_or(Outcome::Refused))
}

fn broken<H: Heap>(m: &mut Machine<H>, error: &WireError) -> Unwind {
    match error {
        WireError::TooLong(_) => m.value_error(error.to_string()),
        other => m.raise(types::OS_ERROR, other.to_string()),
    }
}

fn put<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, item, block, timeout] =
        args.bind(m, "Queue.put", ["/self", "obj", "block", "timeout"], 2)?;
    let block = flag(m, block, true)?;
    put_item(m, receiver, item, block, timeout)
}

fn put_nowait<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, item] = args.bind(m, "Queue.put_nowait", ["/self", "obj"], 2)?;
    put_item(m, receiver, item, false, Value::None)
}

fn put_item<H: Heap>(
    m: &mut Machine<H>,
    receiver: Value,
    item: Value,
    block: bool,
    timeout: Value,
) -> Result<Value, Unwind> {
    let queue = of(m, receiver)?;
    let deadline = limit(m, block, timeout)?;
    let item = pack(m, item, Route::Process)?;
    m.reserve(item.bytes())?;
    match ask(m, &queue, Wish::Put(item), block, deadline)? {
        Outcome::Refused => Err(refuse(m, "Full")),
        outcome => settled(m, outcome),
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
    match ask(m, &queue, Wish::Get, block, deadline)? {
        Outcome::Refused => Err(refuse(m, "Empty")),
        outcome => settled(m, outcome),
    }
}

fn settled<H: Heap>(m: &mut Machine<H>, outcome: Outcome) -> Result<Value, Unwind> {
    match outcome {
        Outcome::Item(item) => unpack(m, &item),
        Outcome::Done | Outcome::Refused => Ok(Value::None),
        Outcome::Size { items, .. } => Ok(Value::Int(items as i64)),
        Outcome::TooMuch => Err(m.memory_error()),
        Outcome::Unknown => {
            Err(m.runtime_error("the process that made this queue does not know it any more"))
        }
    }
}

/// How many items there are, and how many fit.
fn size<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<(u64, Option<u64>), Unwind> {
    let queue = of(m, receiver)?;
    let outcome = match &*queue {
        QueueHost::Here(queue) => queue.size(),
        QueueHost::There { number, way } => {
            let asked = m.allow_threads(|| way.ask(|request| ToParent::Size { request, queue: *number }));
            let request = asked.map_err(|error| broken(m, &error))?;
            let look = |slice| way.answers.attempt(slice, |answers| take_answer(answers, request));
            wait(m, None, look)?.unwrap_or(Outcome::Unknown)
        }
    };
    match outcome {
        Outcome::Size { items, room } => Ok((items, room)),
        other => Err(match settled(m, other) {
            Err(error) => error,
            Ok(_) => m.runtime_error("the size of this queue is not known"),
        }),
    }
}

fn qsize<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.qsize")?;
    Ok(Value::Int(size(m, receiver)?.0 as i64))
}

fn empty<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.empty")?;
    Ok(Value::Bool(size(m, receiver)?.0 == 0))
}

fn full<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Queue.full")?;
    let (items, room) = size(m, receiver)?;
    Ok(Value::Bool(room.is_some_and(|room| items >= room)))
}
