//! Wrong: it unparks the thread that calls the waker, not the one that sleeps.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use grader::hand_made_waker::{BoxFuture, Executor};
use grader::sync::AtomicBool;
use grader::sync::thread;

struct Signal {
    /// Somebody has called the waker since the last poll began.
    is_called: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // First the flag, then the wake-up: who returns from the sleep must find it.
        self.is_called.store(true);
        thread::current().unpark();
    }
}

struct BlockOn;

impl Executor for BlockOn {
    fn block_on(mut future: BoxFuture) -> u64 {
        let signal = Arc::new(Signal { is_called: AtomicBool::new(false) });
        let waker = Waker::from(signal.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            // The flag is lowered here, before the next poll: a wake during that poll raises it again.
            while !signal.is_called.swap(false) {
                thread::park();
            }
        }
    }
}

fn main() {
    grader::hand_made_waker::grade::<BlockOn>();
}
