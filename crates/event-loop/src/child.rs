//! A child process: the loop is told once when it has ended.
//!
//! # Model
//! The handle is active from the spawn until the exit is told; without a reference it does not hold the loop.
//!
//! | how the loop learns of an end | where |
//! |---|---|
//! | a pidfd in the poll set becomes readable | Linux, while descriptors are left |
//! | SIGCHLD: each child that waits for it is looked at | elsewhere, and where a pidfd cannot be had |
//!
//! The loop reaps its children itself. A child whose handle is closed before its end, or whose loop is dropped, is left to a
//! thread that waits for it: it runs on, and nobody is told.
//!
//! # Invariants
//! - C1: an exit is told at most once, by a handle that is open, and the child is not active any more then.
//! - C2: every child is reaped, also when its handle was closed or its loop dropped before it ended.
//! - C3: a signal never reaches a stranger that got the number of a child that was reaped, as long as nobody else reaps here.
//!
//! A log of a run replays the end of a child that has a pidfd. Looks at children for SIGCHLD are not in the log.
//!
//! # Source
//! libuv 1.52 `process.c`, which looks at each of its children at every SIGCHLD; pidfd_open(2).

mod process;

use std::io;
use std::panic::Location;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::Duration;

use signal_hook::consts::{SIGCHLD, SIGTERM};

use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::SocketId;
use crate::handle::{HandleId, Kind, handle_methods};
use crate::phase::Callee;
use crate::timer::{Action, nanos};
use process::{Unreaped, ended, is_no_process, open_pidfd};

pub(crate) type ExitCallback = Box<dyn FnOnce(&LoopHandle, io::Result<ExitStatus>)>;

/// The part of a handle that only children have.
pub(crate) struct ChildState {
    /// Until it was reaped.
    process: Option<Unreaped>,
    /// Where the system has one for this child.
    pidfd: Option<SocketId>,
    /// Its end may have come: it is to be looked at.
    pub(crate) may_have_ended: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    on_exit: Option<ExitCallback>,
    /// An internal timer: when it fires, the child has been asked to end for long enough.
    patience: Option<HandleId>,
    /// Our ends of the pipes that were asked for and not taken; they close with the handle.
    pipes: Pipes,
}

#[derive(Default)]
struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

/// What a child leaves behind when its handle begins to close.
pub(crate) struct ChildRemains {
    pidfd: Option<SocketId>,
    /// Dropped, it is left to a thread (C2).
    process: Option<Unreaped>,
    patience: Option<HandleId>,
    pipes: Pipes,
    on_exit: Option<ExitCallback>,
}

impl ChildState {
    pub(crate) fn stop_for_good(&mut self) -> ChildRemains {
        ChildRemains {
            pidfd: self.pidfd.take(),
            process: self.process.take(),
            patience: self.patience.take(),
            pipes: std::mem::take(&mut self.pipes),
            on_exit: self.on_exit.take(),
        }
    }
}

/// A child process. Active until its exit is told. Closing the handle, or dropping the loop, leaves the child
/// alone: it runs on, and its exit is told to nobody. Dropping the value does nothing. Unix only.
///
/// The [`Command`] says what libuv's options say: arguments, environment, directory, user, standard streams. A child that is
/// to live on by itself (libuv: detached) gets a process group of its own, so that Ctrl-C on the terminal does not reach it,
/// streams that are not ours, and no reference. It stays in the session of the terminal, which libuv's leaves (setsid).
///
/// ```
/// use event_loop::{Child, EventLoop, RunMode};
/// use std::os::unix::process::CommandExt;
/// use std::process::{Command, Stdio};
///
/// let event_loop = EventLoop::new()?;
/// let mut command = Command::new("sleep");
/// command.arg("0.01").process_group(0);
/// command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
/// let child = Child::spawn(&event_loop.handle(), command, |_, _| {})?;
/// child.unref();
/// event_loop.run(RunMode::Default)?; // It does not wait for the child.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// The child blocks no signals, and those that this process watches do there what they do by default. What this process
    /// ignores, the child ignores too, as after every exec, except SIGPIPE (libuv has all of them at their defaults).
    ///
    /// A task waits for the end by means of a [`oneshot`](crate::oneshot):
    ///
    /// ```
    /// use event_loop::{Child, EventLoop, RunMode, oneshot};
    /// use std::process::Command;
    ///
    /// let event_loop = EventLoop::new()?;
    /// let lp = event_loop.handle();
    /// let task = event_loop.handle().spawn(async move {
    ///     let (sender, ended) = oneshot();
    ///     let child = Child::spawn(&lp, Command::new("true"), move |_, status| sender.send(status))?;
    ///     let status = ended.await.expect("the handle is open until the end")?;
    ///     child.close();
    ///     Ok::<_, std::io::Error>(status.success())
    /// });
    /// event_loop.run(RunMode::Default)?;
    /// assert!(task.try_take().unwrap()??);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The system's, at once, and `on_exit` is never called: no such program, not permitted, no process or descriptor left.
    /// `NotConnected` when the loop is gone.
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
        let mut child = command.spawn()?;
        let pid = child.id();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let state = ChildState {
            process: Some(Unreaped::new(child)),
            pidfd: None,
            may_have_ended: false,
            queued: false,
            on_exit: Some(Box::new(on_exit)),
            patience: None,
            pipes: Pipes { stdin, stdout, stderr },
        };
        let id = lp.core.handles.insert(Kind::Child(Box::new(state)), Location::caller());
        lp.set_active(id, true);
        if let Err(error) = lp.watch_child(id, pid) {
            // Nobody would ever tell that it has ended, so it is not left running.
            let _ = with_child(lp, id, |child| child.process.as_mut().map(Unreaped::kill));
            lp.set_active(id, false);
            drop(lp.core.handles.remove(id));
            return Err(error);
        }
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
        let killed = self.with_process(|process| process.map_or(Ok(()), Unreaped::kill));
        // Somebody else has reaped it, which its exit will tell.
        killed.or_else(|error| if is_no_process(&error) { Ok(()) } else { Err(error) })
    }

    /// Sends `signal`; 0 only asks whether the child can be sent signals.
    ///
    /// # Errors
    /// `InvalidInput` for what is no signal with a name, `NotFound` once the exit was told or somebody else has reaped it, `NotConnected` when the handle is closed, or the
    /// system's.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        self.with_process(|process| process.ok_or_else(ended)?.signal(signal))
            .map_err(|error| if is_no_process(&error) { ended() } else { error })
    }

    /// Asks the child to end (SIGTERM), and ends it (SIGKILL) when it has not after `patience`. Its exit is told in any
    /// case. Asked again, the later call's patience counts; closing the handle takes the threat back.
    ///
    /// # Errors
    /// `NotConnected` when the handle is closed, or the system's. That it has ended already is none.
    #[track_caller]
    pub fn terminate(&self, patience: Duration) -> io::Result<()> {
        match self.send_signal(SIGTERM) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            asked => asked?,
        }
        let timer = self.lp.timer_new_internal(Location::caller());
        let old = with_child(&self.lp, self.id, |child| child.patience.replace(timer)).flatten();
        old.into_iter().for_each(|old| self.lp.timer_free(old));
        self.lp.update_time();
        let deadline_ns = nanos(self.lp.elapsed()).saturating_add(nanos(patience));
        // It fails only when the loop is being dropped, and then the child is left alone.
        let _ = self.lp.timer_arm(timer, deadline_ns, Duration::ZERO, Action::Kill(self.id), false);
        Ok(())
    }

    /// Our end of the child's standard input, if `command` asked for a pipe; once. Writing to it blocks; as a
    /// [`Pipe`](crate::Pipe) of the loop it does not.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        with_child(&self.lp, self.id, |child| child.pipes.stdin.take()).flatten()
    }

    /// Our end of the child's standard output, if `command` asked for a pipe; once. Reading from it blocks; from a
    /// [`Pipe`](crate::Pipe) of the loop it does not.
    pub fn take_stdout(&self) -> Option<ChildStdout> {
        with_child(&self.lp, self.id, |child| child.pipes.stdout.take()).flatten()
    }

    /// Our end of the child's standard error, if `command` asked for a pipe; once. Reading from it blocks; from a
    /// [`Pipe`](crate::Pipe) of the loop it does not.
    pub fn take_stderr(&self) -> Option<ChildStderr> {
        with_child(&self.lp, self.id, |child| child.pipes.stderr.take()).flatten()
    }

    /// The process, or nothing once it was reaped (C3).
    fn with_process(&self, act: impl FnOnce(Option<&mut Unreaped>) -> io::Result<()>) -> io::Result<()> {
        let done = with_child(&self.lp, self.id, |child| act(child.process.as_mut()));
        let closed = || io::Error::new(io::ErrorKind::NotConnected, "the handle of the child is closed");
        done.ok_or_else(closed)?
    }
}

handle_methods!(Child);

fn with_child<R>(lp: &LoopHandle, id: HandleId, access: impl FnOnce(&mut ChildState) -> R) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Child(child) if !handle.closing => access.take().map(|access| access(child)),
        _ => None,
    });
    found.flatten()
}

impl LoopHandle {
    /// Sees to it that the loop learns of the end of this child.
    fn watch_child(&self, id: HandleId, pid: u32) -> io::Result<()> {
        if self.core.pidfds
            && let Ok(pidfd) = open_pidfd(pid)
        {
            let adopted = self.core.driver.borrow_mut().adopt(pidfd, id.token());
            if let Ok(socket) = adopted {
                with_child(self, id, |child| child.pidfd = Some(socket));
                return Ok(());
            }
        }
        self.watch_sigchld()?;
        self.core.children_by_signal.borrow_mut().push(id);
        // It may have ended before anybody watched.
        with_child(self, id, |child| child.may_have_ended = true);
        self.keep_ready(id);
        Ok(())
    }

    /// One watcher of the loop's own serves all children that have no pidfd, until no such child is left.
    fn watch_sigchld(&self) -> io::Result<()> {
        if self.core.sigchld.get().is_none() {
            let look = |lp: &LoopHandle, _| lp.children_may_have_ended();
            self.core.sigchld.set(Some(self.signal_watch_internally(SIGCHLD, Box::new(look))?));
        }
        Ok(())
    }

    /// SIGCHLD does not say who: all that wait for it are looked at, and the callbacks come when that is done.
    fn children_may_have_ended(&self) {
        let children = self.core.children_by_signal.borrow().clone();
        for id in children {
            if with_child(self, id, |child| child.may_have_ended = true).is_some() {
                self.keep_ready(id);
            }
        }
    }

    /// The pidfd is readable, or SIGCHLD came: reaps the child if it has ended, and tells it.
    pub(crate) fn child_ready(&self, id: HandleId) {
        // A replay is told of the end by its log, and the child of now may need a moment more.
        let waits = self.core.driver.borrow().is_replay();
        let ended = with_child(self, id, |child| {
            if !std::mem::take(&mut child.may_have_ended) {
                return None;
            }
            let status = child.process.as_mut()?.try_reap(waits && child.pidfd.is_some())?;
            child.process = None;
            Some((status, child.pidfd.take(), child.patience.take(), child.on_exit.take()))
        });
        let Some(Some((status, pidfd, patience, on_exit))) = ended else { return };
        self.child_unwatched(id, pidfd);
        patience.into_iter().for_each(|timer| self.timer_free(timer));
        self.set_active(id, false);
        let location = self.core.handles.with(id, |handle| handle.location);
        let (Some(location), Some(on_exit)) = (location, on_exit) else { return };
        self.call(Site::new(Callee::Exit, id.slot, location), || on_exit(self, status));
    }

    /// The child was asked to end and has not: it is ended.
    pub(crate) fn child_out_of_patience(&self, id: HandleId) {
        // One that has ended meanwhile will be told, and that somebody else has reaped it, too.
        let _ = with_child(self, id, |child| child.process.as_mut().map(Unreaped::kill));
    }

    /// The handle begins to close; a child that lives on is left to a thread (C2).
    pub(crate) fn child_closed(
        &self,
        id: HandleId,
        location: &'static Location<'static>,
        remains: ChildRemains,
    ) {
        let ChildRemains { pidfd, process, patience, pipes, on_exit } = remains;
        self.child_unwatched(id, pidfd);
        patience.into_iter().for_each(|timer| self.timer_free(timer));
        drop((pipes, process));
        self.dispose(location, on_exit);
    }

    /// In the child of a fork: the process is the parent's to watch and to reap. Our copies of its pipes stay.
    pub(crate) fn child_of_parent(&self, id: HandleId) {
        let gone =
            with_child(self, id, |child| (child.process.take(), child.pidfd.take(), child.on_exit.take()));
        let location = self.core.handles.with(id, |handle| handle.location);
        let (Some((process, pidfd, on_exit)), Some(location)) = (gone, location) else { return };
        self.child_unwatched(id, pidfd);
        self.set_active(id, false);
        // Not dropped, which would look for its end and might wait for it.
        std::mem::forget(process);
        self.dispose(location, on_exit);
    }

    fn child_unwatched(&self, id: HandleId, pidfd: Option<SocketId>) {
        if let Some(pidfd) = pidfd {
            self.core.driver.borrow_mut().close(pidfd);
            return;
        }
        let mut children = self.core.children_by_signal.borrow_mut();
        children.retain(|child| *child != id);
        if children.is_empty()
            && let Some(watcher) = self.core.sigchld.take()
        {
            self.signal_free(watcher);
        }
    }
}
