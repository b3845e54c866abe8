//! Ctrl-C and its relatives: the first one asks for an orderly end, the second one ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Whether the user asked the program to end, and by which signal.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Listens to SIGINT, SIGTERM and SIGHUP from now on, until the end of the process.
    pub fn listen() -> std::io::Result<Interrupt> {
        let caught = Arc::new(AtomicUsize::new(0));
        let armed = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Registered first, so it sees `armed` before the second line sets it: only a second signal ends here.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&armed))?;
            signal_hook::flag::register(signal, Arc::clone(&armed))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&caught), signal as usize)?;
        }
        Ok(Interrupt(caught))
    }

    /// Asks for the end as Ctrl-C would.
    pub fn ask(&self) {
        self.0.store(SIGINT as usize, Ordering::SeqCst);
    }

    /// Whether a signal came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::SeqCst) != 0
    }

    /// The exit code that says so: 130 after Ctrl-C.
    pub fn exit_code(&self) -> Option<u8> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_names_the_signal() {
        let interrupt = Interrupt::default();
        assert_eq!((interrupt.came(), interrupt.exit_code()), (false, None));
        interrupt.0.store(SIGINT as usize, Ordering::SeqCst);
        assert_eq!((interrupt.came(), interrupt.exit_code()), (true, Some(130)));
    }
}
