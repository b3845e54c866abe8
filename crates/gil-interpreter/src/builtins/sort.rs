//! A stable sort whose comparisons may run Python, fail, and contradict each other.
//!
//! # Model
//! ```text
//! all ints | all floats, no NaN | all texts   Rust's stable sort over the plain keys
//! anything else                               runs by binary insertion, then merges, each step asking `<`
//! ```
//! Rust's own sort may panic when comparisons contradict each other, and cannot stop at an error; so whatever asks
//! Python is sorted here. A list below 64 items is one run and asks the same questions as CPython 3.11.
//!
//! # Invariants
//! - SO1: with any answers to `<` at all, the result is a permutation of the input.
//! - SO2: with a true order the result is sorted and equal items keep their order.
//! - SO3: the first error ends the sort.
//!
//! # Source
//! CPython 3.11, Objects/listobject.c (`count_run`, `binarysort`).

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::value::Value;

/// Items with the keys they are sorted by.
type Pair = (Value, Value);

/// The length of the runs that are sorted by insertion before the merges.
const RUN: usize = 32;

/// Fewer items than this are a single run.
const MANY: usize = 64;

/// The items in order, by `key` if there is one. The caller roots `items` and `key`.
pub(crate) fn sort_items<H: Heap>(
    m: &mut Machine<H>,
    items: Vec<Value>,
    key: Option<Value>,
    reverse: bool,
) -> Result<Vec<Value>, Unwind> {
    m.rooted(&items, |m| {
        let mut pairs = match key {
            None => items.iter().map(|&item| (item, item)).collect(),
            Some(key) => with_keys(m, &items, key)?,
        };
        // As CPython does: turning around twice keeps the order of equal items.
        if reverse {
            pairs.reverse();
        }
        if !sort_plainly(m, &mut pairs) {
            pairs = merge_sort(pairs, &mut |a: &Pair, b: &Pair| m.less(a.0, b.0))?;
        }
        if reverse {
            pairs.reverse();
        }
        Ok(pairs.into_iter().map(|(_, item)| item).collect())
    })
}

/// Calls the key function on each; the keys stay on the roots until the sort is over.
fn with_keys<H: Heap>(m: &mut Machine<H>, items: &[Value], key: Value) -> Result<Vec<Pair>, Unwind> {
    let mut pairs = Vec::with_capacity(items.len());
    for &item in items {
        let value = m.call(key, &[item])?;
        m.roots.push(value);
        pairs.push((value, item));
    }
    Ok(pairs)
}

/// Sorts keys of one plain kind; false when they are not.
fn sort_plainly<H: Heap>(m: &Machine<H>, pairs: &mut Vec<Pair>) -> bool {
    if pairs.iter().all(|(key, _)| matches!(key, Value::Int(_))) {
        pairs.sort_by_key(|(key, _)| match key {
            Value::Int(number) => *number,
            _ => 0,
        });
        return true;
    }
    if pairs.iter().all(|(key, _)| matches!(key, Value::Float(number) if !number.is_nan())) {
        let number = |pair: &Pair| match pair.0 {
            Value::Float(number) => number + 0.0,
            _ => 0.0,
        };
        // Adding 0.0 makes -0.0 and 0.0 one, which the total order would tell apart.
        pairs.sort_by(|a, b| number(a).total_cmp(&number(b)));
        return true;
    }
    let mut texts = Vec::with_capacity(pairs.len());
    for &(key, item) in pairs.iter() {
        let Value::Str(id) = key else { return false };
        texts.push((&*m.heap.text(id).text, (key, item)));
    }
    texts.sort_by(|a, b| a.0.cmp(b.0));
    *pairs = texts.into_iter().map(|(_, pair)| pair).collect();
    true
}

/// Sorts by a `less` that may fail and need not be an order.
pub(crate) fn merge_sort<T: Copy, E>(
    mut items: Vec<T>,
    less: &mut impl FnMut(&T, &T) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut width = if items.len() < MANY { MANY } else { RUN };
    for run in items.chunks_mut(width) {
        let sorted = turn_run(run, less)?;
        insert_rest(run, sorted, less)?;
    }
    let mut merged = Vec::with_capacity(items.len());
    while width < items.len() {
        merged.clear();
        for pair in items.chunks(2 * width) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &mut merged, less)?;
        }
        std::mem::swap(&mut items, &mut merged);
        width *= 2;
    }
    Ok(items)
}

/// How many items at the start are in order; if they fall strictly they are turned around.
fn turn_run<T: Copy, E>(run: &mut [T], less: &mut impl FnMut(&T, &T) -> Result<bool, E>) -> Result<usize, E> {
    if run.len() < 2 {
        return Ok(run.len());
    }
    let falls = less(&run[1], &run[0])?;
    let mut length = 2;
    while length < run.len() && less(&run[length], &run[length - 1])? == falls {
        length += 1;
    }
    if falls {
        run[..length].reverse();
    }
    Ok(length)
}

/// Binary insertion of all items after the first `sorted`.
fn insert_rest<T: Copy, E>(
    run: &mut [T],
    sorted: usize,
    less: &mut impl FnMut(&T, &T) -> Result<bool, E>,
) -> Result<(), E> {
    for at in sorted..run.len() {
        let item = run[at];
        let (mut low, mut high) = (0, at);
        while low < high {
            let middle = low + (high - low) / 2;
            if less(&item, &run[middle])? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        run[low..=at].rotate_right(1);
    }
    Ok(())
}

/// Merges two sorted runs; of equal items those on the left come first.
fn merge<T: Copy, E>(
    mut left: &[T],
    mut right: &[T],
    merged: &mut Vec<T>,
    less: &mut impl FnMut(&T, &T) -> Result<bool, E>,
) -> Result<(), E> {
    if let (Some(last), Some(first)) = (left.last(), right.first())
        && !less(first, last)?
    {
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        return Ok(());
    }
    while let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_first(), right.split_first()) {
        if less(b, a)? {
            merged.push(*b);
            right = right_rest;
        } else {
            merged.push(*a);
            left = left_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn so1_any_answers_give_a_permutation(items in prop::collection::vec(any::<u8>(), 0..200), seed in any::<u64>()) {
            let mut state = seed | 1;
            let mut less = |_: &u8, _: &u8| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                Ok::<bool, ()>(state >> 63 == 1)
            };
            let mut sorted = merge_sort(items.clone(), &mut less).unwrap();
            let mut items = items;
            sorted.sort_unstable();
            items.sort_unstable();
            prop_assert_eq!(sorted, items);
        }

        #[test]
        fn so2_a_true_order_is_kept_and_ties_keep_their_order(items in prop::collection::vec(0..20u8, 0..300)) {
            let numbered: Vec<(u8, usize)> = items.into_iter().zip(0..).collect();
            let sorted = merge_sort(numbered.clone(), &mut |a, b| Ok::<bool, ()>(a.0 < b.0)).unwrap();
            let mut expected = numbered;
            expected.sort();
            prop_assert_eq!(sorted, expected);
        }

        #[test]
        fn so3_the_first_error_ends_the_sort(length in 2..200usize, after in 0..100usize) {
            let items: Vec<usize> = (0..length).rev().collect();
            let mut asked = 0;
            let result = merge_sort(items, &mut |a, b| {
                asked += 1;
                if asked > after { Err("no order") } else { Ok(a < b) }
            });
            prop_assert_eq!(asked > after, result.is_err());
            prop_assert!(asked <= after + 1);
        }
    }
}
