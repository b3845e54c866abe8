//! Threads of a program: starting one, waiting for its end, and ending all when the program does.
//!
//! # Threads
//! ```text
//! starter                                    new thread
//! parks [callable, arguments] in the heap
//! spawns -------------------------------->   takes the lock, finds its stack there
//! waits on Finish (lock given away)          calls, prints what was not caught, leaves the lock
//!           <------------------------------  Finish::set
//! ```
//! Every OS thread is joined by `Threads::join_all`, which the end of the program calls; a thread that waits in one
//! of our natives looks at `Settings::stopping` at least every `SLICE`.
//!
//! # Invariants
//! - R1: a wait for a thread's end returns as soon as the thread has ended, or at its deadline, or on a stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::heap::{Heap, Parked};
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::Value;

/// The longest that a waiting native goes without looking whether the program stops.
pub(crate) const SLICE: Duration = Duration::from_millis(10);

/// Room for nested natives; only what is used is ever touched.
pub(crate) const STACK_BYTES: usize = 256 << 20;

/// A latch that is set when a thread has ended.
#[derive(Default)]
pub(crate) struct Finish {
    done: Mutex<bool>,
    changed: Condvar,
}

impl Finish {
    pub(crate) fn set(&self) {
        *self.done.lock() = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_done(&self) -> bool {
        *self.done.lock()
    }

    /// Waits until it is set, or until `deadline`, or until `give_up` says so; true when it is set.
    pub(crate) fn wait(
        &self,
        deadline: Option<Instant>,
        now: impl Fn() -> Instant,
        give_up: impl Fn() -> bool,
    ) -> bool {
        let mut done = self.done.lock();
        while !*done {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(now()));
            if left.is_some_and(|left| left.is_zero()) || give_up() {
                return false;
            }
            self.changed.wait_for(&mut done, left.unwrap_or(SLICE).min(SLICE));
        }
        true
    }
}

/// The threads that a program has started.
#[derive(Default)]
pub(crate) struct Threads {
    started: AtomicU32,
    running: AtomicU32,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Are there other threads than the main one?
    #[inline]
    pub(crate) fn several(&self) -> bool {
        self.running.load(Relaxed) > 0
    }

    /// Waits for the end of every OS thread that was started.
    pub(crate) fn join_all(&self) {
        loop {
            let Some(handle) = self.handles.lock().pop() else { return };
            // What a thread had to say it has printed; a panic in one of ours ends the process there.
            let _ = handle.join();
        }
    }

    fn keep(&self, handle: JoinHandle<()>) {
        let mut handles = self.handles.lock();
        handles.retain(|handle| !handle.is_finished());
        handles.push(handle);
    }
}

impl<H: Heap> Machine<H> {
    /// Starts an OS thread that calls `callable(*args)`; gives the thread's number. `finish` is set at its end.
    ///
    /// What the call raises is printed as Python prints it, and ends that thread only.
    pub(crate) fn start_thread(
        &mut self,
        callable: Value,
        args: &[Value],
        name: &str,
        finish: Arc<Finish>,
    ) -> Result<u32, Unwind> {
        let thread = self.shared.threads.started.fetch_add(1, Relaxed) + 1;
        self.shared.settings.thread_names.set(thread, name);
        let mut stack = vec![callable];
        stack.extend_from_slice(args);
        let live = stack.len();
        let seed = self.heap.seed(thread, Parked { stack, live, others: vec![Value::None] });
        let shared = Arc::clone(&self.shared);
        self.shared.threads.running.fetch_add(1, Relaxed);
        let printed_name: Box<str> = name.into();
        let body = move || {
            let (heap, word) = H::sprout(seed);
            let mut machine = Machine::new(heap, word, thread, Arc::clone(&shared));
            crate::run::guard_against_panics(|| machine.thread_body(&printed_name));
            shared.threads.running.fetch_sub(1, Relaxed);
            finish.set();
        };
        let spawned = std::thread::Builder::new().name(os_name(name)).stack_size(STACK_BYTES).spawn(body);
        match spawned {
            Ok(handle) => {
                self.shared.threads.keep(handle);
                Ok(thread)
            }
            Err(_) => {
                self.shared.threads.running.fetch_sub(1, Relaxed);
                Err(self.raise(types::RUNTIME_ERROR, "can't start new thread"))
            }
        }
    }

    fn thread_body(&mut self, name: &str) {
        self.enter();
        let callable = self.stack[0];
        let args: Vec<Value> = self.stack[1..self.sp].to_vec();
        if let Err(Unwind::Raised(exception)) = self.call(callable, &args) {
            let class = self.class_of(exception);
            if !self.is_subclass(class, types::SYSTEM_EXIT) {
                self.roots.push(exception);
                let text = format!("Exception in thread {name}:\n{}", self.traceback(exception));
                self.shared.settings.output.write_err(&text);
                self.roots.pop();
            }
        }
        self.end_thread();
        self.heap.wither(self.thread);
        self.leave();
    }
}

/// Names of OS threads are short: Linux keeps 15 bytes.
fn os_name(name: &str) -> String {
    name.chars().filter(|c| *c != '\0').take(15).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_a_wait_ends_when_it_is_set_at_its_deadline_or_on_a_stop() {
        let (clock, _hand) = clock::Clock::manual();
        let finish = Arc::new(Finish::default());
        assert!(!finish.wait(None, || clock.now(), || true), "given up");
        assert!(!finish.wait(Some(clock.now()), || clock.now(), || false), "the deadline is over");
        let setter = std::thread::spawn({
            let finish = Arc::clone(&finish);
            move || finish.set()
        });
        assert!(finish.wait(None, || clock.now(), || false));
        setter.join().expect("the setter ends");
        assert!(finish.is_done());
    }
}
