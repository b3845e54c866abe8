//! What can go wrong with a request, and what to do about it.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use super::ClientLimits;
use crate::request::RequestError;

/// Why a request has no answer. The text is complete: it says the cause, so there is no `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address makes no sense.
    #[error("{url:?} is no address of a page ({reason}); write it like http://host:8080/page")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This client has no TLS.
    #[error(
        "{url}: this client speaks no TLS; use http://, or a proxy on this machine that speaks https for it"
    )]
    Https {
        /// What was given.
        url: String,
    },
    /// A header field that is none, or a method that has a meaning of its own.
    #[error("{what} cannot be sent: {reason}")]
    Request {
        /// The field or the method.
        what: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name could not be looked up.
    #[error(transparent)]
    Lookup(#[from] RequestError),
    /// None of the server's addresses could be connected to.
    #[error("cannot connect to {server}: {cause}{}", hint(.cause))]
    Connect {
        /// Host and port.
        server: String,
        /// What the system said about the last address.
        cause: io::Error,
    },
    /// Look-up and connect took too long.
    #[error(
        "cannot connect to {server} within {limit:?}; is it up, and does no firewall swallow the packets?"
    )]
    ConnectTimeout {
        /// Host and port.
        server: String,
        /// [`ClientLimits::connect_time`].
        limit: Duration,
    },
    /// No whole answer came in time. Whether the server has done what was asked is not known.
    #[error("{server} has not answered within {limit:?}; give the request more time, or ask for less")]
    Timeout {
        /// Host and port.
        server: String,
        /// The time that the request had.
        limit: Duration,
    },
    /// The server ended the connection.
    #[error("{server} closed the connection {}", if *.sent { AFTER } else { BEFORE })]
    Closed {
        /// Host and port.
        server: String,
        /// Whether some of the request was sent.
        sent: bool,
    },
    /// The connection broke.
    #[error("the connection to {server} broke: {cause}")]
    Broken {
        /// Host and port.
        server: String,
        /// What happened.
        cause: String,
    },
    /// The answer is not HTTP/1.1.
    #[error("{server} answers with something that is not HTTP/1.1: {cause}")]
    Garbage {
        /// Host and port.
        server: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The head of the answer is too large.
    #[error("the head of the answer of {server} is over the limit of {bytes} bytes or {headers} fields")]
    HeadTooLarge {
        /// Host and port.
        server: String,
        /// [`ClientLimits::head_bytes`].
        bytes: usize,
        /// [`ClientLimits::headers`].
        headers: usize,
    },
    /// The body of the answer is too large.
    #[error(
        "the body of the answer of {server} has more than {bytes} bytes; read it by chunks, or raise the limit"
    )]
    BodyTooLarge {
        /// Host and port.
        server: String,
        /// [`ClientLimits::body_bytes`].
        bytes: usize,
    },
    /// The body of the answer was to be text.
    #[error("the body of the answer of {server} is not UTF-8")]
    NotText {
        /// Host and port.
        server: String,
    },
    /// The body to send failed.
    #[error("{0}")]
    Body(String),
}

const BEFORE: &str = "before anything was sent; send the request again";
const AFTER: &str = "before its answer was whole; whether it has done what was asked is not known";

fn hint(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => "; does a server listen on this port?",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "; is there a way to this network?"
        }
        _ => "",
    }
}

impl ClientError {
    /// What an error of hyper means.
    pub(super) fn of(server: &str, error: &hyper::Error, limits: &ClientLimits, sent: bool) -> ClientError {
        let server = server.to_owned();
        let cause = || error.source().map_or_else(|| error.to_string(), |cause| cause.to_string());
        if error.is_parse_too_large() {
            return ClientError::HeadTooLarge { server, bytes: limits.head_bytes, headers: limits.headers };
        }
        if error.is_parse() {
            return ClientError::Garbage { server, cause: error.to_string() };
        }
        if error.is_user() {
            return ClientError::Body(cause());
        }
        let system = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        let is_end = system.is_some_and(|cause| {
            use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
            matches!(cause.kind(), ConnectionReset | BrokenPipe | UnexpectedEof)
        });
        if is_end || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            return ClientError::Closed { server, sent };
        }
        ClientError::Broken { server, cause: cause() }
    }
}
