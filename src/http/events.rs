//! Server-sent events: a response that goes on, one text event after the other.
//!
//! # Source
//! The HTML standard, "Server-sent events": an event is a block of lines `field: value` and an empty line; a line that begins
//! with a colon is a comment.
//!
//! # Invariants
//! - W7: an event is one block whatever its data has in it: each line of the data is a `data` field of its own.

use std::future::Future;
use std::time::Duration;

use hyper::body::Bytes;

use super::body::{BodyFailure, BodySender, ClientGone, Content, TrySendError};
use super::message::{Response, text};
use super::stream::Stream;

/// How long a stream of events is silent before a comment is sent; proxies often give up after 30 s or 60 s.
const PING_PERIOD: Duration = Duration::from_secs(15);
const PING: &str = ": ping\n\n";

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    data: String,
}

impl Event {
    /// An event with this text, which may have any number of lines.
    pub fn data(data: impl Into<String>) -> Event {
        Event { data: data.into(), ..Event::default() }
    }

    /// What kind of event it is, for `addEventListener`; without it "message".
    pub fn name(mut self, name: impl Into<String>) -> Event {
        self.name = Some(name.into());
        self
    }

    /// What the client says in `Last-Event-ID` when it comes again.
    pub fn id(mut self, id: impl Into<String>) -> Event {
        self.id = Some(id.into());
        self
    }

    /// How long the client waits before it comes again; whole milliseconds.
    pub fn retry(mut self, after: Duration) -> Event {
        self.retry = Some(after);
        self
    }

    /// The event as it is sent.
    fn encode(&self) -> String {
        let mut block = String::with_capacity(self.data.len() + 32);
        if let Some(name) = &self.name {
            push_field(&mut block, "event", &on_one_line(name));
        }
        if let Some(id) = &self.id {
            push_field(&mut block, "id", &on_one_line(id));
        }
        if let Some(retry) = self.retry {
            push_field(&mut block, "retry", &retry.as_millis().to_string());
        }
        // The standard knows three ends of a line, and str::lines only two of them.
        for line in self.data.replace("\r\n", "\n").split(['\n', '\r']) {
            push_field(&mut block, "data", line);
        }
        block.push('\n');
        block
    }
}

fn push_field(block: &mut String, field: &str, value: &str) {
    block.push_str(field);
    block.push_str(": ");
    block.push_str(value);
    block.push('\n');
}

/// A name or an id cannot have line breaks, and an id with a NUL is ignored by clients: they become blanks.
fn on_one_line(value: &str) -> String {
    value.replace(['\r', '\n', '\0'], " ")
}

/// Sends events to one client. See [`BodySender`] for when the stream ends.
#[derive(Clone)]
pub struct EventSender(BodySender);

impl EventSender {
    /// Sends an event, when the client has taken enough of those before.
    ///
    /// # Errors
    /// [`ClientGone`], also when the server stops.
    pub async fn send(&self, event: Event) -> Result<(), ClientGone> {
        self.0.send(event.encode()).await
    }

    /// Sends an event now or not at all: for a sender to many clients, which does not wait for the slow ones.
    ///
    /// # Errors
    /// See [`TrySendError`].
    pub fn try_send(&self, event: &Event) -> Result<(), TrySendError> {
        self.0.try_send(Bytes::from(event.encode()))
    }

    /// Whether the client is gone, or the server stops.
    pub fn is_gone(&self) -> bool {
        self.0.is_gone()
    }

    /// Waits until the client is gone, or the server stops.
    pub async fn gone(&self) {
        self.0.gone().await;
    }
}

/// A stream of events that `producer` sends. It may also give its sender away and end. A comment goes out after 15 s of
/// silence, so that a client that is gone is noticed. A server that stops ends the stream between two events.
///
/// ```
/// use runtime_lab::http::{self, Event};
/// # fn _route() -> http::Response {
/// http::events(|sender| async move {
///     for number in 1..=3 {
///         sender.send(Event::data(format!("tick {number}")).id(number.to_string())).await?;
///         runtime_lab::sleep(std::time::Duration::from_secs(1)).await;
///     }
///     Ok(())
/// })
/// # }
/// ```
pub fn events<F>(producer: impl FnOnce(EventSender) -> F) -> Response
where
    F: Future<Output = Result<(), BodyFailure>> + 'static,
{
    events_with_ping(PING_PERIOD, producer)
}

/// As [`events`], with another time of silence before a comment goes out.
pub fn events_with_ping<F>(period: Duration, producer: impl FnOnce(EventSender) -> F) -> Response
where
    F: Future<Output = Result<(), BodyFailure>> + 'static,
{
    let mut stream = Stream::new(|sender| producer(EventSender(sender))).with_ping(PING, period);
    stream.ends_with_server = true;
    text("")
        .content_type("text/event-stream")
        .header("cache-control", "no-cache")
        .content(Content::Stream(Box::new(stream)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w7_data_of_several_lines_is_one_event() {
        for (data, lines) in [
            ("a", "data: a\n"),
            ("", "data: \n"),
            ("a\nb", "data: a\ndata: b\n"),
            ("a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n"),
            ("\n\nevent: evil", "data: \ndata: \ndata: event: evil\n"),
            (" x", "data:  x\n"),
        ] {
            assert_eq!(Event::data(data).encode(), format!("{lines}\n"));
        }
    }

    #[test]
    fn w7_fields_come_in_order_and_stay_on_their_line() {
        let event = Event::data("d").name("na\nme").id("7\r\0").retry(Duration::from_millis(1500));
        assert_eq!(event.encode(), "event: na me\nid: 7  \nretry: 1500\ndata: d\n\n");
    }
}
