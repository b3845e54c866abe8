//! Futures: the same requests without callbacks, in tasks that take turns on one thread.
//!
//! ```sh
//! cargo run --example futures
//! ```
//!
//! Two requests wait for the pool at the same time while the main task sleeps; then a thread sends into the loop through
//! a channel; at last a task that never ends by itself is cut off. Watch the thread: every line but two comes from
//! `main`, for futures run on the loop. None of it needs to be `Send`, apart from what the thread and the pool get.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use clap::Parser;
use runtime_lab::{
    LoopHandle, RequestError, Runtime, TaskSet, channel, crypto, fs, interval, join, offload, sleep,
};

/// Waits for several things at once.
#[derive(Parser)]
struct Options {}

fn main() -> anyhow::Result<()> {
    Options::parse();
    let runtime = Runtime::builder().pool_threads(2).build()?;
    // Shared by all tasks, without a lock: they live on one thread.
    let diary = Rc::new(RefCell::new(Vec::new()));

    let (key, length) = runtime.block_on(wait_for_all(diary.clone()))??;
    say(&format!("the key begins with {key:02x}, the file has {length} bytes"));
    say(&format!("{} tasks wrote into the diary", diary.borrow().len()));

    let sum = runtime.block_on(listen_to_a_thread())?;
    say(&format!("the thread sent {sum} in all"));
    let cut = runtime.block_on(end_in_time())?;
    say(&format!("{cut} task had to be cut off"));
    Ok(())
}

async fn wait_for_all(diary: Rc<RefCell<Vec<&'static str>>>) -> anyhow::Result<(u8, u64)> {
    let lp = LoopHandle::current().expect("block_on runs the loop");
    // Tasks run from now on; bare futures would wait for somebody to ask them.
    let key = lp.spawn(derive_key(diary.clone()));
    let length = lp.spawn(measure_file(diary));
    say("both tasks are under way");
    sleep(Duration::from_millis(5)).await;
    say("slept meanwhile, and held up nobody");
    offload(|| say("this is the pool")).await?;
    let (key, length) = join(key, length).await;
    // The first `?` is for a task that was cancelled or panicked, the second for what it was about.
    Ok((key??, length??))
}

async fn derive_key(diary: Rc<RefCell<Vec<&'static str>>>) -> Result<u8, RequestError> {
    let key = crypto::pbkdf2(b"password", b"salt", 4096).await?;
    diary.borrow_mut().push("key");
    Ok(key[0])
}

async fn measure_file(diary: Rc<RefCell<Vec<&'static str>>>) -> Result<u64, RequestError> {
    let known = fs::stat(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/futures.rs")).await?;
    diary.borrow_mut().push("file");
    Ok(known.len())
}

/// The channel has two places: the thread waits for the loop, and the loop for the thread.
async fn listen_to_a_thread() -> u32 {
    let (sender, mut numbers) = channel(2);
    let thread = std::thread::Builder::new().name("teller".into()).spawn(move || {
        say("this is the thread");
        for number in 1..=10 {
            sender.send_blocking(number).expect("the receiver waits for the end");
        }
    });
    let mut sum = 0;
    // `None` comes when the last sender is gone, here with the thread.
    while let Some(number) = numbers.recv().await {
        sum += number;
    }
    thread.expect("the system has a thread for us").join().expect("it sends and ends");
    sum
}

/// One task ends by itself and one does not; a drain gives both 20 ms.
async fn end_in_time() -> usize {
    let lp = LoopHandle::current().expect("block_on runs the loop");
    let mut tasks = TaskSet::default();
    tasks.spawn(&lp, sleep(Duration::from_millis(1)));
    tasks.spawn(&lp, async {
        let mut ticks = interval(Duration::from_millis(2));
        loop {
            ticks.tick().await;
        }
    });
    tasks.drain(Duration::from_millis(20)).await.cut
}

fn say(what: &str) {
    println!("[{}] {what}", std::thread::current().name().unwrap_or("?"));
}
