//! One thread's way into the free heap: attached while it holds a read guard of the world.
//!
//! # Threads
//! A view belongs to one thread. See the header of the module for the protocol with the collector.
//!
//! # Length
//! Most of the file is the interface of `Heap`, one short method for each kind of object.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use parking_lot::{ArcRwLockReadGuard, RawRwLock, RwLock};

use super::FreeHeap;
use super::instance::InstanceSlot;
use super::world::{Buffers, World};
use crate::heap::keys;
use crate::heap::kinds::Kind;
use crate::heap::*;
use crate::machine::breaker::{Breakers, COLLECT, WORLD};

/// See the file's header.
pub(crate) struct FreeView {
    /// None while detached.
    attached: Option<ArcRwLockReadGuard<RawRwLock, World>>,
    buffers: Buffers,
    caches: Box<[Cache]>,
    /// The collection after which the buffers and caches were begun.
    collections: u64,
    /// Bytes that the world has not been told of.
    young_bytes: usize,
    heap: Arc<FreeHeap>,
    breakers: Arc<Breakers>,
    word: Arc<AtomicU32>,
}

/// See [`Heap::Seed`].
pub(crate) struct Seed {
    heap: Arc<FreeHeap>,
    breakers: Arc<Breakers>,
    word: Arc<AtomicU32>,
}

/// Threads tell the world what they made in portions of this size, since all write to the same counter.
const PORTION_BYTES: usize = 16 << 10;

const DETACHED: &str = "an object was used by a thread that is not attached";

/// A macro because the rest of the view stays free to be changed.
macro_rules! world {
    ($view:ident) => {
        &**$view.attached.as_ref().expect(DETACHED)
    };
}

impl FreeView {
    /// Joins a program as a thread that is not attached yet; `acquire` comes first.
    pub(crate) fn new(heap: Arc<FreeHeap>, breakers: Arc<Breakers>, thread: u32) -> FreeView {
        let word = breakers.join(thread);
        FreeView::sprout(Seed { heap, breakers, word }).0
    }

    /// The word that this thread's eval loop reads.
    pub(crate) fn word(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.word)
    }

    #[inline]
    fn world(&self) -> &World {
        world!(self)
    }

    #[inline]
    fn grow(&mut self, bytes: usize) {
        self.young_bytes += bytes;
        if self.young_bytes >= PORTION_BYTES {
            self.tell();
        }
    }

    #[cold]
    fn tell(&mut self) {
        let mine = std::mem::take(&mut self.young_bytes);
        let world = world!(self);
        if world.young_bytes.fetch_add(mine, Relaxed) + mine > world.threshold_bytes() {
            self.word.fetch_or(COLLECT, Relaxed);
        }
    }

    /// Stops the world and frees what nobody refers to, unless another thread has done so since `seen`.
    fn stop_and_collect(&self, seen: u64) {
        debug_assert!(self.attached.is_none(), "who is attached would wait for itself");
        let heap = &*self.heap;
        let mut turn = heap.turn.lock();
        if *turn != seen {
            return;
        }
        heap.stopping.store(true, Relaxed);
        self.breakers.raise_all(WORLD);
        let mut world = heap.world.write();
        world.collect();
        *turn = world.collections;
        self.breakers.lower_all(WORLD | COLLECT);
        heap.stopping.store(false, Relaxed);
    }
}

/// One `new_…` method: the arena, the tag, the accounting.
macro_rules! makes {
    ($($method:ident: $kind:ty => $arena:ident as $tag:ident;)*) => {$(
        #[inline]
        fn $method(&mut self, object: $kind) -> Value {
            let bytes = size_of::<Option<$kind>>() + object.bytes();
            let id = (world!(self)).arenas.$arena.put(&mut self.buffers.$arena, object);
            self.grow(bytes);
            Value::$tag(id)
        }
    )*};
}

impl Heap for FreeView {
    type Seed = Seed;

    fn seed(&mut self, thread: u32, parked: Parked) -> Seed {
        self.world().parked.lock().push((thread, parked));
        let word = self.breakers.join(thread);
        Seed { heap: Arc::clone(&self.heap), breakers: Arc::clone(&self.breakers), word }
    }

    fn sprout(seed: Seed) -> (FreeView, Arc<AtomicU32>) {
        let Seed { heap, breakers, word } = seed;
        let caches = vec![Cache::EMPTY; heap.caches].into();
        let view = FreeView {
            attached: None,
            buffers: Buffers::default(),
            caches,
            collections: 0,
            young_bytes: 0,
            heap,
            breakers,
            word: Arc::clone(&word),
        };
        (view, word)
    }

    fn wither(&mut self, thread: u32) {
        self.breakers.leave(thread);
    }

    #[inline]
    fn text(&self, id: Id) -> &Text {
        self.world().arenas.texts.read(id)
    }

    #[inline]
    fn bytes(&self, id: Id) -> &[u8] {
        self.world().arenas.bytes.read(id)
    }

    #[inline]
    fn tuple(&self, id: Id) -> &[Value] {
        self.world().arenas.tuples.read(id)
    }

    #[inline]
    fn range(&self, id: Id) -> Range {
        self.world().arenas.ranges.with(id, |object| *object)
    }

    #[inline]
    fn slice(&self, id: Id) -> Slice {
        self.world().arenas.slices.with(id, |object| *object)
    }

    #[inline]
    fn function(&self, id: Id) -> &Function {
        self.world().arenas.functions.read(id)
    }

    #[inline]
    fn bound_method(&self, id: Id) -> BoundMethod {
        self.world().arenas.bound_methods.with(id, |object| *object)
    }

    #[inline]
    fn super_of(&self, id: Id) -> Super {
        self.world().arenas.supers.with(id, |object| *object)
    }

    #[inline]
    fn dict_view(&self, id: Id) -> DictView {
        self.world().arenas.dict_views.with(id, |object| *object)
    }

    #[inline]
    fn host(&self, id: Id) -> Arc<dyn HostObject> {
        Arc::clone(self.world().arenas.hosts.read(id))
    }

    #[inline]
    fn list<R>(&mut self, id: Id, read: impl FnOnce(&Vec<Value>) -> R) -> R {
        self.world().arenas.lists.with(id, |list| read(list))
    }

    #[inline]
    fn list_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Vec<Value>) -> R) -> R {
        self.world().arenas.lists.with(id, write)
    }

    #[inline]
    fn class<R>(&mut self, id: Id, read: impl FnOnce(&Class) -> R) -> R {
        self.world().arenas.classes.with(id, |class| read(class))
    }

    fn class_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Class) -> R) -> R {
        let world = self.world();
        world.arenas.classes.with(id, |class| {
            let result = write(class);
            // Under the class's lock: who reads the new epoch finds the change, and who looked before has the old one.
            world.class_epoch.fetch_add(1, Release); // Partner: `class_epoch`.
            result
        })
    }

    #[inline]
    fn class_epoch(&self) -> u32 {
        self.world().class_epoch.load(Acquire) // Partner: `class_mut`.
    }

    fn instance<R>(&mut self, id: Id, read: impl FnOnce(&Instance) -> R) -> R {
        self.world().arenas.instances.get(id).read(read)
    }

    fn instance_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Instance) -> R) -> R {
        self.world().arenas.instances.get(id).write(write)
    }

    #[inline]
    fn instance_class(&mut self, id: Id) -> Id {
        self.world().arenas.instances.get(id).class()
    }

    #[inline]
    fn slot(&mut self, id: Id, slot: u32) -> Value {
        self.world().arenas.instances.get(id).load(slot as usize)
    }

    #[inline]
    fn set_slot(&mut self, id: Id, slot: u32, value: Value) {
        let grown = self.world().arenas.instances.get(id).store(slot as usize, value);
        if grown > 0 {
            self.grow(grown);
        }
    }

    #[inline]
    fn slot_of(&mut self, id: Id, key: u32, slot: u32) -> Option<Value> {
        let instance = self.world().arenas.instances.get(id);
        (instance.class().0 + 1 == key).then(|| instance.load(slot as usize))
    }

    #[inline]
    fn set_slot_of(&mut self, id: Id, key: u32, slot: u32, value: Value) -> bool {
        let hit = self.instance_class(id).0 + 1 == key;
        if hit {
            self.set_slot(id, slot, value);
        }
        hit
    }

    #[inline]
    fn new_object(&mut self, class: Id, room: usize) -> Value {
        let instances = &(world!(self)).arenas.instances;
        let id = instances.vacant(&mut self.buffers.instances);
        instances.get(id).begin(class, room);
        self.grow(size_of::<InstanceSlot>() + room * size_of::<Value>());
        Value::Instance(id)
    }

    #[inline]
    fn iterator_mut<R>(&mut self, id: Id, write: impl FnOnce(&mut Iterator) -> R) -> R {
        self.world().arenas.iterators.with(id, write)
    }

    #[inline]
    fn cell(&mut self, id: Id) -> Value {
        self.world().arenas.cells.get(id).load()
    }

    #[inline]
    fn set_cell(&mut self, id: Id, value: Value) {
        self.world().arenas.cells.get(id).store(value);
    }

    fn dict_len(&mut self, dict: Id) -> usize {
        self.world().arenas.dicts.with(dict, |dict| dict.len())
    }

    #[inline]
    fn dict_find(&mut self, dict: Id, key: Value, hash: u64) -> Option<Value> {
        let world = self.world();
        world.arenas.dicts.with(dict, |dict| dict.find(hash, |other| keys::same(world, key, other)))
    }

    #[inline]
    fn dict_insert(&mut self, dict: Id, key: Value, hash: u64, value: Value) -> bool {
        let world = self.world();
        let same = |other| keys::same(world, key, other);
        let fresh = world.arenas.dicts.with(dict, |dict| dict.insert(hash, key, value, same));
        if fresh {
            self.grow(56);
        }
        fresh
    }

    fn dict_remove(&mut self, dict: Id, key: Value, hash: u64) -> Option<(Value, Value)> {
        let world = self.world();
        world.arenas.dicts.with(dict, |dict| dict.remove(hash, |other| keys::same(world, key, other)))
    }

    #[inline]
    fn dict<R>(&mut self, dict: Id, read: impl FnOnce(&Dict) -> R) -> R {
        self.world().arenas.dicts.with(dict, |dict| read(dict))
    }

    fn dict_mut<R>(&mut self, dict: Id, write: impl FnOnce(&mut Dict) -> R) -> R {
        self.world().arenas.dicts.with(dict, write)
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
        new_super: Super => supers as Super;
        new_cell: Value => cells as Cell;
        new_host: Arc<dyn HostObject> => hosts as Host;
        new_list: Vec<Value> => lists as List;
    }

    fn new_bytes(&mut self, bytes: Vec<u8>) -> Value {
        self.grow(size_of::<Box<[u8]>>() + bytes.len());
        Value::Bytes((world!(self)).arenas.bytes.put(&mut self.buffers.bytes, bytes.into_boxed_slice()))
    }

    fn new_tuple(&mut self, items: Vec<Value>) -> Value {
        self.grow(size_of::<Box<[Value]>>() + size_of_val(&items[..]));
        Value::Tuple((world!(self)).arenas.tuples.put(&mut self.buffers.tuples, items.into_boxed_slice()))
    }

    fn new_instance(&mut self, instance: Instance) -> Value {
        self.grow(size_of::<InstanceSlot>() + instance.bytes());
        Value::Instance((world!(self)).arenas.instances.put(&mut self.buffers.instances, instance))
    }

    #[inline]
    fn global(&self, slot: u32) -> Value {
        self.world().globals[slot as usize].load()
    }

    #[inline]
    fn set_global(&mut self, slot: u32, value: Value) {
        self.world().globals[slot as usize].store(value);
    }

    #[inline]
    fn cache(&self, at: u16) -> Cache {
        self.caches.get(usize::from(at)).copied().unwrap_or(Cache::EMPTY)
    }

    fn set_cache(&mut self, at: u16, cache: Cache) {
        if let Some(slot) = self.caches.get_mut(usize::from(at)) {
            *slot = cache;
        }
    }

    fn charge(&mut self, bytes: usize) {
        self.grow(bytes);
    }

    fn reserve(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let world = self.world();
        if world.old_bytes.saturating_add(bytes) > world.limit_bytes { Err(OutOfMemory) } else { Ok(()) }
    }

    fn wants_collection(&self) -> bool {
        let world = self.world();
        world.young_bytes.load(Relaxed) + self.young_bytes > world.threshold_bytes()
    }

    fn collect(&mut self, thread: u32, parked: Parked) -> Result<Parked, (Parked, OutOfMemory)> {
        let seen = self.world().collections;
        self.release(thread, Leaving::Asked, parked);
        self.stop_and_collect(seen);
        let parked = self.acquire(thread);
        let world = self.world();
        if world.old_bytes > world.limit_bytes { Err((parked, OutOfMemory)) } else { Ok(parked) }
    }

    fn in_use_bytes(&self) -> usize {
        let world = self.world();
        world.old_bytes + world.young_bytes.load(Relaxed) + self.young_bytes
    }

    fn release(&mut self, thread: u32, leaving: Leaving, parked: Parked) {
        let world = world!(self);
        if leaving == Leaving::ForGood {
            world.arenas.give_back(&mut self.buffers);
        } else {
            world.parked.lock().push((thread, parked));
        }
        world.young_bytes.fetch_add(std::mem::take(&mut self.young_bytes), Relaxed);
        self.attached = None;
    }

    fn acquire(&mut self, thread: u32) -> Parked {
        debug_assert!(self.attached.is_none(), "a thread that attaches twice may wait for itself");
        let world = RwLock::read_arc(&self.heap.world);
        if self.heap.stopping.load(Relaxed) {
            self.word.fetch_or(WORLD, Relaxed);
        }
        if world.collections != self.collections {
            self.collections = world.collections;
            self.buffers = Buffers::default();
            self.caches.fill(Cache::EMPTY);
        }
        let parked = world.unpark(thread);
        self.attached = Some(world);
        parked
    }

    fn switch(&mut self, thread: u32, parked: Parked) -> Parked {
        self.release(thread, Leaving::Asked, parked);
        self.acquire(thread)
    }

    fn switch_interval(&self) -> Duration {
        *self.heap.interval.lock()
    }

    fn set_switch_interval(&mut self, interval: Duration) {
        *self.heap.interval.lock() = interval;
    }

    fn keep_forever(&mut self, values: &[Value]) {
        self.world().permanent.lock().extend_from_slice(values);
    }
}
