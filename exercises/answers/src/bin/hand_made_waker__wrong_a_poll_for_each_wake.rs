//! Wrong: it counts the wakes and polls once for each, though one poll answers all that came before it.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use grader::hand_made_waker::{BoxFuture, Executor};
use grader::sync::AtomicUsize;
use grader::sync::thread::{self, Thread};

struct Signal {
    thread: Thread,
    /// How many wakes have not been answered.
    calls: AtomicUsize,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // First the count, then the wake-up: who returns from the sleep must find it.
        self.calls.fetch_add(1);
        self.thread.unpark();
    }
}

struct BlockOn;

impl Executor for BlockOn {
    fn block_on(mut future: BoxFuture) -> u64 {
        let signal = Arc::new(Signal { thread: thread::current(), calls: AtomicUsize::new(0) });
        let waker = Waker::from(signal.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            while signal.calls.load() == 0 {
                thread::park();
            }
            signal.calls.fetch_sub(1);
        }
    }
}

fn main() {
    grader::hand_made_waker::grade::<BlockOn>();
}
