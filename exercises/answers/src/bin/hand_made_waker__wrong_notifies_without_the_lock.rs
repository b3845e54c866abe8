//! Wrong: it notifies without the lock; between the look and the sleep nobody hears it.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use grader::hand_made_waker::{BoxFuture, Executor};
use grader::sync::{AtomicBool, Condvar, Mutex};

struct Signal {
    is_called: AtomicBool,
    sleep: Mutex<()>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.is_called.store(true);
        self.changed.notify_one();
    }
}

struct BlockOn;

impl Executor for BlockOn {
    fn block_on(mut future: BoxFuture) -> u64 {
        let signal = Arc::new(Signal {
            is_called: AtomicBool::new(false),
            sleep: Mutex::new(()),
            changed: Condvar::new(),
        });
        let waker = Waker::from(signal.clone());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            let mut sleep = signal.sleep.lock();
            while !signal.is_called.swap(false) {
                sleep = signal.changed.wait(sleep);
            }
        }
    }
}

fn main() {
    grader::hand_made_waker::grade::<BlockOn>();
}
