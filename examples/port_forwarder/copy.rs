//! The two directions of a connection: each goes on until its end, and holds no more than one buffer.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::pin;
use std::task::Poll;

use runtime_lab::{OwnedTcpStream, yield_now};

/// What a direction holds in its hands; more does not help, as the kernel has buffers of its own.
const BUFFER_BYTES: usize = 16 * 1024;
/// After so many reads in a row a direction lets others have their turn, as libuv does.
const READS_IN_A_ROW: u32 = 32;

/// One direction, until its end is handed on.
pub(crate) async fn copy(from: &OwnedTcpStream, to: &OwnedTcpStream, bytes: &Cell<u64>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        for _ in 0..READS_IN_A_ROW {
            let read = poll_fn(|cx| from.poll_read(cx, &mut buffer)).await?;
            if read == 0 {
                return poll_fn(|cx| to.poll_shutdown(cx)).await;
            }
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                let written = poll_fn(|cx| to.poll_write(cx, &[IoSlice::new(rest)])).await?;
                rest = &rest[written..];
                bytes.set(bytes.get() + written as u64);
            }
        }
        yield_now().await;
    }
}

/// Both to their end, or to the first error.
pub(crate) async fn both(
    one: impl Future<Output = io::Result<()>>,
    other: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut one_ended, mut other_ended) = (false, false);
    poll_fn(|cx| {
        if !one_ended && let Poll::Ready(result) = one.as_mut().poll(cx) {
            result?;
            one_ended = true;
        }
        if !other_ended && let Poll::Ready(result) = other.as_mut().poll(cx) {
            result?;
            other_ended = true;
        }
        if one_ended && other_ended { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}
