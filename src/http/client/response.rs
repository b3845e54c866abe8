//! The answer of a server: its head is there, its body is read whole or chunk by chunk.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use event_loop::{LoopHandle, timeout};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{HeaderMap, StatusCode};

use super::ClientError;
use super::pool::{Connection, Pool};

/// An answer whose head has come. Read its body to the end, and its connection serves the next request; drop it before, and
/// the connection is closed.
pub struct ClientResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
    /// Until the body has ended.
    connection: Option<Connection>,
    pool: Rc<Pool>,
    server: String,
    /// For each chunk.
    time: Duration,
    /// For the whole body.
    deadline: Option<Instant>,
}

impl ClientResponse {
    pub(super) fn new(
        response: hyper::Response<Incoming>,
        connection: Connection,
        pool: Rc<Pool>,
        server: String,
        time: Duration,
        deadline: Option<Instant>,
    ) -> ClientResponse {
        let (head, body) = response.into_parts();
        let (status, headers) = (head.status, head.headers);
        let connection = Some(connection);
        let mut response = ClientResponse { status, headers, body, connection, pool, server, time, deadline };
        if response.body.is_end_stream() {
            response.end();
        }
        response
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first field of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The next chunk of the body; `None` is the end. Waits for at most the time of the request.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        let (server, limit) = (self.server.clone(), self.time);
        timeout(limit, self.next()).await.map_err(|_| ClientError::Timeout { server, limit })?
    }

    /// The rest of the body as one, within what is left of the time of the request.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn bytes(mut self) -> Result<Bytes, ClientError> {
        let (server, limit) = (self.server.clone(), self.time);
        let left = match (self.deadline, LoopHandle::current()) {
            (Some(deadline), Some(lp)) => deadline.saturating_duration_since(lp.now()),
            _ => limit,
        };
        let whole = async {
            let limit = self.pool.limits.body_bytes;
            // An announced length is refused before it comes.
            let mut whole = match self.body.size_hint().lower() {
                announced if announced > limit as u64 => return Err(self.too_large(limit)),
                announced => Vec::with_capacity((announced as usize).min(64 * 1024)),
            };
            while let Some(chunk) = self.next().await? {
                if chunk.len() > limit - whole.len() {
                    return Err(self.too_large(limit));
                }
                whole.extend_from_slice(&chunk);
            }
            Ok(Bytes::from(whole))
        };
        timeout(left, whole).await.map_err(|_| ClientError::Timeout { server, limit })?
    }

    /// The rest of the body as text; as [`ClientResponse::bytes`].
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn text(self) -> Result<String, ClientError> {
        let server = self.server.clone();
        let body = self.bytes().await?;
        String::from_utf8(body.into()).map_err(|_| ClientError::NotText { server })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
            let Some(frame) = frame else {
                self.end();
                return Ok(None);
            };
            let frame = frame.map_err(|error| {
                self.connection = None;
                ClientError::of(&self.server, &error, &self.pool.limits, true)
            })?;
            // Trailers are none of ours.
            if let Ok(chunk) = frame.into_data() {
                return Ok(Some(chunk));
            }
        }
    }

    fn too_large(&self, bytes: usize) -> ClientError {
        ClientError::BodyTooLarge { server: self.server.clone(), bytes }
    }

    /// The body was read to its end: the connection is free.
    fn end(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put(&self.server, connection);
        }
    }
}
