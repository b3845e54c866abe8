//! A child process: the loop is told once when it has ended.
//!
//! # Model
//! The handle is active from the spawn until the exit is told; without a reference it does not hold the loop.
//! Each child has a waiter, a thread that sleeps in the kernel until the child has ended and then sends the exit
//! through the loop's inbox. A thread for each child is the limit of this design (fit for tens of children); on
//! Linux a pidfd in the poll set would save it. libuv watches SIGCHLD instead, which takes over a signal of the
//! whole process.
//!
//! # Invariants
//! - C1: an exit is told at most once, by a handle that is open, and the child is not active any more then.
//! - C2: every child is reaped, also when its handle was closed or its loop dropped before it ended.
//! - C3: a signal never reaches a stranger that got the number of a child that was reaped.
//!
//! # Threads
//! | waiter (`child-waiter`) | loop |
//! |---|---|
//! | gets the child, or learns that the spawn failed | spawns; hands the child over |
//! | waits without reaping, without the lock | kills under the lock, if not reaped (C3) |
//! | reaps under the lock, sends the exit | takes it from the inbox; a closed handle ignores it (C1) |
//!
//! Nobody joins a waiter: it ends with its child, which may outlive the loop (C2).

use std::io;
use std::panic::Location;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::blame::Site;
use crate::core::LoopHandle;
use crate::handle::{HandleId, Kind, handle_methods};
use crate::phase::Callee;
use crate::remote::{Item, Shared};

pub(crate) type ExitCallback = Box<dyn FnOnce(&LoopHandle, io::Result<ExitStatus>)>;

/// The process, for whoever kills and whoever reaps. Held for a moment, never while waiting.
struct Process(Mutex<std::process::Child>);

impl Process {
    fn lock(&self) -> MutexGuard<'_, std::process::Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the child has ended, then reaps it.
    fn wait(&self) -> io::Result<ExitStatus> {
        let pid = i32::try_from(self.lock().id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // An error (somebody else reaped it) is found again, and told, by the wait below.
            let _ = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), ended));
        }
        self.lock().wait()
    }
}

/// The part of a handle that only children have.
pub(crate) struct ChildState {
    process: Arc<Process>,
    on_exit: Option<ExitCallback>,
    /// Our ends of the pipes that were asked for and not taken; they close with the handle.
    pipes: Pipes,
}

#[derive(Default)]
struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl ChildState {
    pub(crate) fn stop_for_good(&mut self) -> Option<ExitCallback> {
        self.pipes = Pipes::default();
        self.on_exit.take()
    }
}

/// A child process. Active until its exit is told. Closing the handle, or dropping the loop, leaves the child
/// alone: it runs on, and its exit is told to nobody. Dropping the value does nothing. Unix only.
#[derive(Clone)]
pub struct Child {
    lp: LoopHandle,
    id: HandleId,
    pid: u32,
}

impl Child {
    /// Starts `command`; `on_exit` learns how it ended, once, in the poll phase of a run of the loop. It learns of
    /// an error instead when somebody else has reaped the child (or the process ignores SIGCHLD).
    ///
    /// # Errors
    /// The system's, at once, and `on_exit` is never called: no such program, not permitted, no process, thread
    /// or descriptor left. `NotConnected` when the loop is gone.
    #[track_caller]
    pub fn spawn(
        lp: &LoopHandle,
        command: Command,
        on_exit: impl FnOnce(&LoopHandle, io::Result<ExitStatus>) + 'static,
    ) -> io::Result<Child> {
        if lp.core.closed.get() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed"));
        }
        let mut command = command;
        // The waiter first: no child is started that nobody could reap (C2).
        let (hand_over, handed_over) = mpsc::channel();
        let shared = lp.core.remotes.shared().clone();
        std::thread::Builder::new()
            .name("child-waiter".to_owned())
            .spawn(move || wait(&handed_over, &shared))?;
        let mut child = command.spawn()?;
        let pid = child.id();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Arc::new(Process(Mutex::new(child)));
        let state = ChildState {
            process: process.clone(),
            on_exit: Some(Box::new(on_exit)),
            pipes: Pipes { stdin, stdout, stderr },
        };
        let id = lp.core.handles.insert(Kind::Child(Box::new(state)), Location::caller());
        lp.set_active(id, true);
        // The waiter is there: it ends only after it got a child, or when this sender is dropped.
        let _ = hand_over.send((process, id));
        Ok(Child { lp: lp.clone(), id, pid })
    }

    /// The number of the process. After its end the system may give it to another one.
    pub fn id(&self) -> u32 {
        self.pid
    }

    /// Ends the child at once (SIGKILL). That it has ended already is no error; its exit is told in any case.
    ///
    /// # Errors
    /// `NotConnected` when the handle is closed, or the system's.
    pub fn kill(&self) -> io::Result<()> {
        let process = with_child(&self.lp, self.id, |child| child.process.clone());
        let process = process.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotConnected, "the handle of the child is closed")
        })?;
        process.lock().kill()
    }

    /// Our end of the child's standard input, if `command` asked for a pipe; once. Writing to it blocks.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        with_child(&self.lp, self.id, |child| child.pipes.stdin.take()).flatten()
    }

    /// Our end of the child's standard output, if `command` asked for a pipe; once. Reading from it blocks.
    pub fn take_stdout(&self) -> Option<ChildStdout> {
        with_child(&self.lp, self.id, |child| child.pipes.stdout.take()).flatten()
    }

    /// Our end of the child's standard error, if `command` asked for a pipe; once. Reading from it blocks.
    pub fn take_stderr(&self) -> Option<ChildStderr> {
        with_child(&self.lp, self.id, |child| child.pipes.stderr.take()).flatten()
    }
}

handle_methods!(Child);

/// The life of a waiter.
fn wait(handed_over: &mpsc::Receiver<(Arc<Process>, HandleId)>, shared: &Shared) {
    let Ok((process, id)) = handed_over.recv() else { return };
    let result = process.wait();
    // A loop that is gone wants to know nothing; the child is reaped.
    drop(shared.send(Item::Exit(id, result)));
}

fn with_child<R>(lp: &LoopHandle, id: HandleId, access: impl FnOnce(&mut ChildState) -> R) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Child(child) if !handle.closing => access.take().map(|access| access(child)),
        _ => None,
    });
    found.flatten()
}

impl LoopHandle {
    /// The exit of a child has come out of the inbox.
    pub(crate) fn child_exited(&self, id: HandleId, result: io::Result<ExitStatus>) {
        let location = self.core.handles.with(id, |handle| handle.location);
        let on_exit = with_child(self, id, |child| child.on_exit.take()).flatten();
        let (Some(location), Some(on_exit)) = (location, on_exit) else { return };
        self.set_active(id, false);
        self.call(Site::new(Callee::Exit, id.slot, location), || on_exit(self, result));
    }
}
