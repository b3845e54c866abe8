//! Futures: the same requests without callbacks, in tasks that take turns on one thread.
//!
//! ```sh
//! cargo run --example futures
//! ```
//!
//! Two tasks wait for the pool at the same time while the main one sleeps. Watch the thread: every line but one comes
//! from `main`, for futures run on the loop; only what is offloaded runs elsewhere. None of it needs to be `Send`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use clap::Parser;
use runtime_lab::{LoopHandle, RequestError, Runtime, crypto, fs, offload, sleep};

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
    Ok(())
}

async fn wait_for_all(diary: Rc<RefCell<Vec<&'static str>>>) -> anyhow::Result<(u8, u64)> {
    let lp = LoopHandle::current().expect("block_on runs the loop");
    let key = lp.spawn(derive_key(diary.clone()));
    let length = lp.spawn(measure_file(diary));
    say("both tasks are under way");
    sleep(Duration::from_millis(5)).await;
    say("slept meanwhile, and held up nobody");
    offload(|| say("this is the pool")).await?;
    // The first `?` is for a task that was cancelled or panicked, the second for what it was about.
    Ok((key.await??, length.await??))
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

fn say(what: &str) {
    println!("[{}] {what}", std::thread::current().name().unwrap_or("?"));
}
