//! One connection: hyper reads requests and writes responses, until either side ends it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use event_loop::{OwnedTcpStream, sleep};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};

use super::answer::{Answering, ReplyBody};
use super::hyper_rt::{HYPERS_HEADERS, HeadTimer};
use super::server::{Open, Shared};
use super::stats::End;
use super::upload::Marks;
use super::write_limit::WriteLimited;

/// How much a connection that the server ends reads and throws away until the client ends its side, too.
const LINGER_BYTES: usize = 1024 * 1024;

/// Serves one connection to its end.
pub(super) async fn serve(stream: OwnedTcpStream, open: Open) {
    let marks = Rc::new(Marks::default());
    let mut connection = described(stream, &open.shared, &marks);
    let mut told = false;
    let result = poll_fn(|cx| {
        if open.shared.cutting.get() {
            return Poll::Ready(None);
        }
        if open.shared.stopping.get() && !std::mem::replace(&mut told, true) {
            Pin::new(&mut connection).graceful_shutdown();
        }
        open.remember(cx.waker());
        Pin::new(&mut connection).poll(cx).map(Some)
    })
    .await;
    let Some(result) = result else { return open.ends(End::Cut) };
    let limits = &open.shared.limits;
    let io = connection.into_parts().io;
    let (end, patience) = match &result {
        Err(_) if io.expired() => return open.ends(End::WriteTimeout),
        Err(error) if error.is_timeout() => return open.ends(End::HeadTimeout),
        Err(_) => (End::Failed, limits.body_time),
        Ok(()) if marks.broken.get() => (End::Failed, limits.body_time),
        Ok(()) if marks.unread.get() => (End::Finished, limits.body_time),
        // Pipelined requests that are not taken any more.
        Ok(()) if told => (End::Finished, Duration::ZERO),
        Ok(()) => return open.ends(End::Finished),
    };
    open.ends(end);
    // Few connections come here, and all others would have the room for it.
    Box::pin(linger(io.stream(), patience, &open)).await;
}

/// hyper's future of a connection. What describes it is gone by the time it runs.
fn described(
    stream: OwnedTcpStream,
    shared: &Rc<Shared>,
    marks: &Rc<Marks>,
) -> http1::Connection<
    WriteLimited,
    impl HttpService<Incoming, ResBody = ReplyBody, Error = Infallible> + use<>,
> {
    let io = WriteLimited::new(stream, shared.clone());
    let mut builder = http1::Builder::new();
    builder
        // hyper panics when one of these two is set without the other.
        .timer(HeadTimer::default())
        .header_read_timeout(shared.limits.head_time)
        .max_buf_size(shared.limits.head_bytes.max(8 * 1024))
        .half_close(false);
    // Asked for its own number, hyper would look at each place for a field before every request.
    if shared.limits.headers != HYPERS_HEADERS {
        builder.max_headers(shared.limits.headers);
    }
    let (shared, marks) = (shared.clone(), marks.clone());
    builder.serve_connection(io, service_fn(move |request| Answering::new(shared.clone(), request, &marks)))
}

/// Reads and forgets until the client ends its side, for a bounded time and amount; without patience, and when the
/// server stops, what is there already. Closing a socket with unread bytes makes the system send a reset, which may
/// overtake the response.
async fn linger(stream: &OwnedTcpStream, patience: Duration, open: &Open) {
    let mut patience = pin!(sleep(patience));
    let mut left = LINGER_BYTES;
    poll_fn(|cx| {
        // After an error hyper leaves it to us to say that nothing more comes.
        if let Poll::Ready(Err(_)) = stream.poll_shutdown(cx) {
            return Poll::Ready(());
        }
        open.remember(cx.waker());
        let mut forgotten = [0; 8 * 1024];
        while left > 0 {
            match stream.poll_read(cx, &mut forgotten) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(bytes)) => left = left.saturating_sub(bytes),
                Poll::Pending if open.shared.stopping.get() => return Poll::Ready(()),
                Poll::Pending => return patience.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    })
    .await;
}
