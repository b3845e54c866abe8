//! A dict that keeps the order of insertion: a table of indexes over a list of entries.
//!
//! # Model
//! The hash of a key is computed by the caller, because it may need the text behind a str; likewise two keys are
//! compared by a closure. Removed entries stay as holes until a growth or too many holes close them up, so that an
//! iteration by position goes on to be right while nothing is inserted.
//!
//! # Invariants
//! - D1: iteration gives the keys in the order of their first insertion.
//! - D2: it agrees with a list of pairs under any sequence of insertions, replacements, lookups and removals.
//!
//! # Source
//! CPython's compact dict since 3.6; the table is hashbrown's.

use hashbrown::HashTable;

use crate::value::Value;

/// The hash of a text. It is the same in every process, so that runs can be repeated.
pub(crate) fn hash_text(text: &str) -> u64 {
    hash_bytes(text.as_bytes())
}

/// FNV over words of eight bytes, then mixed: short keys are what programs have.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().expect("a chunk has eight bytes"));
        hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
    }
    for &byte in words.remainder() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    mix(hash)
}

/// The hash of a whole number, and of a float or bool that is equal to it.
pub(crate) fn hash_int(number: i64) -> u64 {
    mix(number as u64)
}

fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

/// One pair; a hole has the key `Unbound`.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    key: Value,
    value: Value,
}

/// See the file's header.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dict {
    entries: Vec<Entry>,
    table: HashTable<u32>,
}

impl Dict {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn capacity_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.table.capacity() * 5
    }

    /// The value at the key for which `same` says yes among those with this hash.
    pub(crate) fn find(&self, hash: u64, mut same: impl FnMut(Value) -> bool) -> Option<Value> {
        let entries = &self.entries;
        let found = self.table.find(hash, |&at| {
            let entry = &entries[at as usize];
            entry.hash == hash && same(entry.key)
        })?;
        Some(entries[*found as usize].value)
    }

    /// Sets the value at a key; true when the key is new.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        key: Value,
        value: Value,
        mut same: impl FnMut(Value) -> bool,
    ) -> bool {
        let entries = &mut self.entries;
        let found = self.table.find(hash, |&at| {
            let entry = &entries[at as usize];
            entry.hash == hash && same(entry.key)
        });
        if let Some(&at) = found {
            entries[at as usize].value = value;
            return false;
        }
        let at = entries.len() as u32;
        entries.push(Entry { hash, key, value });
        self.table.insert_unique(hash, at, |&at| entries[at as usize].hash);
        true
    }

    /// Takes a pair out.
    pub(crate) fn remove(
        &mut self,
        hash: u64,
        mut same: impl FnMut(Value) -> bool,
    ) -> Option<(Value, Value)> {
        let entries = &mut self.entries;
        let found = self.table.find_entry(hash, |&at| {
            let entry = &entries[at as usize];
            entry.hash == hash && same(entry.key)
        });
        let (at, _) = found.ok()?.remove();
        let entry = &mut entries[at as usize];
        let pair = (entry.key, entry.value);
        *entry = Entry { hash: 0, key: Value::Unbound, value: Value::Unbound };
        if entries.len() > 16 && entries.len() > 2 * self.table.len() {
            self.close_up();
        }
        Some(pair)
    }

    /// Takes the pair out that was inserted last.
    pub(crate) fn pop_last(&mut self) -> Option<(Value, Value)> {
        while let Some(entry) = self.entries.pop() {
            if entry.key != Value::Unbound {
                let at = self.entries.len() as u32;
                if let Ok(found) = self.table.find_entry(entry.hash, |&other| other == at) {
                    found.remove();
                }
                return Some((entry.key, entry.value));
            }
        }
        None
    }

    pub(crate) fn clear(&mut self) {
        *self = Dict::default();
    }

    /// The next pair at or after `position`, and the position after it.
    pub(crate) fn next(&self, mut position: usize) -> Option<(usize, Value, Value)> {
        while let Some(entry) = self.entries.get(position) {
            position += 1;
            if entry.key != Value::Unbound {
                return Some((position, entry.key, entry.value));
            }
        }
        None
    }

    /// All pairs in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Value, Value)> + '_ {
        self.entries.iter().filter(|entry| entry.key != Value::Unbound).map(|entry| (entry.key, entry.value))
    }

    fn close_up(&mut self) {
        self.entries.retain(|entry| entry.key != Value::Unbound);
        self.table.clear();
        let entries = &self.entries;
        for (at, entry) in entries.iter().enumerate() {
            self.table.insert_unique(entry.hash, at as u32, |&at| entries[at as usize].hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(key: i64) -> impl FnMut(Value) -> bool {
        move |other| other == Value::Int(key)
    }

    #[test]
    fn d1_iteration_gives_the_order_of_first_insertion() {
        let mut dict = Dict::default();
        for key in [3, 1, 2, 1, 3] {
            dict.insert(hash_int(key), Value::Int(key), Value::None, same(key));
        }
        let keys: Vec<Value> = dict.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [Value::Int(3), Value::Int(1), Value::Int(2)]);
    }

    proptest! {
        #[test]
        fn d2_it_agrees_with_a_list_of_pairs(steps in prop::collection::vec((0..4u8, 0..24i64, 0..100i64), 0..400)) {
            let mut dict = Dict::default();
            let mut model: Vec<(Value, Value)> = Vec::new();
            for (what, key, value) in steps {
                let (k, v) = (Value::Int(key), Value::Int(value));
                let at = model.iter().position(|pair| pair.0 == k);
                match what {
                    0 | 1 => {
                        prop_assert_eq!(dict.insert(hash_int(key), k, v, same(key)), at.is_none());
                        match at {
                            Some(at) => model[at].1 = v,
                            None => model.push((k, v)),
                        }
                    }
                    2 => {
                        let gone = at.map(|at| model.remove(at));
                        prop_assert_eq!(dict.remove(hash_int(key), same(key)), gone);
                    }
                    _ => prop_assert_eq!(dict.pop_last(), model.pop()),
                }
                prop_assert_eq!(dict.find(hash_int(key), same(key)), model.iter().find(|p| p.0 == k).map(|p| p.1));
                prop_assert_eq!(dict.len(), model.len());
            }
            prop_assert_eq!(dict.iter().collect::<Vec<_>>(), model);
        }
    }
}
