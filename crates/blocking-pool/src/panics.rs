//! A panic as a value: what it said and where, instead of a thread that is gone.
//!
//! # Model
//! `catch_unwind` yields the payload, but only the panic hook is told the place. So the first pool of the process
//! puts a hook in front of the one that is there. In a thread that runs a job the hook keeps the place for the
//! report; in every case it then calls the earlier hook, so the usual message still appears on standard error.
//! A program that sets its own hook later, without calling ours, gets reports without a place.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// How a job panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanicReport {
    /// The name that the job was submitted under.
    pub job: &'static str,
    /// The text of the panic; a fixed sentence when the payload was not a text.
    pub message: String,
    /// Where it panicked; `None` when another panic hook replaced ours.
    pub location: Option<PanicLocation>,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanicLocation {
    /// The path of the file as the compiler saw it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for PanicReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "job {:?} panicked", self.job)?;
        if let Some(location) = &self.location {
            write!(out, " at {location}")?;
        }
        write!(out, ": {}", self.message)
    }
}

impl fmt::Display for PanicLocation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Whether this thread runs a job, and whether the hook has left a place.
#[derive(Clone, Copy, PartialEq)]
enum Catching {
    No,
    Yes,
    Located,
}

thread_local! {
    static CATCHING: Cell<Catching> = const { Cell::new(Catching::No) };
    static LOCATION: RefCell<Option<PanicLocation>> = const { RefCell::new(None) };
}

/// Puts the hook in place, once in a process.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // `try_with`: a panic may come from a destructor of the thread's own locals.
            if CATCHING.try_with(Cell::get).is_ok_and(|catching| catching != Catching::No) {
                let location = info.location().map(|at| PanicLocation {
                    file: at.file().to_owned(),
                    line: at.line(),
                    column: at.column(),
                });
                let _ = LOCATION.try_with(|cell| cell.replace(location));
                CATCHING.set(Catching::Located);
            }
            earlier(info);
        }));
    });
}

/// Runs `work`, turning a panic into a report about `job`.
#[inline]
pub(crate) fn catch<T>(job: &'static str, work: impl FnOnce() -> T) -> Result<T, PanicReport> {
    let outer = CATCHING.replace(Catching::Yes);
    // Unwind safety: what `work` captured is gone when it panics, and the pool shares nothing with it.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    // Taken even when the job caught its own panic: the next report must not find a place that is not its own.
    let location = if CATCHING.replace(outer) == Catching::Located { LOCATION.take() } else { None };
    result.map_err(|payload| {
        let message = message_of(payload.as_ref());
        dispose(payload);
        PanicReport { job, message, location }
    })
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "the payload of the panic was not a text".to_owned()
    }
}

/// Drops a panic's payload; one that panics in turn is left to leak, for there is nobody to tell any more.
fn dispose(payload: Box<dyn Any + Send>) {
    if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_one_sentence() {
        let location = Some(PanicLocation { file: "src/a.rs".into(), line: 7, column: 3 });
        let report = PanicReport { job: "resize", message: "no such size".into(), location };
        assert_eq!(report.to_string(), "job \"resize\" panicked at src/a.rs:7:3: no such size");
        let nowhere = PanicReport { location: None, ..report };
        assert_eq!(nowhere.to_string(), "job \"resize\" panicked: no such size");
    }

    #[test]
    fn a_payload_that_panics_when_dropped_does_no_harm() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("the payload fell over");
            }
        }
        install_hook();
        let report = catch("bomb", || panic::panic_any(Bomb)).expect_err("it panicked");
        assert_eq!(report.message, "the payload of the panic was not a text");
    }
}
