//! Right in another way: it looks, and lowers the flag in a second step, still before the poll.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use grader::hand_made_waker::{BoxFuture, Executor};
use grader::sync::AtomicBool;
use grader::sync::thread::{self, Thread};

struct Signal {
    thread: Thread,
    /// Somebody has called the waker since the last poll began.
    is_called: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // First the flag, then the wake-up: who returns from the sleep must find it.
        self.is_called.store(true);
        self.thread.unpark();
    }
}

struct BlockOn;

impl Executor for BlockOn {
    fn block_on(mut future: BoxFuture) -> u64 {
        let signal = Arc::new(Signal { thread: thread::current(), is_called: AtomicBool::new(false) });
        let waker = Waker::from(signal.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            while !signal.is_called.load() {
                thread::park();
            }
            // A wake in between is answered by the poll that follows.
            signal.is_called.store(false);
        }
    }
}

fn main() {
    grader::hand_made_waker::grade::<BlockOn>();
}
