//! Starvation: a single-threaded server stops answering `/ping` while it computes, and three ways to do the work.
//!
//! ```sh
//! cargo run --example starvation                 # measure it, about 20 s
//! cargo run --example starvation -- --serve 8080 # play with it: curl, or a browser
//! ```
//!
//! The server is below, whole. Measuring it is the one call in `main`: a load client in another process asks for
//! `/ping` on a fixed schedule while others ask for the heavy routes, and the kit compares the answers' latencies.

use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, anyhow};
use experiment_kit::{Contender, LagStats, RunningServer, ServerSpec, ServerStats, StallReport, WorkDone};
use runtime_lab::http::{self, Request, Response};
use runtime_lab::{RequestError, RunMode, Runtime, crypto, offload, yield_now};
use std::time::Duration;

#[path = "starvation/on_tokio.rs"]
pub(crate) mod on_tokio;

fn main() -> ExitCode {
    let ours = Contender { name: "runtime-lab", start: start_ours };
    let tokio = Contender { name: "tokio", start: on_tokio::start };
    experiment_kit::starvation::main(burn, &[ours, tokio])
}

/// The work, real and useless: `iterations` of PBKDF2-HMAC-SHA-512.
pub(crate) fn burn(iterations: u64) {
    let iterations = u32::try_from(iterations).unwrap_or(u32::MAX);
    std::hint::black_box(crypto::pbkdf2_sync(b"password", b"salt", iterations));
}

// ANCHOR: routes
/// The four routes: the same work, done in the wrong place and in two right ones.
fn routes(addr: &str, spec: &ServerSpec) -> Result<http::Server, http::HttpError> {
    let (inline, pooled, chunked) = (spec.clone(), spec.clone(), spec.clone());
    Ok(http::Server::on(addr)?
        .route("/ping", |_request| http::text("pong"))
        // On the loop's thread: nobody else is served until it is done.
        .route("/block", move |request| block(request, inline.clone()))
        // On a pool thread: the loop goes on and is told when it is done.
        .route("/offload", move |request| offloaded(request, pooled.clone()))
        // On the loop's thread again, but in pieces, and everybody else gets a turn in between.
        .route("/chunked", move |request| in_chunks(request, chunked.clone())))
}

async fn block(request: Request, spec: ServerSpec) -> Result<Response, Response> {
    let iterations = spec.work.iterations(wanted(&request)?);
    Ok(done(&time_work(&spec, iterations)))
}

async fn offloaded(request: Request, spec: ServerSpec) -> Result<Response, Response> {
    let iterations = spec.work.iterations(wanted(&request)?);
    let worked = offload(move || time_work(&spec, iterations)).await.map_err(refused)?;
    Ok(done(&worked))
}

async fn in_chunks(request: Request, spec: ServerSpec) -> Result<Response, Response> {
    let want = wanted(&request)?;
    let begun = spec.clock.now();
    for piece in spec.work.pieces(want, spec.chunk) {
        spec.work.run(piece);
        yield_now().await;
    }
    Ok(done(&WorkDone::new(spec.work.iterations(want), spec.clock.now() - begun)))
}
// ANCHOR_END: routes

pub(crate) fn time_work(spec: &ServerSpec, iterations: u64) -> WorkDone {
    let begun = spec.clock.now();
    spec.work.run(iterations);
    WorkDone::new(iterations, spec.clock.now() - begun)
}

pub(crate) fn wanted(request: &Request) -> Result<Duration, Response> {
    request.number("ms", 200, 1..=60_000).map(Duration::from_millis)
}

pub(crate) fn done(worked: &WorkDone) -> Response {
    http::json(worked.to_json())
}

fn refused(error: RequestError) -> Response {
    http::with_status(http::StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))
}

/// Starts the server on a thread of its own and returns when it listens.
pub(crate) fn start_ours(spec: &ServerSpec) -> anyhow::Result<RunningServer> {
    start_changed(spec, |server, _spec| server)
}

/// A server with other routes, for experiments that show what happens then.
pub(crate) type Change = fn(http::Server, &ServerSpec) -> http::Server;

/// Starts the server with its routes changed.
pub(crate) fn start_changed(spec: &ServerSpec, change: Change) -> anyhow::Result<RunningServer> {
    let spec = spec.clone();
    let (ready, listening) = mpsc::channel();
    let server = thread::Builder::new().name("server".into()).spawn(move || serve(&spec, &ready, change))?;
    let (addr, remote) = listening.recv().map_err(|_| anyhow!("the server ended before it listened"))??;
    let stop = move || {
        // A loop that has ended already has no need to be stopped.
        let _ = remote.stop();
        server.join().map_err(|_| anyhow!("the server's thread panicked"))?
    };
    Ok(RunningServer { addr, stop: Box::new(stop) })
}

type Started = anyhow::Result<(std::net::SocketAddr, runtime_lab::RemoteHandle)>;

fn serve(spec: &ServerSpec, ready: &mpsc::Sender<Started>, change: Change) -> anyhow::Result<ServerStats> {
    let runtime = Runtime::builder()
        .pool_threads(spec.pool_threads)
        .stall_threshold(spec.stall_threshold)
        .recorder(spec.recorder.clone())
        .build()
        .context("cannot start the runtime")?;
    let lp = runtime.handle();
    let begun = spec.clock.now();
    let listening = routes(&spec.addr.to_string(), spec).and_then(|server| change(server, spec).serve(&lp));
    let server = match listening {
        Ok(server) => server,
        Err(error) => {
            // Whoever waits for the address gets the reason instead; it has gone only when the program ends.
            let _ = ready.send(Err(error.into()));
            return Ok(ServerStats::default());
        }
    };
    let _ = ready.send(Ok((server.local_addr(), lp.remote())));
    runtime.run(RunMode::Default)?;
    Ok(observed(&runtime, spec.clock.now() - begun, spec))
}

/// What the loop has seen of itself: who held it, and for how much of the time it was busy.
fn observed(runtime: &Runtime, ran: Duration, spec: &ServerSpec) -> ServerStats {
    let lp = runtime.handle();
    let metrics = lp.metrics().snapshot(spec.clock.now());
    let stalls = lp.stalls().into_iter().map(|stall| StallReport {
        location: format!("{}:{}", stall.location.file(), stall.location.line()),
        name: stall.name,
        count: stall.count,
        held_max: stall.longest,
        held_total: stall.total,
    });
    ServerStats {
        stalls: stalls.collect(),
        lag: Some(LagStats {
            p50: metrics.busy_quantile(0.5),
            p99: metrics.busy_quantile(0.99),
            max: metrics.longest_busy,
            count: metrics.busy_passes.iter().sum(),
        }),
        utilisation: Some(1.0 - metrics.idle.as_secs_f64() / ran.as_secs_f64().max(f64::EPSILON)),
    }
}
