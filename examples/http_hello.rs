//! An HTTP server on the loop: routes are functions or futures, and thousands of clients share one thread.
//!
//! ```sh
//! cargo run --example http_hello             # then: curl 'http://127.0.0.1:8080/hello?name=you'
//! cargo run --example http_hello -- 0        # a port that is free
//! RUNTIME_LAB_TRACE=hello.json cargo run --example http_hello -- --requests 9   # what happened, for ui.perfetto.dev
//! ```
//!
//! Ctrl-C ends it. Watch `/key`: it computes for a while on a pool thread, and `/hello` is answered meanwhile. The
//! example `starvation` shows what happens when such work is done in the route itself. `/ticks` is a stream of events:
//! look at it with `curl -N`, and see that all else is answered while it goes on.

use std::time::Duration;

use clap::Parser;
use runtime_lab::http::{self, Event, Request, Response, Server};
use runtime_lab::{Check, RunMode, Runtime, crypto, interval};

/// Serves /, /hello?name=NAME, /key?password=WORD and /ticks on this machine.
#[derive(Parser)]
struct Options {
    /// The port to listen on; 0 takes one that is free.
    #[arg(default_value_t = 8080)]
    port: u16,
    /// End after so many requests, which a trace needs; without it Ctrl-C ends it.
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = Runtime::new()?;
    let server = Server::on(("127.0.0.1", options.port))?
        .route("/", |_request| http::text("try /hello?name=you, /key?password=secret and /ticks\n"))
        .route("/hello", hello)
        .route("/key", key)
        .route("GET /ticks", ticks)
        .serve(&runtime.handle())?;
    println!("listening on http://{}", server.local_addr());
    if let Some(limit) = options.requests {
        // A check watcher runs in each pass of the loop. It keeps the loop alive, so it is closed with the server.
        let check = Check::new(&runtime.handle());
        let this = check.clone();
        check.start(move |_lp| {
            if server.stats().requests >= limit {
                server.stop();
                this.close();
            }
        })?;
    }
    runtime.run(RunMode::Default)?;
    Ok(())
}

/// A function answers at once.
fn hello(request: Request) -> Response {
    let name = request.param("name").unwrap_or_else(|| "world".to_owned());
    http::text(format!("hello, {name}\n"))
}

/// A future answers when it has what it needs; the loop serves others until then.
async fn key(request: Request) -> Response {
    let password = request.param("password").unwrap_or_default();
    match crypto::pbkdf2(password.as_bytes(), b"salt", 100_000).await {
        Ok(key) => http::text(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n"),
        Err(error) => http::with_status(http::StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

/// A stream goes on until its client is gone, which the next `send` tells.
fn ticks(_request: Request) -> Response {
    http::events(|sender| async move {
        let mut seconds = interval(Duration::from_secs(1));
        for number in 1.. {
            sender.send(Event::data(format!("tick {number}"))).await?;
            seconds.tick().await;
        }
        Ok(())
    })
}
