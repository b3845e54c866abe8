//! Slices: which items `start:stop:step` names in a sequence of some length.
//!
//! # Invariants
//! - SL1: the indexes are within the length, whatever start, stop and step are.
//!
//! # Source
//! CPython 3.11, Objects/sliceobject.c (`PySlice_AdjustIndices`).

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::value::{Id, Value};

/// The indexes that a slice names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The first index; for a step of 1 also where to insert when there is none.
    pub(crate) start: usize,
    /// The index before which it stops; -1 where a negative step goes to the very beginning.
    pub(crate) stop: i64,
    pub(crate) step: i64,
    pub(crate) count: usize,
}

impl Bounds {
    /// What the three numbers name in a sequence of this length; the step is not 0.
    pub(crate) fn new(start: Option<i64>, stop: Option<i64>, step: i64, length: usize) -> Bounds {
        let length = length as i64;
        let step = step.max(-i64::MAX);
        let (least, most) = if step < 0 { (-1, length - 1) } else { (0, length) };
        let clamp = |index: i64| if index < 0 { (index + length).max(least) } else { index.min(most) };
        let start = start.map_or(if step < 0 { most } else { least }, clamp);
        let stop = stop.map_or(if step < 0 { least } else { most }, clamp);
        let count = if step < 0 {
            if stop < start { (start - stop - 1) / -step + 1 } else { 0 }
        } else if start < stop {
            (stop - start - 1) / step + 1
        } else {
            0
        };
        Bounds { start: start.max(0) as usize, stop, step, count: count as usize }
    }

    /// The indexes in the order of the slice.
    pub(crate) fn indexes(self) -> impl Iterator<Item = usize> {
        (0..self.count as i64).map(move |at| (self.start as i64 + at * self.step) as usize)
    }

    /// The items it names, of those that there are.
    pub(crate) fn pick<T: Copy>(self, items: &[T]) -> Vec<T> {
        if self.step == 1 {
            return items.get(self.start..self.start + self.count).unwrap_or_default().to_vec();
        }
        self.indexes().filter_map(|at| items.get(at).copied()).collect()
    }
}

impl<H: Heap> Machine<H> {
    /// The indexes that a slice object names in a sequence of this length.
    pub(crate) fn bounds(&mut self, slice: Id, length: usize) -> Result<Bounds, Unwind> {
        let slice = self.heap.slice(slice);
        self.rooted(&[slice.start, slice.stop, slice.step], |m| {
            let step = m.slice_part(slice.step)?.unwrap_or(1);
            if step == 0 {
                return Err(m.value_error("slice step cannot be zero"));
            }
            let (start, stop) = (m.slice_part(slice.start)?, m.slice_part(slice.stop)?);
            Ok(Bounds::new(start, stop, step, length))
        })
    }

    fn slice_part(&mut self, part: Value) -> Result<Option<i64>, Unwind> {
        if part == Value::None {
            return Ok(None);
        }
        match self.index_of(part)? {
            Some(number) => Ok(Some(number)),
            None => {
                let message = "slice indices must be integers or None or have an __index__ method";
                Err(self.type_error(message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn indexes(start: Option<i64>, stop: Option<i64>, step: i64, length: usize) -> Vec<usize> {
        Bounds::new(start, stop, step, length).indexes().collect()
    }

    #[test]
    fn slices_name_what_they_name_in_python() {
        assert_eq!(indexes(Some(1), Some(-1), 1, 5), [1, 2, 3]);
        assert_eq!(indexes(None, None, -1, 3), [2, 1, 0]);
        assert_eq!(indexes(Some(10), Some(-10), -2, 5), [4, 2, 0]);
        assert_eq!(indexes(Some(3), Some(1), 1, 5), [0; 0]);
        assert_eq!(Bounds::new(Some(3), Some(1), 1, 5).start, 3);
        assert_eq!(indexes(Some(-100), Some(100), 3, 7), [0, 3, 6]);
    }

    fn part() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![Just(None), (-9..9_i64).prop_map(Some), any::<i64>().prop_map(Some)]
    }

    proptest! {
        #[test]
        fn sl1_indexes_are_within_the_length(start in part(), stop in part(), step in part(), length in 0..7_usize) {
            let step = step.unwrap_or(1);
            prop_assume!(step != 0);
            let bounds = Bounds::new(start, stop, step, length);
            prop_assert!(bounds.start <= length);
            prop_assert!(bounds.indexes().all(|at| at < length));
            prop_assert!(bounds.step != 1 || bounds.start + bounds.count <= length);
        }
    }
}
