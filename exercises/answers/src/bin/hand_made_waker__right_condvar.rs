//! Right in another way: a flag under a lock, and a condition variable to sleep on.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use grader::hand_made_waker::{BoxFuture, Executor};
use grader::sync::{Condvar, Mutex};

struct Signal {
    is_called: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.is_called.lock() = true;
        self.changed.notify_one();
    }
}

struct BlockOn;

impl Executor for BlockOn {
    fn block_on(mut future: BoxFuture) -> u64 {
        let signal = Arc::new(Signal { is_called: Mutex::new(false), changed: Condvar::new() });
        let waker = Waker::from(signal.clone());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            let mut is_called = signal.is_called.lock();
            while !*is_called {
                is_called = signal.changed.wait(is_called);
            }
            *is_called = false;
        }
    }
}

fn main() {
    grader::hand_made_waker::grade::<BlockOn>();
}
