//! Requests and responses as routes see them.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method};

use super::body::{BodyFailure, BodySender, Content};
use super::stream::Stream;

/// A request with its whole body, which fits the server's limit; for a route that reads the body itself, without it.
#[derive(Debug)]
pub struct Request {
    pub(super) method: Method,
    /// `None` where a client names a host in place of a path, as CONNECT does.
    pub(super) target: Option<PathAndQuery>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    pub(super) fn new(head: hyper::http::request::Parts) -> Request {
        Request {
            method: head.method,
            target: head.uri.into_parts().path_and_query,
            headers: head.headers,
            body: Bytes::new(),
        }
    }

    pub(super) fn with_body(self, body: Bytes) -> Request {
        Request { body, ..self }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.as_ref().map_or("", PathAndQuery::path)
    }

    fn query(&self) -> &str {
        self.target.as_ref().and_then(PathAndQuery::query).unwrap_or_default()
    }

    /// What the path says below `prefix` as a relative path of the file system, percent escapes decoded and a slash at the
    /// end left out. `None` when it is not below it, or has a part that is no plain name: `.`, `..`, an empty one, one with
    /// a NUL or an escaped separator (on Windows a colon, too), or one that is not UTF-8.
    pub fn path_below(&self, prefix: &str) -> Option<PathBuf> {
        // A colon begins a drive or a stream on Windows; elsewhere it and the backslash are signs like others.
        let not_in_names: &[char] =
            if cfg!(windows) { &['/', '\0', '\u{fffd}', '\\', ':'] } else { &['/', '\0', '\u{fffd}'] };
        let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(not_in_names);
        let below = self.path().strip_prefix(prefix)?;
        if below.is_empty() {
            return Some(PathBuf::new());
        }
        let parts = below.strip_suffix('/').unwrap_or(below).split('/').map(decode_percent);
        parts.map(|part| is_plain(&part).then_some(part)).collect()
    }

    /// The header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The text of a query parameter, `+` and percent escapes decoded. The first of several.
    pub fn param(&self, name: &str) -> Option<String> {
        self.query().split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key) == name).then(|| decode(value))
        })
    }

    /// A query parameter as a number within `range`; `default` when it is missing.
    ///
    /// # Errors
    /// A ready 400 response that says what is wrong.
    pub fn number(
        &self,
        name: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Response> {
        let Some(text) = self.param(name) else { return Ok(default) };
        match text.parse::<u64>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(with_status(
                StatusCode::BAD_REQUEST,
                format!("{name}={text}: give a whole number from {} to {}\n", range.start(), range.end()),
            )),
        }
    }
}

/// Percent and plus decoding; a broken escape stays as it is.
fn decode(text: &str) -> String {
    decode_percent(&text.replace('+', " "))
}

/// Percent decoding; a broken escape stays as it is.
fn decode_percent(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], escaped(&bytes[at + 1..])) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
                continue;
            }
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The byte that two hex digits say. `from_str_radix` alone would take a sign for a digit.
fn escaped(rest: &[u8]) -> Option<u8> {
    let hex = rest.first_chunk::<2>().filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

/// Made when this is compiled: made for each answer, each of its bytes would be looked at each time.
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A response. Small, so that it can be the error of a `Result` as well.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    content_type: HeaderValue,
    /// Most responses have none.
    headers: Option<Box<HeaderMap>>,
    content: Content,
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Sets the content type.
    ///
    /// # Panics
    /// When the text has bytes that a header field cannot have; see [`HeaderValue::from_static`].
    pub fn content_type(mut self, content_type: &'static str) -> Response {
        self.content_type = HeaderValue::from_static(content_type);
        self
    }

    /// Adds a header field.
    ///
    /// # Panics
    /// When the name is not in lower case or is none, or the value has line breaks or other bytes that a field cannot have;
    /// in a route the client then gets 500.
    #[track_caller]
    pub fn header(mut self, name: &'static str, value: &str) -> Response {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_str(value);
        let value = value.unwrap_or_else(|_| panic!("the value of {name} has bytes that it cannot have"));
        self.headers.get_or_insert_default().append(name, value);
        self
    }

    /// Announces how long a stream is: the client then knows how much is missing, and gets `Content-Length` instead of chunks.
    /// A producer that sends less or more ends the connection. Whole bodies know their length.
    pub fn length(mut self, bytes: u64) -> Response {
        if let Content::Stream(stream) = &mut self.content {
            stream.left = Some(bytes);
        }
        self
    }

    /// Another status.
    pub(super) fn with(mut self, status: StatusCode) -> Response {
        self.status = status;
        self
    }

    pub(super) fn content(mut self, content: Content) -> Response {
        self.content = content;
        self
    }

    pub(super) fn into_parts(self) -> (hyper::http::response::Parts, Content) {
        let (mut head, ()) = hyper::Response::new(()).into_parts();
        head.status = self.status;
        head.headers = self.headers.map(|headers| *headers).unwrap_or_default();
        head.headers.insert(CONTENT_TYPE, self.content_type);
        (head, self.content)
    }
}

/// 200 with plain text.
pub fn text(body: impl Into<Bytes>) -> Response {
    with_status(StatusCode::OK, body)
}

/// 200 with JSON, which the caller has written.
pub fn json(body: impl Into<Bytes>) -> Response {
    text(body).content_type("application/json")
}

/// Any status with plain text.
pub fn with_status(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let content = Content::Whole(body.into());
    Response { status, content_type: PLAIN_TEXT, headers: None, content }
}

/// 200 with a body that `producer` sends while it goes out: at the pace of the client, with little memory. When the producer
/// fails, the connection ends, so that the client sees that the body is not whole. See [`BodySender`].
///
/// ```
/// use runtime_lab::http;
/// # fn _route() -> http::Response {
/// http::stream(|sender| async move {
///     for number in 0..1_000_000 {
///         sender.send(format!("{number}\n")).await?;
///     }
///     Ok(())
/// })
/// # }
/// ```
pub fn stream<F>(producer: impl FnOnce(BodySender) -> F) -> Response
where
    F: Future<Output = Result<(), BodyFailure>> + 'static,
{
    text("").content(Content::Stream(Box::new(Stream::new(producer))))
}

/// So that a route may refuse with `?`: whichever side it is, it is the answer.
impl From<Result<Response, Response>> for Response {
    fn from(either: Result<Response, Response>) -> Response {
        either.unwrap_or_else(|refusal| refusal)
    }
}

/// What a route may return: a response, or a future of one or of a `Result` whose sides both are responses.
pub trait IntoReply {
    /// The reply, now or later.
    fn into_reply(self) -> Reply;
}

/// What a route has returned.
pub struct Reply(pub(super) When);

pub(super) enum When {
    /// `None` when it was given away.
    Now(Option<Response>),
    Later(Pin<Box<dyn Future<Output = Response>>>),
}

impl Reply {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response> {
        match &mut self.0 {
            When::Now(response) => Poll::Ready(response.take().expect("it is polled until it has answered")),
            When::Later(future) => future.as_mut().poll(cx),
        }
    }
}

impl IntoReply for Response {
    fn into_reply(self) -> Reply {
        Reply(When::Now(Some(self)))
    }
}

impl<F> IntoReply for F
where
    F: Future + 'static,
    F::Output: Into<Response>,
{
    fn into_reply(self) -> Reply {
        Reply(When::Later(Box::pin(async { self.await.into() })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> Request {
        Request {
            method: Method::GET,
            target: Some(format!("/?{query}").parse().unwrap()),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn parameters_are_decoded_and_the_first_counts() {
        let request = request("a=1&b=x+y%2Fz&a=2&c");
        assert_eq!(request.param("a").as_deref(), Some("1"));
        assert_eq!(request.param("b").as_deref(), Some("x y/z"));
        assert_eq!(request.param("c").as_deref(), Some(""));
        assert_eq!(request.param("d"), None);
    }

    #[test]
    fn an_escape_is_two_hex_digits_and_a_broken_one_stays_as_it_is() {
        for text in ["%", "%4", "%zz", "%4z", "%-f", "%%", "%é"] {
            assert_eq!(decode(text), text);
        }
        for (text, expected) in [("%+f", "% f"), ("%%41", "%A"), ("%e4%Bd%A0", "你"), ("%ff", "\u{fffd}")] {
            assert_eq!(decode(text), expected);
        }
    }

    #[test]
    fn a_path_below_a_prefix_cannot_leave_it() {
        let below = |path: &str| {
            let target = Some(path.parse().unwrap());
            Request { target, ..request("") }.path_below("/files/")
        };
        assert_eq!(below("/files/a/b%20c+d.txt"), Some("a/b c+d.txt".into()));
        assert_eq!(below("/files/a/"), Some("a".into()));
        assert_eq!(below("/files/"), Some("".into()));
        for wrong in [
            "/files",
            "/files//",
            "/files/a//",
            "/other/a",
            "/files/../a",
            "/files/a/..",
            "/files/%2e%2e/a",
            "/files//etc/passwd",
            "/files/a%2fb",
            "/files/a%00",
            "/files/%ff",
        ] {
            assert_eq!(below(wrong), None, "{wrong}");
        }
        for (path, name) in [("/files/a%5cb", "a\\b"), ("/files/12:30", "12:30")] {
            assert_eq!(below(path), (!cfg!(windows)).then(|| name.into()), "{path}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_in_words() {
        assert_eq!(request("").number("ms", 7, 1..=9).unwrap(), 7);
        assert_eq!(request("ms=3").number("ms", 7, 1..=9).unwrap(), 3);
        for bad in ["ms=0", "ms=10", "ms=-1", "ms=x", "ms="] {
            let refused = request(bad).number("ms", 7, 1..=9).unwrap_err();
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        }
    }
}
