//! The heap under a global lock: plain arenas in a box that the lock owns.
//!
//! # Model
//! ```text
//! Lock (Gil or TickLock)  --take-->  LockedView.heap: Box<LockedHeap>  --give-->  Lock
//! ```
//! Taking the lock moves the box to the thread, so that plain `&mut` access by one thread at a time is what the
//! types say. While a thread has given the lock away, an empty heap stands in its view.
//!
//! # Invariants
//! - H1: a collection frees what no root reaches, and nothing else: globals, permanent values, the stacks of all
//!   threads, and what those refer to stay.
//! - H2: when more than the limit is in use after a collection, that is reported.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use sync_protocols::gil::{Gil, Parting, TickLock};

use super::arena::Arena;
use super::keys::{self, KeyReader};
use super::kinds::Kind;
use super::*;
use crate::gil::{LockSeat, Watch};
use crate::machine::breaker::{Breakers, COLLECT};

/// The objects of one interpreter.
#[derive(Clone, Default)]
pub(crate) struct LockedHeap {
    texts: Arena<Text>,
    bytes: Arena<Box<[u8]>>,
    tuples: Arena<Box<[Value]>>,
    ranges: Arena<Range>,
    slices: Arena<Slice>,
    functions: Arena<Function>,
    bound_methods: Arena<BoundMethod>,
    supers: Arena<Super>,
    dict_views: Arena<DictView>,
    hosts: Arena<Arc<dyn HostObject>>,
    lists: Arena<Vec<Value>>,
    dicts: Arena<Dict>,
    classes: Arena<Class>,
    instances: Arena<Instance>,
    iterators: Arena<Iterator>,
    cells: Arena<Value>,
    globals: Vec<Value>,
    caches: Vec<Cache>,
    class_epoch: u32,
    permanent: Vec<Value>,
    parked: Vec<(u32, Parked)>,
    /// Bytes since the last collection, and after it.
    young_bytes: usize,
    old_bytes: usize,
    limit_bytes: usize,
}

/// A collection is worth it after as many new bytes as were alive before, and at least this many: few enough for
/// the processor's cache, where the next objects find their slots warm.
const YOUNG_BYTES: usize = 1 << 20;

impl LockedHeap {
    /// An empty heap with this many globals and caches, and a limit on its size.
    pub(crate) fn new(globals: usize, caches: usize, limit_bytes: usize) -> LockedHeap {
        LockedHeap {
            globals: vec![Value::Unbound; globals],
            caches: vec![Cache::EMPTY; caches],
            class_epoch: 1,
            limit_bytes,
            ..LockedHeap::default()
        }
    }

    /// Forgets what other threads parked: a copy for a thread that starts with everything but them.
    pub(crate) fn alone(&self) -> LockedHeap {
        LockedHeap { parked: Vec::new(), ..self.clone() }
    }

    fn mark(&mut self, value: Value, grey: &mut Vec<Value>) {
        let fresh = match value {
            // These refer to nothing.
            Value::Str(id) => {
                self.texts.mark(id);
                false
            }
            Value::Bytes(id) => {
                self.bytes.mark(id);
                false
            }
            Value::Range(id) => {
                self.ranges.mark(id);
                false
            }
            Value::List(id) => self.lists.mark(id),
            Value::Tuple(id) => self.tuples.mark(id),
            Value::Dict(id) => self.dicts.mark(id),
            Value::DictView(id) => self.dict_views.mark(id),
            Value::Slice(id) => self.slices.mark(id),
            Value::Iterator(id) => self.iterators.mark(id),
            Value::Function(id) => self.functions.mark(id),
            Value::BoundMethod(id) => self.bound_methods.mark(id),
            Value::Class(id) => self.classes.mark(id),
            Value::Instance(id) => self.instances.mark(id),
            Value::Super(id) => self.supers.mark(id),
            Value::Cell(id) => self.cells.mark(id),
            Value::Host(id) => self.hosts.mark(id),
            _ => false,
        };
        if fresh {
            grey.push(value);
        }
    }

    fn trace(&self, value: Value, found: &mut Vec<Value>) {
        let visit = &mut |value| found.push(value);
        match value {
            Value::List(id) => self.lists.get(id).trace(visit),
            Value::Tuple(id) => self.tuples.get(id).trace(visit),
            Value::Dict(id) => self.dicts.get(id).trace(visit),
            Value::DictView(id) => self.dict_views.get(id).trace(visit),
            Value::Slice(id) => self.slices.get(id).trace(visit),
            Value::Iterator(id) => self.iterators.get(id).trace(visit),
            Value::Function(id) => self.functions.get(id).trace(visit),
            Value::BoundMethod(id) => self.bound_methods.get(id).trace(visit),
            Value::Class(id) => self.classes.get(id).trace(visit),
            Value::Instance(id) => self.instances.get(id).trace(visit),
            Value::Super(id) => self.supers.get(id).trace(visit),
            Value::Cell(id) => self.cells.get(id).trace(visit),
            Value::Host(id) => self.hosts.get(id).trace(visit),
            _ => {}
        }
    }

    fn mark_from(&mut self, roots: impl IntoIterator<Item = Value>) {
        let mut grey = Vec::new();
        for root in roots {
            self.mark(root, &mut grey);
        }
        let mut found = Vec::new();
        while let Some(value) = grey.pop() {
            self.trace(value, &mut found);
            for value in found.drain(..) {
                self.mark(value, &mut grey);
            }
        }
    }

    /// Marks from everything that counts and frees the rest.
    fn collect(&mut self, running: &Parked) {
        // What is remembered of a class must not be taken for true of the next class in its place.
        self.caches.fill(Cache::EMPTY);
        self.class_epoch = self.class_epoch.wrapping_add(1);
        let mut roots: Vec<Value> = self.globals.clone();
        roots.extend(&self.permanent);
        for parked in self.parked.iter().map(|(_, parked)| parked).chain([running]) {
            roots.extend(&parked.stack[..parked.live]);
            roots.extend(&parked.others);
        }
        self.mark_from(roots);
        self.old_bytes = self.texts.sweep()
            + self.bytes.sweep()
            + self.tuples.sweep()
            + self.ranges.sweep()
            + self.slices.sweep()
            + self.functions.sweep()
            + self.bound_methods.sweep()
            + self.supers.sweep()
            + self.dict_views.sweep()
            + self.hosts.sweep()
            + self.lists.sweep()
            + self.dicts.sweep()
            + self.classes.sweep()
            + self.instances.sweep()
            + self.iterators.sweep()
            + self.cells.sweep();
        self.young_bytes = 0;
    }

    fn threshold_bytes(&self) -> usize {
        let room = self.limit_bytes.saturating_sub(self.old_bytes);
        // Near the limit the heap may pass it by a small part, so that not every object costs a collection.
        self.old_bytes.max(YOUNG_BYTES).min(room / 2 + self.limit_bytes / 64)
    }
}

/// Reads keys while a dict beside them is written.
struct Reader<'a> {
    texts: &'a Arena<Text>,
    bytes: &'a Arena<Box<[u8]>>,
    tuples: &'a Arena<Box<[Value]>>,
}

impl KeyReader for Reader<'_> {
    fn key_text(&self, id: Id) -> (&str, u64) {
        let text = self.texts.get(id);
        (&text.text, text.hash())
    }

    fn key_bytes(&self, id: Id) -> &[u8] {
        self.bytes.get(id)
    }

    fn key_tuple(&self, id: Id) -> &[Value] {
        self.tuples.get(id)
    }
}

/// The lock that owns a heap.
pub(crate) struct Lock {
    /// Its number in recordings.
    pub(crate) id: u64,
    pub(crate) kind: LockKind,
}

/// By which rules it changes hands.
pub(crate) enum LockKind {
    /// Waiters ask for it after an interval.
    Asked(Gil<Box<LockedHeap>>),
    /// Its holder gives it up by count.
    Counted(TickLock<Box<LockedHeap>>),
}

/// Makes what a thread notes about its lock, from the lock's number and the thread's.
pub(crate) type Watching = Arc<dyn Fn(u64, u32) -> Watch + Send + Sync>;

/// See [`Heap`].
pub(crate) struct LockedView {
    heap: Box<LockedHeap>,
    /// The empty heap that stands in while the lock is given away.
    spare: Option<Box<LockedHeap>>,
    lock: Arc<Lock>,
    breakers: Arc<Breakers>,
    word: Arc<AtomicU32>,
    seat: LockSeat,
    watching: Watching,
    /// How a thread gets a lock of its own, under the policy of one interpreter for each.
    apart: Option<Apart>,
}

/// Makes the lock of a new interpreter around its heap.
pub(crate) type Apart = Arc<dyn Fn(Box<LockedHeap>) -> Lock + Send + Sync>;

/// See [`Heap::Seed`].
pub(crate) struct Seed {
    lock: Arc<Lock>,
    breakers: Arc<Breakers>,
    word: Arc<AtomicU32>,
    thread: u32,
    watching: Watching,
    apart: Option<Apart>,
}

impl LockedView {
    /// Joins an interpreter as a thread that holds no lock yet; `acquire` comes first.
    pub(crate) fn new(
        lock: Arc<Lock>,
        breakers: Arc<Breakers>,
        thread: u32,
        watching: Watching,
        apart: Option<Apart>,
    ) -> LockedView {
        let word = breakers.join(thread);
        LockedView::grown(Seed { lock, breakers, word, thread, watching, apart })
    }

    fn grown(seed: Seed) -> LockedView {
        let Seed { lock, breakers, word, thread, watching, apart } = seed;
        let seat = LockSeat::new(thread, watching(lock.id, thread));
        LockedView { heap: Box::default(), spare: None, lock, breakers, word, seat, watching, apart }
    }

    /// The word that this thread's eval loop reads.
    pub(crate) fn word(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.word)
    }

    fn born<K: Kind>(&mut self, object: &K) {
        self.grow(size_of::<Option<K>>() + object.bytes());
    }

    #[inline]
    fn grow(&mut self, bytes: usize) {
        self.heap.young_bytes += bytes;
        if self.heap.young_bytes > self.heap.threshold_bytes() {
            self.word.fetch_or(COLLECT, Relaxed);
        }
    }

    fn reader_and_dicts(&mut self) -> (Reader<'_>, &mut Arena<Dict>) {
        let LockedHeap { texts, bytes, tuples, dicts, .. } = &mut *self.heap;
        (Reader { texts, bytes, tuples }, dicts)
    }
}

/// One `new_…` method: the accounting, the arena, the tag.
macro_rules! makes {
    ($($method:ident: $kind:ty => $arena:ident as $tag:ident;)*) => {$(
        #[inline]
        fn $method(&mut self, object: $kind) -> Value {
            self.born(&object);
            Value::$tag(self.heap.$arena.put(object))
        }
    )*};
}

impl KeyReader for LockedView {
    fn key_text(&self, id: Id) -> (&str, u64) {
        let text = self.heap.texts.get(id);
        (&text.text, text.hash())
    }

    fn key_bytes(&self, id: Id) -> &[u8] {
        self.heap.bytes.get(id)
    }

    fn key_tuple(&self, id: Id) -> &[Value] {
        self.heap.tuples.get(id)
    }
}

impl Heap for LockedView {
    type Seed = Seed;

    fn seed(&mut self, thread: u32, parked: Parked) -> Seed {
        let (lock, breakers) = match &self.apart {
            Some(apart) => {
                let mut heap = self.heap.alone();
                heap.parked.push((thread, parked));
                let breakers = Arc::new(Breakers::new(true));
                self.breakers.adopt(Arc::clone(&breakers));
                (Arc::new(apart(Box::new(heap))), breakers)
            }
            None => {
                self.heap.parked.push((thread, parked));
                (Arc::clone(&self.lock), Arc::clone(&self.breakers))
            }
        };
        let word = breakers.join(thread);
        Seed { lock, breakers, word, thread, watching: Arc::clone(&self.watching), apart: self.apart.clone() }
    }

    fn sprout(seed: Seed) -> (LockedView, Arc<AtomicU32>) {
        let word = Arc::clone(&seed.word);
        (LockedView::grown(seed), word)
    }

    fn wither(&mut self, thread: u32) {
        self.breakers.leave(thread);
    }

    #[inline]
    fn text(&self, id: Id) -> &Text {
        self.heap.texts.get(id)
    }

    #[inline]
    fn bytes(&self, id: Id) -> &[u8] {
        self.heap.bytes.get(id)
    }

    #[inline]
    fn tuple(&self, id: Id) -> &[Value] {
        self.heap.tuples.get(id)
    }

    #[inline]
    fn range(&self, id: Id) -> Range {
        *self.heap.ranges.get(id)
    }

    #[inline]
    fn slice(&self, id: Id) -> Slice {
        *self.heap.slices.get(id)
    }

    #[inline]
    fn function(&self, id: Id) -> &Function {
        self.heap.functions.get(id)
    }

    #[inline]
    fn bound_method(&self, id: Id) -> BoundMethod {
        *self.heap.bound_methods.get(id)
    }

    #[inline]
    fn super_of(&self, id: Id) -> Super {
        *self.heap.supers.get(id)
    }

    #[inline]
    fn dict_view(&self, id: Id) -> DictView {
        *self.heap.dict_views.get(id)
    }

    #[inline]
    fn host(&self, id: Id) -> Arc<dyn HostObject> {
        Arc::clone(self.heap.hosts.get(id))
    }

    #[inline]
    fn list<R>(&mut self, id: Id, read: impl FnOnce(&Vec<Value>) -> R) -> R {
        read(self.heap.lists.get(id))
    }

    #[inline]
    fn list_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Vec<Value>) -> R) -> R {
        write(self.heap.lists.get_mut(id))
    }

    #[inline]
    fn class<R>(&mut self, id: Id, read: impl FnOnce(&Class) -> R) -> R {
        read(self.heap.classes.get(id))
    }

    fn class_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Class) -> R) -> R {
        self.heap.class_epoch = self.heap.class_epoch.wrapping_add(1);
        write(self.heap.classes.get_mut(id))
    }

    #[inline]
    fn class_epoch(&self) -> u32 {
        self.heap.class_epoch
    }

    #[inline]
    fn instance<R>(&mut self, id: Id, read: impl FnOnce(&Instance) -> R) -> R {
        read(self.heap.instances.get(id))
    }

    #[inline]
    fn instance_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Instance) -> R) -> R {
        write(self.heap.instances.get_mut(id))
    }

    #[inline]
    fn iterator_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Iterator) -> R) -> R {
        write(self.heap.iterators.get_mut(id))
    }

    #[inline]
    fn cell(&mut self, id: Id) -> Value {
        *self.heap.cells.get(id)
    }

    #[inline]
    fn set_cell(&mut self, id: Id, value: Value) {
        *self.heap.cells.get_mut(id) = value;
    }

    fn dict_len(&mut self, dict: Id) -> usize {
        self.heap.dicts.get(dict).len()
    }

    #[inline]
    fn dict_find(&mut self, dict: Id, key: Value, hash: u64) -> Option<Value> {
        self.heap.dicts.get(dict).find(hash, |other| keys::same(&*self, key, other))
    }

    #[inline]
    fn dict_insert(&mut self, dict: Id, key: Value, hash: u64, value: Value) -> bool {
        let (reader, dicts) = self.reader_and_dicts();
        let fresh = dicts.get_mut(dict).insert(hash, key, value, |other| keys::same(&reader, key, other));
        if fresh {
            self.grow(56);
        }
        fresh
    }

    fn dict_remove(&mut self, dict: Id, key: Value, hash: u64) -> Option<(Value, Value)> {
        let (reader, dicts) = self.reader_and_dicts();
        dicts.get_mut(dict).remove(hash, |other| keys::same(&reader, key, other))
    }

    #[inline]
    fn dict<R>(&mut self, dict: Id, read: impl FnOnce(&Dict) -> R) -> R {
        read(self.heap.dicts.get(dict))
    }

    fn dict_mut<R>(&mut self, dict: Id, write: impl FnOnce(&mut Dict) -> R) -> R {
        write(self.heap.dicts.get_mut(dict))
    }

    makes! {
        new_text: Text => texts as Str;
        new_dict: Dict => dicts as Dict;
        new_dict_view: DictView => dict_views as DictView;
        new_range: Range => ranges as Range;
        new_slice: Slice => slices as Slice;
        new_iterator: Iterator => iterators as Iterator;
        new_function: Function => functions as Function;
        new_bound_method: BoundMethod => bound_methods as BoundMethod;
        new_class: Class => classes as Class;
        new_instance: Instance => instances as Instance;
        new_super: Super => supers as Super;
        new_cell: Value => cells as Cell;
        new_host: Arc<dyn HostObject> => hosts as Host;
        new_list: Vec<Value> => lists as List;
    }

    fn new_bytes(&mut self, bytes: Vec<u8>) -> Value {
        let bytes = bytes.into_boxed_slice();
        self.born(&bytes);
        Value::Bytes(self.heap.bytes.put(bytes))
    }

    fn new_tuple(&mut self, items: Vec<Value>) -> Value {
        let items = items.into_boxed_slice();
        self.born(&items);
        Value::Tuple(self.heap.tuples.put(items))
    }

    #[inline]
    fn global(&self, slot: u32) -> Value {
        self.heap.globals[slot as usize]
    }

    #[inline]
    fn set_global(&mut self, slot: u32, value: Value) {
        self.heap.globals[slot as usize] = value;
    }

    #[inline]
    fn cache(&self, at: u16) -> Cache {
        self.heap.caches.get(usize::from(at)).copied().unwrap_or(Cache::EMPTY)
    }

    fn set_cache(&mut self, at: u16, cache: Cache) {
        if let Some(slot) = self.heap.caches.get_mut(usize::from(at)) {
            *slot = cache;
        }
    }

    fn charge(&mut self, bytes: usize) {
        self.grow(bytes);
    }

    fn reserve(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let heap = &*self.heap;
        if heap.old_bytes.saturating_add(bytes) > heap.limit_bytes { Err(OutOfMemory) } else { Ok(()) }
    }

    fn wants_collection(&self) -> bool {
        self.heap.young_bytes > self.heap.threshold_bytes()
    }

    fn collect(&mut self, _thread: u32, parked: Parked) -> Result<Parked, (Parked, OutOfMemory)> {
        self.heap.collect(&parked);
        if self.heap.old_bytes > self.heap.limit_bytes { Err((parked, OutOfMemory)) } else { Ok(parked) }
    }

    fn in_use_bytes(&self) -> usize {
        self.heap.old_bytes + self.heap.young_bytes
    }

    fn release(&mut self, thread: u32, leaving: Leaving, parked: Parked) {
        if leaving != Leaving::ForGood {
            self.heap.parked.push((thread, parked));
        }
        let heap = std::mem::replace(&mut self.heap, self.spare.take().unwrap_or_default());
        match &self.lock.kind {
            LockKind::Asked(gil) => {
                let parting = match leaving {
                    Leaving::Voluntarily => Parting::Voluntary,
                    Leaving::Asked => Parting::Asked,
                    Leaving::ForGood => Parting::Last,
                };
                self.seat.give(gil, heap, parting, &*self.breakers);
            }
            LockKind::Counted(lock) => self.seat.give_tick(lock, heap),
        }
    }

    fn acquire(&mut self, thread: u32) -> Parked {
        let heap = match &self.lock.kind {
            LockKind::Asked(gil) => self.seat.take(gil, &*self.breakers),
            LockKind::Counted(lock) => self.seat.take_tick(lock),
        };
        self.spare = Some(std::mem::replace(&mut self.heap, heap));
        let place = self.heap.parked.iter().position(|(other, _)| *other == thread);
        place.map_or_else(Parked::default, |place| self.heap.parked.swap_remove(place).1)
    }

    fn take_counters(&mut self) -> ThreadCounters {
        self.seat.counters().clone()
    }

    fn switch_interval(&self) -> Duration {
        match &self.lock.kind {
            LockKind::Asked(gil) => gil.interval(),
            LockKind::Counted(_) => Duration::from_millis(5),
        }
    }

    fn set_switch_interval(&mut self, interval: Duration) {
        if let LockKind::Asked(gil) = &self.lock.kind {
            gil.set_interval(interval);
        }
    }

    fn switch(&mut self, thread: u32, parked: Parked) -> Parked {
        self.release(thread, Leaving::Asked, parked);
        self.acquire(thread)
    }

    fn keep_forever(&mut self, values: &[Value]) {
        self.heap.permanent.extend_from_slice(values);
    }
}

#[cfg(test)]
mod tests;
