//! The process of `one-thread`: its threads before and after the first job, or what one kind of request does to them.
//!
//! # Model
//! A request is asked for when every pool thread sleeps, so that none takes it without waking up for it.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use runtime_lab::{OwnedTcpStream, Runtime, crypto, dns, fs, http, sleep};

use super::super::burst;
use super::FIRST_USE;
use crate::counterpart::Words;
use crate::roles::{self, Part};
use crate::threads::{self, Thread};

/// The process.
pub(crate) static PART: Part = Part { name: "one-thread", main };

/// A small file that every Unix has.
pub(super) const FILE: &str = "/etc/hosts";
/// A name that every system knows.
pub(super) const NAME: &str = "localhost";
/// Iterations of a key: more than nothing, less than a millisecond.
pub(super) const ITERATIONS: u32 = 200;
/// Random bytes of a request.
pub(super) const BYTES: usize = 4096;

/// More jobs at once than the pool has threads.
const BURST: usize = 16;
/// Between two looks at threads that do not sleep yet.
const LOOK: Duration = Duration::from_millis(1);
/// Looks until something is wrong.
const LOOKS: usize = 5_000;
/// Time-outs before the first job, to show that the loop alone needs no pool.
const TIMEOUTS: usize = 5;

fn main(words: &[String]) -> Result<()> {
    roles::end_with_stdin()?;
    let words = Words::new(words);
    let no_pool = words.text("flaw") == "no-pool";
    if !threads::are_listed() {
        println!("FACT not_measured {}", threads::LINUX_ONLY);
        return Ok(());
    }
    match words.text("cell") {
        FIRST_USE => first_use(no_pool),
        kind => one_kind(kind, words.count("requests")?, no_pool),
    }
}

fn first_use(no_pool: bool) -> Result<()> {
    let begun = threads::list()?;
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        for _ in 0..TIMEOUTS {
            sleep(LOOK).await;
        }
    })?;
    let before = threads::list()?;
    if !no_pool {
        burst::fill(&runtime, BURST)?;
    }
    let pool = threads::started(&before, &threads::list()?);
    println!("FIGURE pool_threads_before {}", threads::started(&begun, &before).len());
    println!("FIGURE pool_threads {}", pool.len());
    // The one that watches standard input is the lab's: it is there because this is a part, not because there is a loop.
    let others = before.iter().filter(|thread| thread.name != roles::WATCHER).count() - 1;
    println!("FIGURE other_threads {others}");
    println!("FACT threads_before {}", threads::names(&before));
    println!("FACT pool_names {}", threads::names(&pool));
    Ok(())
}

fn one_kind(kind: &str, requests: usize, no_pool: bool) -> Result<()> {
    let before = threads::list()?;
    let runtime = Runtime::new()?;
    let server =
        http::Server::on("127.0.0.1:0")?.route("/", |_request| http::text(BODY)).serve(&runtime.handle())?;
    let (addr, kind) = (server.local_addr(), kind.to_owned());
    let known = before.clone();
    let started = runtime.block_on(async move {
        let asked = ask(&kind, requests, addr, no_pool, &known).await;
        server.stop();
        asked
    })??;
    let sleeps: u64 = started.iter().map(|thread| thread.sleeps).sum();
    println!("FIGURE threads_started {}", started.len());
    println!("FIGURE pool_wakes {}", sleeps as f64 / requests as f64);
    Ok(())
}

/// Does `requests` requests of a kind, one after another; the threads that are new since `before`.
async fn ask(
    kind: &str,
    requests: usize,
    addr: std::net::SocketAddr,
    no_pool: bool,
    before: &[Thread],
) -> Result<Vec<Thread>> {
    let mut client = OwnedTcpStream::connect(addr).await?;
    let mut started = Vec::new();
    for _ in 0..requests {
        match kind {
            "read a file, sync" => drop(fs::read(FILE).run_here()?),
            "pbkdf2, sync" => drop(crypto::pbkdf2(b"password", b"salt", ITERATIONS).run_here()?),
            "read a file" if no_pool => drop(fs::read(FILE).run_here()?),
            "look up a name" if no_pool => drop(dns::lookup(NAME, 80).run_here()?),
            "pbkdf2" if no_pool => drop(crypto::pbkdf2(b"password", b"salt", ITERATIONS).run_here()?),
            "random bytes" if no_pool => drop(crypto::random(BYTES).run_here()?),
            "read a file" => drop(fs::read(FILE).await?),
            "look up a name" => drop(dns::lookup(NAME, 80).await?),
            "pbkdf2" => drop(crypto::pbkdf2(b"password", b"salt", ITERATIONS).await?),
            "random bytes" => drop(crypto::random(BYTES).await?),
            "http" => get(&mut client).await?,
            "timer" => sleep(LOOK).await,
            unknown => bail!("there is no kind of request called `{unknown}`"),
        }
        started = asleep(before).await?;
    }
    Ok(started)
}

/// The new threads, when all of them sleep.
async fn asleep(before: &[Thread]) -> Result<Vec<Thread>> {
    for _ in 0..LOOKS {
        let started = threads::started(before, &threads::list()?);
        if started.iter().all(|thread| thread.asleep) {
            return Ok(started);
        }
        sleep(LOOK).await;
    }
    bail!("a pool thread does not fall asleep although nothing is to do")
}

/// The body of an answer.
pub(super) const BODY: &str = "pong";

/// One request on a connection that stays open.
pub(super) async fn get(client: &mut OwnedTcpStream) -> Result<()> {
    client.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await?;
    let mut answer = Vec::new();
    while !answer.ends_with(BODY.as_bytes()) {
        let mut buffer = [0; 1024];
        let count = client.read(&mut buffer).await?;
        ensure!(count > 0, "the server closed the connection");
        answer.extend_from_slice(&buffer[..count]);
    }
    Ok(())
}
