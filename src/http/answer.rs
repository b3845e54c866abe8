//! One request: its route is found, its body is read, the route answers within its span.
//!
//! # Invariants
//! - W1: a panic in a route, in its future, in the producer of its body or in a destructor ends neither the connection nor
//!   the loop; only a body that has begun cannot be mended, so its connection ends.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::{Method, StatusCode};

use super::body::Content;
use super::message::{Reply, Request, Response, with_status};
use super::routes::{Found, Handler, Route};
use super::server::Shared;
use super::stats::{Counted, bump};
use super::stream::{BodyFailed, Polled, guarded};
use super::upload::{Marks, RequestBody};

/// Answers one request, whatever it is. hyper keeps the room for this future while the connection is idle, so it is a plain
/// state machine: an async block would have the request several times.
pub(super) struct Answering {
    step: Step,
    /// Until it has answered.
    counted: Option<Counted>,
    shared: Rc<Shared>,
    route: Option<Rc<Route>>,
    is_head: bool,
}

enum Step {
    /// The body is being read; what was asked is there, or why it is not.
    Reading(Pin<Box<dyn Future<Output = Result<Request, Response>>>>),
    Calling(Box<RouteCall>),
    /// `None` when it was given away.
    Answered(Option<Response>),
}

impl Answering {
    pub(super) fn new(shared: Rc<Shared>, request: hyper::Request<Incoming>, marks: &Rc<Marks>) -> Answering {
        let counted = Some(Counted::new(&shared));
        let (head, body) = request.into_parts();
        let is_head = head.method == Method::HEAD;
        let refused = |refusal| {
            marks.unread.set(marks.unread.get() || !body.is_end_stream());
            Step::Answered(Some(refusal))
        };
        let (step, route) = match shared.routes.find(&head.method, head.uri.path()) {
            Found::Nothing => (refused(with_status(StatusCode::NOT_FOUND, "no such page\n")), None),
            Found::OtherMethods(allowed) => {
                let refusal = with_status(StatusCode::METHOD_NOT_ALLOWED, format!("use {allowed}\n"));
                (refused(refusal.header("allow", &allowed)), None)
            }
            Found::Route(route) => {
                let step = Step::of(route, Request::new(head), body, &shared, marks);
                (step, Some(route.clone()))
            }
        };
        Answering { step, counted, shared, route, is_head }
    }

    fn reply(&mut self, response: Response) -> hyper::Response<ReplyBody> {
        let (head, content) = response.into_parts();
        let counted = self.counted.take().expect("a future is not polled after its end");
        let mut body = ReplyBody { content, counted, route: self.route.take() };
        let has_none = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if self.is_head || has_none || body.is_end_stream() {
            // hyper sends no body and does not ask for one.
            body.counted.answered();
        }
        hyper::Response::from_parts(head, body)
    }
}

impl Future for Answering {
    type Output = Result<hyper::Response<ReplyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match &mut self.step {
                Step::Reading(reading) => match ready!(reading.as_mut().poll(cx)) {
                    Ok(request) => Step::call(self.route.as_ref(), Call::Whole(request), &self.shared),
                    Err(refusal) => Step::Answered(Some(refusal)),
                },
                Step::Calling(call) => Step::Answered(Some(ready!(call.poll(cx)))),
                Step::Answered(response) => {
                    let response = response.take().expect("a future is not polled after its end");
                    return Poll::Ready(Ok(self.reply(response)));
                }
            };
            self.step = next;
        }
    }
}

impl Step {
    fn of(
        route: &Rc<Route>,
        request: Request,
        body: Incoming,
        shared: &Rc<Shared>,
        marks: &Rc<Marks>,
    ) -> Step {
        let has_body = !body.is_end_stream() && *request.method() != Method::HEAD;
        let is_whole = matches!(route.handler, Handler::Whole(_));
        if is_whole && !has_body {
            return Step::call(Some(route), Call::Whole(request), shared);
        }
        match RequestBody::new(body, shared, marks) {
            Err(refusal) => Step::Answered(Some(refusal.into())),
            Ok(body) if is_whole => Step::Reading(Box::pin(async move {
                let body = body.whole().await?;
                Ok(request.with_body(body))
            })),
            Ok(body) => Step::call(Some(route), Call::Streaming(request, Box::new(body)), shared),
        }
    }

    fn call(route: Option<&Rc<Route>>, call: Call, shared: &Rc<Shared>) -> Step {
        let route = route.expect("a request is called on the route that was found").clone();
        Step::Calling(Box::new(RouteCall { route, call: Some(call), future: None, shared: shared.clone() }))
    }
}

/// What a route is called with.
enum Call {
    Whole(Request),
    Streaming(Request, Box<RequestBody>),
}

impl Call {
    fn make(self, handler: &Handler) -> Option<Reply> {
        match (self, handler) {
            (Call::Whole(request), Handler::Whole(handler)) => Some(handler(request)),
            (Call::Streaming(request, body), Handler::Streaming(handler)) => Some(handler(request, *body)),
            _ => None,
        }
    }
}

/// A route that answers.
///
/// Where it answers at once, it is called, polled and dropped within one span: each span costs two readings of the clock
/// when somebody looks.
struct RouteCall {
    route: Rc<Route>,
    /// Until the route is called.
    call: Option<Call>,
    /// From then on until it has answered.
    future: Option<Reply>,
    shared: Rc<Shared>,
}

impl RouteCall {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response> {
        let RouteCall { route, call, future, shared } = self;
        let polled = guarded(Some(&route.span), || {
            if let Some(call) = call.take() {
                *future = call.make(&route.handler);
            }
            let polled = future.as_mut()?.poll(cx);
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

impl Drop for RouteCall {
    fn drop(&mut self) {
        if let Some(future) = self.future.take()
            && guarded(Some(&self.route.span), || drop(future)).is_none()
        {
            bump(&self.shared.stats.panics);
        }
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
    /// Whose span the producer of a stream runs in.
    route: Option<Rc<Route>>,
}

impl ReplyBody {
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Polled {
        let Content::Stream(stream) = &mut self.content else { return Poll::Ready(None) };
        let shared = self.counted.shared();
        let polled = match stream.ends_with_server && shared.stopping.get() {
            true => Poll::Ready(stream.take_chunk().map(|chunk| Ok(Frame::data(chunk)))),
            false => stream.poll_frame(self.route.as_ref().map(|route| &route.span), cx),
        };
        if let Poll::Ready(Some(Err(BodyFailed::Panicked))) = polled {
            bump(&shared.stats.panics);
        }
        // hyper does not ask again when it has as much as was announced.
        if matches!(polled, Poll::Ready(None)) || stream.left == Some(0) {
            self.counted.answered();
        }
        polled
    }
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
        self.content.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let Content::Stream(stream) = &mut self.content else { return };
        let span = self.route.as_ref().map(|route| &route.span);
        if guarded(span, || stream.drop_producer()).is_none() {
            bump(&self.counted.shared().stats.panics);
        }
    }
}
