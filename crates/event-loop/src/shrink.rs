//! Tables shrink when a crowd has gone that they have grown for.

use slab::Slab;

/// Tables of this many places stay as they are.
const KEPT: usize = 1024;

/// Gives memory of `table` back when most of it is empty; to be called after a removal.
///
/// Only the places behind the last one in use can go, so one entry that stays may hold the table. It is tried whenever the
/// number of entries has halved, so that emptying a table costs a few times its size and not its square.
pub(crate) fn shrink_when_sparse<T>(table: &mut Slab<T>) {
    let (used, places) = (table.len(), table.capacity());
    if places > KEPT && used < places / 8 && (used == 0 || used.is_power_of_two()) {
        table.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The capacity after `others` entries have come and gone behind one that stays.
    fn capacity_after(others: usize) -> usize {
        let mut table = Slab::new();
        let stays = table.insert(0);
        let keys: Vec<usize> = (1..=others).map(|other| table.insert(other)).collect();
        // First every other one, then the rest: as clients come and go.
        for key in keys.iter().step_by(2).chain(keys.iter().skip(1).step_by(2)) {
            table.remove(*key);
            shrink_when_sparse(&mut table);
        }
        assert_eq!((table.len(), table[stays]), (1, 0));
        table.capacity()
    }

    #[test]
    fn a_table_shrinks_when_the_crowd_has_gone_and_small_ones_stay() {
        assert!(capacity_after(10_000) <= 2);
        assert!(capacity_after(500) > 500);
    }

    #[test]
    fn entries_keep_their_places() {
        let mut table = Slab::new();
        let keys: Vec<usize> = (0..10_000).map(|value| table.insert(value)).collect();
        for key in keys.iter().filter(|key| *key % 5_000 != 77) {
            table.remove(*key);
            shrink_when_sparse(&mut table);
        }
        assert_eq!((table.len(), table[77], table[5_077]), (2, 77, 5_077));
        let new = table.insert(1);
        assert!(new != 77 && new != 5_077);
    }
}
