//! Does the load client measure what `wrk` measures? The same server, one connection, each request sent when the one
//! before it was answered.
//!
//! # Model
//! The load client has an open loop, but with one connection and everything due at once it becomes a closed one: what
//! counts then is the time from a request's last byte to its answer. Both clients are processes of their own and take
//! turns; each turn's median of the one is compared with that of the other.

use std::net::SocketAddr;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;

use anyhow::{Context, Result, ensure};
use experiment_kit::load::{ActSpec, LoadClient, StreamSpec, client};
use experiment_kit::stats::Summary;
use runtime_lab::{RunMode, Runtime, http};

/// Turns of each client; `cargo test`, which only wants to see it run, gets one.
const TURNS: usize = 7;
/// About a second of them.
const REQUESTS: usize = 20_000;
/// Medians that differ by more are not the same.
const APART_MAX: f64 = 0.2;

fn main() -> ExitCode {
    if client::is_my_role() {
        return client::main();
    }
    clock::process_start();
    if !is_there("wrk") {
        println!("skipped: there is no `wrk` here (Debian and Ubuntu: apt install wrk)");
        return ExitCode::SUCCESS;
    }
    let told = |word: &str| std::env::args().any(|argument| argument == word);
    match compare(if told("--bench") { TURNS } else { 1 }) {
        Ok(agree) => ExitCode::from(u8::from(told("--check") && !agree)),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_there(program: &str) -> bool {
    let quiet = Stdio::null;
    Command::new(program).arg("--version").stdin(quiet()).stdout(quiet()).stderr(quiet()).status().is_ok()
}

/// Whether both agree, after the figures have been printed.
fn compare(turns: usize) -> Result<bool> {
    let (ready, listening) = mpsc::channel();
    let serve = move || -> Result<()> {
        let runtime = Runtime::new()?;
        let lp = runtime.handle();
        let server =
            http::Server::on("127.0.0.1:0")?.route("/ping", |_request| http::text("pong")).serve(&lp)?;
        // Who waits for it has gone only when the program ends.
        let _ = ready.send((server.local_addr(), lp.remote()));
        runtime.run(RunMode::Default)?;
        Ok(())
    };
    let server = std::thread::Builder::new().name("server".to_owned()).spawn(serve)?;
    let (addr, remote) = listening.recv().context("the server ended before it listened")?;
    let mut load_client = LoadClient::start()?;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=turns {
        let (own, other) = (load_client_us(&mut load_client, addr)?, wrk_us(addr)?);
        if turn == 0 {
            continue; // Everything is cold.
        }
        println!("turn {turn}: load client {own:.1} us, wrk {other:.1} us (p50)");
        ours.push(own);
        theirs.push(other);
        ratios.push(own / other);
    }
    drop(load_client);
    // A loop that has ended already has no need to be stopped.
    let _ = remote.stop();
    server.join().map_err(|_| anyhow::anyhow!("the server's thread panicked"))??;
    let median = |values: Vec<f64>| Summary::of(values).p50;
    let (ours, theirs, ratio) = (median(ours), median(theirs), median(ratios));
    let agree = (ratio - 1.0).abs() <= APART_MAX;
    let word = if agree { "agree" } else { "do not agree" };
    println!(
        "load client {ours:.1} us, wrk {theirs:.1} us, ratio {ratio:.3}: they {word} within {:.0} %",
        APART_MAX * 100.0
    );
    Ok(agree)
}

fn load_client_us(load_client: &mut LoadClient, addr: SocketAddr) -> Result<f64> {
    let spec = ActSpec {
        addr,
        seed: 1,
        length_ms: 1.0,
        streams: vec![StreamSpec { at_once: REQUESTS, ..StreamSpec::new("/ping", 1) }],
        warm_connections: 1,
        max_connections: 1,
        timeout_ms: 60_000.0,
    };
    let outcome = load_client.act(&spec, &|| false, &mut |_| {})?;
    ensure!(outcome.failures.is_empty(), "{} requests failed", outcome.failures.len());
    let answered_in = outcome.samples.iter().map(|one| {
        let waited_ns = one.sent_ns - one.intended_ns;
        (one.latency_ns - waited_ns) as f64 / 1e3
    });
    Ok(Summary::of(answered_in).p50)
}

fn wrk_us(addr: SocketAddr) -> Result<f64> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-c1", "-d1s", "--latency"]).arg(format!("http://{addr}/ping"));
    let output = wrk.stdin(Stdio::null()).output().context("cannot run wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("50%"));
    line.and_then(|value| microseconds(value.trim())).with_context(|| format!("wrk said {text}"))
}

/// `23.00us`, `1.20ms` or `1.00s`.
fn microseconds(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}
