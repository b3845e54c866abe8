//! One request: its route is found, its body is read, the route answers within its span.
//!
//! # Invariants
//! - W1: a panic in a route, in its future, in the producer of its body or in a destructor ends neither the connection nor
//!   the loop; only a body that has begun cannot be mended, so its connection ends.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use event_loop::{LoopHandle, SpanSite};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::{Method, StatusCode};

use super::body::{Content, Stream};
use super::message::{Request, Response, with_status};
use super::routes::{Answer, Found, Handler, Route};
use super::server::Shared;
use super::stats::{Counted, bump};
use super::upload::{BodyError, Marks, RequestBody};

/// Answers one request, whatever it is.
pub(super) async fn answer(
    shared: Rc<Shared>,
    request: hyper::Request<Incoming>,
    marks: Rc<Marks>,
) -> hyper::Response<ReplyBody> {
    let counted = Counted::new(&shared);
    let (head, body) = request.into_parts();
    let is_head = head.method == Method::HEAD;
    let refuse = |refusal| {
        marks.unread.set(marks.unread.get() || !body.is_end_stream());
        refusal
    };
    let (response, route) = match shared.routes.find(&head.method, head.uri.path()) {
        Found::Nothing => (refuse(with_status(StatusCode::NOT_FOUND, "no such page\n")), None),
        Found::OtherMethods(allowed) => {
            let refusal = with_status(StatusCode::METHOD_NOT_ALLOWED, format!("use {allowed}\n"));
            (refuse(refusal.header("allow", &allowed)), None)
        }
        Found::Route(route) => {
            let request = Request::new(head);
            (by_route(&shared, route, request, body, &marks).await, Some(route.clone()))
        }
    };
    let (head, content) = response.into_parts();
    let mut body = ReplyBody { content, counted, marks, route };
    let has_none = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if is_head || has_none || body.is_end_stream() {
        // hyper sends no body and does not ask for one.
        body.counted.answered();
    }
    hyper::Response::from_parts(head, body)
}

async fn by_route(
    shared: &Rc<Shared>,
    route: &Route,
    request: Request,
    body: Incoming,
    marks: &Rc<Marks>,
) -> Response {
    let call = match &route.handler {
        Handler::Whole(_) => match read_whole(shared, &request, body, marks).await {
            Ok(body) => Call::Whole(request.with_body(body)),
            Err(refusal) => return refusal.into(),
        },
        Handler::Streaming(_) => match RequestBody::new(body, shared, marks) {
            Ok(body) => Call::Streaming(request, body),
            Err(refusal) => return refusal.into(),
        },
    };
    Reply { route, call: Some(call), future: None, shared }.await
}

async fn read_whole(
    shared: &Rc<Shared>,
    request: &Request,
    body: Incoming,
    marks: &Rc<Marks>,
) -> Result<Bytes, BodyError> {
    if body.is_end_stream() || *request.method() == Method::HEAD {
        return Ok(Bytes::new());
    }
    RequestBody::new(body, shared, marks)?.whole().await
}

/// What a route is called with.
enum Call {
    Whole(Request),
    Streaming(Request, RequestBody),
}

impl Call {
    fn make(self, handler: &Handler) -> Option<Answer> {
        match (self, handler) {
            (Call::Whole(request), Handler::Whole(handler)) => Some(handler(request)),
            (Call::Streaming(request, body), Handler::Streaming(handler)) => Some(handler(request, body)),
            _ => None,
        }
    }
}

/// A route that answers.
///
/// Where it answers at once, it is called, polled and dropped within one span: each span costs two readings of the clock
/// when somebody looks.
struct Reply<'a> {
    route: &'a Route,
    /// Until the route is called.
    call: Option<Call>,
    /// From then on until it has answered.
    future: Option<Answer>,
    shared: &'a Rc<Shared>,
}

impl Future for Reply<'_> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let Reply { route, call, future, shared } = &mut *self;
        let polled = guarded(&route.span, || {
            if let Some(call) = call.take() {
                *future = call.make(&route.handler);
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

/// The body of an answer as hyper wants it.
pub(super) struct ReplyBody {
    content: Content,
    counted: Counted,
    marks: Rc<Marks>,
    /// Whose span the producer of a stream runs in.
    route: Option<Rc<Route>>,
}

/// A body that cannot be sent to its end. hyper ends the connection, so the client sees that it is not whole.
#[derive(Debug, thiserror::Error)]
#[error("the body failed: {0}")]
pub(super) struct BodyFailed(String);

type Polled = Poll<Option<Result<Frame<Bytes>, BodyFailed>>>;

impl ReplyBody {
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Polled {
        let (Content::Stream(stream), Some(route)) = (&mut self.content, &self.route) else {
            return Poll::Ready(None);
        };
        if self.marks.budget.get() == 0 {
            // A producer that always has something, and a client that always takes it, leave a turn to others.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if stream.ends_with_server && self.counted.shared().stopping.get() {
            let waiting = stream.take_chunk();
            if waiting.is_none() {
                self.counted.answered();
            }
            return Poll::Ready(waiting.map(|chunk| Ok(Frame::data(chunk))));
        }
        if let Some(reason) = stream.failed.take() {
            return Poll::Ready(Some(Err(BodyFailed(reason))));
        }
        let Some(polled) = guarded(&route.span, || stream.poll_chunk(cx)) else {
            bump(&self.counted.shared().stats.panics);
            return fail(stream, "its producer panicked", cx);
        };
        let Poll::Ready(chunk) = polled else { return Poll::Pending };
        match chunk {
            Some(Ok(chunk)) => {
                self.marks.budget.set(self.marks.budget.get().saturating_sub(chunk.len()));
                if let Some(left) = &mut stream.left {
                    let Some(less) = left.checked_sub(chunk.len() as u64) else {
                        return fail(stream, "it is longer than was said", cx);
                    };
                    *left = less;
                    if less == 0 {
                        self.counted.answered();
                    }
                }
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Some(Err(failure)) => fail(stream, &failure.to_string(), cx),
            None if stream.left.is_some_and(|left| left > 0) => {
                fail(stream, "it is shorter than was said", cx)
            }
            None => {
                self.counted.answered();
                Poll::Ready(None)
            }
        }
    }
}

/// Fails with the next poll: hyper throws away what it has not flushed, and flushes when a body has nothing.
fn fail(stream: &mut Stream, reason: &str, cx: &mut Context<'_>) -> Polled {
    stream.failed = Some(reason.to_owned());
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyFailed;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        match &mut self.content {
            Content::Whole(body) => {
                let body = std::mem::take(body);
                self.counted.answered();
                Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
            }
            Content::Stream(_) => self.poll_stream(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(body) => body.is_empty(),
            Content::Stream(stream) => stream.left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Content::Stream(stream) => stream.left.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let (Content::Stream(stream), Some(route)) = (&mut self.content, &self.route) else { return };
        if guarded(&route.span, || stream.drop_producer()).is_none() {
            bump(&self.counted.shared().stats.panics);
        }
    }
}
