//! What a collection under the lock keeps and frees, and when the limit is said to be passed.

use crate::heap::driver::{Driver, id, show};
use crate::heap::locked::LockedView;
use crate::heap::*;

/// More than any test here uses.
const PLENTY: usize = 1 << 30;

/// A chain of lists, the innermost with a text.
fn chain(heap: &mut LockedView, text: &str, length: usize) -> Value {
    let text = heap.new_str(text);
    (0..length).fold(text, |inside, _| heap.new_list(vec![inside]))
}

#[test]
fn h1_what_a_root_reaches_stays_and_the_rest_goes() {
    let mut driver = Driver::locked(PLENTY);
    let of_global = chain(&mut driver.heap, "global", 3);
    driver.heap.set_global(1, of_global);
    let permanent = chain(&mut driver.heap, "permanent", 3);
    driver.heap.keep_forever(&[permanent]);
    let of_stack = chain(&mut driver.heap, "stack", 3);
    driver.stack.push(of_stack);
    let of_other = chain(&mut driver.heap, "parked", 3);
    let seed = driver.seed(1, vec![of_other]);
    driver.collect().expect("there is room");
    let kept_bytes = driver.heap.in_use_bytes();
    for n in 0..1000 {
        driver.heap.new_list(vec![Value::Int(n), of_stack]);
    }
    assert!(driver.heap.in_use_bytes() > kept_bytes);
    driver.collect().expect("there is room");
    assert_eq!(driver.heap.in_use_bytes(), kept_bytes, "the thousand lists are gone, and nothing else");
    let roots = [of_global, permanent, of_stack, of_other];
    for (root, text) in roots.into_iter().zip(["global", "permanent", "stack", "parked"]) {
        assert_eq!(show(&mut driver.heap, root, 9), format!("[[[{text:?}]]]"));
    }
    driver.stack.clear();
    driver.collect().expect("there is room");
    assert!(driver.heap.in_use_bytes() < kept_bytes, "what only the stack reached is gone");
    drop(seed);
    driver.leave();
}

#[test]
fn h1_a_freed_place_is_used_again_and_cycles_are_no_roots() {
    let mut driver = Driver::locked(PLENTY);
    let list = driver.heap.new_list(Vec::new());
    driver.heap.list_mut(id(list), |items| items.push(list));
    driver.collect().expect("there is room");
    assert_eq!(driver.heap.new_list(Vec::new()), list);
    driver.leave();
}

#[test]
fn h1_what_a_cache_remembers_is_forgotten() {
    let mut driver = Driver::locked(PLENTY);
    let inside = chain(&mut driver.heap, "cache", 3);
    driver.heap.set_cache(0, Cache { key: 1, value: inside, ..Cache::EMPTY });
    let (before_bytes, epoch) = (driver.heap.in_use_bytes(), driver.heap.class_epoch());
    driver.collect().expect("there is room");
    assert_eq!(driver.heap.cache(0).key, 0, "another class may get the place of the one that it was for");
    assert_ne!(driver.heap.class_epoch(), epoch, "nor may a thread use what it noted");
    assert!(driver.heap.in_use_bytes() < before_bytes);
    driver.leave();
}

#[test]
fn h2_what_stays_above_the_limit_is_reported() {
    let mut driver = Driver::locked(1 << 20);
    let garbage = driver.heap.new_bytes(vec![0; 2 << 20]);
    assert!(driver.heap.wants_collection());
    driver.collect().expect("nobody refers to it");
    driver.heap.reserve(1 << 19).expect("half of the limit is free");
    assert_eq!(driver.heap.reserve(2 << 20), Err(OutOfMemory), "more than the limit");
    let kept = driver.heap.new_bytes(vec![0; 2 << 20]);
    assert_eq!(kept, garbage, "its place was free again");
    driver.stack.push(kept);
    assert_eq!(driver.collect(), Err(OutOfMemory));
    driver.stack.clear();
    driver.collect().expect("it is gone");
    driver.leave();
}
