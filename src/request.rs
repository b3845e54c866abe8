//! A request: blocking work that was described but not yet begun, to be waited for by callback or by future.

use std::future::{Future, IntoFuture};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::Utf8Error;
use std::task::{Context, Poll};

use blocking_pool::{BlockingPool, JobKind, JobOutcome, SubmitError};
use event_loop::{LoopHandle, OneshotReceiver, oneshot};

use crate::join::{self, JobHandle};

/// Why a request has no value. The text is complete: it says the cause, so there is no `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The system refused a file operation.
    #[error("cannot {action} {path:?}: {cause}")]
    File {
        /// What was asked: read, write, stat, list.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// The system refused an operation on two files.
    #[error("cannot {action} {from:?} to {to:?}: {cause}")]
    TwoFiles {
        /// What was asked: rename, copy, link.
        action: &'static str,
        /// The one that was there.
        from: PathBuf,
        /// The one that was to be.
        to: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// A write ended early, because the disk is full, for example. What was written stays.
    #[error("cannot {action} {path:?}: {cause} ({written_bytes} of {whole_bytes} bytes were written)")]
    PartlyWritten {
        /// What was asked: write, append to, copy to.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// So many bytes were written.
        written_bytes: u64,
        /// So many should have been.
        whole_bytes: u64,
        /// The system's answer.
        cause: io::Error,
    },
    /// A file has more bytes than the reader allows.
    #[error("cannot read {path:?}: it has more than {limit_bytes} bytes, which is the limit here")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// So many bytes are allowed.
        limit_bytes: usize,
    },
    /// A file that was read as text is no UTF-8.
    #[error("cannot read {path:?} as text: {cause}")]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where its first wrong byte is.
        cause: Utf8Error,
    },
    /// A host name could not be resolved, or an address has no name.
    #[error("cannot look up {host:?}: {cause}")]
    Name {
        /// The name; for a look-up of an address, the address.
        host: String,
        /// The resolver's answer.
        cause: io::Error,
    },
    /// The system has no random bytes.
    #[error("cannot get random bytes: {0}")]
    Random(io::Error),
    /// It was cancelled before it began; or its outcome cannot come any more, in the child of a fork.
    #[error("cancelled before it began")]
    Cancelled,
    /// The work panicked.
    #[error("the work panicked: {0}")]
    Panicked(String),
    /// The pool refused the job.
    #[error(transparent)]
    Rejected(#[from] SubmitError),
    /// There is no loop on this thread, or it has no pool.
    #[error("no runtime is running on this thread; use Request::then with the handle of one")]
    NoRuntime,
}

impl RequestError {
    /// What the system said, if it was asked: its kind tells a missing file from a full disk.
    pub fn cause(&self) -> Option<&io::Error> {
        match self {
            RequestError::File { cause, .. }
            | RequestError::TwoFiles { cause, .. }
            | RequestError::PartlyWritten { cause, .. }
            | RequestError::Name { cause, .. }
            | RequestError::Random(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Blocking work, not yet begun. `.await` it in a task, or give it a callback with [`Request::then`].
#[must_use = "a request does nothing until it is awaited or given a callback"]
pub struct Request<T> {
    kind: JobKind,
    name: &'static str,
    work: Box<dyn FnOnce() -> Result<T, RequestError> + Send>,
}

impl<T: Send + 'static> Request<T> {
    pub(crate) fn new(
        kind: JobKind,
        name: &'static str,
        work: impl FnOnce() -> Result<T, RequestError> + Send + 'static,
    ) -> Request<T> {
        Request { kind, name, work: Box::new(work) }
    }

    /// Begins the request and calls `after` on the loop with its outcome, never from inside this call.
    ///
    /// # Errors
    /// When the loop has no pool, or the pool refuses the job; `after` is dropped uncalled.
    #[track_caller]
    pub fn then(
        self,
        lp: &LoopHandle,
        after: impl FnOnce(&LoopHandle, Result<T, RequestError>) + 'static,
    ) -> Result<JobHandle, RequestError> {
        let pool = lp.data::<BlockingPool>().ok_or(RequestError::NoRuntime)?;
        let after = move |lp: &LoopHandle, outcome| after(lp, flatten(outcome));
        Ok(join::join(lp, &pool, self.kind, self.name, self.work, after)?)
    }

    /// Does the work here and now, on this thread: what `readFileSync` is to `readFile`.
    ///
    /// # Errors
    /// As the request itself.
    pub fn run_here(self) -> Result<T, RequestError> {
        (self.work)()
    }
}

fn flatten<T>(outcome: JobOutcome<Result<T, RequestError>>) -> Result<T, RequestError> {
    match outcome {
        JobOutcome::Done(result) => result,
        JobOutcome::Cancelled => Err(RequestError::Cancelled),
        JobOutcome::Panicked(report) => Err(RequestError::Panicked(report.to_string())),
    }
}

impl<T: Send + 'static> IntoFuture for Request<T> {
    type Output = Result<T, RequestError>;
    type IntoFuture = RequestFuture<T>;

    #[track_caller]
    fn into_future(self) -> RequestFuture<T> {
        let (sender, receiver) = oneshot();
        let begun = match LoopHandle::current() {
            Some(lp) => self.then(&lp, move |_lp, outcome| sender.send(outcome)),
            None => Err(RequestError::NoRuntime),
        };
        match begun {
            Ok(job) => RequestFuture { job: Some(job), receiver, refused: None },
            Err(error) => RequestFuture { job: None, receiver, refused: Some(error) },
        }
    }
}

/// A request that has begun. Dropping it cancels the job if it still waits in the queue.
pub struct RequestFuture<T> {
    job: Option<JobHandle>,
    receiver: OneshotReceiver<Result<T, RequestError>>,
    refused: Option<RequestError>,
}

impl<T> Future for RequestFuture<T> {
    type Output = Result<T, RequestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(error) = self.refused.take() {
            return Poll::Ready(Err(error));
        }
        let outcome = Pin::new(&mut self.receiver).poll(cx);
        outcome.map(|outcome| {
            self.job = None;
            outcome.unwrap_or(Err(RequestError::Cancelled))
        })
    }
}

impl<T> Unpin for RequestFuture<T> {}

impl<T> Drop for RequestFuture<T> {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            // Too late is fine: then the outcome is thrown away when it comes.
            let _ = job.cancel();
        }
    }
}
