//! The poll phase: sleep until something is ready, then serve it.
//!
//! # Model
//! Time is read after every return from poll. When a wake-up served nobody, the loop goes back to sleep for
//! the rest of the time. When a poll comes back full, it is repeated without sleeping, at most 48 times.
//! Sockets that kept their readiness (a cap was hit, reading was started with data waiting) are served first
//! and keep poll from sleeping.
//!
//! # Invariants
//! - P1: an event for a handle that was closed in the same batch reaches nobody.
//!
//! # Source
//! libuv 1.52 `uv__io_poll`.

use std::io;
use std::time::Duration;

use runtime_trace::EventKind;

use crate::core::LoopHandle;
use crate::driver::{EVENTS_PER_POLL, Readiness, WAKE};
use crate::error::LoopError;
use crate::handle::{HandleId, Kind};

/// How many poll calls one phase makes at most when they come back full.
const FULL_POLLS: usize = 48;

impl LoopHandle {
    /// Polls and serves what is ready.
    pub(crate) fn run_poll(&self, timeout: Option<Duration>) -> Result<(), LoopError> {
        let mut events = self.core.events.take();
        let result = self.poll_and_serve(timeout, &mut events);
        events.clear();
        *self.core.events.borrow_mut() = events;
        result
    }

    fn poll_and_serve(
        &self,
        timeout: Option<Duration>,
        events: &mut Vec<Readiness>,
    ) -> Result<(), LoopError> {
        let core = &self.core;
        let mut timeout = timeout;
        let deadline_ns = timeout.map(|wait| core.now_ns.get().saturating_add(crate::timer::nanos(wait)));
        let mut kept = core.ready_io.borrow().len();
        let mut full_polls = 0;
        loop {
            events.clear();
            let sleeps = timeout != Some(Duration::ZERO);
            let waiting = self.poll_once(timeout, events)?;
            let mut served = self.run_left_over();
            served += self.serve_kept(std::mem::take(&mut kept));
            served += self.serve(events);
            core.metrics.count_events(served as u64, if waiting { served as u64 } else { 0 });
            if core.must_end() {
                return Ok(());
            }
            full_polls += 1;
            if events.len() == EVENTS_PER_POLL && full_polls < FULL_POLLS {
                timeout = Some(Duration::ZERO);
                continue;
            }
            if served > 0 || !sleeps || core.stopped.get() || core.tasks.any_ready() {
                return Ok(());
            }
            timeout = deadline_ns.map(|at| Duration::from_nanos(at.saturating_sub(core.now_ns.get())));
            if timeout == Some(Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// One poll call; reads the clock after it. The answer is whether the events were there before any sleep.
    fn poll_once(&self, timeout: Option<Duration>, events: &mut Vec<Readiness>) -> Result<bool, LoopError> {
        let core = &self.core;
        let sleeps = timeout != Some(Duration::ZERO);
        let look_first = sleeps && core.count_waiting;
        if look_first {
            self.ask_driver(Some(Duration::ZERO), events)?;
        }
        let found = look_first && !events.is_empty();
        if sleeps && !found {
            core.metrics.busy(core.now_ns.get().saturating_sub(core.woken_ns.get()));
            core.metrics.fall_asleep(core.now_ns.get());
        }
        core.instruments.point(EventKind::PollBegin, 0, 0);
        let result = if found { Ok(()) } else { self.ask_driver(timeout, events) };
        self.update_time();
        core.instruments.point(EventKind::PollEnd, 0, events.len() as u32);
        let now_ns = core.now_ns.get();
        if sleeps && !found {
            core.metrics.wake_up(now_ns);
        } else {
            core.metrics.busy(now_ns.saturating_sub(core.woken_ns.get()));
        }
        core.woken_ns.set(now_ns);
        result?;
        Ok(!sleeps || found)
    }

    fn ask_driver(&self, timeout: Option<Duration>, events: &mut Vec<Readiness>) -> Result<(), LoopError> {
        match self.core.driver.borrow_mut().poll(timeout, events) {
            Ok(()) => Ok(()),
            // A signal came: the caller sees no event and sleeps on for the rest of the time.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(LoopError::Poll(error)),
        }
    }

    /// Serves the first `count` handles that kept their readiness; who hits a cap again goes to the end.
    fn serve_kept(&self, count: usize) -> usize {
        let mut served = 0;
        for _ in 0..count {
            if self.core.must_end() {
                break;
            }
            let Some(id) = self.core.ready_io.borrow_mut().pop_front() else { break };
            let queued = self.core.handles.with(id, |handle| handle.kind.set_queued(false));
            if queued == Some(true) {
                served += 1;
                self.serve_handle(id);
            }
        }
        served
    }

    /// Serves one batch of events; the answer is how many reached somebody.
    fn serve(&self, events: &[Readiness]) -> usize {
        let mut served = 0;
        for event in events {
            // When the run must end, readiness and wake-up are remembered for the next: an edge does not come
            // again, and senders that find items in the inbox do not wake.
            if event.token == WAKE {
                self.take_inbox();
                served += self.run_left_over();
            } else if let Some(id) = self.remember(event) {
                served += 1;
                if self.core.must_end() {
                    self.keep_ready(id);
                } else if !self.is_kept(id) {
                    self.serve_handle(id);
                }
            }
        }
        served
    }

    /// Sets the readiness bits of the handle that the event is for, if it still exists (P1).
    fn remember(&self, event: &Readiness) -> Option<HandleId> {
        let id = HandleId::from_token(event.token);
        let found = self.core.handles.with(id, |handle| match &mut handle.kind {
            _ if handle.closing => false,
            Kind::Listener(listener) => {
                listener.readable |= event.readable;
                true
            }
            Kind::Stream(stream) => {
                stream.readable |= event.readable;
                stream.writable |= event.writable;
                stream.read_closed |= event.read_closed;
                stream.urgent |= event.urgent;
                true
            }
            Kind::Udp(socket) => {
                socket.readable |= event.readable;
                socket.writable |= event.writable;
                true
            }
            #[cfg(unix)]
            Kind::SignalSource(source) => {
                source.readable |= event.readable;
                true
            }
            #[cfg(unix)]
            Kind::Child(child) => {
                child.may_have_ended |= event.readable;
                true
            }
            _ => false,
        });
        (found == Some(true)).then_some(id)
    }

    /// Whether the handle has its turn on the queue anyhow: it hit its cap in this very phase (I2).
    fn is_kept(&self, id: HandleId) -> bool {
        let queued = self.core.handles.with(id, |handle| match &handle.kind {
            Kind::Listener(listener) => listener.queued,
            Kind::Stream(stream) => stream.queued,
            Kind::Udp(socket) => socket.queued,
            #[cfg(unix)]
            Kind::SignalSource(source) => source.queued,
            #[cfg(unix)]
            Kind::Child(child) => child.queued,
            _ => false,
        });
        queued == Some(true)
    }

    fn serve_handle(&self, id: HandleId) {
        let serve = self.core.handles.with(id, |handle| {
            let serve: fn(&LoopHandle, HandleId) = match handle.kind {
                Kind::Listener(_) => LoopHandle::listener_ready,
                Kind::Stream(_) => LoopHandle::stream_ready,
                Kind::Udp(_) => LoopHandle::udp_ready,
                #[cfg(unix)]
                Kind::SignalSource(_) => LoopHandle::signal_ready,
                #[cfg(unix)]
                Kind::Child(_) => LoopHandle::child_ready,
                _ => return None,
            };
            Some(serve)
        });
        // Called without a borrow of the table (L1).
        if let Some(Some(serve)) = serve {
            serve(self, id);
        }
    }

    /// Queues a handle whose readiness nobody has used up; poll will not sleep before it is served.
    pub(crate) fn keep_ready(&self, id: HandleId) {
        let queued = self.core.handles.with(id, |handle| handle.closing || handle.kind.set_queued(true));
        if queued == Some(false) {
            self.core.ready_io.borrow_mut().push_back(id);
        }
    }
}

impl Kind {
    /// Notes that the handle is on the queue, or no more; the answer is whether it was.
    fn set_queued(&mut self, now: bool) -> bool {
        match self {
            Kind::Listener(listener) => std::mem::replace(&mut listener.queued, now),
            Kind::Stream(stream) => std::mem::replace(&mut stream.queued, now),
            Kind::Udp(socket) => std::mem::replace(&mut socket.queued, now),
            #[cfg(unix)]
            Kind::SignalSource(source) => std::mem::replace(&mut source.queued, now),
            #[cfg(unix)]
            Kind::Child(child) => std::mem::replace(&mut child.queued, now),
            _ => true,
        }
    }
}
