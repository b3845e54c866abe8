//! Random programs of handles and timers against small models.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::{Scripted, ms};
use event_loop::{AsyncHandle, Check, Idle, LoopHandle, Prepare, RunMode, TimeoutId, Timer};
use proptest::prelude::*;

/// One of each kind of handle behind one shape.
enum Any {
    Idle(Idle),
    Prepare(Prepare),
    Check(Check),
    Timer(Timer),
    Async(AsyncHandle),
}

macro_rules! on_any {
    ($any:expr, $handle:ident => $code:expr) => {
        match $any {
            Any::Idle($handle) => $code,
            Any::Prepare($handle) => $code,
            Any::Check($handle) => $code,
            Any::Timer($handle) => $code,
            Any::Async($handle) => $code,
        }
    };
}

/// What the model knows of a handle; the callback shares it and panics when it should not run.
#[derive(Default)]
struct Model {
    active: Cell<bool>,
    referenced: Cell<bool>,
    closing: Cell<bool>,
    closes: Cell<u32>,
    is_timer: bool,
}

impl Model {
    fn new(is_timer: bool, active: bool) -> Rc<Model> {
        let model = Model { is_timer, ..Model::default() };
        model.referenced.set(true);
        model.active.set(active);
        Rc::new(model)
    }

    /// A callback that must only run while the handle is started.
    fn callback(self: &Rc<Model>) -> impl FnMut(&LoopHandle) + 'static {
        let model = self.clone();
        move |_| {
            assert!(model.active.get() && !model.closing.get(), "a stopped or closed callback ran");
            if model.is_timer {
                model.active.set(false);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Start(usize),
    Stop(usize),
    Close(usize),
    Reference(usize, bool),
    Send(usize),
    Inside(usize, usize),
    Advance(u64),
    Run,
}

fn step() -> impl Strategy<Value = Step> {
    let handle = 0..10_usize;
    prop_oneof![
        4 => handle.clone().prop_map(Step::Start),
        2 => handle.clone().prop_map(Step::Stop),
        1 => handle.clone().prop_map(Step::Close),
        2 => (handle.clone(), any::<bool>()).prop_map(|(handle, on)| Step::Reference(handle, on)),
        1 => handle.clone().prop_map(Step::Send),
        1 => (handle.clone(), handle).prop_map(|(runs, closes)| Step::Inside(runs, closes)),
        1 => (0..5_u64).prop_map(Step::Advance),
        4 => Just(Step::Run),
    ]
}

type Handles = Rc<Vec<(Any, Rc<Model>)>>;

fn handles(lp: &LoopHandle) -> Handles {
    let make = |n: usize| match n % 5 {
        0 => (Any::Idle(Idle::new(lp)), Model::new(false, false)),
        1 => (Any::Prepare(Prepare::new(lp)), Model::new(false, false)),
        2 => (Any::Check(Check::new(lp)), Model::new(false, false)),
        3 => (Any::Timer(Timer::new(lp)), Model::new(true, false)),
        _ => {
            let model = Model::new(false, true);
            (Any::Async(AsyncHandle::new(lp, model.callback())), model)
        }
    };
    Rc::new((0..10).map(make).collect())
}

fn start((handle, model): &(Any, Rc<Model>)) {
    let callback = model.callback();
    let started = match handle {
        Any::Idle(idle) => idle.start(callback).is_ok(),
        Any::Prepare(prepare) => prepare.start(callback).is_ok(),
        Any::Check(check) => check.start(callback).is_ok(),
        Any::Timer(timer) => timer.start(ms(2), ms(0), callback).is_ok(),
        Any::Async(_) => return,
    };
    assert_eq!(started, !model.closing.get());
    model.active.set(started);
}

fn stop((handle, model): &(Any, Rc<Model>)) {
    match handle {
        Any::Idle(idle) => idle.stop(),
        Any::Prepare(prepare) => prepare.stop(),
        Any::Check(check) => check.stop(),
        Any::Timer(timer) => timer.stop(),
        Any::Async(_) => return,
    }
    model.active.set(false);
}

fn close((handle, model): &(Any, Rc<Model>)) {
    let told = model.clone();
    let begun = on_any!(handle, handle => handle.close_then(move |_| told.closes.set(told.closes.get() + 1)));
    assert_eq!(begun, !model.closing.replace(true));
    model.active.set(false);
}

fn take(world: &Scripted, all: &Handles, step: &Step) {
    match step {
        Step::Start(n) => start(&all[*n]),
        Step::Stop(n) => stop(&all[*n]),
        Step::Close(n) => close(&all[*n]),
        Step::Reference(n, on) => {
            on_any!(&all[*n].0, handle => handle.set_ref(*on));
            all[*n].1.referenced.set(*on);
        }
        Step::Send(n) => {
            if let Any::Async(wake) = &all[*n].0 {
                wake.sender().send();
            }
        }
        // From inside the loop: a tick of the next run stops one handle and closes another.
        Step::Inside(stops, closes) => {
            let (all, stops, closes) = (all.clone(), *stops, *closes);
            world.lp.next_tick(move |_| {
                stop(&all[stops]);
                close(&all[closes]);
            });
        }
        Step::Advance(by) => world.work(ms(*by)),
        // `run` compares the loop's counter with a fresh count in debug builds (H1).
        Step::Run => drop(world.run(RunMode::NoWait)),
    }
}

/// Node's lists, as slow and plain as can be.
#[derive(Default)]
struct NodeModel {
    lists: Vec<NodeList>,
    last_id: u64,
}

struct NodeList {
    duration: u64,
    expiry: u64,
    id: u64,
    /// When each was set, and its number; oldest first.
    places: Vec<(u64, usize)>,
}

impl NodeModel {
    fn set(&mut self, number: usize, duration: u64, now: u64) {
        match self.lists.iter_mut().find(|list| list.duration == duration) {
            Some(list) => list.places.push((now, number)),
            None => {
                self.last_id += 1;
                let places = vec![(now, number)];
                self.lists.push(NodeList { duration, expiry: now + duration, id: self.last_id, places });
            }
        }
    }

    fn clear(&mut self, victim: usize) -> bool {
        let before: usize = self.lists.iter().map(|list| list.places.len()).sum();
        self.lists.iter_mut().for_each(|list| list.places.retain(|(_, number)| *number != victim));
        self.lists.retain(|list| !list.places.is_empty());
        self.lists.iter().map(|list| list.places.len()).sum::<usize>() < before
    }

    /// The numbers of what is due at `now`, in Node's order.
    fn settle(&mut self, now: u64) -> Vec<usize> {
        let mut order = Vec::new();
        loop {
            self.lists.retain(|list| !list.places.is_empty());
            self.lists.sort_by_key(|list| (list.expiry, list.id));
            let Some(list) = self.lists.first_mut().filter(|list| list.expiry <= now) else { return order };
            while let Some(&(start, number)) = list.places.first() {
                if now - start < list.duration {
                    self.last_id += 1;
                    (list.expiry, list.id) = ((start + list.duration).max(now + 1), self.last_id);
                    break;
                }
                order.push(number);
                list.places.remove(0);
            }
        }
    }
}

proptest! {
    #[test]
    fn h1_a_random_program_keeps_the_count_and_never_runs_what_was_stopped(
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let world = Scripted::new();
        let all = handles(&world.lp);
        for step in &steps {
            take(&world, &all, step);
            if matches!(step, Step::Run) {
                for (handle, model) in all.iter() {
                    prop_assert_eq!(on_any!(handle, handle => handle.is_active()), model.active.get());
                    prop_assert_eq!(on_any!(handle, handle => handle.is_closing()), model.closing.get());
                }
                let counts = |model: &Model| {
                    let closing = model.closing.get() && model.closes.get() == 0;
                    closing || (model.active.get() && model.referenced.get())
                };
                let alive = all.iter().any(|(_, model)| counts(model));
                prop_assert_eq!(world.lp.is_alive(), alive);
            }
        }
        for entry in all.iter().filter(|(_, model)| !model.closing.get()) {
            close(entry);
        }
        while world.run(RunMode::NoWait) {}
        prop_assert!(all.iter().all(|(_, model)| model.closes.get() == 1));
        prop_assert!(world.event_loop.close().is_ok());
    }

    #[test]
    fn t1_timers_fire_as_a_sorted_list_would(
        starts in proptest::collection::vec((0..8_usize, 0..20_u64, any::<bool>(), 0..4_u64), 1..80),
    ) {
        let world = Scripted::new();
        let timers: Vec<Timer> = (0..8).map(|_| Timer::new(&world.lp)).collect();
        let fired: Rc<RefCell<Vec<usize>>> = Rc::default();
        // (deadline in ms, number of the start, timer)
        let mut model: Vec<(u64, usize, usize)> = Vec::new();
        for (number, (timer, after, stops, step)) in starts.into_iter().enumerate() {
            let now = world.lp.elapsed().as_millis() as u64;
            model.retain(|(_, _, known)| *known != timer);
            if stops {
                timers[timer].stop();
            } else {
                let log = fired.clone();
                timers[timer].start(ms(after), ms(0), move |_| log.borrow_mut().push(timer)).unwrap();
                model.push((now + after, number, timer));
            }
            world.work(ms(step));
            let now = now + step;
            world.run(RunMode::NoWait);
            model.sort();
            let due = model.iter().take_while(|(deadline, ..)| *deadline <= now).count();
            // An empty loop moves its time on only when it is run.
            let expected: Vec<usize> = model.drain(..due).map(|(.., timer)| timer).collect();
            prop_assert_eq!(fired.take(), expected);
        }
        world.run(RunMode::Default);
        let expected: Vec<usize> = model.into_iter().map(|(.., timer)| timer).collect();
        prop_assert_eq!(fired.take(), expected);
    }

    #[test]
    fn n4_n5_timeouts_agree_with_node_lists(
        sets in proptest::collection::vec((1..6_u64, 0..4_u64, proptest::option::of(0..30_usize)), 1..60),
    ) {
        let world = Scripted::new();
        let fired: Rc<RefCell<Vec<usize>>> = Rc::default();
        let mut ids: Vec<TimeoutId> = Vec::new();
        let mut model = NodeModel::default();
        for (number, (duration, step, clear)) in sets.into_iter().enumerate() {
            let now = world.script.clock().now().duration_since(world.lp.now() - world.lp.elapsed());
            let now = now.as_millis() as u64;
            let log = fired.clone();
            ids.push(world.lp.set_timeout(ms(duration), move |_| log.borrow_mut().push(number)));
            model.set(number, duration, now);
            if let Some(victim) = clear.filter(|victim| *victim < ids.len()) {
                prop_assert_eq!(world.lp.clear_timeout(ids[victim]), model.clear(victim));
            }
            world.work(ms(step));
            world.run(RunMode::NoWait);
            prop_assert_eq!(fired.take(), model.settle(now + step));
        }
        while world.run(RunMode::Once) {
            let now = world.lp.elapsed().as_millis() as u64;
            prop_assert_eq!(fired.take(), model.settle(now));
        }
        let now = world.lp.elapsed().as_millis() as u64;
        prop_assert_eq!(fired.take(), model.settle(now));
        prop_assert!(model.lists.is_empty());
    }
}
