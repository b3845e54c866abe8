//! The peer: the same two routes, the same hyper, the same limits, on tokio's current-thread runtime.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use runtime_lab::http::Limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::servers::{HELLO, Ready, ServerStats, tell, thread_cpu_ns, to_json};

/// Serves until it is stopped.
pub(super) fn serve(ready: &Ready) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let quit = Arc::new(Notify::new());
        let asked = Arc::clone(&quit);
        tell(ready, listener.local_addr()?, Box::new(move || asked.notify_one()))?;
        tokio::select! {
            ended = accept(listener, Limits::default(), Arc::default()) => ended,
            () = quit.notified() => Ok(()),
        }
    })
}

/// Serves until the process ends, and counts in `open` the connections that are.
pub(crate) fn serve_for_ever(
    limits: Limits,
    open: Arc<AtomicUsize>,
    tell: impl FnOnce(SocketAddr) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        tell(listener.local_addr()?)?;
        accept(listener, limits, open).await
    })
}

async fn accept(listener: TcpListener, limits: Limits, open: Arc<AtomicUsize>) -> anyhow::Result<()> {
    loop {
        let (stream, _peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer)
            .header_read_timeout(limits.head_time)
            .max_buf_size(limits.head_bytes)
            .half_close(false);
        open.fetch_add(1, Relaxed);
        let open = open.clone();
        // A client that leaves in the middle is no error of the server.
        tokio::spawn(async move {
            let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
            open.fetch_sub(1, Relaxed);
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match request.uri().path() {
        "/hello" => reply(StatusCode::OK, "text/plain; charset=utf-8", HELLO),
        "/stats" => {
            let stats = ServerStats { cpu_ns: thread_cpu_ns(), ..ServerStats::default() };
            reply(StatusCode::OK, "application/json", to_json(stats))
        }
        _ => reply(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "no such page\n"),
    })
}

fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// tokio's stream as hyper wants it. As on our side, what is read goes through a buffer of its own, because hyper's may
/// be uninitialised.
struct TokioIo {
    stream: TcpStream,
    scratch: Box<[u8]>,
}

impl TokioIo {
    fn new(stream: TcpStream) -> TokioIo {
        TokioIo { stream, scratch: vec![0; 16 * 1024].into() }
    }
}

impl hyper::rt::Read for TokioIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let io = &mut *self;
        let room = cursor.remaining().min(io.scratch.len());
        let mut buffer = ReadBuf::new(&mut io.scratch[..room]);
        let polled = Pin::new(&mut io.stream).poll_read(cx, &mut buffer);
        if let Poll::Ready(Ok(())) = polled {
            cursor.put_slice(buffer.filled());
        }
        polled
    }
}

impl hyper::rt::Write for TokioIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// tokio's timer as hyper wants it.
#[derive(Clone, Copy)]
struct TokioTimer;

impl hyper::rt::Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(TokioSleep(Box::pin(tokio::time::sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(TokioSleep(Box::pin(tokio::time::sleep_until(deadline.into()))))
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<TokioSleep>() {
            Some(known) => known.get_mut().0.as_mut().reset(deadline.into()),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

struct TokioSleep(Pin<Box<tokio::time::Sleep>>);

impl Future for TokioSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl hyper::rt::Sleep for TokioSleep {}
