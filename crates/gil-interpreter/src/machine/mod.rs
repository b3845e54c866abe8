//! One thread of a program: its stack, its frames, its way into the heap, and the eval loop over them.
//!
//! # Model
//! ```text
//! stack   [callable, a, b | locals .., operands ..][callable, c | locals .., operands ..]
//!          frame 0                                  frame 1: arguments become its first locals where they stand
//! ```
//! A call of a Python function pushes a frame and goes on in the same loop; only natives that call back (a key
//! function of a sort, `__repr__` inside print) start a nested loop.
//!
//! # Threads
//! A machine belongs to one OS thread. What it shares is `Shared` (immutable, or behind locks of its own) and the
//! heap, under the rules of the policy.

pub(crate) mod breaker;
pub(crate) mod sites;
mod eval;
mod slow;
mod call;
mod attributes;
mod classes;
mod errors;
mod traceback;
mod threads;
mod nesting;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::code::Compiled;
use crate::heap::{Heap, Leaving, NameMap, Parked};
use crate::native::{Module, Native};
use crate::run::Settings;
use crate::value::{Id, Value};

pub(crate) use errors::Unwind;
pub(crate) use threads::{Finish, SLICE, STACK_BYTES, Threads};

/// What all threads of a program share; nothing in it changes but behind its own locks.
pub(crate) struct Shared<H: Heap> {
    pub(crate) program: Arc<Compiled>,
    /// The program's constants, by their number.
    pub(crate) consts: Vec<Value>,
    pub(crate) natives: Vec<Native<H>>,
    pub(crate) builtins: NameMap<Value>,
    /// The builtin of each of the program's names and globals, `Unbound` where there is none.
    pub(crate) name_builtins: Vec<Value>,
    pub(crate) global_builtins: Vec<Value>,
    pub(crate) modules: Vec<Module>,
    pub(crate) settings: Settings,
    /// The native behind `object.__init__`, which `super().__init__()` may reach.
    pub(crate) object_init: u32,
    /// The native behind `list.append`.
    pub(crate) list_append: u32,
    pub(crate) threads: Threads,
    /// What each thread's machine left when it ended: instructions run, and the like.
    pub(crate) ended: Mutex<Vec<crate::run::ThreadEnd>>,
}

/// Why and where a frame goes on after its callee returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// The result is pushed.
    Push,
    /// The callee is an `__init__`: its result must be None, and the instance below stays.
    KeepInstance,
}

/// One call of a Python function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) code: u32,
    /// The next instruction, valid while the frame is not the innermost.
    pc: u32,
    /// Where its locals begin on the stack.
    base: u32,
    /// Where its result goes on the stack.
    result: u32,
    after: After,
    /// The function, for `super()`; `None` for the module and class bodies.
    function: Option<Id>,
}

/// How many methods a thread remembers beside its inline caches; a power of two.
const FOUND: usize = 512;

/// A method that was found in a class, for sites that see several classes.
#[derive(Clone, Copy)]
struct Found {
    class: u32,
    name: u32,
    epoch: u32,
    value: Value,
}

impl Found {
    const NOTHING: Found = Found { class: u32::MAX, name: 0, epoch: 0, value: Value::Unbound };

    fn place(class: Id, name: u32) -> usize {
        (class.index() * 31 + name as usize) % FOUND
    }
}

/// See the file's header.
pub(crate) struct Machine<H: Heap> {
    pub(crate) heap: H,
    pub(crate) stack: Vec<Value>,
    /// How much of the stack is in use; the eval loop keeps its own copy and writes it here before it calls out.
    pub(crate) sp: usize,
    frames: Vec<Frame>,
    /// The exception that is being handled, or None.
    handled: Value,
    /// Values that natives hold across calls into Python.
    pub(crate) roots: Vec<Value>,
    /// Containers whose `repr` is under way, so that one inside itself is shown as dots.
    pub(crate) printing: Vec<Value>,
    pub(crate) thread: u32,
    #[allow(clippy::redundant_allocation, reason = "as `shared`")]
    word: Rc<Arc<AtomicU32>>,
    ticks: i32,
    /// Nested eval loops.
    nested: u32,
    /// The lock may not be given up by the native that runs: it was declared to hold it.
    may_release: bool,
    /// Counted twice, so that taking it up in each call costs no atomic operation.
    #[allow(
        clippy::redundant_allocation,
        reason = "the inner count is shared with other threads, the outer is not"
    )]
    pub(crate) shared: Rc<Arc<Shared<H>>>,
    /// Methods found lately, by class and name; see `attributes`.
    found: Box<[Found]>,
}

/// How many calls may be inside each other, as `sys.getrecursionlimit()` tells.
pub(crate) const RECURSION_LIMIT: usize = 1000;

impl<H: Heap> Machine<H> {
    /// A machine that holds no lock yet: `enter` comes next.
    pub(crate) fn new(heap: H, word: Arc<AtomicU32>, thread: u32, shared: Arc<Shared<H>>) -> Machine<H> {
        let ticks = shared.settings.check_interval;
        Machine {
            heap,
            stack: Vec::new(),
            sp: 0,
            frames: Vec::new(),
            handled: Value::None,
            roots: Vec::new(),
            printing: Vec::new(),
            thread,
            word: Rc::new(word),
            ticks,
            nested: 0,
            may_release: true,
            shared: Rc::new(shared),
            found: vec![Found::NOTHING; FOUND].into(),
        }
    }

    /// Takes the lock for the first time; the stack is what was parked for this thread.
    pub(crate) fn enter(&mut self) {
        let parked = self.heap.acquire(self.thread);
        self.unpark(parked);
        self.grow_stack(1024);
    }

    /// Gives the lock back for good.
    pub(crate) fn leave(&mut self) {
        self.heap.release(self.thread, Leaving::ForGood, Parked::default());
    }

    /// Gives the lock away, does something without any object, and takes the lock again.
    ///
    /// The values that the caller still needs must be arguments of the running native or in `roots`.
    pub(crate) fn allow_threads<R>(&mut self, blocking: impl FnOnce() -> R) -> R {
        debug_assert!(self.may_release, "a native that was declared to hold the lock gives it away");
        let parked = self.park();
        self.heap.release(self.thread, Leaving::Voluntarily, parked);
        let result = blocking();
        let parked = self.heap.acquire(self.thread);
        self.unpark(parked);
        result
    }

    /// As [`Machine::allow_threads`], for what needs no other thread: keeps the lock where that rule is taken away.
    pub(crate) fn allow_threads_alone<R>(&mut self, blocking: impl FnOnce() -> R) -> R {
        if self.shared.settings.ablations.alone_keeps { blocking() } else { self.allow_threads(blocking) }
    }

    /// Leaves what the thread counted where the program's report finds it.
    fn end_thread(&mut self) {
        let counters = self.heap.take_counters();
        self.shared.ended.lock().push(crate::run::ThreadEnd { thread: self.thread, counters });
    }

    /// Puts the frame of the module onto the stack.
    pub(crate) fn enter_module(&mut self) {
        self.grow_stack(1024);
        let entered = self.enter_code(0, 0, 0);
        debug_assert!(entered.is_ok(), "the first frame is not too deep");
    }

    /// Runs the module to its end.
    pub(crate) fn run_module(&mut self) -> Result<Value, Unwind> {
        self.run_frames(0)
    }

    /// The end of the main thread: leaves its counts and the lock.
    pub(crate) fn finish(&mut self) {
        self.end_thread();
        self.heap.wither(self.thread);
        self.leave();
    }

    fn park(&mut self) -> Parked {
        let mut others = std::mem::take(&mut self.roots);
        others.push(self.handled);
        Parked { stack: std::mem::take(&mut self.stack), live: self.sp, others }
    }

    fn unpark(&mut self, parked: Parked) {
        self.stack = parked.stack;
        self.sp = parked.live;
        self.roots = parked.others;
        self.handled = self.roots.pop().unwrap_or(Value::None);
    }

    /// The breaker is raised: does what its bits ask for. `sp` must be up to date.
    #[cold]
    #[inline(never)]
    fn attend(&mut self) -> Result<(), Unwind> {
        let bits = self.word.load(Relaxed);
        if bits & breaker::STOP != 0 {
            return Err(Unwind::Stopped);
        }
        if bits & breaker::SIGNAL != 0 && self.shared.settings.is_main(self.thread) {
            self.word.fetch_and(!breaker::SIGNAL, Relaxed);
            if self.shared.settings.interrupt.take() {
                return Err(self.raise(crate::types::KEYBOARD_INTERRUPT, String::new()));
            }
        }
        if bits & breaker::COLLECT != 0 {
            self.collect()?;
        }
        if bits & (breaker::DROP | breaker::WORLD) != 0 {
            self.give_way();
        }
        Ok(())
    }

    /// Hands the lock over and takes it again, whoever waits.
    fn give_way(&mut self) {
        if self.shared.settings.ablations.asked_keeps {
            // The request is answered by not giving way; whoever waits asks again after another interval.
            self.word.fetch_and(!breaker::DROP, Relaxed);
            return;
        }
        let parked = self.park();
        let parked = self.heap.switch(self.thread, parked);
        self.unpark(parked);
    }

    /// A slice of the tick policy is over.
    #[cold]
    #[inline(never)]
    fn tick_over(&mut self) -> Result<(), Unwind> {
        self.ticks = self.shared.settings.check_interval;
        if self.word.load(Relaxed) & !breaker::DROP != 0 {
            self.attend()?;
        }
        if self.shared.threads.several() {
            self.give_way();
        }
        Ok(())
    }

    /// Frees what nobody refers to; MemoryError when too much stays.
    pub(crate) fn collect(&mut self) -> Result<(), Unwind> {
        self.word.fetch_and(!breaker::COLLECT, Relaxed);
        let parked = self.park();
        match self.heap.collect(self.thread, parked) {
            Ok(parked) => {
                self.unpark(parked);
                Ok(())
            }
            Err((parked, _)) => {
                self.unpark(parked);
                Err(self.memory_error())
            }
        }
    }

    /// Room for something big, or MemoryError.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), Unwind> {
        if self.heap.reserve(bytes).is_ok() {
            return Ok(());
        }
        self.collect()?;
        self.heap.reserve(bytes).map_err(|_| self.memory_error())
    }

    /// Makes the stack at least this long.
    fn grow_stack(&mut self, length: usize) {
        if self.stack.len() < length {
            self.stack.resize(length.next_power_of_two(), Value::Unbound);
        }
    }

    /// A str.
    pub(crate) fn str(&mut self, text: impl Into<Box<str>>) -> Value {
        self.heap.new_str(text)
    }

    /// Runs one native with its declared use of the lock.
    fn run_native(&mut self, native: u32, args: crate::native::Args) -> Result<Value, Unwind> {
        let shared = Rc::clone(&self.shared);
        let native = &shared.natives[native as usize];
        let before = std::mem::replace(&mut self.may_release, native.may_release());
        let roots = self.roots.len();
        let result = (native.function)(self, args);
        // One that failed may have left what it had rooted.
        self.roots.truncate(roots);
        self.may_release = before;
        result
    }
}
