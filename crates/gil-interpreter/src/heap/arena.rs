//! An arena of objects of one kind: slots that are reused after a sweep, and a bit for each that a mark sets.
//!
//! # Invariants
//! - A1: a sweep frees exactly the objects that were not marked, and clears all marks.
//! - A2: an index stays that object's until a sweep frees it.

use super::kinds::Kind;
use crate::value::Id;

/// See the file's header.
#[derive(Clone, Debug)]
pub(crate) struct Arena<K> {
    slots: Vec<Option<K>>,
    marks: Vec<u64>,
    free: Vec<u32>,
}

impl<K> Default for Arena<K> {
    fn default() -> Arena<K> {
        Arena { slots: Vec::new(), marks: Vec::new(), free: Vec::new() }
    }
}

const FREED: &str = "an object was used after it was freed: a value was missing among the roots";

impl<K: Kind> Arena<K> {
    #[inline]
    pub(crate) fn put(&mut self, object: K) -> Id {
        if let Some(at) = self.free.pop() {
            self.slots[at as usize] = Some(object);
            return Id(at);
        }
        let at =
            u32::try_from(self.slots.len()).expect("fewer than four thousand million objects of one kind");
        self.slots.push(Some(object));
        Id(at)
    }

    #[inline]
    pub(crate) fn get(&self, id: Id) -> &K {
        self.slots[id.index()].as_ref().expect(FREED)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: Id) -> &mut K {
        self.slots[id.index()].as_mut().expect(FREED)
    }

    /// Marks an object; true when it was not marked before.
    pub(crate) fn mark(&mut self, id: Id) -> bool {
        let (word, bit) = (id.index() / 64, 1 << (id.index() % 64));
        if word >= self.marks.len() {
            self.marks.resize(self.slots.len() / 64 + 1, 0);
        }
        let fresh = self.marks[word] & bit == 0;
        self.marks[word] |= bit;
        fresh
    }

    /// Frees what is not marked; gives the bytes of what stays.
    pub(crate) fn sweep(&mut self) -> usize {
        self.marks.resize(self.slots.len() / 64 + 1, 0);
        let mut bytes = 0;
        for (at, slot) in self.slots.iter_mut().enumerate() {
            if self.marks[at / 64] & (1 << (at % 64)) != 0 {
                let object = slot.as_ref().expect(FREED);
                bytes += size_of::<Option<K>>() + object.bytes();
            } else if slot.take().is_some() {
                self.free.push(at as u32);
            }
        }
        self.marks.fill(0);
        bytes
    }

    /// How many objects there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn a1_a_sweep_frees_exactly_what_was_not_marked() {
        let mut arena: Arena<Vec<Value>> = Arena::default();
        let ids: Vec<Id> = (0..200).map(|n| arena.put(vec![Value::Int(n)])).collect();
        for id in ids.iter().step_by(3) {
            assert!(arena.mark(*id));
            assert!(!arena.mark(*id));
        }
        arena.sweep();
        assert_eq!(arena.len(), 67);
        arena.sweep();
        assert_eq!(arena.len(), 0);
    }

    #[test]
    fn a2_an_index_stays_its_objects_until_it_is_freed() {
        let mut arena: Arena<Vec<Value>> = Arena::default();
        let kept = arena.put(vec![Value::Int(1)]);
        let freed = arena.put(vec![Value::Int(2)]);
        arena.mark(kept);
        arena.sweep();
        let reused = arena.put(vec![Value::Int(3)]);
        assert_eq!(reused, freed);
        assert_eq!(arena.get(kept)[..], [Value::Int(1)]);
        arena.get_mut(kept).push(Value::None);
        assert_eq!(arena.get(kept).len(), 2);
    }
}
