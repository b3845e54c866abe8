//! A hand-made waker: what stands between a future that is not ready and the thread that polls it.
//!
//! A future that must wait keeps the waker of its poll and gives it to whoever knows when to go on: a timer, a socket, another
//! thread. Write the waker, by implementing `std::task::Wake`, and `block_on`, which polls one future to its end:
//!
//! - Between two polls the thread sleeps until the waker was called. It is never polled without a wake, and several wakes
//!   before the next poll count as one.
//! - A wake may come while the future is polled, before the thread sleeps, from another thread, or after the end.
//! - `park` may return for other reasons than your waker, and what the future calls inside a poll may use `park` for itself.
//!
//! The grader's futures do all of that under many schedules. It finds wakes that are lost and polls that nobody asked for.
//!
//! `grader::sync` has `thread::{current, park}`, `Thread::unpark`, `AtomicBool`, `Mutex` and `Condvar`. Chapter: the event
//! loop in five steps. The wakers of this project's loop are in `crates/event-loop/src/task`.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use grader::hand_made_waker::{BoxFuture, Executor};
use grader::sync::thread;

struct Signal {
    // TODO: which thread sleeps, and was the waker called?
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // TODO
    }
}

struct BlockOn;

impl Executor for BlockOn {
    fn block_on(mut future: BoxFuture) -> u64 {
        let waker = Waker::from(Arc::new(Signal {}));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            // TODO: this asks again and again, and keeps a core busy. Sleep until the waker was called.
            thread::yield_now();
        }
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::hand_made_waker::grade::<BlockOn>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
