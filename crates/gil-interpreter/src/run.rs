//! Running a program: what can be set, what comes out, and everything between the first thread and the last.
//!
//! # Model
//! ```text
//! run --> builds heap and lock by the policy, registers builtins and modules
//!     --> main thread (a big stack of its own): module, then waits for its threads
//!     --> report: exit code, what each thread lived through with the lock
//! ```
//!
//! # Threads
//! The main thread of the program is joined by `run`, and joins all others before that. A time limit or an
//! interrupt reaches threads through their breaker words, and those that wait in natives through `stopping`.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use clock::Clock;
use parking_lot::{Condvar, Mutex};
use runtime_trace::Recorder;
use sync_protocols::gil::{Gil, TickLock};

use crate::gil::{Ablations, LockReport, Policy, ThreadCounters, Watch};
use crate::heap::Heap;
use crate::heap::free::{FreeHeap, FreeView};
use crate::heap::locked::{Apart, Lock, LockKind, LockedHeap, LockedView, Watching};
use crate::interrupt::Interrupt;
use crate::machine::breaker::{Breakers, STOP};
use crate::machine::sites::Sites;
use crate::machine::{Machine, Shared, Threads, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::output::Output;
use crate::program::Program;
use crate::types::{self, SLOT_ARGS};
use crate::value::Value;

/// What a run may be told. `RunOptions::default()` runs as CPython 3.10 to 3.12 would.
#[derive(Clone)]
pub struct RunOptions {
    /// Which lock the threads share.
    pub policy: Policy,
    /// Rules of the lock that are taken away.
    pub ablations: Ablations,
    /// How long a waiter waits before it asks the holder.
    pub interval: Duration,
    /// How many counted instructions a slice of the tick policy has.
    pub check_interval: u32,
    /// How much memory the objects of the program may use, roughly.
    pub memory_limit_bytes: usize,
    /// The program is stopped after this time.
    pub time_limit: Option<Duration>,
    /// Keep histograms of how long the lock was held and waited for.
    pub timing: bool,
    /// Where turns of the lock are written; `Recorder::off()` for nowhere.
    pub recorder: Recorder,
    /// `sys.argv` after the name of the file.
    pub args: Vec<String>,
    /// Where the program prints.
    pub output: Output,
    /// How Ctrl-C reaches the program.
    pub interrupt: Interrupt,
    /// How `multiprocessing` starts this program again; `None` refuses new processes.
    pub spawner: Option<Spawner>,
    /// `__main__`, or `__mp_main__` in a child process.
    pub main_name: &'static str,
    /// Where the time comes from.
    pub clock: Clock,
    /// Called on the main thread with a connection to the parent: this is a child of `multiprocessing`.
    pub child: Option<Arc<crate::modules::ChildTask>>,
}

/// Makes the command that starts a child process, ready but for its standard input.
pub type Spawner = Arc<dyn Fn() -> Command + Send + Sync>;

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions {
            policy: Policy::Gil310,
            ablations: Ablations::default(),
            interval: Duration::from_millis(5),
            check_interval: 100,
            memory_limit_bytes: 1 << 30,
            time_limit: None,
            timing: false,
            recorder: Recorder::off(),
            args: Vec::new(),
            output: Output::standard(),
            interrupt: Interrupt::default(),
            spawner: None,
            main_name: "__main__",
            clock: Clock::real(),
            child: None,
        }
    }
}

/// What a run came to.
#[derive(Clone)]
pub struct RunReport {
    /// As `python FILE` would exit: 0, 1 after an uncaught exception, what `sys.exit` said, 130 after Ctrl-C.
    pub exit_code: i32,
    /// The time limit ended the program.
    pub timed_out: bool,
    /// What each thread lived through with the lock.
    pub lock: LockReport,
    /// How long the program ran.
    pub elapsed: Duration,
}

/// What a thread left behind.
pub(crate) struct ThreadEnd {
    pub(crate) thread: u32,
    pub(crate) counters: ThreadCounters,
}

/// What natives and the loop look up of the options.
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) ablations: Ablations,
    pub(crate) sites: Sites,
    pub(crate) check_interval: i32,
    pub(crate) clock: Clock,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
    pub(crate) spawner: Option<Spawner>,
    pub(crate) main_name: &'static str,
    pub(crate) thread_names: ThreadNames,
    stop: Arc<Stop>,
}

/// Whether the program is being ended.
#[derive(Default)]
struct Stop {
    stopping: AtomicBool,
    timed_out: AtomicBool,
}

impl Settings {
    /// Is this the program's first thread?
    pub(crate) fn is_main(&self, thread: u32) -> bool {
        thread == 0
    }

    /// Does the program end, so that nobody may wait any longer?
    pub(crate) fn stopping(&self) -> bool {
        self.stop.stopping.load(Relaxed)
    }
}

/// Runs a program from its first line to the end of its last thread.
pub fn run(program: &Program, options: RunOptions) -> RunReport {
    let options = adopted(options);
    let breakers =
        Arc::new(Breakers::new(options.policy != Policy::Gil32 && options.policy != Policy::Gil310));
    options.interrupt.reaches(&breakers);
    let stop = Arc::new(Stop::default());
    let watchdog = Watchdog::start(&options, &breakers, &stop);
    let started = options.clock.now();
    let clock = options.clock.clone();
    let (policy, ablations) = (options.policy, options.ablations);
    let names = ThreadNames::default();
    let job = {
        let (program, breakers, stop) = (program.clone(), Arc::clone(&breakers), Arc::clone(&stop));
        let names = names.clone();
        move || match options.policy {
            Policy::Free => run_free(&program, options, breakers, stop, names),
            _ => run_locked(&program, options, breakers, stop, names),
        }
    };
    let thread =
        std::thread::Builder::new().name("main".into()).stack_size(crate::machine::STACK_BYTES).spawn(job);
    let (exit_code, ended) = match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => (INTERNAL_ERROR, Vec::new()),
        Err(_) => (1, Vec::new()),
    };
    watchdog.end();
    let mut lock = LockReport::new(policy, ablations);
    for end in ended {
        lock.add(end.thread, &names.of(end.thread), &end.counters);
    }
    let elapsed = clock.now().saturating_duration_since(started);
    RunReport { exit_code, timed_out: stop.timed_out.load(Relaxed), lock, elapsed }
}

/// In a process that a program's `multiprocessing` started, the options of a child.
///
/// So whoever starts this program again need not know: the command that the spawner makes may be the same as for the
/// first process.
fn adopted(mut options: RunOptions) -> RunOptions {
    if options.child.is_none() {
        match crate::modules::ChildTask::of_this_process() {
            Ok(child) => options.child = child,
            Err(error) => {
                eprintln!("cannot take over what the parent process asked for: {error}");
                std::process::exit(1);
            }
        }
    }
    if let Some(child) = &options.child {
        options.args = child.args();
        options.main_name = "__mp_main__";
    }
    options
}

/// Exit code of a run that a mistake of ours ended, as a panic has it.
const INTERNAL_ERROR: i32 = 101;

/// How the threads of the program are called in pictures and tables: as the program called them when they started.
#[derive(Clone, Default)]
pub(crate) struct ThreadNames(Arc<Mutex<HashMap<u32, Box<str>>>>);

impl ThreadNames {
    pub(crate) fn set(&self, thread: u32, name: &str) {
        self.0.lock().insert(thread, name.into());
    }

    fn of(&self, thread: u32) -> String {
        match self.0.lock().get(&thread) {
            _ if thread == 0 => "main".to_owned(),
            Some(name) if !name.is_empty() => String::from(&**name),
            _ => format!("thread {thread}"),
        }
    }
}

/// A panic is a mistake of ours. The thread may have held the lock, so nobody can go on: say so and end the process.
pub(crate) fn guard_against_panics<R>(work: impl FnOnce() -> R) -> R {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(_) => {
            eprintln!(
                "the interpreter has made a mistake (above); its state is lost, so the program ends here"
            );
            std::process::exit(INTERNAL_ERROR)
        }
    }
}

fn watching(options: &RunOptions, names: ThreadNames) -> Watching {
    let (clock, timing, recorder) = (options.clock.clone(), options.timing, options.recorder.clone());
    Arc::new(move |lock_id, thread| Watch {
        clock: clock.clone(),
        timing,
        lane: recorder.lane(&names.of(thread)),
        lock_id,
    })
}

fn run_locked(
    program: &Program,
    options: RunOptions,
    breakers: Arc<Breakers>,
    stop: Arc<Stop>,
    names: ThreadNames,
) -> (i32, Vec<ThreadEnd>) {
    let compiled = &program.compiled;
    let heap = LockedHeap::new(compiled.globals.len(), compiled.caches as usize, options.memory_limit_bytes);
    let (interval, rules, tick) =
        (options.interval, options.ablations.rules(), options.policy == Policy::Tick);
    let new_lock = move |heap: Box<LockedHeap>| Lock {
        id: runtime_trace::next_id(),
        kind: if tick {
            LockKind::Counted(TickLock::new(heap))
        } else {
            LockKind::Asked(Gil::new(heap, interval, rules))
        },
    };
    let apart = (options.policy == Policy::PerInterp).then(|| Arc::new(new_lock) as Apart);
    let lock = Arc::new(new_lock(Box::new(heap)));
    let view = LockedView::new(lock, Arc::clone(&breakers), 0, watching(&options, names.clone()), apart);
    let word = view.word();
    start(program, options, view, word, breakers, stop, names)
}

fn run_free(
    program: &Program,
    options: RunOptions,
    breakers: Arc<Breakers>,
    stop: Arc<Stop>,
    names: ThreadNames,
) -> (i32, Vec<ThreadEnd>) {
    let compiled = &program.compiled;
    let heap = FreeHeap::new(compiled.globals.len(), compiled.caches as usize, options.memory_limit_bytes);
    let view = FreeView::new(heap, Arc::clone(&breakers), 0);
    let word = view.word();
    start(program, options, view, word, breakers, stop, names)
}

/// Fills the heap with what always exists, and runs the module on this thread.
fn start<H: Heap>(
    program: &Program,
    options: RunOptions,
    mut heap: H,
    word: Arc<std::sync::atomic::AtomicU32>,
    breakers: Arc<Breakers>,
    stop: Arc<Stop>,
    names: ThreadNames,
) -> (i32, Vec<ThreadEnd>) {
    guard_against_panics(move || {
        heap.acquire(0);
        let compiled = Arc::clone(&program.compiled);
        let mut argv = vec![compiled.file.to_string()];
        argv.extend(options.args.iter().cloned());
        let mut registry = Registry::new(&mut heap);
        let object_init = registry.native("object.__init__", LockUse::Holds, object_init);
        registry.method(types::BASE_EXCEPTION, "__init__", LockUse::Holds, exception_init);
        crate::builtins::register(&mut registry);
        crate::modules::register(&mut registry, &argv);
        let list_append = match registry.heap.class(types::LIST, |class| class.attrs.get("append").copied()) {
            Some(Value::Native(native)) => native,
            _ => unreachable!("lists have a method to append"),
        };
        let found = registry.finish();
        let consts: Vec<Value> =
            compiled.consts.iter().map(|constant| make_const(&mut heap, constant)).collect();
        heap.keep_forever(&consts);
        let builtin = |name: &str| found.builtins.get(name).copied().unwrap_or(Value::Unbound);
        let shared = Arc::new(Shared {
            name_builtins: compiled.names.iter().map(|name| builtin(name)).collect(),
            global_builtins: compiled.globals.iter().map(|name| builtin(name)).collect(),
            program: Arc::clone(&compiled),
            consts,
            natives: found.natives,
            builtins: found.builtins,
            modules: found.modules,
            settings: settings(&options, stop, names),
            object_init,
            list_append,
            threads: Threads::default(),
            ended: Mutex::new(Vec::new()),
        });
        let main_name = heap.new_str(options.main_name);
        heap.set_global(0, main_name);
        let mut machine = Machine::new(heap, word, 0, Arc::clone(&shared));
        let code = machine.main(&options, &breakers);
        shared.threads.join_all();
        drop(machine);
        let ended = std::mem::take(&mut *shared.ended.lock());
        (code, ended)
    })
}

fn settings(options: &RunOptions, stop: Arc<Stop>, thread_names: ThreadNames) -> Settings {
    Settings {
        policy: options.policy,
        ablations: options.ablations,
        sites: match options.policy {
            Policy::Tick => Sites::Ticks,
            Policy::Gil32 => Sites::EveryOp,
            _ => Sites::BackEdge,
        },
        check_interval: i32::try_from(options.check_interval).unwrap_or(i32::MAX),
        clock: options.clock.clone(),
        output: options.output.clone(),
        interrupt: options.interrupt.clone(),
        spawner: options.spawner.clone(),
        main_name: options.main_name,
        thread_names,
        stop,
    }
}

fn make_const<H: Heap>(heap: &mut H, constant: &crate::code::Const) -> Value {
    use crate::code::Const;
    match constant {
        Const::None => Value::None,
        Const::Ellipsis => Value::Ellipsis,
        Const::Bool(flag) => Value::Bool(*flag),
        Const::Int(number) => Value::Int(*number),
        Const::Float(number) => Value::Float(*number),
        Const::Str(text) => heap.new_str(text.clone()),
        Const::Bytes(bytes) => heap.new_bytes(bytes.to_vec()),
        Const::Tuple(items) => {
            let items = items.iter().map(|item| make_const(heap, item)).collect();
            heap.new_tuple(items)
        }
    }
}

/// `object.__init__(self)`
fn object_init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    if args.count > 1 {
        return Err(m.type_error("object.__init__() takes exactly one argument (the instance to initialize)"));
    }
    Ok(Value::None)
}

/// `BaseException.__init__(self, *args)`
fn exception_init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let all = args.list(m);
    let Some((Value::Instance(id), rest)) = all.split_first().map(|(first, rest)| (*first, rest.to_vec()))
    else {
        return Err(m.type_error("descriptor '__init__' of 'BaseException' object needs an argument"));
    };
    let rest = m.heap.new_tuple(rest);
    m.heap.instance_mut(id, |instance| {
        if let Some(slot) = instance.slots.get_mut(SLOT_ARGS) {
            *slot = rest;
        }
    });
    Ok(Value::None)
}

impl<H: Heap> Machine<H> {
    /// The life of the main thread: module, its threads, exit code. The lock is held at the start, not at the end.
    fn main(&mut self, options: &RunOptions, breakers: &Arc<Breakers>) -> i32 {
        self.enter_module();
        let mut result = self.run_module();
        if let (Ok(_), Some(child)) = (&result, &options.child) {
            result = crate::modules::run_child(self, child);
        }
        let stopped = result == Err(Unwind::Stopped);
        // What was not caught is printed before the other threads are waited for, as in Python; a Ctrl-C ends the wait.
        let mut code = self.exit_code(result);
        if !stopped && let Err(unwind) = crate::modules::join_threads(self) {
            let while_joining = self.exit_code(Err(unwind));
            code = if code == 0 { while_joining } else { code };
        }
        crate::modules::end_of_program(self);
        // Whoever is left is a daemon thread, or a thread that a stop has to end.
        self.shared.settings.stop.stopping.store(true, Relaxed);
        breakers.raise_all(STOP);
        // A broken pipe at the very end is nobody's fault any more, as in Python's shutdown.
        let _ = self.shared.settings.output.flush();
        self.finish();
        code
    }

    fn exit_code(&mut self, result: Result<Value, Unwind>) -> i32 {
        let exception = match result {
            Ok(_) => return 0,
            Err(Unwind::Stopped) => return 1,
            Err(Unwind::Raised(exception)) => exception,
        };
        self.roots.push(exception);
        let class = self.class_of(exception);
        if self.is_subclass(class, types::SYSTEM_EXIT) {
            return self.system_exit(exception);
        }
        let text = self.traceback(exception);
        let _ = self.shared.settings.output.flush();
        self.shared.settings.output.write_err(&text);
        if self.is_subclass(class, types::KEYBOARD_INTERRUPT) { 130 } else { 1 }
    }

    fn system_exit(&mut self, exception: Value) -> i32 {
        let code = match self.find_attr(exception, "code") {
            Ok(Some(code)) => code,
            _ => Value::None,
        };
        match code {
            Value::None => 0,
            Value::Int(code) => (code & 0xff) as i32,
            Value::Bool(flag) => i32::from(flag),
            other => {
                let text = self.str_of(other).unwrap_or_default();
                let _ = self.shared.settings.output.flush();
                self.shared.settings.output.write_err(&format!("{text}\n"));
                1
            }
        }
    }
}

/// Ends a program that takes too long.
struct Watchdog {
    ended: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watchdog {
    fn start(options: &RunOptions, breakers: &Arc<Breakers>, stop: &Arc<Stop>) -> Watchdog {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let thread = options.time_limit.map(|limit| {
            let (ended, breakers, stop) = (Arc::clone(&ended), Arc::clone(breakers), Arc::clone(stop));
            let output = options.output.clone();
            let body = move || {
                let mut done = ended.0.lock();
                let timed_out = ended.1.wait_while_for(&mut done, |done| !*done, limit).timed_out();
                if timed_out && !*done {
                    output.write_err(&format!("stopped: the time limit of {limit:?} is over\n"));
                    stop.timed_out.store(true, Relaxed);
                    stop.stopping.store(true, Relaxed);
                    breakers.raise_all(STOP);
                }
            };
            std::thread::Builder::new().name("time limit".into()).spawn(body)
        });
        Watchdog { ended, thread: thread.and_then(Result::ok) }
    }

    fn end(self) {
        *self.ended.0.lock() = true;
        self.ended.1.notify_all();
        if let Some(thread) = self.thread {
            // It only sets flags; there is nothing to learn from how it ended.
            let _ = thread.join();
        }
    }
}
