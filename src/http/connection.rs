//! One connection: hyper reads requests and writes responses, a route answers in between.
//!
//! # Invariants
//! - W1: a panic in a route, in its future or in the future's destructor ends neither the connection nor the loop.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use event_loop::{LoopHandle, OwnedTcpStream, SpanSite, sleep};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};

use super::hyper_rt::LoopTimer;
use super::message::{Request, Response, with_status};
use super::server::{Open, Route, Shared, bump};
use super::write_limit::WriteLimited;

/// How much a connection that the server ends reads and throws away until the client ends its side, too.
const LINGER_BYTES: usize = 1024 * 1024;

/// What the answers of a connection tell about its end.
#[derive(Default)]
struct Marks {
    /// Some of a request was answered without having been read.
    unread: Cell<bool>,
    /// A body ended too early, or was no body.
    broken: Cell<bool>,
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: OwnedTcpStream, open: Open) {
    let shared = open.shared.clone();
    let marks = Rc::new(Marks::default());
    let service = service_fn({
        let (shared, marks) = (shared.clone(), marks.clone());
        move |request| {
            let (shared, marks) = (shared.clone(), marks.clone());
            async move { Ok::<_, Infallible>(answer(&shared, request, &marks).await.into_hyper()) }
        }
    });
    let mut builder = http1::Builder::new();
    builder
        // hyper panics when one of these two is set without the other.
        .timer(LoopTimer)
        .header_read_timeout(shared.limits.head_time)
        .max_buf_size(shared.limits.head_bytes.max(8 * 1024))
        .max_headers(shared.limits.headers)
        .half_close(false);
    let mut connection = builder.serve_connection(WriteLimited::new(stream, shared.clone()), service);
    let mut told = false;
    let result = poll_fn(|cx| {
        if shared.stopping.get() && !std::mem::replace(&mut told, true) {
            Pin::new(&mut connection).graceful_shutdown();
        }
        open.remember(cx.waker());
        Pin::new(&mut connection).poll(cx)
    })
    .await;
    let io = connection.into_parts().io;
    let patience = match &result {
        Err(_) if io.expired() => return bump(&shared.stats.write_timeouts),
        Err(error) if error.is_timeout() => return bump(&shared.stats.head_timeouts),
        Err(_) => shared.limits.body_time,
        Ok(()) if marks.unread.get() => shared.limits.body_time,
        // Pipelined requests that are not taken any more.
        Ok(()) if told => Duration::ZERO,
        Ok(()) => return,
    };
    if result.is_err() || marks.broken.get() {
        bump(&shared.stats.failed_connections);
    }
    linger(io.stream(), patience, &open).await;
}

/// Reads and forgets until the client ends its side, for a bounded time and amount; without patience, and when the
/// server stops, what is there already. Closing a socket with unread bytes makes the system send a reset, which may
/// overtake the response.
async fn linger(stream: &OwnedTcpStream, patience: Duration, open: &Open) {
    let mut patience = pin!(sleep(patience));
    let mut left = LINGER_BYTES;
    poll_fn(|cx| {
        open.remember(cx.waker());
        let mut forgotten = [0; 8 * 1024];
        while left > 0 {
            match stream.poll_read(cx, &mut forgotten) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(bytes)) => left = left.saturating_sub(bytes),
                Poll::Pending if open.shared.stopping.get() => return Poll::Ready(()),
                Poll::Pending => return patience.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Finds the route, reads the body, and lets the route answer within its span.
async fn answer(shared: &Rc<Shared>, request: hyper::Request<Incoming>, marks: &Marks) -> Response {
    bump(&shared.stats.requests);
    let (head, body) = request.into_parts();
    let Some(route) = shared.routes.get(head.uri.path()) else {
        marks.unread.set(marks.unread.get() || !body.is_end_stream());
        return with_status(StatusCode::NOT_FOUND, "no such page\n");
    };
    let body = match read_body(shared, &head.method, body, marks).await {
        Ok(body) => body,
        Err(refusal) => {
            marks.unread.set(true);
            return refusal;
        }
    };
    let request = Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    Reply { route, request: Some(request), future: None, shared }.await
}

/// A route that answers.
///
/// Where it answers at once, it is called, polled and dropped within one span: each span costs two readings of the clock
/// when somebody looks.
struct Reply<'a> {
    route: &'a Route,
    /// Until the route is called.
    request: Option<Request>,
    /// From then on until it has answered.
    future: Option<Pin<Box<dyn Future<Output = Response>>>>,
    shared: &'a Rc<Shared>,
}

impl Future for Reply<'_> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let Reply { route, request, future, shared } = &mut *self;
        let polled = guarded(&route.span, || {
            if let Some(request) = request.take() {
                *future = Some((route.handler)(request));
            }
            let polled = future.as_mut()?.as_mut().poll(cx);
            if polled.is_ready() {
                let answered = future.take();
                // A destructor that panics does not take the answer away.
                if catch_unwind(AssertUnwindSafe(|| drop(answered))).is_err() {
                    bump(&shared.stats.panics);
                }
            }
            Some(polled)
        });
        polled.flatten().unwrap_or_else(|| Poll::Ready(panicked(shared)))
    }
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take()
            && guarded(&self.route.span, || drop(future)).is_none()
        {
            bump(&self.shared.stats.panics);
        }
    }
}

/// Runs code of a route within its span; `None` when it panics.
fn guarded<R>(span: &SpanSite, code: impl FnOnce() -> R) -> Option<R> {
    let code = || catch_unwind(AssertUnwindSafe(code)).ok();
    match LoopHandle::current() {
        Some(lp) => lp.in_span(span, code),
        None => code(),
    }
}

fn panicked(shared: &Shared) -> Response {
    bump(&shared.stats.panics);
    with_status(StatusCode::INTERNAL_SERVER_ERROR, "the route panicked\n")
}

/// The whole body, unless it is too large or comes too slowly.
async fn read_body(
    shared: &Shared,
    method: &Method,
    body: Incoming,
    marks: &Marks,
) -> Result<Bytes, Response> {
    if body.is_end_stream() || *method == Method::HEAD {
        return Ok(Bytes::new());
    }
    let limit = shared.limits.body_bytes;
    // A length that was announced is refused before the client sends the rest of it.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(shared));
    }
    let mut collecting = pin!(Limited::new(body, limit).collect());
    let mut patience = pin!(sleep(shared.limits.body_time));
    poll_fn(|cx| {
        if let Poll::Ready(collected) = collecting.as_mut().poll(cx) {
            return Poll::Ready(match collected {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => Err(too_large(shared)),
                Err(_) => {
                    marks.broken.set(true);
                    Err(with_status(StatusCode::BAD_REQUEST, "the body is broken\n"))
                }
            });
        }
        patience.as_mut().poll(cx).map(|()| {
            bump(&shared.stats.too_slow);
            Err(with_status(StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"))
        })
    })
    .await
}

fn too_large(shared: &Shared) -> Response {
    bump(&shared.stats.too_large);
    with_status(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n")
}
