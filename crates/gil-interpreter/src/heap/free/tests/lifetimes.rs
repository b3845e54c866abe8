//! What a collection keeps, what it frees, and what it makes void.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::machine::breaker::COLLECT;

/// A value of each kind that refers to `inside`, where the kind can.
fn one_of_each(heap: &mut FreeView, inside: Value) -> Vec<Value> {
    let class_id = id(heap.new_class(class("C")));
    heap.class_mut(class_id, |class| class.attrs.insert("inside".into(), inside));
    let dict = id(heap.new_dict(Dict::default()));
    let key = heap.new_str("key");
    let hash = dict::hash_text("key");
    heap.dict_insert(dict, key, hash, inside);
    let slots = vec![Value::Unbound, inside];
    vec![
        heap.new_list(vec![inside]),
        heap.new_tuple(vec![inside]),
        Value::Dict(dict),
        heap.new_dict_view(DictView { dict, part: DictPart::Keys }),
        heap.new_slice(Slice { start: inside, stop: Value::None, step: Value::None }),
        heap.new_iterator(Iterator::Enumerate { inner: inside, next: 0 }),
        heap.new_function(Function { code: 0, defaults: [inside].into(), closure: [].into(), owner: None }),
        heap.new_bound_method(BoundMethod { receiver: inside, function: Value::None }),
        Value::Class(class_id),
        heap.new_instance(Instance { class: class_id, slots, trace: None }),
        heap.new_super(Super { owner: class_id, receiver: inside }),
        heap.new_cell(inside),
        heap.new_host(Arc::new(Keeper(inside))),
    ]
}

#[test]
fn fw1_every_kind_keeps_what_it_refers_to_and_no_longer() {
    let (mut driver, heap) = Driver::free(PLENTY);
    let inside = driver.heap.new_str("inside");
    let kinds = one_of_each(&mut driver.heap, inside).len();
    driver.collect().expect("there is room");
    assert_eq!(count(&mut driver, &heap), 0);
    for kind in 0..kinds {
        let inside = driver.heap.new_str("inside");
        let value = one_of_each(&mut driver.heap, inside)[kind];
        driver.stack.push(value);
        driver.collect().expect("there is room");
        assert_eq!(&*driver.heap.text(id(inside)).text, "inside", "{value:?} did not keep it");
        driver.stack.clear();
        driver.collect().expect("there is room");
        assert_eq!(count(&mut driver, &heap), 0, "{value:?} stayed");
    }
    let bytes = |heap: &mut FreeView| heap.new_bytes(vec![1]);
    let range = |heap: &mut FreeView| heap.new_range(Range { start: 0, stop: 1, step: 1 });
    for make in [&bytes as &dyn Fn(&mut FreeView) -> Value, &range] {
        let value = make(&mut driver.heap);
        driver.stack.push(value);
        driver.collect().expect("there is room");
        assert_eq!(count(&mut driver, &heap), 1, "{value:?} did not stay");
        driver.stack.clear();
    }
    driver.leave();
}

#[test]
fn fh1_globals_and_permanent_values_stay_and_the_rest_goes() {
    let (mut driver, heap) = Driver::free(PLENTY);
    let text = driver.heap.new_str("of a global");
    let global = driver.heap.new_list(vec![text]);
    driver.heap.set_global(2, global);
    let permanent = driver.heap.new_str("permanent");
    driver.heap.keep_forever(&[permanent]);
    for n in 0..1000 {
        driver.heap.new_list(vec![Value::Int(n)]);
    }
    assert_eq!(count(&mut driver, &heap), 1003);
    driver.collect().expect("there is room");
    assert_eq!(count(&mut driver, &heap), 3);
    assert_eq!(show(&mut driver.heap, global, 9), "[\"of a global\"]");
    driver.heap.set_global(2, Value::None);
    driver.collect().expect("there is room");
    assert_eq!(count(&mut driver, &heap), 1);
    driver.leave();
}

#[test]
fn fh1_a_value_stays_that_only_a_blocked_thread_or_one_that_has_not_begun_refers_to() {
    let (mut main, heap) = Driver::free(PLENTY);
    let first = main.heap.new_str("first stack");
    let seed = main.seed(1, vec![first]);
    main.collect().expect("there is room");
    assert_eq!(count(&mut main, &heap), 1, "what was parked for a thread that has not begun");

    let (blocked, is_blocked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        let mut other = Driver::<FreeView>::start(seed, 1);
        assert_eq!(show(&mut other.heap, other.stack[0], 9), "\"first stack\"");
        let text = other.heap.new_str("inside");
        other.stack[0] = other.heap.new_list(vec![text]);
        other.detached(|| {
            blocked.send(()).expect("the main thread waits for it");
            may_go_on.recv().expect("the main thread says so");
        });
        assert_eq!(show(&mut other.heap, other.stack[0], 9), "[\"inside\"]");
        other.leave();
    });
    main.detached(|| is_blocked.recv().expect("the other thread says so"));
    for _ in 0..3 {
        main.heap.new_str("garbage");
        main.collect().expect("there is room");
        assert_eq!(count(&mut main, &heap), 2);
    }
    go_on.send(()).expect("the other thread waits for it");
    main.detached(|| other.join()).expect("no assertion failed");
    main.collect().expect("there is room");
    assert_eq!(count(&mut main, &heap), 0);
    main.leave();
}

#[test]
fn fh5_vacant_slots_and_caches_from_before_a_collection_are_not_used() {
    let (mut main, _heap) = Driver::free(PLENTY);
    let kept = main.heap.new_str("mine");
    main.stack.push(kept);
    let method = main.heap.new_str("found in a class");
    main.heap.set_cache(1, Cache { key: 7, slot: 0, epoch: 1, value: method });
    let seed = main.seed(1, Vec::new());
    main.detached(|| {
        thread::spawn(move || {
            let mut other = Driver::<FreeView>::start(seed, 1);
            other.collect().expect("there is room");
            // Fills every slot that the main thread had in reserve.
            for n in 0..200 {
                let text = other.heap.new_str(format!("{n}"));
                other.stack.push(text);
            }
            let list = other.heap.new_list(other.stack.clone());
            other.heap.set_global(0, list);
            other.leave();
        })
        .join()
        .expect("no assertion failed");
    });
    assert_eq!((main.heap.cache(1).key, main.heap.cache(1).value), (0, Value::Unbound));
    for n in 0..200 {
        main.heap.new_str(format!("after {n}"));
    }
    let Value::List(list) = main.heap.global(0) else { panic!("the other thread stored a list") };
    for (n, text) in main.heap.list(list, Vec::clone).into_iter().enumerate() {
        assert_eq!(*main.heap.text(id(text)).text, *format!("{n}"));
    }
    assert_eq!(&*main.heap.text(id(kept)).text, "mine");
    main.leave();
}

#[test]
fn fh6_more_than_the_limit_after_a_collection_is_reported() {
    const LIMIT: usize = 1 << 20;
    let (mut driver, _heap) = Driver::free(LIMIT);
    assert_eq!(driver.heap.reserve(LIMIT + 1), Err(OutOfMemory));
    assert_eq!(driver.heap.reserve(LIMIT), Ok(()));
    let big = driver.heap.new_bytes(vec![0; LIMIT]);
    assert!(driver.heap.wants_collection());
    assert_ne!(driver.word() & COLLECT, 0, "the thread that made it is to collect");
    assert!(driver.heap.in_use_bytes() >= LIMIT);
    driver.stack.push(big);
    assert_eq!(driver.collect(), Err(OutOfMemory));
    assert_eq!(driver.word() & COLLECT, 0);
    assert_eq!(driver.stack, [big], "the stack comes back all the same");
    driver.stack.clear();
    assert_eq!(driver.collect(), Ok(()));
    assert_eq!(driver.heap.in_use_bytes(), 0);
    assert!(!driver.heap.wants_collection());
    driver.leave();
}

#[test]
fn what_grows_afterwards_counts_when_it_is_charged() {
    let (mut driver, _heap) = Driver::free(PLENTY);
    let before = driver.heap.in_use_bytes();
    driver.heap.charge(100);
    assert_eq!(driver.heap.in_use_bytes(), before + 100);
    let class = id(driver.heap.new_class(class("C")));
    let object = id(driver.heap.new_object(class, 0));
    let before = driver.heap.in_use_bytes();
    driver.heap.set_slot(object, 3, Value::None);
    assert_eq!(driver.heap.in_use_bytes(), before, "the first slots are there");
    driver.heap.set_slot(object, 4, Value::None);
    assert!(driver.heap.in_use_bytes() > before);
    driver.leave();
}
