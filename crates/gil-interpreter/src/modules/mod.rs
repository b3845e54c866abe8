//! The modules that a program may import, one file each.
//!
//! # Model
//! Each module registers its functions, classes and values before the program starts. An instance of a class of
//! ours keeps its resource (a lock, a socket) in its first slot, where programs cannot write, so that Python can
//! derive from the class. Whatever waits does so in `wait`, without the lock.

mod support;
mod wait;
mod time;
mod math;
mod sys;
mod os;
mod hashlib;
mod threading;
mod message;
mod queue;
mod socket;
mod selectors;
mod multiprocessing;

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::Registry;
use crate::value::Value;

pub use multiprocessing::ChildTask;

/// The environment variable that tells a process that it is a child of `multiprocessing`.
const ROLE: &str = "GIL_INTERPRETER_ROLE";

/// Adds every module; `argv` is what the program finds in `sys.argv`.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>, argv: &[String]) {
    time::register(r);
    math::register(r);
    sys::register(r, argv);
    os::register(r);
    hashlib::register(r);
    threading::register(r);
    queue::register(r);
    socket::register(r);
    selectors::register(r);
    multiprocessing::register(r);
}

/// In a child process: calls what the parent asked for.
pub(crate) fn run_child<H: Heap>(m: &mut Machine<H>, task: &ChildTask) -> Result<Value, Unwind> {
    multiprocessing::run_child(m, task)
}

/// At the end of the main module: waits for all threads that are no daemons.
pub(crate) fn join_threads<H: Heap>(m: &mut Machine<H>) -> Result<(), Unwind> {
    threading::join_all(m)
}

/// After that: waits for child processes, ends those that are daemons, and closes what else of ours is open.
pub(crate) fn end_of_program<H: Heap>(m: &mut Machine<H>) {
    multiprocessing::end_of_program(m);
}
