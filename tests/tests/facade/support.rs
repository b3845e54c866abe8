//! What the tests of the facade share: runtimes, and pool threads that are kept busy.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use runtime_lab::{BlockingPool, JobKind, Runtime};

/// A runtime whose pool has this many threads.
pub(crate) fn runtime(threads: usize) -> Runtime {
    Runtime::builder().pool_threads(threads).build().expect("a runtime can be built")
}

/// Nothing here takes so long, on any machine.
const HANG: Duration = Duration::from_secs(60);

/// A runtime whose run ends with an error instead of waiting for ever, when what it waits for does not come.
pub(crate) fn patient(threads: usize) -> Runtime {
    let runtime = runtime(threads);
    let lp = runtime.handle();
    let alarm = lp.set_timeout(HANG, |_lp| panic!("the loop waits for what does not come"));
    lp.set_timeout_ref(alarm, false);
    runtime
}

/// Pool threads that wait until this is dropped.
pub(crate) struct Busy {
    _release: Sender<()>,
}

impl Busy {
    /// Occupies `threads` threads of the pool and returns when each of them waits.
    pub(crate) fn hold(pool: &BlockingPool, threads: usize) -> Busy {
        let (begun, beginnings) = channel();
        let (release, released) = channel::<()>();
        let released = std::sync::Arc::new(std::sync::Mutex::new(released));
        for _ in 0..threads {
            let (begun, released) = (begun.clone(), released.clone());
            let wait = move || {
                begun.send(()).expect("the test waits for the beginning");
                // One waits in `recv`, the others for the lock; when the sender is dropped, all go on.
                let _ = released.lock().expect("no holder panics").recv();
            };
            pool.submit(JobKind::Cpu, "busy", wait, drop).expect("the pool takes the holder");
        }
        beginnings.iter().take(threads).for_each(drop);
        Busy { _release: release }
    }
}

/// Returns when a pool of one thread has completed everything that was submitted so far.
pub(crate) fn drained(pool: &BlockingPool) {
    let (done, is_done) = channel();
    pool.submit(JobKind::Cpu, "marker", move || done.send(()).expect("the test waits"), drop)
        .expect("the pool takes the marker");
    is_done.recv().expect("the marker runs");
}

/// A list that callbacks write to and the test reads.
pub(crate) struct Log<T>(Rc<RefCell<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Log(self.0.clone())
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log(Rc::default())
    }
}

impl<T> Log<T> {
    pub(crate) fn push(&self, value: T) {
        self.0.borrow_mut().push(value);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub(crate) fn take(&self) -> Vec<T> {
        self.0.take()
    }

    /// The only entry.
    #[track_caller]
    pub(crate) fn only(&self) -> T {
        let mut all = self.take();
        assert_eq!(all.len(), 1, "exactly one entry");
        all.remove(0)
    }
}

/// Tells when it is dropped.
pub(crate) struct Dropped(Sender<std::thread::ThreadId>);

/// A value, and the channel on which its drop tells the thread that dropped it.
pub(crate) fn dropped() -> (Dropped, Receiver<std::thread::ThreadId>) {
    let (sender, receiver) = channel();
    (Dropped(sender), receiver)
}

impl Drop for Dropped {
    fn drop(&mut self) {
        // The test may have stopped looking.
        let _ = self.0.send(std::thread::current().id());
    }
}
