//! What hyper holds for a connection by itself: its buffers and its state, with neither socket nor timer nor task.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

use crate::http::client::GET_HELLO;
use crate::http::servers::HELLO;

/// Bytes that one connection of hyper's holds when it has answered once and waits, over `count` of them.
pub fn hypers_share(count: usize, allocated: impl Fn() -> u64) -> f64 {
    let mut connections = Vec::with_capacity(count);
    let before = allocated();
    for _number in 0..count {
        let answer = |_request: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(HELLO.as_bytes()))))
        };
        let one_request = OneRequest { unread: GET_HELLO };
        let mut connection =
            Box::pin(http1::Builder::new().serve_connection(one_request, service_fn(answer)));
        let polled = connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "it waits for the next request");
        connections.push(connection);
    }
    (allocated() - before) as f64 / count as f64
}

/// A transport that brings one request and then nothing, and takes everything.
struct OneRequest {
    unread: &'static [u8],
}

impl Read for OneRequest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Poll::Pending;
        }
        cursor.put_slice(std::mem::take(&mut self.unread));
        Poll::Ready(Ok(()))
    }
}

impl Write for OneRequest {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
