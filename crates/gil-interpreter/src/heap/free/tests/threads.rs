//! Threads that allocate, collect, start and block at once.

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use super::*;
use crate::machine::breaker::WORLD;

/// Runs `body` in threads 1..=count, which all start at once, while the calling thread is detached.
fn together(main: &mut Driver<FreeView>, count: u32, body: impl Fn(u32, &mut Driver<FreeView>) + Sync) {
    let start = Barrier::new(count as usize);
    let seeds: Vec<_> = (1..=count).map(|thread| (thread, main.seed(thread, Vec::new()))).collect();
    main.detached(|| {
        thread::scope(|scope| {
            for (thread, seed) in seeds {
                let (start, body) = (&start, &body);
                scope.spawn(move || {
                    start.wait();
                    let mut driver = Driver::start(seed, thread);
                    body(thread, &mut driver);
                    driver.leave();
                });
            }
        });
    });
}

#[test]
fn fh2_objects_stay_whole_while_threads_allocate_and_collect() {
    const THREADS: u32 = 4;
    const ROUNDS: i64 = 2_000;
    let (mut main, heap) = Driver::free(PLENTY);
    together(&mut main, THREADS, |thread, driver| {
        for n in 0..ROUNDS {
            let text = driver.heap.new_str(format!("{thread}:{n}"));
            let pair = driver.heap.new_tuple(vec![text, Value::Int(n)]);
            let list = driver.heap.new_list(vec![pair]);
            driver.stack.push(list);
            driver.heap.new_str("garbage");
            driver.poll();
            if n % 250 == i64::from(thread) {
                driver.collect().expect("there is room");
            }
            let earlier = (n / 2) as usize;
            let shown = show(&mut driver.heap, driver.stack[earlier], 9);
            assert_eq!(shown, format!("[(\"{thread}:{earlier}\" Int({earlier}))]"));
        }
        let all = driver.heap.new_list(driver.stack.clone());
        driver.heap.set_global(thread - 1, all);
    });
    main.collect().expect("there is room");
    assert_eq!(count(&mut main, &heap), THREADS as usize * (3 * ROUNDS as usize + 1));
    for thread in 1..=THREADS {
        let Value::List(all) = main.heap.global(thread - 1) else { panic!("thread {thread} stored a list") };
        let items = main.heap.list(all, Vec::clone);
        for (n, item) in items.into_iter().enumerate() {
            assert_eq!(show(&mut main.heap, item, 9), format!("[(\"{thread}:{n}\" Int({n}))]"));
        }
    }
    main.leave();
}

#[test]
fn fh3_a_thread_that_attaches_while_a_collector_comes_sees_its_request() {
    let (mut main, heap) = Driver::free(PLENTY);
    let late = main.seed(1, Vec::new());
    heap.stopping.store(true, SeqCst);
    let late = thread::spawn(move || {
        let late = Driver::<FreeView>::start(late, 1);
        let word = late.word();
        late.leave();
        word
    });
    assert_ne!(late.join().expect("it only looks") & WORLD, 0);
    heap.stopping.store(false, SeqCst);
    main.collect().expect("there is room");
    assert_eq!(main.word() & WORLD, 0);
    main.leave();
}

#[test]
fn fh3_collections_end_while_threads_start_run_and_end() {
    const COLLECTIONS: usize = 50;
    let (mut main, heap) = Driver::free(PLENTY);
    let over = AtomicBool::new(false);
    let busy = main.seed(1, Vec::new());
    let mut starter = main.seed(2, Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            // Never blocks: only its polls let a collector in.
            let mut busy = Driver::<FreeView>::start(busy, 1);
            while !over.load(SeqCst) {
                busy.poll();
            }
            busy.leave();
        });
        scope.spawn(|| {
            // A chain of threads, each of which starts the next and ends.
            let mut thread = 2;
            while !over.load(SeqCst) {
                let mut short = Driver::<FreeView>::start(starter, thread);
                thread += 1;
                starter = short.seed(thread, Vec::new());
                short.leave();
            }
        });
        for n in 0..COLLECTIONS {
            main.heap.new_list(vec![Value::Int(n as i64)]);
            main.collect().expect("there is room");
        }
        over.store(true, SeqCst);
        main.leave();
    });
    assert!(*heap.turn.lock() >= COLLECTIONS as u64);
    assert_eq!(heap.count(), 0);
}

#[test]
fn fh4_two_threads_that_want_to_collect_at_once_collect_once() {
    const ROUNDS: u64 = 200;
    let (mut main, heap) = Driver::free(PLENTY);
    let meet = Barrier::new(2);
    together(&mut main, 2, |_, driver| {
        for _ in 0..ROUNDS {
            // Both are attached when they meet, so that neither has collected before the other wants to.
            meet.wait();
            driver.collect().expect("there is room");
            driver.detached(|| meet.wait());
        }
    });
    assert_eq!(*heap.turn.lock(), ROUNDS);
    main.leave();
}

#[test]
fn fh7_who_reads_a_new_epoch_finds_the_change_that_it_stands_for() {
    const CHANGES: u32 = 5_000;
    let (mut main, _heap) = Driver::free(PLENTY);
    let class = id(main.heap.new_class(class("C")));
    main.heap.class_mut(class, |class| class.attrs.insert("n".into(), Value::Int(0)));
    let first = main.heap.class_epoch();
    together(&mut main, 2, |thread, driver| {
        if thread == 1 {
            for n in 1..=CHANGES {
                driver.heap.class_mut(class, |class| class.attrs.insert("n".into(), Value::Int(n.into())));
            }
            return;
        }
        let mut changes = 0;
        while changes < CHANGES {
            changes = driver.heap.class_epoch() - first;
            let found = driver.heap.class(class, |class| class.attrs["n"]);
            assert!(
                matches!(found, Value::Int(n) if n >= i64::from(changes)),
                "{found:?} after {changes} changes"
            );
        }
    });
    main.leave();
}

#[test]
fn fh7_the_epoch_is_old_until_the_change_is_there() {
    let (mut main, _heap) = Driver::free(PLENTY);
    let class = id(main.heap.new_class(class("C")));
    let first = main.heap.class_epoch();
    let meet = Barrier::new(2);
    together(&mut main, 2, |thread, driver| {
        if thread == 1 {
            driver.heap.class_mut(class, |class| {
                meet.wait();
                meet.wait();
                class.attrs.insert("n".into(), Value::None);
            });
        } else {
            meet.wait();
            let during = driver.heap.class_epoch();
            meet.wait();
            assert_eq!(during, first, "what is found now would be cached as if it were the new value");
        }
    });
    assert_eq!(main.heap.class_epoch(), first + 1);
    main.leave();
}

#[test]
fn an_update_is_lost_between_a_load_and_a_store() {
    let (mut main, _heap) = Driver::free(PLENTY);
    main.heap.set_global(0, Value::Int(0));
    let loaded = Barrier::new(2);
    together(&mut main, 2, |_, driver| {
        let Value::Int(before) = driver.heap.global(0) else { panic!("the global is a number") };
        loaded.wait();
        driver.heap.set_global(0, Value::Int(before + 1));
    });
    assert_eq!(main.heap.global(0), Value::Int(1));
    main.leave();
}

#[test]
fn operations_on_one_shared_object_are_never_lost() {
    const EACH: i64 = 2_000;
    let (mut main, _heap) = Driver::free(PLENTY);
    let list = id(main.heap.new_list(Vec::new()));
    let dict = id(main.heap.new_dict(Dict::default()));
    let keep = [Value::List(list), Value::Dict(dict)];
    main.heap.keep_forever(&keep);
    together(&mut main, 3, |thread, driver| {
        for n in 0..EACH {
            driver.heap.list_mut(list, |list| list.push(Value::Int(n)));
            let name = format!("{thread}:{n}");
            let hash = dict::hash_text(&name);
            let key = driver.heap.new_str(name.clone());
            assert!(driver.heap.dict_insert(dict, key, hash, Value::Int(n)));
            let same = driver.heap.new_str(name);
            assert_eq!(driver.heap.dict_find(dict, same, hash), Some(Value::Int(n)));
            driver.poll();
            if n % 700 == 0 {
                driver.collect().expect("there is room");
            }
        }
    });
    assert_eq!(main.heap.list(list, Vec::len), 3 * EACH as usize);
    assert_eq!(main.heap.dict_len(dict), 3 * EACH as usize);
    main.leave();
}

#[test]
fn a_thread_that_ends_leaves_its_vacant_slots_to_the_next() {
    let (mut main, heap) = Driver::free(PLENTY);
    for thread in 1..=200 {
        let seed = main.seed(thread, Vec::new());
        let body = move || {
            let mut short = Driver::<FreeView>::start(seed, thread);
            let text = short.heap.new_str("one");
            short.leave();
            id(text)
        };
        let at = main.detached(|| thread::spawn(body).join()).expect("no assertion failed");
        assert!(at.index() < 256, "text {thread} is in slot {at:?}");
    }
    assert_eq!(Arc::strong_count(&heap), 2, "views of threads that ended are gone");
    assert_eq!(count(&mut main, &heap), 200);
    main.leave();
}
