//! Reading a file: a pool thread waits for the disk, and the loop gets a callback with the bytes or with the error.
//!
//! ```sh
//! cargo run --example file_read              # reads this file
//! cargo run --example file_read -- Cargo.toml
//! ```
//!
//! Files have no readiness that a loop could wait for, so they go through the pool, in Node as well. Watch the second
//! answer: an error is a value with the path in it, and the loop goes on.

use std::path::PathBuf;

use clap::Parser;
use runtime_lab::{LoopHandle, RunMode, Runtime, fs};

/// Reads a file, and one that does not exist.
#[derive(Parser)]
struct Options {
    /// The file to read.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/file_read.rs"))]
    path: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = Runtime::new()?;

    let missing = options.path.with_extension("missing");
    fs::read(&options.path).then(&runtime.handle(), move |lp, result| {
        match result {
            Ok(bytes) => println!("read {} bytes in {} lines", bytes.len(), lines(&bytes)),
            Err(error) => println!("{error}"),
        }
        read_what_is_not_there(lp, missing);
    })?;

    println!("asked for the file; this thread is free");
    runtime.run(RunMode::Default)?;
    println!("nothing is left to do");
    Ok(())
}

/// A callback may begin the next request: that is how chains look without futures.
fn read_what_is_not_there(lp: &LoopHandle, path: PathBuf) {
    let begun = fs::read(path).then(lp, |_lp, result| match result {
        Ok(_) => println!("somebody has made the file"),
        Err(error) => println!("{error}"),
    });
    if let Err(refused) = begun {
        println!("{refused}");
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}
