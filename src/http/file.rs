//! Files as answers: read piece by piece on the pool, whole or the part that was asked for.
//!
//! # Source
//! RFC 9110, section 14: one range of bytes is served as 206; several, or what cannot be understood, get the whole file, which
//! the standard allows; a range behind the end is 416. Section 13: `If-Modified-Since` gets 304 when the file is not newer,
//! `If-Range` the whole file when it has another date. Dates count seconds, and there are no entity tags: a request with
//! `If-None-Match` gets the file.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blocking_pool::JobKind;
use hyper::{Method, StatusCode};

use super::message::{Request, Response, stream, text, with_status};
use crate::request::RequestError;

/// How much one job of the pool reads.
const PIECE_BYTES: u64 = 64 * 1024;

/// The end of the year 9999 in seconds since 1970: a later date has no form in HTTP.
const DATES_END_SECONDS: u64 = 253_402_300_800;

/// The file at `path`, with its type by its name, and its date for clients that keep copies; 404 when there is none, or when
/// it is no ordinary file. Whether `path` is one that the client may see is the caller's matter; see [`Request::path_below`].
pub async fn file(request: &Request, path: impl AsRef<Path>) -> Response {
    let path = path.as_ref().to_owned();
    let content_type = content_type(&path);
    let opened = crate::Request::new(JobKind::FastIo, "http.open", move || {
        let open = || {
            let file = open_at_once(&path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(ErrorKind::NotFound.into());
            }
            let modified = metadata.modified().ok().and_then(whole_seconds);
            Ok((file, metadata.len(), modified))
        };
        open().map_err(|cause| RequestError::File { action: "open", path: path.clone(), cause })
    });
    let (file, size_bytes, modified) = match opened.await {
        Ok(opened) => opened,
        Err(error) => return refusal(&error),
    };
    let dated = |response: Response| match modified {
        Some(modified) => response.header("last-modified", &httpdate::fmt_http_date(modified)),
        None => response,
    };
    if is_known(request, modified) {
        return dated(text("").with(StatusCode::NOT_MODIFIED).content_type(content_type));
    }
    let asked = field(request, "range").filter(|_| may_be_part(request, modified));
    let (status, part) = match asked.and_then(|range| parse_range(range, size_bytes)) {
        None => (StatusCode::OK, 0..size_bytes),
        Some(Ok(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(Err(())) => {
            let refusal = with_status(StatusCode::RANGE_NOT_SATISFIABLE, "no such range\n");
            return refusal.header("content-range", &format!("bytes */{size_bytes}"));
        }
    };
    let response = match part.is_empty() {
        true => text(""),
        false => pieces(file, part.clone()),
    };
    let response = dated(response.with(status).content_type(content_type)).header("accept-ranges", "bytes");
    match status {
        StatusCode::PARTIAL_CONTENT => {
            let range = format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1);
            response.header("content-range", &range)
        }
        _ => response,
    }
}

fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// A time as HTTP says it; `None` when it has no form there.
fn whole_seconds(time: SystemTime) -> Option<SystemTime> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    (seconds < DATES_END_SECONDS).then(|| UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Whether the client has this file already.
fn is_known(request: &Request, modified: Option<SystemTime>) -> bool {
    let known = || httpdate::parse_http_date(field(request, "if-modified-since")?).ok();
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !request.headers().contains_key("if-none-match")
        && modified.zip(known()).is_some_and(|(modified, known)| modified <= known)
}

/// Whether a part is of use: of the file that the client has the rest of. Only GET has parts.
fn may_be_part(request: &Request, modified: Option<SystemTime>) -> bool {
    let same = |known: &str| modified.is_some() && httpdate::parse_http_date(known).ok() == modified;
    let is_same = match request.headers().get("if-range") {
        Some(known) => known.to_str().is_ok_and(same),
        None => true,
    };
    *request.method() == Method::GET && is_same
}

/// Opening a pipe would wait until somebody writes into it.
#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    File::options().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn refusal(error: &RequestError) -> Response {
    match error {
        RequestError::File { cause, .. } if cause.kind() == ErrorKind::PermissionDenied => {
            with_status(StatusCode::FORBIDDEN, "this file may not be read\n")
        }
        RequestError::File { cause, .. }
            if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            with_status(StatusCode::NOT_FOUND, "no such file\n")
        }
        // What is wrong inside is none of the client's business.
        _ => with_status(StatusCode::SERVICE_UNAVAILABLE, "the file cannot be read now\n"),
    }
}

/// A stream of this part of a file. When the file has become shorter meanwhile, the connection ends.
fn pieces(file: File, part: Range<u64>) -> Response {
    let (file, length) = (Arc::new(file), part.end - part.start);
    let response = stream(move |sender| async move {
        let mut at = part.start;
        while at < part.end {
            let (file, wanted) = (file.clone(), PIECE_BYTES.min(part.end - at));
            let piece = crate::Request::new(JobKind::FastIo, "http.read", move || {
                let read = || {
                    let (mut file, mut piece) = (&*file, Vec::with_capacity(wanted as usize));
                    file.seek(SeekFrom::Start(at))?;
                    file.take(wanted).read_to_end(&mut piece)?;
                    Ok(piece)
                };
                read().map_err(|cause| RequestError::File {
                    action: "read",
                    path: "an open file".into(),
                    cause,
                })
            });
            let piece = piece.await?;
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            sender.send(piece).await?;
        }
        Ok(())
    });
    response.length(length)
}

/// One range of a file of this size; an error when it is behind the end, `None` when it is not one range of bytes.
fn parse_range(text: &str, size_bytes: u64) -> Option<Result<Range<u64>, ()>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let range = match (first, last) {
        ("", suffix) => size_bytes.saturating_sub(number(suffix)?)..size_bytes,
        (first, "") => number(first)?..size_bytes,
        (first, last) => {
            let (first, last): (u64, u64) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(size_bytes)
        }
    };
    Some(if range.start < range.end { Ok(range) } else { Err(()) })
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "txt" | "md" | "rs" | "toml" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_standard() {
        for (text, expected) in [
            ("bytes=0-0", Some(Ok(0..1))),
            ("bytes=2-5", Some(Ok(2..6))),
            ("bytes=2-", Some(Ok(2..10))),
            ("bytes=-3", Some(Ok(7..10))),
            ("bytes=-30", Some(Ok(0..10))),
            ("bytes=9-99999", Some(Ok(9..10))),
            ("bytes=9-18446744073709551615", Some(Ok(9..10))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=-0", Some(Err(()))),
            ("bytes=5-2", None),
            ("bytes=0-1,4-5", None),
            ("bytes=x-", None),
            ("bytes=-", None),
            ("bytes=+1-2", None),
            ("lines=1-2", None),
            ("", None),
        ] {
            assert_eq!(parse_range(text, 10), expected, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Some(Err(())));
    }
}
