//! Requests and responses as routes see them.

use std::future::Future;
use std::pin::Pin;

use http_body_util::Full;
pub use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method};

/// A request with its whole body, which fits the server's limit.
#[derive(Debug)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        &self.path
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
        self.query.split('&').find_map(|pair| {
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
            (b'+', _) => decoded.push(b' '),
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

/// A response with its whole body. Small, so that it can be the error of a `Result` as well.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
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
        let _checked = HeaderValue::from_static(content_type);
        self.content_type = content_type;
        self
    }

    pub(super) fn into_hyper(self) -> hyper::Response<Full<Bytes>> {
        let mut response = hyper::Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response
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
    Response { status, content_type: "text/plain; charset=utf-8", body: body.into() }
}

/// So that a route may refuse with `?`: whichever side it is, it is the answer.
impl From<Result<Response, Response>> for Response {
    fn from(either: Result<Response, Response>) -> Response {
        either.unwrap_or_else(|refusal| refusal)
    }
}

/// What a route may return: a response, or a future of one or of a `Result` whose sides both are responses.
pub trait IntoReply {
    /// The reply as a future.
    fn into_reply(self) -> Pin<Box<dyn Future<Output = Response>>>;
}

impl IntoReply for Response {
    fn into_reply(self) -> Pin<Box<dyn Future<Output = Response>>> {
        Box::pin(std::future::ready(self))
    }
}

impl<F> IntoReply for F
where
    F: Future + 'static,
    F::Output: Into<Response>,
{
    fn into_reply(self) -> Pin<Box<dyn Future<Output = Response>>> {
        Box::pin(async { self.await.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> Request {
        Request {
            method: Method::GET,
            path: "/".into(),
            query: query.into(),
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
    fn numbers_out_of_range_are_refused_in_words() {
        assert_eq!(request("").number("ms", 7, 1..=9).unwrap(), 7);
        assert_eq!(request("ms=3").number("ms", 7, 1..=9).unwrap(), 3);
        for bad in ["ms=0", "ms=10", "ms=-1", "ms=x", "ms="] {
            let refused = request(bad).number("ms", 7, 1..=9).unwrap_err();
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        }
    }
}
