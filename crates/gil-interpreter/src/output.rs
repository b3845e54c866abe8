//! Where a program prints: the process's own streams with a buffer, or memory.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use parking_lot::Mutex;

/// Where a program prints.
#[derive(Clone)]
pub struct Output {
    inner: Arc<Mutex<Sinks>>,
}

enum Sinks {
    Standard { buffer: Vec<u8>, by_line: bool },
    Captured { out: Vec<u8>, err: Vec<u8> },
}

const BUFFER_BYTES: usize = 1 << 16;

impl Output {
    /// The process's own; by line where that is a terminal, else in blocks.
    pub fn standard() -> Output {
        let by_line = std::io::stdout().is_terminal();
        Output { inner: Arc::new(Mutex::new(Sinks::Standard { buffer: Vec::new(), by_line })) }
    }

    /// Kept in memory, for tests; see [`Output::captured_text`].
    pub fn captured() -> Output {
        Output { inner: Arc::new(Mutex::new(Sinks::Captured { out: Vec::new(), err: Vec::new() })) }
    }

    /// What was printed to standard output and standard error so far.
    pub fn captured_text(&self) -> (String, String) {
        match &*self.inner.lock() {
            Sinks::Standard { .. } => (String::new(), String::new()),
            Sinks::Captured { out, err } => {
                (String::from_utf8_lossy(out).into_owned(), String::from_utf8_lossy(err).into_owned())
            }
        }
    }

    /// Writes to standard output. An error of the pipe is the caller's to raise.
    pub(crate) fn write_out(&self, text: &str) -> std::io::Result<()> {
        match &mut *self.inner.lock() {
            Sinks::Captured { out, .. } => out.extend_from_slice(text.as_bytes()),
            Sinks::Standard { buffer, by_line } => {
                buffer.extend_from_slice(text.as_bytes());
                if buffer.len() > BUFFER_BYTES || (*by_line && text.contains('\n')) {
                    write_through(buffer)?;
                }
            }
        }
        Ok(())
    }

    /// Writes to standard error, which has no buffer.
    pub(crate) fn write_err(&self, text: &str) {
        match &mut *self.inner.lock() {
            Sinks::Captured { err, .. } => err.extend_from_slice(text.as_bytes()),
            Sinks::Standard { .. } => {
                // Where standard error is gone there is nobody left to tell.
                let _ = std::io::stderr().write_all(text.as_bytes());
            }
        }
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&self) -> std::io::Result<()> {
        match &mut *self.inner.lock() {
            Sinks::Captured { .. } => Ok(()),
            Sinks::Standard { buffer, .. } => write_through(buffer),
        }
    }
}

fn write_through(buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let result = out.write_all(buffer).and_then(|()| out.flush());
    buffer.clear();
    result
}
