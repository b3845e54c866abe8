//! What can go wrong in the loop itself, each error with its subject.

use std::io;
use std::panic::Location;

/// An error of the loop or of one of its handles.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoopError {
    /// The operating system refused what a loop needs to exist.
    #[error(
        "cannot create the loop ({what}): {source}; close unused descriptors or raise the limit (ulimit -n)"
    )]
    Create {
        /// What was asked of the system.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The poll call failed, so the loop cannot go on.
    #[error("poll failed: {0}")]
    Poll(io::Error),
    /// `run` was called from inside `run`.
    #[error("the loop is running already; schedule work on its handle instead of calling run again")]
    AlreadyRunning,
    /// The loop still has open handles or active requests.
    #[error(
        "the loop is busy: {handles} open handles, {requests} active requests, {tasks} tasks; close them and run the loop once more"
    )]
    Busy {
        /// Handles that are not closed.
        handles: usize,
        /// Requests whose callback has not run.
        requests: usize,
        /// Tasks that have not finished.
        tasks: usize,
    },
    /// The loop is gone.
    #[error("the loop is closed")]
    Closed,
    /// The handle is closing or closed, so it cannot be started.
    #[error("the {kind} is closing; make a new one")]
    Closing {
        /// The kind of the handle.
        kind: &'static str,
    },
    /// `again` on a timer that was never started.
    #[error("the timer was never started, so there is no callback to repeat; call start first")]
    NeverStarted,
    /// A callback, or the poll of a detached task, panicked and the loop's policy is to end.
    #[error("a callback from {location} panicked: {message}")]
    Panicked {
        /// Where the callback was given to the loop.
        location: &'static Location<'static>,
        /// The panic's message.
        message: String,
    },
}

/// The text of a panic's payload; `&str` and `String` cover what `panic!` makes.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a value that is not text".to_owned()
    }
}
