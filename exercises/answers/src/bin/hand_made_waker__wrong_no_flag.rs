//! Wrong: it believes that a return from the sleep is a wake.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use grader::hand_made_waker::{BoxFuture, Executor};
use grader::sync::thread::{self, Thread};

struct Signal {
    thread: Thread,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.thread.unpark();
    }
}

struct BlockOn;

impl Executor for BlockOn {
    fn block_on(mut future: BoxFuture) -> u64 {
        let signal = Arc::new(Signal { thread: thread::current() });
        let waker = Waker::from(signal.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            thread::park();
        }
    }
}

fn main() {
    grader::hand_made_waker::grade::<BlockOn>();
}
