//! `threading`: threads, and what they wait for each other with.
//!
//! # Model
//! Each object keeps its state behind a small lock of its own, never the global one; who has to wait gives the
//! global lock away first. Under `per-interp` the state is all that is shared, because it is not a Python object.

mod lock;
mod condition;
mod semaphore;
mod event;
mod barrier;
mod thread;
mod timer;

use crate::heap::Heap;
use crate::native::Registry;
use crate::types;
use crate::value::Value;

pub(super) use lock::Mutual;
pub(super) use thread::{call_target, join_all};

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    r.module_value("threading", "TIMEOUT_MAX", Value::Float(9_223_372_036.0));
    r.module_value("threading", "ThreadError", Value::Class(types::RUNTIME_ERROR));
    let local = r.module_class("threading", "local", types::OBJECT, &["<table>"]);
    r.heap.class_mut(local, |class| class.per_thread = true);
    lock::register(r);
    condition::register(r);
    semaphore::register(r);
    event::register(r);
    barrier::register(r);
    let thread = thread::register(r);
    timer::register(r, thread);
}
