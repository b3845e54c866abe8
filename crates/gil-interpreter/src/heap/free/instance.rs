//! An instance whose attributes are read and written without a lock.
//!
//! # Model
//! ```text
//! class     never changes
//! slots     [cell, cell, ..] -> once more are needed: [cell x 8] -> [cell x 16] -> ..     chunks are only added
//! rare      the trace of an exception, behind a lock
//! ```
//! Attributes are what programs read most, and what a cache of the eval loop finds by number. A lock for each would
//! be two locked instructions of the processor; a cell is three plain loads.
//!
//! # Invariants
//! - FI1: a store to one slot never disturbs another, also while a closure changes the instance as a whole.
//! - FI2: a slot beyond the last chunk reads as `Unbound` and can be stored to.

use std::sync::OnceLock;

use parking_lot::Mutex;

use super::cell::ValueCell;
use crate::heap::kinds::{Instance, Kind, TraceEntry};
use crate::value::{Id, Value};

/// See the file's header.
pub(super) struct FreeInstance {
    class: Id,
    slots: Slots,
    rare: Mutex<Option<Box<Vec<TraceEntry>>>>,
}

/// A chunk of cells, and the next one when there were more attributes than that.
struct Slots {
    here: Box<[ValueCell]>,
    more: OnceLock<Box<Slots>>,
}

/// Cells of the second chunk: most classes have no more attributes than that when their first instance is made.
const MORE: usize = 8;

impl Slots {
    fn new(values: &[Value], room: usize) -> Slots {
        let all = (0..room).map(|at| ValueCell::new(values.get(at).copied().unwrap_or(Value::Unbound)));
        Slots { here: all.collect(), more: OnceLock::new() }
    }

    #[inline]
    fn get(&self, slot: usize) -> Value {
        match self.here.get(slot) {
            Some(cell) => cell.load(),
            None => self.more.get().map_or(Value::Unbound, |more| more.get(slot - self.here.len())),
        }
    }

    /// The bytes that this took beyond what was there.
    #[inline]
    fn set(&self, slot: usize, value: Value) -> usize {
        match self.here.get(slot) {
            Some(cell) => {
                cell.store(value);
                0
            }
            None => self.set_more(slot - self.here.len(), value),
        }
    }

    #[cold]
    fn set_more(&self, slot: usize, value: Value) -> usize {
        let mut grown = 0;
        let more = self.more.get_or_init(|| {
            let room = (2 * self.here.len()).max(MORE);
            grown = room * size_of::<ValueCell>();
            Box::new(Slots::new(&[], room))
        });
        grown + more.set(slot, value)
    }

    /// How many cells there are.
    fn room(&self) -> usize {
        self.here.len() + self.more.get().map_or(0, |more| more.room())
    }
}

impl FreeInstance {
    /// Makes room for as many attributes as `instance` has room for.
    pub(super) fn new(instance: Instance) -> FreeInstance {
        let Instance { class, slots, trace } = instance;
        FreeInstance { class, slots: Slots::new(&slots, slots.capacity()), rare: Mutex::new(trace) }
    }

    #[inline]
    pub(super) fn class(&self) -> Id {
        self.class
    }

    /// `Unbound` where nothing was stored.
    #[inline]
    pub(super) fn slot(&self, slot: usize) -> Value {
        self.slots.get(slot)
    }

    /// The bytes that this took beyond what was there.
    #[inline]
    pub(super) fn set_slot(&self, slot: usize, value: Value) -> usize {
        self.slots.set(slot, value)
    }

    fn values(&self) -> Vec<Value> {
        (0..self.slots.room()).map(|slot| self.slots.get(slot)).collect()
    }

    /// Shows a copy of the whole, for what is rare.
    pub(super) fn read<R>(&self, read: impl FnOnce(&Instance) -> R) -> R {
        let trace = self.rare.lock().clone();
        read(&Instance { class: self.class, slots: self.values(), trace })
    }

    /// Changes a copy of the whole and stores the slots in which it then differs; one such change at a time.
    pub(super) fn write<R>(&self, write: impl FnOnce(&mut Instance) -> R) -> R {
        let mut rare = self.rare.lock();
        let before = self.values();
        let mut copy = Instance { class: self.class, slots: before.clone(), trace: rare.take() };
        let result = write(&mut copy);
        debug_assert_eq!(copy.class, self.class, "the class of an instance never changes");
        for slot in 0..before.len().max(copy.slots.len()) {
            let [old, new] = [&before, &copy.slots].map(|all| all.get(slot).copied().unwrap_or(Value::Unbound));
            if !new.is(old) {
                self.slots.set(slot, new);
            }
        }
        *rare = copy.trace;
        result
    }
}

impl Kind for FreeInstance {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(Value::Class(self.class));
        (0..self.slots.room()).for_each(|slot| visit(self.slots.get(slot)));
    }

    fn bytes(&self) -> usize {
        let trace = self.rare.lock().as_ref().map_or(0, |trace| trace.capacity() * size_of::<TraceEntry>());
        self.slots.room() * size_of::<ValueCell>() + trace
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn instance(room: usize) -> FreeInstance {
        FreeInstance::new(Instance { class: Id(3), slots: Vec::with_capacity(room), trace: None })
    }

    #[test]
    fn fi1_stores_to_one_slot_never_disturb_another() {
        let shared = instance(2);
        let start = Barrier::new(3);
        const TIMES: i64 = 5_000;
        let add = |slot: usize, n: i64| match shared.slot(slot) {
            Value::Unbound => assert_eq!(n, 0, "slot {slot} was cleared"),
            value => assert_eq!(value, Value::Int(n - 1), "slot {slot} was overwritten"),
        };
        thread::scope(|scope| {
            for slot in [0, 5, 40] {
                let (shared, start) = (&shared, &start);
                scope.spawn(move || {
                    start.wait();
                    for n in 0..TIMES {
                        add(slot, n);
                        if slot == 5 {
                            shared.write(|all| {
                                all.slots.resize(6.max(all.slots.len()), Value::Unbound);
                                all.slots[5] = Value::Int(n);
                            });
                        } else {
                            shared.set_slot(slot, Value::Int(n));
                        }
                    }
                });
            }
        });
        for slot in [0, 5, 40] {
            assert_eq!(shared.slot(slot), Value::Int(TIMES - 1));
        }
    }

    #[test]
    fn fi2_a_slot_beyond_the_last_chunk_is_unbound_and_can_be_stored_to() {
        let instance = instance(0);
        assert_eq!(instance.slot(100), Value::Unbound);
        let grown = instance.set_slot(100, Value::Int(1));
        assert_eq!(grown, (8 + 16 + 32 + 64) * size_of::<ValueCell>());
        assert_eq!((instance.slot(100), instance.slot(99)), (Value::Int(1), Value::Unbound));
        assert_eq!(instance.set_slot(99, Value::None), 0);
        assert_eq!(instance.bytes(), grown);
    }

    #[test]
    fn the_whole_can_be_read_and_changed() {
        let entry = TraceEntry { code: 1, line: 2 };
        let instance = FreeInstance::new(Instance { class: Id(3), slots: vec![Value::Int(1)], trace: None });
        instance.write(|all| {
            all.slots.clear();
            all.trace = Some(Box::new(vec![entry]));
        });
        assert_eq!(instance.slot(0), Value::Unbound);
        instance.read(|all| {
            assert_eq!(all.class, Id(3));
            assert_eq!(all.trace.as_deref(), Some(&vec![entry]));
        });
    }
}
