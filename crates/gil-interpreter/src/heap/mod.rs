//! Where objects live: one interface, two heaps.
//!
//! # Model
//! ```text
//! Locked   Gil owns Box<LockedHeap>; the thread that took the lock owns the box, so it reads and writes plainly
//! Free     all threads share the arenas; a mutable object is behind its own lock, globals are seqlock cells
//! ```
//! A heap value of a machine (`H: Heap`) is the thread's own way in. Immutable kinds are handed out as references.
//! Mutable kinds are reached through closures that cannot reach the heap again (`&mut self`), so that two locks of
//! objects are never held at once; what is needed of another object is copied out before.
//!
//! Nothing is freed but by `collect`, which runs at check sites only. So values may be kept in local variables of
//! ours as long as the lock is neither released nor Python called; across those they must be on the stack.

pub(crate) mod kinds;
pub(crate) mod dict;
pub(crate) mod keys;
pub(crate) mod arena;
pub(crate) mod locked;
pub(crate) mod free;
#[cfg(test)]
pub(crate) mod driver;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

pub(crate) use dict::Dict;
pub(crate) use kinds::{
    BoundMethod, Class, DictPart, DictView, Function, HostObject, Instance, Iterator, NameMap, Range, Slice,
    Super, Text, TraceEntry,
};

use crate::gil::ThreadCounters;
use crate::value::{Id, Value};

/// What an inline cache remembers; what the fields mean is up to the instruction that owns it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cache {
    /// Which class (its id + 1) or module the entry is for; 0 is empty.
    pub(crate) key: u32,
    /// A slot of the instance, or `u32::MAX` when `value` is what was found.
    pub(crate) slot: u32,
    /// `Heap::class_epoch` when it was filled, for what was found in a class.
    pub(crate) epoch: u32,
    pub(crate) value: Value,
}

impl Cache {
    pub(crate) const EMPTY: Cache = Cache { key: 0, slot: 0, epoch: 0, value: Value::Unbound };
}

/// What a thread leaves where the collector finds it while it does not hold the lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parked {
    pub(crate) stack: Vec<Value>,
    /// How much of the stack is in use.
    pub(crate) live: usize,
    /// The exception that is handled, and other values that count.
    pub(crate) others: Vec<Value>,
}

/// Why memory was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

/// How a thread leaves the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// To block, or to compute without objects.
    Voluntarily,
    /// It was asked to, at a check site.
    Asked,
    /// It ends.
    ForGood,
}

/// The way of one thread into the heap of its program. The thread holds the lock unless it has `release`d it.
pub(crate) trait Heap: Sized + 'static {
    /// What a new OS thread needs to come in.
    type Seed: Send + 'static;

    /// Parks the first stack of a thread that is about to start, and gives what that thread needs.
    fn seed(&mut self, thread: u32, parked: Parked) -> Self::Seed;
    /// The new thread's own way in, and the breaker word that it reads; `acquire` comes next.
    fn sprout(seed: Self::Seed) -> (Self, Arc<AtomicU32>);
    /// The thread has left for good.
    fn wither(&mut self, thread: u32);

    // Immutable kinds.
    fn text(&self, id: Id) -> &Text;
    fn bytes(&self, id: Id) -> &[u8];
    fn tuple(&self, id: Id) -> &[Value];
    fn range(&self, id: Id) -> Range;
    fn slice(&self, id: Id) -> Slice;
    fn function(&self, id: Id) -> &Function;
    fn bound_method(&self, id: Id) -> BoundMethod;
    fn super_of(&self, id: Id) -> Super;
    fn dict_view(&self, id: Id) -> DictView;
    fn host(&self, id: Id) -> Arc<dyn HostObject>;

    // Mutable kinds. No closure may call back into Python or block.
    fn list<R>(&mut self, id: Id, read: impl FnOnce(&Vec<Value>) -> R) -> R;
    fn list_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Vec<Value>) -> R) -> R;
    fn class<R>(&mut self, id: Id, read: impl FnOnce(&Class) -> R) -> R;
    /// Also bumps the epoch, which makes caches of what was found in classes stale.
    fn class_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Class) -> R) -> R;
    fn class_epoch(&self) -> u32;
    fn instance<R>(&mut self, id: Id, read: impl FnOnce(&Instance) -> R) -> R;
    fn instance_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Instance) -> R) -> R;

    // Attributes alone, which the free heap reads and writes without a lock.
    /// The class of an instance, which never changes.
    #[inline]
    fn instance_class(&mut self, id: Id) -> Id {
        self.instance(id, |instance| instance.class)
    }
    /// What a slot of an instance holds; `Unbound` where it has none.
    #[inline]
    fn slot(&mut self, id: Id, slot: u32) -> Value {
        self.instance(id, |instance| instance.slots.get(slot as usize).copied().unwrap_or(Value::Unbound))
    }
    /// Writes a slot, which may be the first beyond those that the instance has.
    #[inline]
    fn set_slot(&mut self, id: Id, slot: u32, value: Value) {
        let slot = slot as usize;
        let grown = self.instance_mut(id, |instance| {
            if let Some(place) = instance.slots.get_mut(slot) {
                *place = value;
                return 0;
            }
            instance.slots.resize(slot, Value::Unbound);
            instance.slots.push(value);
            size_of::<Value>()
        });
        if grown > 0 {
            self.charge(grown);
        }
    }
    /// What a slot holds, if the instance is of the class that a cache has the key of.
    #[inline]
    fn slot_of(&mut self, id: Id, key: u32, slot: u32) -> Option<Value> {
        self.instance(id, |instance| {
            let hit = instance.class.0 + 1 == key;
            instance.slots.get(slot as usize).copied().filter(|_| hit)
        })
    }
    /// Writes a slot that the instance has, if it is of the class that a cache has the key of.
    #[inline]
    fn set_slot_of(&mut self, id: Id, key: u32, slot: u32, value: Value) -> bool {
        self.instance_mut(id, |instance| {
            let hit = instance.class.0 + 1 == key;
            match instance.slots.get_mut(slot as usize).filter(|_| hit) {
                Some(place) => {
                    *place = value;
                    true
                }
                None => false,
            }
        })
    }
    /// An instance without attributes, with room for some.
    #[inline]
    fn new_object(&mut self, class: Id, room: usize) -> Value {
        self.new_instance(Instance { class, slots: Vec::with_capacity(room), trace: None })
    }

    fn iterator_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Iterator) -> R) -> R;
    fn cell(&mut self, id: Id) -> Value;
    fn set_cell(&mut self, id: Id, value: Value);

    // Dicts. `hash` comes from `keys::hash`; keys of equal value are found whatever their identity.
    fn dict_len(&mut self, dict: Id) -> usize;
    fn dict_find(&mut self, dict: Id, key: Value, hash: u64) -> Option<Value>;
    /// True when the key is new.
    fn dict_insert(&mut self, dict: Id, key: Value, hash: u64, value: Value) -> bool;
    fn dict_remove(&mut self, dict: Id, key: Value, hash: u64) -> Option<(Value, Value)>;
    /// For what needs the whole: iteration, clear, copy. Keys must not be compared inside.
    fn dict<R>(&mut self, dict: Id, read: impl FnOnce(&Dict) -> R) -> R;
    fn dict_mut<R>(&mut self, dict: Id, write: impl FnOnce(&mut Dict) -> R) -> R;

    // Making objects. Always succeeds; the limit is enforced at check sites and by `reserve` for what is big.
    fn new_text(&mut self, text: Text) -> Value;
    fn new_bytes(&mut self, bytes: Vec<u8>) -> Value;
    fn new_list(&mut self, items: Vec<Value>) -> Value;
    fn new_tuple(&mut self, items: Vec<Value>) -> Value;
    fn new_dict(&mut self, dict: Dict) -> Value;
    fn new_dict_view(&mut self, view: DictView) -> Value;
    fn new_range(&mut self, range: Range) -> Value;
    fn new_slice(&mut self, slice: Slice) -> Value;
    fn new_iterator(&mut self, iterator: Iterator) -> Value;
    fn new_function(&mut self, function: Function) -> Value;
    fn new_bound_method(&mut self, method: BoundMethod) -> Value;
    fn new_class(&mut self, class: Class) -> Value;
    fn new_instance(&mut self, instance: Instance) -> Value;
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look at the heap with it"))]
    fn new_super(&mut self, value: Super) -> Value;
    fn new_cell(&mut self, value: Value) -> Value;
    fn new_host(&mut self, host: Arc<dyn HostObject>) -> Value;

    /// A str; see also `Machine::str`.
    fn new_str(&mut self, text: impl Into<Box<str>>) -> Value {
        self.new_text(Text::new(text))
    }

    // Globals and caches, by their number.
    fn global(&self, slot: u32) -> Value;
    fn set_global(&mut self, slot: u32, value: Value);
    fn cache(&self, at: u16) -> Cache;
    fn set_cache(&mut self, at: u16, cache: Cache);

    // Memory.
    /// Says that this many more bytes are in use than the objects' sizes at birth told (a list that grew).
    fn charge(&mut self, bytes: usize);
    /// Call before making something big: is there room for it under the limit?
    fn reserve(&self, bytes: usize) -> Result<(), OutOfMemory>;
    /// Should the next check site collect?
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look at the heap with it"))]
    fn wants_collection(&self) -> bool;
    /// Marks from `parked` (the running thread's own), from all parked threads and the permanent roots; frees the rest.
    fn collect(&mut self, thread: u32, parked: Parked) -> Result<Parked, (Parked, OutOfMemory)>;
    /// Bytes in use now, roughly.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look at the heap with it"))]
    fn in_use_bytes(&self) -> usize;

    // The lock.
    /// Leaves the lock; nothing of the heap may be touched until `acquire`. Parks the stack for the collector.
    fn release(&mut self, thread: u32, leaving: Leaving, parked: Parked);
    /// Waits for the lock and gives the parked stack back.
    fn acquire(&mut self, thread: u32) -> Parked;
    /// A check site found the breaker raised: hand the lock over if that was asked, stop for the world, ...
    fn switch(&mut self, thread: u32, parked: Parked) -> Parked;
    /// What this thread lived through with the lock.
    fn take_counters(&mut self) -> ThreadCounters {
        ThreadCounters::new(false)
    }
    /// How long a waiter waits before it asks.
    fn switch_interval(&self) -> Duration;
    fn set_switch_interval(&mut self, interval: Duration);
    /// Makes values live for as long as the heap (constants, builtin classes).
    fn keep_forever(&mut self, values: &[Value]);
}
