//! A request that is being described, and what becomes of it when it is sent.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use event_loop::timeout;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};

use super::address::Address;
use super::pool::{Pool, SendBody};
use super::{ClientError, ClientResponse};
use crate::http::body::{BodyFailure, BodySender, Content};
use crate::http::stream::Stream;

/// A request, not yet sent. `.await` it or its [`ClientRequest::send`] in a task of the loop.
#[must_use = "a request does nothing until it is sent"]
pub struct ClientRequest {
    pool: Rc<Pool>,
    method: Method,
    /// Or the first thing that is wrong with the request.
    address: Result<Address, ClientError>,
    headers: HeaderMap,
    content: Content,
    /// Of a stream, where it was announced.
    length: Option<u64>,
    time: Duration,
}

impl ClientRequest {
    pub(super) fn new(pool: Rc<Pool>, method: Method, url: &str) -> ClientRequest {
        let address = match method {
            Method::CONNECT => {
                let reason = "it makes a tunnel, which this client does not do";
                Err(ClientError::Request { what: "CONNECT".to_owned(), reason })
            }
            _ => Address::parse(url),
        };
        let time = pool.limits.request_time;
        let (headers, content) = (HeaderMap::new(), Content::Whole(Bytes::new()));
        ClientRequest { pool, method, address, headers, content, length: None, time }
    }

    /// Adds a header field. `Host` and the length of the body are set without it.
    pub fn header(mut self, name: &str, value: &str) -> ClientRequest {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            _ if self.address.is_ok() => {
                let reason = "a field has a name of letters and digits, and a value on one line";
                self.address = Err(ClientError::Request { what: format!("{name}: {value}"), reason });
            }
            _ => {}
        }
        self
    }

    /// Sends this body.
    pub fn body(mut self, body: impl Into<Bytes>) -> ClientRequest {
        self.content = Content::Whole(body.into());
        self
    }

    /// Sends a body while it is made, in chunks; see [`ClientRequest::length`]. When the producer fails, so does the request;
    /// when it says that all went well, the server takes the body for whole.
    pub fn stream<F>(mut self, producer: impl FnOnce(BodySender) -> F) -> ClientRequest
    where
        F: Future<Output = Result<(), BodyFailure>> + 'static,
    {
        self.content = Content::Stream(Box::new(Stream::new(producer)));
        self
    }

    /// Announces how long the stream is, instead of sending it in chunks; a stream of another length fails. A body that is
    /// not a stream has its own length.
    pub fn length(mut self, bytes: u64) -> ClientRequest {
        self.length = Some(bytes);
        self
    }

    /// Another time than [`ClientLimits::request_time`](super::ClientLimits::request_time).
    pub fn within(mut self, time: Duration) -> ClientRequest {
        self.time = time;
        self
    }

    /// Sends the request and waits for the head of the answer. When the future is dropped, the request is given up and its
    /// connection closed.
    ///
    /// # Errors
    /// See [`ClientError`]. A status that tells of an error is an answer.
    ///
    /// # Panics
    /// When it is polled outside of a running loop.
    pub async fn send(mut self) -> Result<ClientResponse, ClientError> {
        let address = self.address?;
        if let Content::Stream(stream) = &mut self.content {
            stream.left = self.length;
        }
        let mut request = hyper::Request::new(SendBody(self.content));
        *request.method_mut() = self.method;
        *request.uri_mut() = address.page.clone();
        *request.headers_mut() = self.headers;
        if request.body().0.is_at_end()
            && matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH)
        {
            // hyper leaves the length of nothing away, and some servers insist on it here.
            request.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        if let Some(host) = address.host_field() {
            request.headers_mut().entry(HOST).or_insert(host);
        }
        let (server, limit) = (address.authority.clone(), self.time);
        let deadline = event_loop::LoopHandle::current().map(|lp| {
            lp.update_time();
            lp.now() + limit
        });
        let exchanged = timeout(limit, exchange(&self.pool, &address, request)).await;
        let (response, connection) = exchanged.map_err(|_| ClientError::Timeout { server, limit })??;
        Ok(ClientResponse::new(response, connection, self.pool, address.authority, limit, deadline))
    }
}

impl IntoFuture for ClientRequest {
    type Output = Result<ClientResponse, ClientError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

type Exchanged = (hyper::Response<hyper::body::Incoming>, super::pool::Connection);

/// Sends the request on an idle connection or a new one. What was not sent because the server had closed its idle connection
/// is sent on another one, if it may be.
async fn exchange(
    pool: &Rc<Pool>,
    address: &Address,
    mut request: hyper::Request<SendBody>,
) -> Result<Exchanged, ClientError> {
    let may_repeat = request.method().is_idempotent();
    loop {
        let (mut connection, was_idle) = pool.connection(address).await?;
        let mut refusal = match connection.sender.try_send_request(request).await {
            Ok(response) => return Ok((response, connection)),
            Err(refusal) => refusal,
        };
        match refusal.take_message() {
            Some(unsent) if was_idle && may_repeat => {
                pool.retried.set(pool.retried.get() + 1);
                request = unsent;
            }
            unsent => {
                let sent = unsent.is_none();
                return Err(ClientError::of(&address.authority, refusal.error(), &pool.limits, sent));
            }
        }
    }
}
