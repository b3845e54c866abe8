//! After a fork: the loop of the child gets everything of the kernel anew that it would share with its parent.
//!
//! # Model
//! A fork copies the memory of the loop, and both copies mean the same descriptors: one poll set, one wake-up, one pipe for
//! each signal. What one process does there the other would feel, so the child makes its own and leaves the old ones as they
//! are.
//!
//! | part of the loop | in the child |
//! |---|---|
//! | timers, watchers, ticks, callbacks that are due, what was written and is queued | go on, as copies |
//! | sockets and pipes | watched by a poll set of the child's own; the sockets themselves are shared |
//! | signals | a pipe of the child's own; what came before and was not told is the parent's |
//! | tasks | polled once, for a wake-up may have been on its way |
//! | async handles, posted closures | later ones are heard; what was on its way is the parent's |
//! | requests to other threads | given up, their callbacks dropped: those threads are in the parent |
//! | children | the parent's: inactive here, and their ends are told there |
//!
//! # Source
//! libuv 1.52 `uv_loop_fork`, which leaves lost requests and children counted, so that the child's loop never ends.

use std::io;
use std::panic::Location;

use crate::core::LoopHandle;
use crate::driver::SocketId;
use crate::error::LoopError;
use crate::event_loop::EventLoop;
use crate::handle::{HandleId, Kind};

impl EventLoop {
    /// Makes the loop usable in the child of a fork (libuv's `uv_loop_fork`): to be called there, on the thread that forked,
    /// before anything else is done with the loop. The parent does nothing. Each loop of the thread needs it. Unix only.
    ///
    /// Timers, sockets, signals, tasks and sends from threads of the child work on. A socket is one for both processes: a
    /// byte or a connection goes to who takes it first, so mostly one of the two closes its copy. Requests that threads of the
    /// parent would complete are given up, and children of the parent are not the child's: their handles are inactive, cannot
    /// be signalled, and never call back.
    ///
    /// Until the call the child's signals are told to the parent's loop; who minds blocks them around the fork. A child that does not
    /// call it must leave the loop alone, neither run nor drop it: exec, or exit. A fork while another thread of the process
    /// is inside a lock leaves that lock locked in the child for ever; that is so in every program. What a log records
    /// of a loop after a fork cannot be replayed.
    ///
    /// # Errors
    /// [`LoopError::Create`] when the system has no descriptors left for poll set, wake-up and signals; the loop must not be
    /// run then.
    pub fn after_fork(&self) -> Result<(), LoopError> {
        let lp = self.handle();
        let _current = crate::task::enter_loop(&lp);
        lp.renew_poll_set().map_err(|source| refused("poll set and wake-up after a fork", source))?;
        lp.each_handle(is_child, |id| lp.child_of_parent(id));
        let mut renewed = Ok(());
        lp.each_handle(is_signal_source, |id| {
            if renewed.is_ok() {
                renewed = lp.signal_source_after_fork(id);
            }
        });
        renewed.map_err(|source| refused("pipes for signals after a fork", source))?;
        crate::signal::let_go_of_parent();
        lp.each_handle(is_async, |id| lp.forget_sends(id));
        lp.core.requests.clear(&lp);
        lp.wake_all_tasks();
        Ok(())
    }
}

fn refused(what: &'static str, source: io::Error) -> LoopError {
    LoopError::Create { what, source }
}

fn is_child(kind: &Kind) -> bool {
    matches!(kind, Kind::Child(_))
}

fn is_signal_source(kind: &Kind) -> bool {
    matches!(kind, Kind::SignalSource(_))
}

fn is_async(kind: &Kind) -> bool {
    matches!(kind, Kind::Async { .. })
}

/// The socket that the handle shares with the parent, and goes on with.
fn shared_socket(kind: &Kind) -> Option<SocketId> {
    match kind {
        Kind::Listener(listener) => Some(listener.socket),
        Kind::Stream(stream) => Some(stream.socket),
        Kind::Udp(socket) => socket.socket,
        // Signals get new pipes, and the children are not ours.
        Kind::SignalSource(_) | Kind::Child(_) => None,
        Kind::Signal(_) | Kind::Timer(_) | Kind::Watcher { .. } | Kind::Async { .. } => None,
    }
}

impl LoopHandle {
    /// A poll set and an inbox of the child's own.
    fn renew_poll_set(&self) -> io::Result<()> {
        let sockets = self.core.handles.ids().into_iter().filter_map(|id| {
            let socket = self.core.handles.with(id, |handle| match handle.closing {
                // Its socket is closed, and the number may be another's.
                true => None,
                false => shared_socket(&handle.kind),
            });
            Some((socket??, id.token()))
        });
        let sockets: Vec<_> = sockets.collect();
        self.core.driver.borrow_mut().after_fork(&sockets)?;
        let waker = self.core.driver.borrow().waker();
        let lost = self.core.remotes.after_fork(waker);
        self.dispose(Location::caller(), lost);
        Ok(())
    }

    /// For each handle of the kinds that are meant; no borrow of the table is alive meanwhile.
    fn each_handle(&self, is_meant: fn(&Kind) -> bool, mut act: impl FnMut(HandleId)) {
        for id in self.core.handles.ids() {
            if self.core.handles.with(id, |handle| is_meant(&handle.kind)) == Some(true) {
                act(id);
            }
        }
    }
}
