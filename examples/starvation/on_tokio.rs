//! The same four routes on tokio's current-thread runtime: it is not the fault of one loop that it starves.
//!
//! HTTP is hyper's here too, so the only thing that differs is the runtime below.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use experiment_kit::{RunningServer, ServerSpec, ServerStats, WorkDone};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::time_work;

/// Starts the server on a thread of its own and returns when it listens.
pub(crate) fn start(spec: &ServerSpec) -> anyhow::Result<RunningServer> {
    let spec = spec.clone();
    let (ready, listening) = mpsc::channel();
    let quit = Arc::new(Notify::new());
    let asked = quit.clone();
    let server =
        thread::Builder::new().name("server".into()).spawn(move || -> anyhow::Result<ServerStats> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(spec.pool_threads)
                .build()?;
            runtime.block_on(async {
                tokio::select! {
                    served = serve(spec, ready) => served?,
                    () = asked.notified() => {}
                }
                Ok(ServerStats::default())
            })
        })?;
    let addr = listening.recv().map_err(|_| anyhow!("the server ended before it listened"))??;
    let stop = move || {
        quit.notify_one();
        server.join().map_err(|_| anyhow!("the server's thread panicked"))?
    };
    Ok(RunningServer { addr, stop: Box::new(stop) })
}

async fn serve(
    spec: ServerSpec,
    ready: mpsc::Sender<std::io::Result<std::net::SocketAddr>>,
) -> anyhow::Result<()> {
    let listener = match TcpListener::bind(spec.addr).await {
        Ok(listener) => listener,
        Err(error) => {
            // Whoever waits for the address gets the reason instead; it has gone only when the program ends.
            let _ = ready.send(Err(error));
            return Ok(());
        }
    };
    let _ = ready.send(listener.local_addr());
    let spec = Arc::new(spec);
    loop {
        let (stream, _peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let spec = spec.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, spec.clone()));
            // A client that leaves in the middle is no error of the server.
            let _ = http1::Builder::new().serve_connection(TokioIo(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    spec: Arc<ServerSpec>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = request.uri().query().unwrap_or_default();
    let ms = query.strip_prefix("ms=").map_or(Ok(200), str::parse::<u64>);
    let Ok(ms @ 1..=60_000) = ms else {
        return Ok(reply(StatusCode::BAD_REQUEST, "give ms=1 to 60000\n".into()));
    };
    let iterations = spec.work.iterations(Duration::from_millis(ms));
    let done = match request.uri().path() {
        "/ping" => return Ok(reply(StatusCode::OK, "pong".into())),
        "/block" => time_work(&spec, iterations),
        "/offload" => {
            let spec = spec.clone();
            match tokio::task::spawn_blocking(move || time_work(&spec, iterations)).await {
                Ok(done) => done,
                Err(error) => return Ok(reply(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
            }
        }
        "/chunked" => {
            let begun = spec.clock.now();
            for piece in spec.work.pieces(Duration::from_millis(ms), spec.chunk) {
                spec.work.run(piece);
                tokio::task::yield_now().await;
            }
            WorkDone::new(iterations, spec.clock.now() - begun)
        }
        _ => return Ok(reply(StatusCode::NOT_FOUND, "no such page\n".into())),
    };
    Ok(reply(StatusCode::OK, done.to_json()))
}

fn reply(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

/// tokio's stream as hyper wants it.
struct TokioIo(TcpStream);

impl hyper::rt::Read for TokioIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let mut scratch = [0; 8 * 1024];
        let room = cursor.remaining().min(scratch.len());
        let mut buffer = ReadBuf::new(&mut scratch[..room]);
        let polled = Pin::new(&mut self.0).poll_read(cx, &mut buffer);
        if polled.is_ready() {
            cursor.put_slice(buffer.filled());
        }
        polled
    }
}

impl hyper::rt::Write for TokioIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
