//! The ring indexes against a queue of the standard library, under random orders of use.
#![cfg(not(loom))]

use std::collections::VecDeque;

use proptest::prelude::*;
use sync_protocols::RingIndexes;

#[derive(Clone, Debug)]
enum Step {
    Push,
    Drain(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => Just(Step::Push), 1 => (0_usize..6).prop_map(Step::Drain)];
    proptest::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn r3_slots_are_read_in_order_and_never_more_than_there_are(bits in 0_u32..4, steps in steps()) {
        let indexes = RingIndexes::new(1 << bits);
        let mut slots = vec![0; indexes.capacity()];
        let mut expected = VecDeque::new();
        for (value, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push => match indexes.try_push() {
                    Some(slot) => {
                        prop_assert!(expected.len() < indexes.capacity());
                        slots[slot] = value;
                        indexes.commit_push();
                        expected.push_back(value);
                    }
                    None => prop_assert_eq!(expected.len(), indexes.capacity()),
                },
                Step::Drain(at_most) => {
                    let (start, readable) = indexes.readable();
                    prop_assert_eq!(readable, expected.len());
                    let count = readable.min(at_most);
                    for offset in 0..count {
                        prop_assert_eq!(Some(slots[indexes.slot(start, offset)]), expected.pop_front());
                    }
                    indexes.release(count);
                }
            }
        }
    }
}

#[test]
fn a_push_that_is_not_committed_is_nothing() {
    let indexes = RingIndexes::new(2);
    assert_eq!(indexes.try_push(), Some(0));
    assert_eq!(indexes.readable(), (0, 0));
    assert_eq!(indexes.try_push(), Some(0));
    indexes.commit_push();
    assert_eq!(indexes.readable(), (0, 1));
}

#[test]
#[should_panic(expected = "power of two")]
fn a_capacity_that_is_no_power_of_two_is_refused() {
    RingIndexes::new(12);
}
