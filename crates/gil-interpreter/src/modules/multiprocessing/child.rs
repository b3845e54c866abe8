//! The child's side: its task, and its connection to the parent on standard input.
//!
//! # Threads
//! A thread of ours reads the answers and hands them to those who wait. When the connection closes before the
//! program has ended, the parent is gone, and the process ends with it.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::super::wait::Watched;
use super::wire::{Outcome, Task, ToChild, ToParent, WireError, read_frame, write_frame};
use crate::heap::HostObject;

/// What a child process of `multiprocessing` is to do after its module has run.
pub struct ChildTask {
    pub(super) task: Task,
    pub(super) connection: Arc<Connection>,
}

impl fmt::Debug for ChildTask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ChildTask").field("task", &self.task).finish_non_exhaustive()
    }
}

impl ChildTask {
    /// The task of this process, if a program's `multiprocessing` started it; its standard input is used up.
    ///
    /// # Errors
    /// Fails when the parent has gone, or standard input is not a connection to one.
    pub fn of_this_process() -> io::Result<Option<Arc<ChildTask>>> {
        if std::env::var_os(super::super::ROLE).is_none() {
            return Ok(None);
        }
        let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let first = read_frame::<ToChild>(&mut stream).map_err(io::Error::other)?;
        let Some(ToChild::Start(task)) = first else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the parent process sent no task"));
        };
        let connection = Connection::open(stream)?;
        Ok(Some(Arc::new(ChildTask { task, connection })))
    }

    /// `sys.argv` after the name of the file.
    pub(crate) fn args(&self) -> Vec<String> {
        self.task.argv.iter().skip(1).cloned().collect()
    }
}

/// The way to the parent.
pub(super) struct Connection {
    stream: UnixStream,
    writer: Mutex<UnixStream>,
    next: AtomicU64,
    /// `None` until the answer is there.
    pub(super) answers: Watched<HashMap<u64, Option<Outcome>>>,
    closing: AtomicBool,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl HostObject for Connection {}

impl Connection {
    fn open(stream: UnixStream) -> io::Result<Arc<Connection>> {
        let mut reader = stream.try_clone()?;
        let connection = Arc::new(Connection {
            writer: Mutex::new(stream.try_clone()?),
            stream,
            next: AtomicU64::new(1),
            answers: Watched::default(),
            closing: AtomicBool::new(false),
            reader: Mutex::default(),
        });
        let body = {
            let connection = Arc::clone(&connection);
            move || {
                connection.listen(&mut reader);
                if !connection.closing.load(Relaxed) {
                    std::process::exit(1);
                }
            }
        };
        *connection.reader.lock() = Some(std::thread::Builder::new().name("parent".into()).spawn(body)?);
        Ok(connection)
    }

    fn listen(&self, reader: &mut UnixStream) {
        // A malformed answer is the end of the connection like any other.
        while let Ok(Some(message)) = read_frame::<ToChild>(reader) {
            let ToChild::Answer { request, outcome } = message else { continue };
            self.answers.change(|answers| {
                // Whoever was interrupted waits no more.
                if let Some(place) = answers.get_mut(&request) {
                    *place = Some(outcome);
                }
            });
        }
    }

    /// Sends a request; its answer comes under the number that this gives.
    pub(super) fn ask(&self, message: impl FnOnce(u64) -> ToParent) -> Result<u64, WireError> {
        let request = self.next.fetch_add(1, Relaxed);
        self.answers.with(|answers| answers.insert(request, None));
        let sent = self.send(&message(request));
        if sent.is_err() {
            self.forget(request);
        }
        sent.map(|()| request)
    }

    pub(super) fn send(&self, message: &ToParent) -> Result<(), WireError> {
        write_frame(&mut *self.writer.lock(), message)
    }

    pub(super) fn forget(&self, request: u64) {
        self.answers.with(|answers| answers.remove(&request));
    }

    /// Ends it, at the end of the program.
    pub(super) fn close(&self) {
        self.closing.store(true, Relaxed);
        // The parent may have closed it already.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        if let Some(reader) = self.reader.lock().take() {
            // It has nothing to say.
            let _ = reader.join();
        }
    }
}

/// Takes an answer that is there.
pub(super) fn take_answer(answers: &mut HashMap<u64, Option<Outcome>>, request: u64) -> Option<Outcome> {
    let outcome = answers.get_mut(&request)?.take()?;
    answers.remove(&request);
    Some(outcome)
}
