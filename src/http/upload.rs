//! The body of a request, chunk by chunk, within the limits of its server.
//!
//! # Model
//! A chunk is read from the socket when it is asked for, so a route that does not ask makes its client wait. The time that
//! counts is the time that the route waits for the client, over the whole body.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use event_loop::{LoopHandle, Sleep, sleep};
use hyper::StatusCode;
use hyper::body::{Body, Bytes, Incoming};

use super::message::{Response, with_status};
use super::server::Shared;
use super::stats::bump;

/// What the requests of a connection tell about its end.
#[derive(Default)]
pub(super) struct Marks {
    /// Some of a request was answered without having been read.
    pub(super) unread: std::cell::Cell<bool>,
    /// A body ended too early, or was no body.
    pub(super) broken: std::cell::Cell<bool>,
}

/// Why a body of a request cannot be had. It makes a response, so that a route may refuse with `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More than [`Limits::body_bytes`](super::Limits::body_bytes).
    #[error("the body is too large")]
    TooLarge,
    /// More than [`Limits::body_time`](super::Limits::body_time) was spent on waiting for it.
    #[error("the body came too slowly")]
    TooSlow,
    /// It ended too early, or was no body.
    #[error("the body is broken")]
    Broken,
}

impl From<BodyError> for Response {
    fn from(error: BodyError) -> Response {
        let status = match error {
            BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        };
        with_status(status, format!("{error}\n"))
    }
}

/// The body of a request that is read while it comes.
///
/// A route that hands it on to another server; the slower side holds up the other:
///
/// ```no_run
/// use runtime_lab::{RunMode, Runtime, http};
///
/// let runtime = Runtime::new()?;
/// let client = http::Client::new();
/// let server = http::Server::on("127.0.0.1:8080")?.route_streaming("POST /upload", move |_request, mut body| {
///     let mut request = client.post("http://127.0.0.1:8081/upload");
///     if let Some(bytes) = body.announced_bytes() {
///         request = request.length(bytes);
///     }
///     let request = request.stream(|sender| async move {
///         // With `?`: a body that breaks here must not look whole there.
///         while let Some(chunk) = body.chunk().await? {
///             sender.send(chunk).await?;
///         }
///         Ok(())
///     });
///     async move {
///         match request.await {
///             Ok(answer) => http::with_status(answer.status(), ""),
///             Err(error) => http::with_status(http::StatusCode::BAD_GATEWAY, format!("{error}\n")),
///         }
///     }
/// });
/// server.serve(&runtime.handle())?;
/// runtime.run(RunMode::Default)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequestBody {
    body: Incoming,
    shared: Rc<Shared>,
    marks: Rc<Marks>,
    /// How many bytes may still come.
    room: usize,
    /// What is left of the time to wait.
    patience: Duration,
    /// While it waits: since when, and until when.
    waiting: Option<(Instant, Sleep)>,
    ended: Option<BodyError>,
}

impl RequestBody {
    /// # Errors
    /// A length over the limit is refused before the client sends the rest of it.
    pub(super) fn new(
        body: Incoming,
        shared: &Rc<Shared>,
        marks: &Rc<Marks>,
    ) -> Result<RequestBody, BodyError> {
        let (room, patience) = (shared.limits.body_bytes, shared.limits.body_time);
        let announced = body.size_hint().lower();
        let (shared, marks) = (shared.clone(), marks.clone());
        let mut body = RequestBody { body, shared, marks, room, patience, waiting: None, ended: None };
        if announced > room as u64 {
            return Err(body.fail(BodyError::TooLarge));
        }
        Ok(body)
    }

    /// The bytes that the client has announced and not yet sent; `None` when it has not said.
    pub fn announced_bytes(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next chunk; `None` is the end.
    ///
    /// # Errors
    /// See [`BodyError`]. After one, every further call gives it again.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        if let Some(error) = self.ended {
            return Poll::Ready(Err(error));
        }
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                let patience = self.patience;
                let (_, nap) = self.waiting.get_or_insert_with(|| (now(), sleep(patience)));
                return Pin::new(nap).poll(cx).map(|()| Err(self.fail(BodyError::TooSlow)));
            };
            if let Some((since, _)) = self.waiting.take() {
                self.patience = self.patience.saturating_sub(now().saturating_duration_since(since));
            }
            let Some(frame) = frame else { return Poll::Ready(Ok(None)) };
            let Ok(frame) = frame else { return Poll::Ready(Err(self.fail(BodyError::Broken))) };
            // Trailers are none of ours.
            let Ok(chunk) = frame.into_data() else { continue };
            if chunk.len() > self.room {
                return Poll::Ready(Err(self.fail(BodyError::TooLarge)));
            }
            self.room -= chunk.len();
            return Poll::Ready(Ok(Some(chunk)));
        }
    }

    /// The rest of the body as one.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub async fn whole(mut self) -> Result<Bytes, BodyError> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut all = Vec::from(first);
        all.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }

    fn fail(&mut self, error: BodyError) -> BodyError {
        match error {
            BodyError::TooLarge => bump(&self.shared.stats.too_large),
            BodyError::TooSlow => bump(&self.shared.stats.too_slow),
            BodyError::Broken => self.marks.broken.set(true),
        }
        self.marks.unread.set(true);
        self.ended = Some(error);
        error
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            self.marks.unread.set(true);
        }
    }
}

/// The loop's cached time: the end of a wait is at the begin of a pass.
fn now() -> Instant {
    LoopHandle::current().expect("a body is read while its loop runs").now()
}
