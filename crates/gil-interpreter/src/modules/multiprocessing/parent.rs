//! The parent's side: its queues, its child processes, and a thread for each child that serves it.
//!
//! # Threads
//! ```text
//! program thread                    `process N`, one for each child
//! start: makes the socket pair ---> starts the process, so that it lives as long as this thread
//!        waits for the outcome <--- says whether that went well, sends the task
//!                                   serves requests until the socket closes
//! join:  waits for the status  <--- waits for the end of the process, leaves its status
//! end of the program: closes the sockets, kills whom it must, joins these threads
//! ```
//! A child ends itself when its socket closes, so that none outlives its parent.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::super::wait::Watched;
use super::child::Connection;
use super::shared::{Answer, Asker, SharedQueue};
use super::wire::{Outcome, Task, ToChild, ToParent, WireError, read_frame, write_frame};
use crate::heap::HostObject;

/// All that this process knows of others.
#[derive(Default)]
pub(super) struct Family {
    queues: Mutex<HashMap<u64, Arc<SharedQueue>>>,
    next_queue: AtomicU64,
    pub(super) named: AtomicU64,
    children: Mutex<Vec<Arc<Handle>>>,
    /// In a child: the way to its parent.
    pub(super) parent: OnceLock<Arc<Connection>>,
}

impl HostObject for Family {}

impl Family {
    /// A queue of this process. Its number differs from those of all other processes.
    pub(super) fn new_queue(&self, room: Option<usize>) -> Arc<SharedQueue> {
        let number = (u64::from(std::process::id()) << 32) | self.next_queue.fetch_add(1, Relaxed);
        Arc::new(SharedQueue::new(number, room))
    }

    /// From now on others may ask for it by its number.
    pub(super) fn publish(&self, queue: &Arc<SharedQueue>) {
        self.queues.lock().insert(queue.number, Arc::clone(queue));
    }

    pub(super) fn queue(&self, number: u64) -> Option<Arc<SharedQueue>> {
        self.queues.lock().get(&number).cloned()
    }

    pub(super) fn children(&self) -> Vec<Arc<Handle>> {
        self.children.lock().clone()
    }

    /// Joins the threads of all children, which must be ending.
    pub(super) fn join(&self) {
        let children = std::mem::take(&mut *self.children.lock());
        for child in children {
            child.link.close();
            if let Some(thread) = child.thread.lock().take() {
                // It has nothing to say but the status, which is there.
                let _ = thread.join();
            }
        }
    }

    /// Starts a process; its handle tells when it runs, or why not.
    pub(super) fn start(
        self: &Arc<Family>,
        command: Command,
        task: Task,
        daemon: bool,
    ) -> io::Result<Arc<Handle>> {
        let (ours, theirs) = UnixStream::pair()?;
        let reader = ours.try_clone()?;
        let handle = Arc::new(Handle {
            daemon,
            link: Arc::new(Link { stream: ours.try_clone()?, writer: Mutex::new(ours) }),
            process: Mutex::default(),
            state: Watched::default(),
            thread: Mutex::default(),
        });
        let name: String = task.name.chars().filter(|c| *c != '\0').take(15).collect();
        let body = {
            let (family, handle) = (Arc::clone(self), Arc::clone(&handle));
            move || handle.live(&family, command, task, theirs, reader)
        };
        *handle.thread.lock() = Some(std::thread::Builder::new().name(name).spawn(body)?);
        let mut children = self.children.lock();
        children.retain(|child| child.status().is_none());
        children.push(Arc::clone(&handle));
        Ok(handle)
    }
}

/// The socket to one child; many threads write to it.
pub(super) struct Link {
    stream: UnixStream,
    writer: Mutex<UnixStream>,
}

impl Link {
    fn send(&self, message: &ToChild) -> Result<(), WireError> {
        write_frame(&mut *self.writer.lock(), message)
    }

    fn close(&self) {
        // It may be closed already.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl Answer for Link {
    fn answer(&self, request: u64, outcome: Outcome) -> Result<(), Outcome> {
        let message = ToChild::Answer { request, outcome };
        match (self.send(&message), message) {
            (Ok(()), _) => Ok(()),
            (Err(_), ToChild::Answer { outcome, .. }) => Err(outcome),
            (Err(_), ToChild::Start(_)) => Ok(()),
        }
    }
}

/// How far a child has come.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Starting,
    Running {
        pid: u32,
    },
    Failed(io::ErrorKind),
    /// As Python's `exitcode`: the code, or the negative signal.
    Ended {
        pid: u32,
        status: i32,
    },
}

/// A child process.
pub(super) struct Handle {
    pub(super) daemon: bool,
    link: Arc<Link>,
    /// There from start to end, so that signals reach nobody else.
    process: Mutex<Option<Child>>,
    pub(super) state: Watched<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    /// The life of the thread `process N`.
    fn live(&self, family: &Family, command: Command, task: Task, theirs: UnixStream, reader: UnixStream) {
        let pid = match spawn(command, theirs) {
            Ok(child) => {
                let pid = child.id();
                *self.process.lock() = Some(child);
                pid
            }
            Err(error) => {
                self.state.change(|state| *state = State::Failed(error.kind()));
                return;
            }
        };
        self.state.change(|state| *state = State::Running { pid });
        let served = self.link.send(&ToChild::Start(task)).and_then(|()| self.serve(family, reader));
        let to: Arc<dyn Answer> = Arc::clone(&self.link) as Arc<dyn Answer>;
        let queues: Vec<_> = family.queues.lock().values().cloned().collect();
        queues.iter().for_each(|queue| queue.forget(&to));
        if matches!(served, Err(WireError::Malformed(_) | WireError::TooLong(_))) {
            self.signal(Signal::KILL);
        }
        self.link.close();
        let status = self.reap(pid);
        self.state.change(|state| *state = State::Ended { pid, status });
    }

    fn serve(&self, family: &Family, mut reader: UnixStream) -> Result<(), WireError> {
        let mut waiting: HashMap<u64, u64> = HashMap::new();
        while let Some(message) = read_frame::<ToParent>(&mut reader)? {
            let (request, number) = match &message {
                ToParent::Get { request, queue } | ToParent::Put { request, queue, .. } => {
                    waiting.insert(*request, *queue);
                    (*request, *queue)
                }
                ToParent::Size { request, queue } => (*request, *queue),
                ToParent::Cancel { request } => (*request, waiting.remove(request).unwrap_or(0)),
            };
            // Only who cancels needs to know the queue of an old request, and cancels one of the last.
            if waiting.len() > 4096 {
                waiting.retain(|old, _| old + 2048 > request);
            }
            let asker = Asker { to: Arc::clone(&self.link) as Arc<dyn Answer>, request };
            match (family.queue(number), message) {
                (Some(queue), ToParent::Get { .. }) => queue.get(asker),
                (Some(queue), ToParent::Put { item, .. }) => queue.put(asker, item),
                (Some(queue), ToParent::Cancel { .. }) => {
                    queue.cancel(&asker);
                }
                (Some(queue), ToParent::Size { .. }) => {
                    // A child that has gone meanwhile shows at the next read.
                    let _ = asker.to.answer(request, queue.size());
                }
                (None, ToParent::Cancel { .. }) => {}
                (None, _) => {
                    let _ = asker.to.answer(request, Outcome::Unknown);
                }
            }
        }
        Ok(())
    }

    /// Waits for the end without reaping, so that a signal meanwhile cannot reach another process.
    fn reap(&self, pid: u32) -> i32 {
        if let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(id), options), Err(rustix::io::Errno::INTR)) {}
        }
        let child = self.process.lock().take();
        child.and_then(|mut child| child.wait().ok()).map_or(1, exit_code)
    }

    /// Sends a signal, if the process still is.
    pub(super) fn signal(&self, signal: Signal) {
        let process = self.process.lock();
        let pid = process.as_ref().and_then(|child| i32::try_from(child.id()).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself just now.
            let _ = kill_process(pid, signal);
        }
    }

    pub(super) fn status(&self) -> Option<i32> {
        self.state.with(ended)
    }
}

/// The status of a child that has ended, or never began.
pub(super) fn ended(state: &mut State) -> Option<i32> {
    match state {
        State::Ended { status, .. } => Some(*status),
        State::Failed(_) => Some(1),
        _ => None,
    }
}

fn spawn(mut command: Command, theirs: UnixStream) -> io::Result<Child> {
    command.env(super::super::ROLE, "process").stdin(OwnedFd::from(theirs)).spawn()
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(1)
}
