//! hyper's runtime traits on our sockets, timers and tasks.
//!
//! # Threads
//! hyper wants its timer Send and Sync. Ours is zero-sized and finds the loop through the thread; polling a
//! sleep on another thread panics, dropping it there cancels it.

use std::future::Future;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use clock::Clock;
use event_loop::{LoopHandle, OwnedTcpStream, Sleep};
use hyper::rt::{Executor, Read, ReadBufCursor, Timer, Write};

thread_local! {
    /// What a read lands in before it is copied into hyper's buffer, which may be uninitialised: the price of
    /// doing without `unsafe` is one copy. Also where the pieces of a small write come together.
    static SCRATCH: std::cell::Cell<Vec<u8>> = const { std::cell::Cell::new(Vec::new()) };
}

/// How much one read takes at most; hyper's own buffer starts at 8 KiB.
const SCRATCH_BYTES: usize = 16 * 1024;

/// How many header fields hyper accepts when nobody says how many.
pub(super) const HYPERS_HEADERS: usize = 100;

/// A head and a body of so few bytes together are copied and sent as one piece, so that the system need not gather them.
const COPIED_BYTES: usize = 2 * 1024;

fn with_scratch<R>(use_it: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut scratch = SCRATCH.take();
    if scratch.is_empty() {
        scratch.resize(SCRATCH_BYTES, 0);
    }
    let result = use_it(&mut scratch);
    SCRATCH.set(scratch);
    result
}

/// A connection of the loop as hyper wants it.
pub struct HyperIo(pub OwnedTcpStream);

impl Read for HyperIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        with_scratch(|scratch| {
            let room = cursor.remaining().min(SCRATCH_BYTES);
            let polled = self.0.poll_read(cx, &mut scratch[..room]);
            if let Poll::Ready(Ok(bytes)) = polled {
                cursor.put_slice(&scratch[..bytes]);
            }
            polled.map_ok(|_| ())
        })
    }
}

impl Write for HyperIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.poll_write(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let bytes: usize = data.iter().map(|slice| slice.len()).sum();
        if data.len() == 1 || bytes > COPIED_BYTES {
            return self.0.poll_write(cx, data);
        }
        with_scratch(|scratch| {
            let mut at = 0;
            for slice in data {
                scratch[at..at + slice.len()].copy_from_slice(slice);
                at += slice.len();
            }
            self.0.poll_write(cx, &[IoSlice::new(&scratch[..bytes])])
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

/// The timer of the loop that runs on this thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoopTimer;

impl Timer for LoopTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep(event_loop::sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep(event_loop::sleep_until(deadline)))
    }

    /// hyper moves the deadline of a head at every request.
    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<HyperSleep>() {
            Some(ours) => ours.get_mut().0.reset(deadline),
            None => *sleep = self.sleep_until(deadline),
        }
    }

    /// The time now, not the cached one: hyper counts its deadlines from here, and a route that held the loop must
    /// not shorten the time that the next request has to come.
    fn now(&self) -> Instant {
        match LoopHandle::current() {
            Some(lp) => {
                lp.update_time();
                lp.now()
            }
            None => Clock::real().now(),
        }
    }
}

/// The timer of one connection.
///
/// hyper wants a deadline for each head and throws it away when the head has come. Here the sleep comes back and is moved,
/// which costs next to nothing: a timer is armed once in the time that a head may take, not once for each request. One that
/// nobody waits for may wake the connection once, which then finds nothing to do.
#[derive(Clone, Default)]
pub(super) struct HeadTimer {
    /// Only the loop's thread is ever here, but hyper wants timers that are Sync.
    spare: Arc<Mutex<Option<Sleep>>>,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        let sleep = match lock(&self.spare).take() {
            Some(mut spare) => {
                spare.reset(deadline);
                spare
            }
            None => event_loop::sleep_until(deadline),
        };
        Box::pin(HeadSleep { sleep: Some(sleep), spare: self.spare.clone() })
    }

    fn now(&self) -> Instant {
        LoopTimer.now()
    }
}

/// A deadline of one connection, which goes back to its [`HeadTimer`].
struct HeadSleep {
    /// Until it is dropped.
    sleep: Option<Sleep>,
    spare: Arc<Mutex<Option<Sleep>>>,
}

impl Future for HeadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().map_or(Poll::Ready(()), |sleep| Pin::new(sleep).poll(cx))
    }
}

impl hyper::rt::Sleep for HeadSleep {}

impl Drop for HeadSleep {
    fn drop(&mut self) {
        let replaced = std::mem::replace(&mut *lock(&self.spare), self.sleep.take());
        drop(replaced);
    }
}

/// Nothing panics while it is held.
fn lock(spare: &Mutex<Option<Sleep>>) -> MutexGuard<'_, Option<Sleep>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sleep of the loop as hyper wants it.
pub struct HyperSleep(Sleep);

impl Future for HyperSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl hyper::rt::Sleep for HyperSleep {}

/// Spawns hyper's helper futures as tasks of the loop that runs on this thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoopExecutor;

impl<F> Executor<F> for LoopExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    /// # Panics
    /// When no loop runs on this thread.
    fn execute(&self, future: F) {
        let lp = LoopHandle::current().expect("hyper's tasks are spawned while the loop runs");
        drop(lp.spawn(future));
    }
}
