//! What parent and child say to each other: frames of JSON with their length in front.
//!
//! # Model
//! ```text
//! frame   length, 4 bytes, little endian | JSON
//! parent -> child   Start, once and first; then an answer for each request, in any order
//! child -> parent   requests with a number of their own; Cancel makes one that waits be refused
//! ```
//!
//! # Invariants
//! - P1: a frame that is too long, cut short or malformed is an error; its length alone makes nobody reserve memory.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::message::Message;

/// The most bytes that a frame may have.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Task {
    /// `Process-1`
    pub(super) name: String,
    /// A function of the module's top level, or a builtin.
    pub(super) function: String,
    pub(super) args: Message,
    pub(super) kwargs: Message,
    pub(super) argv: Vec<String>,
}

/// From the parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum ToChild {
    Start(Task),
    Answer { request: u64, outcome: Outcome },
}

/// From the child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum ToParent {
    Get {
        request: u64,
        queue: u64,
    },
    Put {
        request: u64,
        queue: u64,
        item: Message,
    },
    /// How many items it has, and how many fit.
    Size {
        request: u64,
        queue: u64,
    },
    Cancel {
        request: u64,
    },
}

/// What became of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    Item(Message),
    Done,
    Size {
        items: u64,
        room: Option<u64>,
    },
    /// Cancelled: there was no item, or no room.
    Refused,
    /// The queue holds as much as it may.
    TooMuch,
    /// There is no such queue.
    Unknown,
}

/// What went wrong between two processes.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("cannot talk to the other process: {0}")]
    Io(#[from] io::Error),
    #[error("the other process sent what is no message: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("a message of {0} bytes is too long; send it in parts of at most {MOST_BYTES}")]
    TooLong(usize),
    #[error("the other process ended in the middle of a message")]
    CutShort,
}

/// Writes one frame at once, so that several writers can take turns.
pub(super) fn write_frame(out: &mut impl Write, message: &impl Serialize) -> Result<(), WireError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MOST_BYTES {
        return Err(WireError::TooLong(length));
    }
    frame[..4].copy_from_slice(&(length as u32).to_le_bytes());
    out.write_all(&frame)?;
    Ok(out.flush()?)
}

/// Reads one frame; `None` at the end of the stream between two frames.
pub(super) fn read_frame<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, WireError> {
    let mut header = Vec::new();
    stream.by_ref().take(4).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(None);
    }
    let header: [u8; 4] = header.try_into().map_err(|_| WireError::CutShort)?;
    let length = u32::from_le_bytes(header) as usize;
    if length > MOST_BYTES {
        return Err(WireError::TooLong(length));
    }
    let mut body = Vec::new();
    stream.by_ref().take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(WireError::CutShort);
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<ToParent>, WireError> {
        read_frame(&mut &bytes[..])
    }

    fn frame(json: &str) -> Vec<u8> {
        [&(json.len() as u32).to_le_bytes()[..], json.as_bytes()].concat()
    }

    #[test]
    fn p1_what_is_no_frame_is_an_error() {
        assert!(matches!(read(b""), Ok(None)));
        assert!(matches!(read(b"\x01\x00"), Err(WireError::CutShort)));
        assert!(matches!(read(b"\x09\x00\x00\x00{}"), Err(WireError::CutShort)));
        assert!(matches!(read(&u32::MAX.to_le_bytes()), Err(WireError::TooLong(_))));
        assert!(matches!(read(&(MOST_BYTES as u32).to_le_bytes()), Err(WireError::CutShort)));
        for json in
            ["", "{}", "null", "{\"Get\":{}}", "{\"Cancel\":{\"request\":-1}}", "{\"Put\":{\"request\":1}}"]
        {
            assert!(matches!(read(&frame(json)), Err(WireError::Malformed(_))), "{json}");
        }
        let deep = format!(
            "{{\"Put\":{{\"request\":1,\"queue\":1,\"item\":{}{}",
            "{\"List\":[".repeat(500),
            "]}".repeat(500)
        );
        assert!(matches!(read(&frame(&deep)), Err(WireError::Malformed(_))));
        assert!(matches!(
            read(&frame("{\"Cancel\":{\"request\":7}}")),
            Ok(Some(ToParent::Cancel { request: 7 }))
        ));
    }

    proptest! {
        #[test]
        fn p1_random_bytes_never_do_more_than_fail(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(Some(message)) = read(&bytes) {
                let shown = format!("{message:?}").len();
                prop_assert!(shown < 10_000);
            }
        }
    }
}
