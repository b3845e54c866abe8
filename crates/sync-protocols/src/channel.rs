//! A bounded channel of many senders and one receiver, whose ends are threads or tasks.
//!
//! # Model
//! Whoever must wait leaves a waker: a task its own, a thread one that ends its park. A place that becomes free is
//! promised to the sender that has waited longest, and nobody else may take it. So senders are served in the order of
//! their coming, and none is overtaken for ever by those that only try.
//!
//! ```text
//! sender                                          receiver
//! lock; closed? the value comes back              lock; take the oldest item
//! a place is free or promised to it:              promise its place to the oldest ticket
//!   push; take the receiver's waker; unlock       unlock; wake that sender
//!   wake it if there was one                      nothing there: leave a waker; unlock; sleep
//! otherwise: leave a waker under a ticket,
//!   unlock, sleep
//! ```
//!
//! The races. Looking and leaving a waker are one step under the lock, so an item that comes in between finds the waker.
//! The waker is taken by the first item of a burst, and the others find none: one wake-up for all of them. A sender that
//! was promised a place and goes away without using it passes the promise on, or the next one would sleep beside a free
//! place.
//!
//! Wakers and values are other people's code: they are cloned, woken and dropped when the lock is free.
//!
//! # Invariants
//! - M1: a value that was accepted is received once or returned by `clear`, in the order of acceptance; one that was not
//!   comes back to its sender.
//! - M2: nobody sleeps beside what he waits for: the receiver on an item or the end, a sender on a free place or the end.
//! - M3: never more than `capacity` values wait.
//! - M4: a burst leads to one wake-up of the receiver.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{SendError, TryRecvError, TrySendError};
use std::task::{Wake, Waker};

use crate::shim::{Mutex, Thread, current, park};

/// The shared part of a channel; see the file's header. It begins with one sender.
pub struct Channel<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

/// Guarded by `Channel::state`.
struct State<T> {
    items: VecDeque<T>,
    /// Places that belong to senders which have waited, were woken and have not come yet.
    promised: usize,
    /// The senders that wait, by ticket: the oldest first.
    waiting: BTreeMap<u64, Waker>,
    next_ticket: u64,
    receiver: Option<Waker>,
    senders: usize,
    closed: bool,
}

impl<T> State<T> {
    fn has_room(&self, capacity: usize) -> bool {
        self.items.len() + self.promised < capacity
    }

    /// Appends a value and says whom to wake.
    fn push(&mut self, value: T) -> Option<Waker> {
        self.items.push_back(value);
        self.receiver.take()
    }

    /// Promises a place that has become free and says whom to wake.
    fn promise(&mut self) -> Option<Waker> {
        let (_, waker) = self.waiting.pop_first()?;
        self.promised += 1;
        Some(waker)
    }

    /// Takes the oldest item and says whom to wake.
    fn take(&mut self) -> (Result<T, TryRecvError>, Option<Waker>) {
        match self.items.pop_front() {
            Some(item) => (Ok(item), self.promise()),
            None if self.closed || self.senders == 0 => (Err(TryRecvError::Disconnected), None),
            None => (Err(TryRecvError::Empty), None),
        }
    }
}

impl<T> Channel<T> {
    /// A channel in which at most `capacity` values wait.
    pub fn new(capacity: usize) -> Channel<T> {
        let state = State {
            items: VecDeque::new(),
            promised: 0,
            waiting: BTreeMap::new(),
            next_ticket: 0,
            receiver: None,
            senders: 1,
            closed: false,
        };
        Channel { capacity, state: Mutex::new(state) }
    }

    /// Sends if a place is free.
    ///
    /// # Errors
    /// Full or closed, with the value.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(TrySendError::Disconnected(value));
        }
        if !state.has_room(self.capacity) {
            return Err(TrySendError::Full(value));
        }
        let receiver = state.push(value);
        drop(state);
        receiver.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Sends, or leaves the waker for when a place is there; `ticket` is the caller's from one call to the next. Who does
    /// not come again must [`give_up`](Channel::give_up) a ticket that is left.
    ///
    /// # Errors
    /// Full or closed, with the value.
    pub fn send(&self, value: T, ticket: &mut Option<u64>, waker: &Waker) -> Result<(), TrySendError<T>> {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if state.closed {
            *ticket = None;
            return Err(TrySendError::Disconnected(value));
        }
        let may_push = match *ticket {
            None => state.has_room(self.capacity),
            Some(number) => !state.waiting.contains_key(&number),
        };
        if !may_push {
            let number = *ticket.get_or_insert(state.next_ticket);
            state.next_ticket = state.next_ticket.max(number + 1);
            let old = state.waiting.insert(number, waker);
            drop(state);
            drop(old);
            return Err(TrySendError::Full(value));
        }
        if ticket.take().is_some() {
            state.promised -= 1;
        }
        let receiver = state.push(value);
        drop(state);
        receiver.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Ends the wait that this ticket stands for, and passes on what was promised to it.
    pub fn give_up(&self, ticket: u64) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        let own = state.waiting.remove(&ticket);
        let next = if own.is_none() {
            state.promised -= 1;
            state.promise()
        } else {
            None
        };
        drop(state);
        drop(own);
        next.into_iter().for_each(Waker::wake);
    }

    /// Sends, and puts the thread to sleep until a place is there.
    ///
    /// # Errors
    /// Closed, before or meanwhile, with the value.
    pub fn send_blocking(&self, value: T) -> Result<(), SendError<T>> {
        let waker = Waker::from(Arc::new(Unpark(current())));
        let (mut value, mut ticket) = (value, None);
        loop {
            match self.send(value, &mut ticket, &waker) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(back)) => return Err(SendError(back)),
                Err(TrySendError::Full(back)) => value = back,
            }
            park();
        }
    }

    /// One sender more.
    pub fn add_sender(&self) {
        self.state.lock().senders += 1;
    }

    /// One sender less; the last one ends the channel.
    pub fn remove_sender(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        let receiver = if state.senders == 0 { state.receiver.take() } else { None };
        drop(state);
        receiver.into_iter().for_each(Waker::wake);
    }

    /// Takes the oldest item.
    ///
    /// # Errors
    /// Empty for now, or for good.
    pub fn try_receive(&self) -> Result<T, TryRecvError> {
        let (received, sender) = self.state.lock().take();
        sender.into_iter().for_each(Waker::wake);
        received
    }

    /// Takes the oldest item, or leaves the waker for when one is there. Who does not come again calls
    /// [`stop_waiting`](Channel::stop_waiting), or the waker stays as long as the channel.
    ///
    /// # Errors
    /// Empty for now, or for good.
    pub fn receive(&self, waker: &Waker) -> Result<T, TryRecvError> {
        let first = self.try_receive();
        if !matches!(first, Err(TryRecvError::Empty)) {
            return first;
        }
        let waker = waker.clone();
        let mut state = self.state.lock();
        let (received, sender) = state.take();
        let unused = match received {
            Err(TryRecvError::Empty) => state.receiver.replace(waker),
            _ => Some(waker),
        };
        drop(state);
        drop(unused);
        sender.into_iter().for_each(Waker::wake);
        received
    }

    /// Takes back the waker of a receiver that does not come again, or has nothing more to wait for.
    pub fn stop_waiting(&self) {
        let own = self.state.lock().receiver.take();
        drop(own);
    }

    /// Refuses further values, also those of senders that wait. What was accepted can still be received.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.promised = 0;
        let receiver = state.receiver.take();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        receiver.into_iter().chain(waiting.into_values()).for_each(Waker::wake);
    }

    /// Takes all that waits, without promising the places: for a channel that is closed.
    pub fn clear(&self) -> VecDeque<T> {
        std::mem::take(&mut self.state.lock().items)
    }

    /// Whether values are refused.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// How many values wait.
    pub fn len(&self) -> usize {
        self.state.lock().items.len()
    }

    /// Whether no value waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Ends the park of a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
