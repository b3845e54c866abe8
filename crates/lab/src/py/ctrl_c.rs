//! Ctrl-C: the first one is the program's KeyboardInterrupt, a second one ends the process.
//!
//! # Threads
//! The signal handler only writes a byte; a thread of its own reads it and raises the interrupt, because that takes
//! a lock. It waits for the next byte until the process ends.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use gil_interpreter::Interrupt;
use signal_hook::consts::SIGINT;

/// Listens from now on, until the end of the process.
pub(crate) fn listen(interrupt: Interrupt) -> io::Result<()> {
    let armed = Arc::new(AtomicBool::new(false));
    // Registered first, so it sees `armed` before the second line sets it: only a second signal ends the process.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&armed))?;
    signal_hook::flag::register(SIGINT, armed)?;
    let (mut caught, notify) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(SIGINT, notify)?;
    let wait = move || {
        if caught.read_exact(&mut [0]).is_ok() {
            interrupt.raise();
        }
    };
    thread::Builder::new().name("ctrl-c".into()).spawn(wait)?;
    Ok(())
}
