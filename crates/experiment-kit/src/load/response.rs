//! Reading one HTTP/1.1 response from a buffer that fills bit by bit.
//!
//! The client asks small questions of a server of its own, so it accepts little: a head of at most 16 KiB, a
//! `content-length`, a body of at most 64 KiB. Anything else is reported, not guessed at.

const HEAD_LIMIT_BYTES: usize = 16 * 1024;
const BODY_LIMIT_BYTES: usize = 64 * 1024;
const HEADER_LIMIT: usize = 32;

/// A complete response at the begin of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response<'b> {
    /// The status code.
    pub(super) status: u16,
    /// The body.
    pub(super) body: &'b [u8],
    /// Whether the server will close the connection.
    pub(super) close: bool,
    /// Bytes of the buffer that belong to this response.
    pub(super) length: usize,
}

/// The response at the begin of `buffer`: `None` while it is not complete.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parse(buffer: &[u8]) -> Result<Option<Response<'_>>, String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADER_LIMIT];
    let mut head = httparse::Response::new(&mut headers);
    let head_length = match head.parse(buffer).map_err(|error| format!("{error} in the head"))? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial if buffer.len() > HEAD_LIMIT_BYTES => {
            return Err(format!("the head is longer than {HEAD_LIMIT_BYTES} bytes"));
        }
        httparse::Status::Partial => return Ok(None),
    };
    let mut body_length = None;
    let mut close = head.version == Some(0);
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            body_length = Some(content_length(header.value)?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("a transfer-encoding where a content-length was expected".to_owned());
        } else if header.name.eq_ignore_ascii_case("connection") {
            close = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let body_length = body_length.ok_or("no content-length")?;
    let length = head_length + body_length;
    let status = head.code.unwrap_or_default();
    Ok(buffer.get(head_length..length).map(|body| Response { status, body, close, length }))
}

fn content_length(value: &[u8]) -> Result<usize, String> {
    let text = String::from_utf8_lossy(value);
    match text.trim().parse() {
        Ok(length) if length <= BODY_LIMIT_BYTES => Ok(length),
        Ok(length) => Err(format!("a body of {length} bytes, more than {BODY_LIMIT_BYTES}")),
        Err(_) => Err(format!("content-length `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

    #[test]
    fn a_response_is_complete_only_with_its_last_byte() {
        for end in 0..PONG.len() {
            assert_eq!(parse(&PONG[..end]), Ok(None), "{end}");
        }
        let expected = Response { status: 200, body: b"pong", close: false, length: PONG.len() };
        assert_eq!(parse(PONG), Ok(Some(expected)));
        let two = [PONG, PONG].concat();
        assert_eq!(parse(&two).unwrap().unwrap().length, PONG.len());
    }

    #[test]
    fn a_server_that_will_close_is_noticed() {
        let closes = |text: &[u8]| parse(text).unwrap().unwrap().close;
        assert!(closes(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: Close\r\n\r\n"));
        assert!(closes(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(!closes(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"));
    }

    #[test]
    fn what_is_not_a_response_is_refused_with_the_reason() {
        let refused = |text: &[u8], reason: &str| {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        };
        refused(b"SSH-2.0-OpenSSH_9.2\r\n", "in the head");
        refused(b"HTTP/1.1 200 OK\r\n\r\n", "no content-length");
        refused(b"HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n", "70000 bytes");
        refused(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "`-1`");
        refused(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "transfer-encoding");
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &[b'a'; HEAD_LIMIT_BYTES]].concat();
        refused(&endless, "longer than 16384 bytes");
    }
}
