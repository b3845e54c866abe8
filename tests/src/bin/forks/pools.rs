//! A runtime after a fork: the child has a pool of its own, and the jobs of the parent's are none of its business.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::channel;

use runtime_lab::{JobOutcome, LoopHandle, RunMode, Runtime, fs};

use crate::processes::{ended_well, fork, leave};

/// What callbacks have told.
type Told = Rc<RefCell<Vec<String>>>;

fn tells<T: std::fmt::Debug + 'static>(told: &Told) -> impl FnOnce(&LoopHandle, JobOutcome<T>) + 'static {
    let told = told.clone();
    move |_, outcome| told.borrow_mut().push(format!("{outcome:?}"))
}

/// A job, a request by callback and one by future.
fn works(runtime: &Runtime, told: &Told) {
    runtime.offload(|| 6 * 7, tells(told)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let notes = told.clone();
    let by_callback = fs::write(path.join("file"), "text");
    by_callback
        .then(&runtime.handle(), move |_, result| notes.borrow_mut().push(format!("{result:?}")))
        .unwrap();
    assert!(!runtime.run(RunMode::Default).unwrap());
    let read = runtime.block_on(async move { fs::read(path.join("file")).await }).unwrap();
    assert_eq!(read.unwrap(), b"text");
    let mut all = told.take();
    all.sort();
    assert_eq!(all, ["Done(42)", "Ok(())"]);
}

/// The pool has threads when the process forks.
pub(crate) fn pool() {
    let mut runtime = Runtime::builder().pool_threads(2).build().unwrap();
    let told = Told::default();
    works(&runtime, &told);
    let Some(child) = fork() else {
        runtime.after_fork().unwrap();
        works(&runtime, &told);
        drop(runtime);
        leave();
    };
    works(&runtime, &told);
    ended_well(child);
}

/// One job runs and two wait when the process forks. In the child none of them runs, is told or holds the loop; a future that waits
/// for one learns that it is cancelled.
pub(crate) fn busy_pool() {
    let mut runtime = Runtime::builder().pool_threads(1).build().unwrap();
    let told = Told::default();
    let (begun, begins) = channel();
    let (open, gate) = channel::<()>();
    let stuck = move || {
        begun.send(()).unwrap();
        gate.recv().unwrap();
        "stuck"
    };
    runtime.offload(stuck, tells(&told)).unwrap();
    begins.recv().unwrap();
    let queued = runtime.offload(|| "queued", tells(&told)).unwrap();
    let task =
        runtime.handle().spawn(async { fs::stat(".").await.map(|_| ()).map_err(|error| error.to_string()) });
    assert!(runtime.run(RunMode::NoWait).unwrap());
    let of_parent = runtime.pool().clone();
    let Some(child) = fork() else {
        runtime.after_fork().unwrap();
        assert!(!runtime.run(RunMode::Default).unwrap(), "nothing of the parent holds the loop");
        assert_eq!(task.try_take().unwrap().unwrap(), Err("cancelled before it began".to_owned()));
        assert!(queued.cancel().is_err(), "the job is the parent's");
        assert_eq!(*told.borrow(), [""; 0]);
        works(&runtime, &told);
        drop((runtime, of_parent));
        leave();
    };
    ended_well(child);
    open.send(()).unwrap();
    assert!(!runtime.run(RunMode::Default).unwrap());
    assert_eq!(task.try_take().unwrap().unwrap(), Ok(()));
    assert_eq!(*told.borrow(), ["Done(\"stuck\")", "Done(\"queued\")"]);
}
