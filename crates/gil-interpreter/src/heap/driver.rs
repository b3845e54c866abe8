//! For tests of heaps: a thread that has a stack and polls its breaker word, without an eval loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use clock::Clock;
use runtime_trace::Lane;
use sync_protocols::gil::{Gil, Order, Rules};

use super::free::{FreeHeap, FreeView};
use super::locked::{Lock, LockKind, LockedHeap, LockedView};
use super::*;
use crate::gil::Watch;
use crate::machine::breaker::{Breakers, COLLECT, DROP, WORLD};

/// Globals and caches of the heaps made here.
const GLOBALS: usize = 4;
const CACHES: usize = 4;

/// A view of a new heap under a lock, for thread 0.
pub(crate) fn locked(limit_bytes: usize) -> LockedView {
    let rules = Rules { forced_switch: true, order: Order::Barging };
    let heap = Box::new(LockedHeap::new(GLOBALS, CACHES, limit_bytes));
    let kind = LockKind::Asked(Gil::new(heap, Duration::from_millis(5), rules));
    let watching = |lock_id, _| Watch { clock: Clock::real(), timing: false, lane: Lane::off(), lock_id };
    let lock = Arc::new(Lock { id: 0, kind });
    LockedView::new(lock, Arc::new(Breakers::new(true)), 0, Arc::new(watching), None)
}

/// A view of a new heap without a lock, for thread 0, and the heap.
pub(crate) fn free(limit_bytes: usize) -> (FreeView, Arc<FreeHeap>) {
    let heap = FreeHeap::new(GLOBALS, CACHES, limit_bytes);
    (FreeView::new(Arc::clone(&heap), Arc::new(Breakers::new(true)), 0), heap)
}

/// A thread of a program that is attached, or holds the lock.
pub(crate) struct Driver<H: Heap> {
    pub(crate) heap: H,
    /// Its roots.
    pub(crate) stack: Vec<Value>,
    thread: u32,
    word: Arc<AtomicU32>,
}

impl<H: Heap> Driver<H> {
    /// Attaches, and finds what was parked for it on its stack.
    pub(crate) fn enter(mut heap: H, word: Arc<AtomicU32>, thread: u32) -> Driver<H> {
        let stack = heap.acquire(thread).stack;
        Driver { heap, stack, thread, word }
    }

    /// As a thread that was started with `seed`.
    pub(crate) fn start(seed: H::Seed, thread: u32) -> Driver<H> {
        let (heap, word) = H::sprout(seed);
        Driver::enter(heap, word, thread)
    }

    /// What a new thread needs that finds `stack` on its stack.
    pub(crate) fn seed(&mut self, thread: u32, stack: Vec<Value>) -> H::Seed {
        let live = stack.len();
        self.heap.seed(thread, Parked { stack, live, others: Vec::new() })
    }

    fn park(&mut self) -> Parked {
        let stack = std::mem::take(&mut self.stack);
        Parked { live: stack.len(), stack, others: Vec::new() }
    }

    /// A check site, as the eval loop has them.
    pub(crate) fn poll(&mut self) {
        let bits = self.word.load(Relaxed);
        if bits & COLLECT != 0 {
            self.word.fetch_and(!COLLECT, Relaxed);
            self.collect().expect("there is room");
        }
        if bits & (DROP | WORLD) != 0 {
            self.switch();
        }
    }

    pub(crate) fn word(&self) -> u32 {
        self.word.load(Relaxed)
    }

    pub(crate) fn switch(&mut self) {
        let parked = self.park();
        self.stack = self.heap.switch(self.thread, parked).stack;
    }

    pub(crate) fn collect(&mut self) -> Result<(), OutOfMemory> {
        let parked = self.park();
        let (parked, result) = match self.heap.collect(self.thread, parked) {
            Ok(parked) => (parked, Ok(())),
            Err((parked, error)) => (parked, Err(error)),
        };
        self.stack = parked.stack;
        result
    }

    /// Does something without any object while it is detached.
    pub(crate) fn detached<R>(&mut self, blocking: impl FnOnce() -> R) -> R {
        let parked = self.park();
        self.heap.release(self.thread, Leaving::Voluntarily, parked);
        let result = blocking();
        self.stack = self.heap.acquire(self.thread).stack;
        result
    }

    pub(crate) fn leave(mut self) {
        self.heap.release(self.thread, Leaving::ForGood, Parked::default());
        self.heap.wither(self.thread);
    }
}

impl Driver<LockedView> {
    pub(crate) fn locked(limit_bytes: usize) -> Driver<LockedView> {
        let view = locked(limit_bytes);
        let word = view.word();
        Driver::enter(view, word, 0)
    }
}

impl Driver<FreeView> {
    pub(crate) fn free(limit_bytes: usize) -> (Driver<FreeView>, Arc<FreeHeap>) {
        let (view, heap) = free(limit_bytes);
        let word = view.word();
        (Driver::enter(view, word, 0), heap)
    }
}

/// The place of a value in the arena of its kind.
pub(crate) fn id(value: Value) -> Id {
    match value {
        Value::Str(id)
        | Value::Bytes(id)
        | Value::List(id)
        | Value::Tuple(id)
        | Value::Dict(id)
        | Value::DictView(id)
        | Value::Range(id)
        | Value::Slice(id)
        | Value::Iterator(id)
        | Value::Function(id)
        | Value::BoundMethod(id)
        | Value::Class(id)
        | Value::Instance(id)
        | Value::Super(id)
        | Value::Cell(id)
        | Value::Host(id) => id,
        _ => panic!("{value:?} is no object"),
    }
}

/// A value and what it refers to, down to some depth, without ids: equal for equal objects in any heap.
pub(crate) fn show<H: Heap>(heap: &mut H, value: Value, depth: usize) -> String {
    if depth == 0 {
        return "..".into();
    }
    let below = depth - 1;
    let all = |heap: &mut H, values: Vec<Value>| {
        values.into_iter().map(|value| show(heap, value, below)).collect::<Vec<_>>().join(" ")
    };
    match value {
        Value::Str(id) => format!("{:?}", heap.text(id).text),
        Value::Bytes(id) => format!("b{:?}", heap.bytes(id)),
        Value::Tuple(id) => {
            let items = heap.tuple(id).to_vec();
            format!("({})", all(heap, items))
        }
        Value::List(id) => {
            let items = heap.list(id, Vec::clone);
            format!("[{}]", all(heap, items))
        }
        Value::Dict(id) => {
            let pairs = heap.dict(id, |dict| dict.iter().flat_map(|(key, value)| [key, value]).collect());
            format!("{{{}}}", all(heap, pairs))
        }
        Value::Instance(id) => {
            let (class, mut slots) = heap.instance(id, |instance| (instance.class, instance.slots.clone()));
            while slots.last() == Some(&Value::Unbound) {
                slots.pop();
            }
            let class = show(heap, Value::Class(class), below);
            format!("<{class} {}>", all(heap, slots))
        }
        Value::Class(id) => {
            let (name, mut attrs) = heap.class(id, |class| {
                (class.name.clone(), class.attrs.iter().map(|(k, v)| (k.clone(), *v)).collect::<Vec<_>>())
            });
            attrs.sort_by(|a, b| a.0.cmp(&b.0));
            let attrs = attrs.into_iter().map(|(_, value)| value).collect();
            format!("class {name} {}", all(heap, attrs))
        }
        Value::Cell(id) => {
            let inside = heap.cell(id);
            format!("cell {}", all(heap, vec![inside]))
        }
        Value::BoundMethod(id) => {
            let BoundMethod { receiver, function } = heap.bound_method(id);
            format!("bound {}", all(heap, vec![receiver, function]))
        }
        Value::Range(id) => format!("{:?}", heap.range(id)),
        Value::Slice(id) => {
            let Slice { start, stop, step } = heap.slice(id);
            format!("slice {}", all(heap, vec![start, stop, step]))
        }
        Value::Iterator(id) => match heap.iterator_mut(id, |iterator| iterator.clone()) {
            Iterator::Enumerate { inner, next } => format!("enumerate {next} {}", all(heap, vec![inner])),
            other => format!("{:?}", std::mem::discriminant(&other)),
        },
        Value::Function(id) => {
            let function = heap.function(id);
            let inside = function.defaults.iter().chain(&function.closure).copied().collect();
            format!("function {}", all(heap, inside))
        }
        Value::Super(id) => {
            let Super { owner, receiver } = heap.super_of(id);
            format!("super {}", all(heap, vec![Value::Class(owner), receiver]))
        }
        Value::DictView(id) => {
            let dict = heap.dict_view(id).dict;
            format!("view {}", all(heap, vec![Value::Dict(dict)]))
        }
        other => format!("{other:?}"),
    }
}
