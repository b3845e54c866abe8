//! An instance whose attributes are read and written without a lock.
//!
//! # Model
//! ```text
//! class     never changes while the instance lives; 0 while the slot is vacant
//! here      [cell x 4] -> once more are needed: [cell x 8] -> [cell x 16] -> ..     chunks are only added
//! rare      the trace of an exception, behind a lock
//! ```
//! Attributes are what programs read most, and what a cache of the eval loop finds by number. A lock for each would
//! be two locked instructions of the processor; a cell is a few plain loads. An instance is born with one store.
//!
//! # Invariants
//! - FI1: a store to one slot never disturbs another, also while a closure changes the instance as a whole.
//! - FI2: a slot beyond the last chunk reads as `Unbound` and can be stored to.
//! - FI3: a slot of the arena that was vacated shows nothing of the instance that it held.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use super::arena::{FREED, Slot, TWICE};
use super::cell::ValueCell;
use crate::heap::kinds::{Instance, TraceEntry};
use crate::value::{Id, Value};

/// See the file's header.
pub(super) struct InstanceSlot {
    /// The class's id + 1. Relaxed: who knows the instance got it through something that synchronises.
    class: AtomicU32,
    here: [ValueCell; HERE],
    more: More,
    #[expect(clippy::box_collection, reason = "one word where there is none, which is nearly always")]
    rare: Mutex<Option<Box<Vec<TraceEntry>>>>,
}

/// A further chunk of cells, once there were more attributes than fit before it.
type More = OnceLock<Box<Chunk>>;

struct Chunk {
    cells: Box<[ValueCell]>,
    more: More,
}

/// Cells in the slot itself: as many attributes as most classes have.
const HERE: usize = 4;

impl Default for InstanceSlot {
    fn default() -> InstanceSlot {
        InstanceSlot {
            class: AtomicU32::new(0),
            here: std::array::from_fn(|_| ValueCell::new(Value::Unbound)),
            more: OnceLock::new(),
            rare: Mutex::new(None),
        }
    }
}

impl Chunk {
    fn new(room: usize) -> Box<Chunk> {
        let cells = (0..room).map(|_| ValueCell::new(Value::Unbound)).collect();
        Box::new(Chunk { cells, more: OnceLock::new() })
    }
}

/// Stores beyond the cells before `more`, which are `before`; gives the bytes of the chunks that were added.
#[cold]
fn store_beyond(mut more: &More, mut before: usize, mut slot: usize, value: Value) -> usize {
    let mut grown = 0;
    loop {
        let chunk = more.get_or_init(|| {
            grown += 2 * before * size_of::<ValueCell>();
            Chunk::new(2 * before)
        });
        if let Some(cell) = chunk.cells.get(slot) {
            cell.store(value);
            return grown;
        }
        before = chunk.cells.len();
        slot -= before;
        more = &chunk.more;
    }
}

impl InstanceSlot {
    /// Makes an instance without attributes, with room for some.
    #[inline]
    pub(super) fn begin(&self, class: Id, room: usize) {
        debug_assert_eq!(self.class.load(Relaxed), 0, "{TWICE}");
        self.class.store(class.0 + 1, Relaxed);
        if room > HERE {
            self.more.get_or_init(|| Chunk::new(room - HERE));
        }
    }

    #[inline]
    pub(super) fn class(&self) -> Id {
        Id(self.class.load(Relaxed).checked_sub(1).expect(FREED))
    }

    /// `Unbound` where nothing was stored.
    #[inline]
    pub(super) fn load(&self, slot: usize) -> Value {
        if let Some(cell) = self.here.get(slot) {
            return cell.load();
        }
        let (mut slot, mut more) = (slot - HERE, &self.more);
        while let Some(chunk) = more.get() {
            if let Some(cell) = chunk.cells.get(slot) {
                return cell.load();
            }
            slot -= chunk.cells.len();
            more = &chunk.more;
        }
        Value::Unbound
    }

    /// The bytes that this took beyond what was there.
    #[inline]
    pub(super) fn store(&self, slot: usize, value: Value) -> usize {
        if let Some(cell) = self.here.get(slot) {
            cell.store(value);
            return 0;
        }
        if let Some(cell) = self.more.get().and_then(|chunk| chunk.cells.get(slot - HERE)) {
            cell.store(value);
            return 0;
        }
        store_beyond(&self.more, HERE, slot - HERE, value)
    }

    /// How many cells there are.
    fn room(&self) -> usize {
        let (mut room, mut more) = (HERE, &self.more);
        while let Some(chunk) = more.get() {
            room += chunk.cells.len();
            more = &chunk.more;
        }
        room
    }

    fn values(&self) -> Vec<Value> {
        (0..self.room()).map(|slot| self.load(slot)).collect()
    }

    /// Shows a copy of the whole, for what is rare.
    pub(super) fn read<R>(&self, read: impl FnOnce(&Instance) -> R) -> R {
        let trace = self.rare.lock().clone();
        read(&Instance { class: self.class(), slots: self.values(), trace })
    }

    /// Changes a copy of the whole and stores the slots in which it then differs; one such change at a time.
    pub(super) fn write<R>(&self, write: impl FnOnce(&mut Instance) -> R) -> R {
        let mut rare = self.rare.lock();
        let before = self.values();
        let mut copy = Instance { class: self.class(), slots: before.clone(), trace: rare.take() };
        let result = write(&mut copy);
        debug_assert_eq!(copy.class, self.class(), "the class of an instance never changes");
        for slot in 0..before.len().max(copy.slots.len()) {
            let [old, new] =
                [&before, &copy.slots].map(|all| all.get(slot).copied().unwrap_or(Value::Unbound));
            if !new.is(old) {
                self.store(slot, new);
            }
        }
        *rare = copy.trace;
        result
    }
}

impl Slot for InstanceSlot {
    type Object = Instance;

    fn fill(&self, object: Instance) {
        self.begin(object.class, object.slots.capacity());
        for (slot, &value) in object.slots.iter().enumerate() {
            self.store(slot, value);
        }
        if object.trace.is_some() {
            *self.rare.lock() = object.trace;
        }
    }

    fn trace(&mut self, visit: &mut dyn FnMut(Value)) {
        visit(Value::Class(self.class()));
        (0..self.room()).for_each(|slot| visit(self.load(slot)));
    }

    fn bytes(&mut self) -> Option<usize> {
        if *self.class.get_mut() == 0 {
            return None;
        }
        let trace =
            self.rare.get_mut().as_ref().map_or(0, |trace| trace.capacity() * size_of::<TraceEntry>());
        Some((self.room() - HERE) * size_of::<ValueCell>() + trace)
    }

    fn vacate(&mut self) {
        if *self.class.get_mut() != 0 {
            *self = InstanceSlot::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn instance(room: usize) -> InstanceSlot {
        let slot = InstanceSlot::default();
        slot.fill(Instance { class: Id(3), slots: Vec::with_capacity(room), trace: None });
        slot
    }

    #[test]
    fn fi1_stores_to_one_slot_never_disturb_another() {
        let shared = instance(2);
        let start = Barrier::new(3);
        const TIMES: i64 = 5_000;
        let check = |slot: usize, n: i64| match shared.load(slot) {
            Value::Unbound => assert_eq!(n, 0, "slot {slot} was cleared"),
            value => assert_eq!(value, Value::Int(n - 1), "slot {slot} was overwritten"),
        };
        thread::scope(|scope| {
            for slot in [0, 5, 40] {
                let (shared, start, check) = (&shared, &start, &check);
                scope.spawn(move || {
                    start.wait();
                    for n in 0..TIMES {
                        check(slot, n);
                        if slot == 5 {
                            shared.write(|all| {
                                all.slots.resize(6.max(all.slots.len()), Value::Unbound);
                                all.slots[5] = Value::Int(n);
                            });
                        } else {
                            shared.store(slot, Value::Int(n));
                        }
                    }
                });
            }
        });
        for slot in [0, 5, 40] {
            check(slot, TIMES);
        }
    }

    #[test]
    fn fi2_a_slot_beyond_the_last_chunk_is_unbound_and_can_be_stored_to() {
        let mut instance = instance(0);
        assert_eq!(instance.load(100), Value::Unbound);
        let grown = instance.store(100, Value::Int(1));
        assert_eq!(grown, (8 + 16 + 32 + 64) * size_of::<ValueCell>());
        assert_eq!((instance.load(100), instance.load(99)), (Value::Int(1), Value::Unbound));
        assert_eq!(instance.store(99, Value::None), 0);
        assert_eq!(instance.bytes(), Some(grown));
    }

    #[test]
    fn fi3_a_vacated_slot_shows_nothing_of_before() {
        let trace = Some(Box::new(vec![TraceEntry { code: 1, line: 2 }]));
        let mut slot = InstanceSlot::default();
        slot.fill(Instance { class: Id(3), slots: vec![Value::Int(1); 9], trace });
        slot.vacate();
        assert_eq!(slot.bytes(), None);
        slot.begin(Id(4), 0);
        slot.read(|all| {
            assert_eq!(all.class, Id(4));
            assert!(all.slots.iter().all(|&value| value == Value::Unbound));
            assert!(all.trace.is_none());
        });
    }

    #[test]
    fn the_whole_can_be_read_and_changed() {
        let entry = TraceEntry { code: 1, line: 2 };
        let instance = InstanceSlot::default();
        instance.fill(Instance { class: Id(3), slots: vec![Value::Int(1)], trace: None });
        instance.write(|all| {
            all.slots.clear();
            all.trace = Some(Box::new(vec![entry]));
        });
        assert_eq!(instance.load(0), Value::Unbound);
        instance.read(|all| {
            assert_eq!(all.class, Id(3));
            assert_eq!(all.trace.as_deref(), Some(&vec![entry]));
        });
    }
}
