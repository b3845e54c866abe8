//! An arena that all threads add to at once: it grows, and nothing in it ever moves.
//!
//! # Model
//! ```text
//! segments   [256 slots][512 slots][1024 slots] ..    each made when its first slot is used
//! block      64 slots in a row; one thread at a time fills it, from its `Buffer`
//! ```
//! A thread takes a block and fills its vacant slots without asking anybody, so that it meets the others once in 64
//! objects. A sweep hands out anew what is vacant, in one mask for each block; the masks that threads still hold are
//! void then (see `Buffer`).
//!
//! # Invariants
//! - SA1: two objects never get the same slot, from however many threads.
//! - SA2: an object stays where it is, and as it is, while others are added.
//! - SA3: a sweep frees exactly what was not marked; slots that were handed out but not used are handed out again.
//!
//! # Threads
//! | what            | guarded by                                                                              |
//! |-----------------|-----------------------------------------------------------------------------------------|
//! | `blocks`        | its mutex: each block, and each mask of a swept block, is popped by one thread          |
//! | a slot's object | the slot: `OnceLock` (set once, read with Acquire), a mutex, or a sequence lock         |
//! | `marks`, sweep  | `&mut self`, which only the collector has, while no other thread is attached            |

use std::sync::OnceLock;

use parking_lot::Mutex;

use super::cell::ValueCell;
use crate::heap::kinds::Kind;
use crate::value::{Id, Value};

pub(super) const FREED: &str = "an object was used after it was freed: a value was missing among the roots";
pub(super) const TWICE: &str = "two objects got the same slot";

/// A place for one object, which threads reach by `&self`.
pub(super) trait Slot: Default + Send + Sync {
    type Object;

    /// Puts an object into a vacant slot.
    fn fill(&self, object: Self::Object);
    /// Calls `visit` with each value that the object refers to.
    fn trace(&mut self, visit: &mut dyn FnMut(Value));
    /// Bytes of the object beyond its slot; `None` when the slot is vacant.
    fn bytes(&mut self) -> Option<usize>;
    /// Drops the object, if there is one.
    fn vacate(&mut self);
}

/// For what never changes after it was made, and is handed out by reference.
impl<K: Kind + Sync> Slot for OnceLock<K> {
    type Object = K;

    #[inline]
    fn fill(&self, object: K) {
        assert!(self.set(object).is_ok(), "{TWICE}");
    }

    fn trace(&mut self, visit: &mut dyn FnMut(Value)) {
        self.get_mut().expect(FREED).trace(visit);
    }

    fn bytes(&mut self) -> Option<usize> {
        Some(self.get_mut()?.bytes())
    }

    fn vacate(&mut self) {
        self.take();
    }
}

/// For what changes, and for what is small and copied: to fill a mutex costs a third of filling a `OnceLock`.
impl<K: Kind> Slot for Mutex<Option<K>> {
    type Object = K;

    #[inline]
    fn fill(&self, object: K) {
        let before = self.lock().replace(object);
        assert!(before.is_none(), "{TWICE}");
    }

    fn trace(&mut self, visit: &mut dyn FnMut(Value)) {
        self.get_mut().as_ref().expect(FREED).trace(visit);
    }

    fn bytes(&mut self) -> Option<usize> {
        Some(self.get_mut().as_ref()?.bytes())
    }

    fn vacate(&mut self) {
        self.get_mut().take();
    }
}

/// For variables.
impl Slot for ValueCell {
    type Object = Value;

    #[inline]
    fn fill(&self, object: Value) {
        self.store(object);
    }

    fn trace(&mut self, visit: &mut dyn FnMut(Value)) {
        visit(self.load());
    }

    fn bytes(&mut self) -> Option<usize> {
        (!self.is_vacant()).then_some(0)
    }

    fn vacate(&mut self) {
        *self = ValueCell::default();
    }
}

/// The vacant slots of one block, which one thread may fill. Void after the next sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Buffer {
    block: u32,
    /// A bit for each vacant slot.
    vacant: u64,
}

#[derive(Default)]
struct Blocks {
    /// What sweeps found vacant, the lowest block last.
    swept: Vec<Buffer>,
    /// The first block that nobody has had yet.
    next: u32,
}

const BLOCK: usize = 64;
/// Slots of the first segment.
const FIRST: usize = 256;
/// Segments double, so that this many are enough for every `Id`.
const SEGMENTS: usize = 25;
/// A block with fewer vacant slots is left alone until the next sweep: taking it would not be worth the lock.
const WORTH_TAKING: u32 = 8;

/// See the file's header.
pub(super) struct SharedArena<S> {
    segments: [OnceLock<Box<[S]>>; SEGMENTS],
    blocks: Mutex<Blocks>,
    /// A word for each block.
    marks: Vec<u64>,
}

impl<S> Default for SharedArena<S> {
    fn default() -> SharedArena<S> {
        SharedArena { segments: Default::default(), blocks: Mutex::default(), marks: Vec::new() }
    }
}

/// The segment of a slot, and its place in it.
#[inline]
fn place(id: Id) -> (usize, usize) {
    let at = id.index() + FIRST;
    let segment = at.ilog2();
    ((segment - FIRST.ilog2()) as usize, at ^ (1 << segment))
}

impl<S: Slot> SharedArena<S> {
    /// Puts an object into a vacant slot of the thread's own block, or takes a new block for that.
    #[inline]
    pub(super) fn put(&self, buffer: &mut Buffer, object: S::Object) -> Id {
        let id = self.vacant(buffer);
        self.get(id).fill(object);
        id
    }

    /// A vacant slot, which is the caller's to fill.
    #[inline]
    pub(super) fn vacant(&self, buffer: &mut Buffer) -> Id {
        if buffer.vacant == 0 {
            *buffer = self.take_block();
        }
        let id = Id(buffer.block * BLOCK as u32 + buffer.vacant.trailing_zeros());
        buffer.vacant &= buffer.vacant - 1;
        id
    }

    #[cold]
    fn take_block(&self) -> Buffer {
        let mut blocks = self.blocks.lock();
        if let Some(swept) = blocks.swept.pop() {
            return swept;
        }
        let block = blocks.next;
        assert!(block < u32::MAX / BLOCK as u32 - 4, "four thousand million objects of one kind");
        blocks.next += 1;
        drop(blocks);
        let (segment, _) = place(Id(block * BLOCK as u32));
        self.segments[segment].get_or_init(|| (0..FIRST << segment).map(|_| S::default()).collect());
        Buffer { block, vacant: u64::MAX }
    }

    /// Takes back what a thread did not use.
    pub(super) fn give_back(&self, buffer: &mut Buffer) {
        if buffer.vacant != 0 {
            self.blocks.lock().swept.push(std::mem::take(buffer));
        }
    }

    #[inline]
    pub(super) fn get(&self, id: Id) -> &S {
        let (segment, at) = place(id);
        &self.segments[segment].get().expect(FREED)[at]
    }

    fn get_mut(&mut self, id: Id) -> &mut S {
        let (segment, at) = place(id);
        &mut self.segments[segment].get_mut().expect(FREED)[at]
    }

    /// Marks an object; true when it was not marked before.
    pub(super) fn mark(&mut self, id: Id) -> bool {
        let (block, bit) = (id.index() / BLOCK, 1 << (id.index() % BLOCK));
        if block >= self.marks.len() {
            self.marks.resize(self.blocks.get_mut().next as usize, 0);
        }
        let fresh = self.marks[block] & bit == 0;
        self.marks[block] |= bit;
        fresh
    }

    pub(super) fn trace(&mut self, id: Id, visit: &mut dyn FnMut(Value)) {
        self.get_mut(id).trace(visit);
    }

    /// Frees what is not marked, makes all buffers void, and gives the bytes of what stays.
    pub(super) fn sweep(&mut self) -> usize {
        let SharedArena { segments, blocks, marks } = self;
        let blocks = blocks.get_mut();
        marks.resize(blocks.next as usize, 0);
        blocks.swept.clear();
        let mut bytes = 0;
        for block in (0..blocks.next).rev() {
            let marked = std::mem::take(&mut marks[block as usize]);
            let (segment, first) = place(Id(block * BLOCK as u32));
            // A thread that is put off between taking a block's number and making its segment is attached.
            let slots = &mut segments[segment].get_mut().expect(FREED)[first..first + BLOCK];
            for (at, slot) in slots.iter_mut().enumerate() {
                if marked & (1 << at) != 0 {
                    bytes += size_of::<S>() + slot.bytes().expect(FREED);
                } else {
                    slot.vacate();
                }
            }
            if (!marked).count_ones() >= WORTH_TAKING {
                blocks.swept.push(Buffer { block, vacant: !marked });
            }
        }
        bytes
    }

    /// How many objects there are.
    #[cfg(test)]
    pub(super) fn len(&mut self) -> usize {
        self.segments
            .iter_mut()
            .filter_map(OnceLock::get_mut)
            .flatten()
            .filter_map(|slot| slot.bytes())
            .count()
    }
}

impl<K: Kind + Sync> SharedArena<OnceLock<K>> {
    /// The object in a slot of an immutable kind.
    #[inline]
    pub(super) fn read(&self, id: Id) -> &K {
        self.get(id).get().expect(FREED)
    }
}

impl<K: Kind> SharedArena<Mutex<Option<K>>> {
    /// Runs a closure on the object in a slot of a mutable kind, under its lock.
    #[inline]
    pub(super) fn with<R>(&self, id: Id, closure: impl FnOnce(&mut K) -> R) -> R {
        closure(self.get(id).lock().as_mut().expect(FREED))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    type Lists = SharedArena<Mutex<Option<Vec<Value>>>>;

    #[test]
    fn sa1_two_objects_never_get_the_same_slot() {
        let arena = Lists::default();
        let start = Barrier::new(4);
        let fill = |number: i64| {
            let mut buffer = Buffer::default();
            start.wait();
            let mine: Vec<Id> =
                (0..3000).map(|n| arena.put(&mut buffer, vec![Value::Int(number), Value::Int(n)])).collect();
            for (n, &id) in mine.iter().enumerate() {
                assert_eq!(arena.with(id, |list| list.clone()), [Value::Int(number), Value::Int(n as i64)]);
            }
            mine
        };
        let all: Vec<Id> = thread::scope(|scope| {
            let fill = &fill;
            let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || fill(number))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no assertion failed")).collect()
        });
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 12_000);
    }

    #[test]
    fn sa2_an_object_stays_where_and_as_it_is_while_others_are_added() {
        let arena = SharedArena::<OnceLock<Box<[u8]>>>::default();
        let mut buffer = Buffer::default();
        let first = arena.put(&mut buffer, Box::from(*b"first"));
        let before = arena.read(first);
        for _ in 0..5000 {
            arena.put(&mut buffer, Box::from(*b"other"));
        }
        assert!(std::ptr::eq(before, arena.read(first)));
        assert_eq!(**before, *b"first");
    }

    #[test]
    fn sa3_a_sweep_frees_what_was_not_marked_and_hands_unused_slots_out_again() {
        let mut arena = Lists::default();
        let [mut buffer, mut unused] = [Buffer::default(); 2];
        let ids: Vec<Id> = (0..1000).map(|n| arena.put(&mut buffer, vec![Value::Int(n)])).collect();
        arena.put(&mut unused, Vec::new());
        for &id in ids.iter().step_by(3) {
            assert!(arena.mark(id));
            assert!(!arena.mark(id));
        }
        assert_eq!(arena.sweep(), 334 * (size_of::<Mutex<Option<Vec<Value>>>>() + size_of::<Value>()));
        assert_eq!(arena.len(), 334);

        let blocks = 1000_usize.div_ceil(BLOCK) + 1;
        let vacant = blocks * BLOCK - 334;
        let mut fresh = Buffer::default();
        let again: BTreeSet<Id> = (0..vacant).map(|_| arena.put(&mut fresh, Vec::new())).collect();
        assert_eq!(again.len(), vacant);
        assert!(again.iter().all(|id| id.index() < blocks * BLOCK), "vacant slots are used before new ones");
        for (n, &id) in ids.iter().enumerate().step_by(3) {
            assert_eq!(arena.with(id, |list| list.clone()), [Value::Int(n as i64)]);
        }
        assert_eq!(arena.sweep(), 0);
        assert_eq!(arena.len(), 0);
    }

    #[test]
    fn what_a_thread_gives_back_is_used_by_the_next() {
        let arena = SharedArena::<ValueCell>::default();
        let mut buffer = Buffer::default();
        let first = arena.put(&mut buffer, Value::None);
        arena.give_back(&mut buffer);
        assert_eq!(buffer, Buffer::default());
        let second = arena.put(&mut buffer, Value::None);
        assert_eq!((first, second), (Id(0), Id(1)));
    }

    #[test]
    fn every_id_has_a_place_of_its_own() {
        assert_eq!(place(Id(0)), (0, 0));
        assert_eq!(place(Id(255)), (0, 255));
        assert_eq!(place(Id(256)), (1, 0));
        assert_eq!(place(Id(767)), (1, 511));
        assert_eq!(place(Id(768)), (2, 0));
        let (segment, at) = place(Id(u32::MAX));
        assert!(segment < SEGMENTS && at < FIRST << segment);
    }
}
