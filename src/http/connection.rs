//! One connection: hyper reads requests and writes responses, a route answers in between.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use event_loop::{LoopHandle, OwnedTcpStream, SpanSite, sleep};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};

use super::hyper_rt::{HyperIo, LoopTimer};
use super::message::{Request, Response, with_status};
use super::server::{Open, Shared, bump};

/// Serves one connection to its end.
pub(super) async fn serve(stream: OwnedTcpStream, open: Open) {
    let shared = open.shared.clone();
    let answering = shared.clone();
    let service = service_fn(move |request| {
        let shared = answering.clone();
        async move { Ok::<_, Infallible>(answer(&shared, request).await.0) }
    });
    let mut builder = http1::Builder::new();
    builder
        // hyper panics when one of these two is set without the other.
        .timer(LoopTimer)
        .header_read_timeout(shared.limits.head_time)
        .max_buf_size(shared.limits.head_bytes.max(8 * 1024))
        .max_headers(shared.limits.headers)
        .half_close(false);
    let mut connection = pin!(builder.serve_connection(HyperIo(stream), service));
    let mut told = false;
    let result = poll_fn(|cx| {
        if shared.stopping.get() && !std::mem::replace(&mut told, true) {
            connection.as_mut().graceful_shutdown();
        }
        open.remember(cx.waker());
        connection.as_mut().poll(cx)
    })
    .await;
    if result.is_err() {
        bump(&shared.stats.failed_connections);
    }
}

/// Finds the route, reads the body, and lets the route answer within its span.
async fn answer(shared: &Rc<Shared>, request: hyper::Request<Incoming>) -> Response {
    bump(&shared.stats.requests);
    let (head, body) = request.into_parts();
    let Some(route) = shared.routes.get(head.uri.path()) else {
        return with_status(StatusCode::NOT_FOUND, "no such page\n");
    };
    let body = match read_body(shared, &head.method, body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let request = Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let begun = in_span(&route.span, || catch_unwind(AssertUnwindSafe(|| (route.handler)(request))));
    let Ok(mut reply) = begun else { return panicked(shared) };
    let span = &route.span;
    poll_fn(move |cx| {
        let polled = in_span(span, || catch_unwind(AssertUnwindSafe(|| Pin::new(&mut reply).poll(cx))));
        polled.unwrap_or_else(|_payload| Poll::Ready(panicked(shared)))
    })
    .await
}

fn in_span<R>(span: &SpanSite, code: impl FnOnce() -> R) -> R {
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
async fn read_body(shared: &Shared, method: &Method, body: Incoming) -> Result<Bytes, Response> {
    if hyper::body::Body::is_end_stream(&body) || *method == Method::HEAD {
        return Ok(Bytes::new());
    }
    let mut collecting = pin!(Limited::new(body, shared.limits.body_bytes).collect());
    let mut patience = pin!(sleep(shared.limits.body_time));
    poll_fn(|cx| {
        if let Poll::Ready(collected) = collecting.as_mut().poll(cx) {
            return Poll::Ready(match collected {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => {
                    bump(&shared.stats.too_large);
                    Err(with_status(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"))
                }
                Err(_) => Err(with_status(StatusCode::BAD_REQUEST, "the body is broken\n")),
            });
        }
        patience.as_mut().poll(cx).map(|()| {
            bump(&shared.stats.too_slow);
            Err(with_status(StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"))
        })
    })
    .await
}
