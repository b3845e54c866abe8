//! The ways in from other threads: posted closures, async handles, and requests that complete elsewhere.
//!
//! # Model
//! Everything from outside goes through one inbox, and one wake-up serves a whole burst. An async handle puts
//! itself into the inbox once, however often it is sent to, so a wake-up costs what is pending and not how
//! many handles exist ([`Coalesced`], which has the races and their models).
//!
//! | sender | loop |
//! |---|---|
//! | push the item (under the inbox lock) | wake-up seen in poll |
//! | inbox was empty: wake the loop | take all items (under the inbox lock) |
//! | otherwise somebody else's wake-up is on its way | run them, oldest first |
//!
//! # Invariants
//! - R1: a send that happens after the callback of an async handle began leads to another callback.
//! - R2: a request ends exactly once: its after-callback runs, or it is given up and its callback is dropped.
//!
//! # Threads
//! [`RemoteHandle`], [`AsyncSender`] and [`Completion`] may be used and dropped on any thread, also after the
//! loop is gone.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use runtime_trace::EventKind;
use slab::Slab;
use sync_protocols::{Coalesced, Inbox};

use crate::blame::Site;
use crate::core::{Callback, LoopHandle};
use crate::driver::{LoopWaker, Quota};
use crate::error::LoopError;
use crate::handle::{HandleId, Kind, handle_methods};
use crate::phase::Callee;
use crate::task::TaskKey;

/// Something that another thread wants the loop to do.
pub(crate) enum Item {
    Run { code: Box<dyn FnOnce(&LoopHandle) + Send>, callee: Callee, location: &'static Location<'static> },
    Async(HandleId),
    WakeTask(TaskKey),
    FreeTimer(HandleId),
    GiveUp(RequestKey),
}

/// The part of a loop that other threads share.
pub(crate) struct Shared {
    inbox: Inbox<Item>,
    waker: LoopWaker,
    /// In the child of a fork: what took the place of this, to which everything that is sent here goes.
    after_fork: OnceLock<Arc<Shared>>,
}

impl Shared {
    fn new(waker: LoopWaker) -> Arc<Shared> {
        Arc::new(Shared { inbox: Inbox::default(), waker, after_fork: OnceLock::new() })
    }

    /// Hands the item over; on a closed loop it comes back.
    pub(crate) fn send(&self, item: Item) -> Result<(), Item> {
        if let Some(after_fork) = self.after_fork.get() {
            return after_fork.send(item);
        }
        match self.inbox.push(item) {
            Ok(true) => {
                self.waker.wake();
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(sync_protocols::Closed(item)) => Err(item),
        }
    }
}

/// The loop's end of the inbox.
pub(crate) struct Remotes {
    shared: RefCell<Arc<Shared>>,
    buffer: RefCell<Vec<Item>>,
    taken: RefCell<VecDeque<Item>>,
}

impl Remotes {
    pub(crate) fn new(waker: LoopWaker) -> Remotes {
        let shared = RefCell::new(Shared::new(waker));
        Remotes { shared, buffer: RefCell::default(), taken: RefCell::default() }
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.shared.borrow().clone()
    }

    pub(crate) fn handle(&self) -> RemoteHandle {
        RemoteHandle { shared: self.shared() }
    }

    /// In the child of a fork: an inbox of its own. The old one is left as it is, for a thread of the parent may have
    /// been in the middle of it; what the loop had taken out of it is returned, to be dropped by the caller.
    #[cfg(unix)]
    pub(crate) fn after_fork(&self, waker: LoopWaker) -> (Vec<Item>, VecDeque<Item>) {
        let new = Shared::new(waker);
        let old = self.shared.replace(new.clone());
        // Nobody else can have been here: a child begins with this thread alone.
        let _ = old.after_fork.set(new);
        std::mem::forget(old);
        (self.buffer.take(), self.taken.take())
    }

    /// Items that an ended run left behind.
    pub(crate) fn has_left_over(&self) -> bool {
        !self.taken.borrow().is_empty()
    }

    /// Refuses further items and returns what waits, to be dropped by the caller without a borrow.
    pub(crate) fn close(&self) -> (Vec<Item>, Vec<Item>, VecDeque<Item>) {
        (self.shared().inbox.close(), self.buffer.take(), self.taken.take())
    }

    /// Takes what has come; in a replay as many items as in the run that was logged, waiting for them if need
    /// be and leaving what is more for later.
    fn take(&self, quota: Option<Quota>) -> usize {
        let mut buffer = self.buffer.borrow_mut();
        let shared = self.shared.borrow();
        shared.inbox.take_all(&mut buffer);
        let mut count = buffer.len();
        if let Some(Quota { items, patience }) = quota {
            while buffer.len() < items && shared.waker.wait(patience) {
                shared.inbox.take_all(&mut buffer);
            }
            count = items.min(buffer.len());
        }
        self.taken.borrow_mut().extend(buffer.drain(..count));
        count
    }
}

/// The Send way into a loop.
#[derive(Clone)]
pub struct RemoteHandle {
    shared: Arc<Shared>,
}

impl RemoteHandle {
    /// Runs `code` on the loop's thread, in its poll phase. A posted closure does not keep the loop alive: a
    /// loop that has ended finds it in its next run.
    ///
    /// # Errors
    /// [`LoopError::Closed`] when the loop is gone; `code` is dropped.
    #[track_caller]
    pub fn post(&self, code: impl FnOnce(&LoopHandle) + Send + 'static) -> Result<(), LoopError> {
        let location = Location::caller();
        let item = Item::Run { code: Box::new(code), callee: Callee::Posted, location };
        self.shared.send(item).map_err(|_item| LoopError::Closed)
    }

    /// Asks the loop to stop after its current pass.
    ///
    /// # Errors
    /// [`LoopError::Closed`] when the loop is gone.
    #[track_caller]
    pub fn stop(&self) -> Result<(), LoopError> {
        self.post(|lp| lp.stop())
    }
}

impl LoopHandle {
    /// Takes what other threads have sent, to be run by [`LoopHandle::run_left_over`].
    pub(crate) fn take_inbox(&self) {
        let quota = self.core.driver.borrow_mut().inbox_quota();
        let count = self.core.remotes.take(quota);
        self.core.driver.borrow_mut().note_inbox(count);
        self.core.instruments.point(EventKind::Wake, 0, count as u32);
    }

    /// Runs what was taken from the inbox; returns how many items it was.
    pub(crate) fn run_left_over(&self) -> usize {
        let mut ran = 0;
        while !self.core.must_end() {
            let Some(item) = self.core.remotes.taken.borrow_mut().pop_front() else { break };
            ran += 1;
            match item {
                Item::Run { code, callee, location } => {
                    self.call(Site::new(callee, ran as u32, location), || code(self));
                }
                Item::Async(id) => self.run_async(id),
                Item::WakeTask(key) => self.wake_task(key),
                Item::FreeTimer(id) => self.timer_free(id),
                Item::GiveUp(key) => {
                    let callback = self.core.requests.remove(self, key);
                    self.dispose(Location::caller(), callback);
                }
            }
        }
        ran
    }

    /// In the child of a fork: sends that its callback has not answered are the parent's (libuv clears them, too).
    #[cfg(unix)]
    pub(crate) fn forget_sends(&self, id: HandleId) {
        self.core.handles.with(id, |handle| {
            if let Kind::Async { shared, .. } = &handle.kind {
                shared.pending.lower();
            }
        });
    }

    fn run_async(&self, id: HandleId) {
        let taken = self.core.handles.with(id, |handle| {
            let location = handle.location;
            match &mut handle.kind {
                Kind::Async { shared, callback } if !handle.closing => {
                    // Lowered before the callback: a send from now on is a new one (R1).
                    shared.pending.lower();
                    callback.take().map(|callback| (callback, location))
                }
                _ => None,
            }
        });
        let Some(Some((mut callback, location))) = taken else { return };
        self.call(Site::new(Callee::Async, id.slot, location), || callback(self));
        let mut callback = Some(callback);
        self.core.handles.with(id, |handle| {
            if let Kind::Async { callback: slot, .. } = &mut handle.kind {
                *slot = callback.take();
            }
        });
        self.dispose(location, callback);
    }

    /// Registers a request: from now until just before `callback` runs, the loop is kept alive. The returned
    /// completion is handed to whoever does the work.
    #[track_caller]
    pub fn request<T: Send + 'static>(
        &self,
        callback: impl FnOnce(&LoopHandle, T) + 'static,
    ) -> Completion<T> {
        let location = Location::caller();
        let key = self.core.requests.insert(self, RequestCallback(Box::new(callback)), location);
        Completion { shared: self.core.remotes.shared(), key: Some(key), location, value: PhantomData }
    }
}

/// Which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestKey {
    slot: u32,
    number: u32,
}

type AfterCallback<T> = dyn FnOnce(&LoopHandle, T);

struct RequestCallback<T>(Box<AfterCallback<T>>);

struct Request {
    number: u32,
    /// A `RequestCallback<T>`; only the completion with the same `T` asks for it.
    callback: Box<dyn Any>,
}

/// The requests that wait for their completion.
#[derive(Default)]
pub(crate) struct Requests {
    slots: RefCell<Slab<Request>>,
    next_number: Cell<u32>,
}

impl Requests {
    fn insert<T: 'static>(
        &self,
        lp: &LoopHandle,
        callback: RequestCallback<T>,
        location: &'static Location<'static>,
    ) -> RequestKey {
        let number = self.next_number.get().wrapping_add(1);
        self.next_number.set(number);
        if lp.core.closed.get() {
            lp.dispose(location, callback);
            return RequestKey { slot: u32::MAX, number };
        }
        let request = Request { number, callback: Box::new(callback) };
        let slot = self.slots.borrow_mut().insert(request) as u32;
        lp.core.count_request(true);
        RequestKey { slot, number }
    }

    /// Ends the request and returns its callback, not yet called.
    fn remove(&self, lp: &LoopHandle, key: RequestKey) -> Option<Box<dyn Any>> {
        let mut slots = self.slots.borrow_mut();
        slots.get(key.slot as usize).filter(|request| request.number == key.number)?;
        lp.core.count_request(false);
        Some(slots.remove(key.slot as usize).callback)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    pub(crate) fn clear(&self, lp: &LoopHandle) {
        let requests: Vec<Request> = self.slots.borrow_mut().drain().collect();
        for request in requests {
            lp.core.count_request(false);
            lp.dispose(Location::caller(), request.callback);
        }
    }
}

/// The right and duty to end one request, from any thread.
///
/// Dropping it without [`Completion::complete`] gives the request up: its callback is dropped uncalled.
pub struct Completion<T> {
    shared: Arc<Shared>,
    key: Option<RequestKey>,
    location: &'static Location<'static>,
    value: PhantomData<fn(T)>,
}

impl<T: Send + 'static> Completion<T> {
    /// Delivers the value to the request's callback, in the poll phase of its loop.
    pub fn complete(mut self, value: T) {
        let Some(key) = self.key.take() else { return };
        let code = move |lp: &LoopHandle| {
            let callback = lp.core.requests.remove(lp, key);
            if let Some(Ok(callback)) = callback.map(|callback| callback.downcast::<RequestCallback<T>>()) {
                (callback.0)(lp, value);
            }
        };
        let item = Item::Run { code: Box::new(code), callee: Callee::Request, location: self.location };
        // A loop that is gone has dropped the callback already; the value goes the same way.
        drop(self.shared.send(item));
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            drop(self.shared.send(Item::GiveUp(key)));
        }
    }
}

/// What an async handle shares with its senders.
pub(crate) struct AsyncShared {
    /// Sent to, and not yet called back: such a send is coalesced.
    pending: Coalesced,
}

/// A handle whose callback any thread can ask for. Active from the start until closed.
#[derive(Clone)]
pub struct AsyncHandle {
    lp: LoopHandle,
    id: HandleId,
}

impl AsyncHandle {
    /// A handle that calls back on the loop's thread after one or more sends.
    #[track_caller]
    pub fn new(lp: &LoopHandle, callback: impl FnMut(&LoopHandle) + 'static) -> AsyncHandle {
        AsyncHandle::make(lp, Some(Box::new(callback)), Location::caller())
    }

    /// A handle without a callback: a send only wakes the loop.
    #[track_caller]
    pub fn wake_only(lp: &LoopHandle) -> AsyncHandle {
        AsyncHandle::make(lp, None, Location::caller())
    }

    fn make(
        lp: &LoopHandle,
        callback: Option<Callback>,
        location: &'static Location<'static>,
    ) -> AsyncHandle {
        if lp.core.closed.get() {
            drop(callback);
            return AsyncHandle { lp: lp.clone(), id: HandleId::NOBODY };
        }
        let shared = Arc::new(AsyncShared { pending: Coalesced::default() });
        let id = lp.core.handles.insert(Kind::Async { shared, callback }, location);
        lp.set_active(id, true);
        AsyncHandle { lp: lp.clone(), id }
    }

    /// The sending end.
    pub fn sender(&self) -> AsyncSender {
        let known = self.lp.core.handles.with(self.id, |handle| match &handle.kind {
            Kind::Async { shared, .. } => Some(shared.clone()),
            _ => None,
        });
        // Of a handle that is gone: up for good, so that nothing is ever sent.
        let shared =
            known.flatten().unwrap_or_else(|| Arc::new(AsyncShared { pending: Coalesced::raised() }));
        AsyncSender { shared, id: self.id, remote: self.lp.remote() }
    }
}

handle_methods!(AsyncHandle);

/// Asks for the callback of one async handle, from any thread.
#[derive(Clone)]
pub struct AsyncSender {
    shared: Arc<AsyncShared>,
    id: HandleId,
    remote: RemoteHandle,
}

impl AsyncSender {
    /// Leads to at least one callback that begins after this call; sends in between are one. On a handle or
    /// loop that is gone nothing happens.
    pub fn send(&self) {
        if self.shared.pending.raise() {
            drop(self.remote.shared.send(Item::Async(self.id)));
        }
    }
}
