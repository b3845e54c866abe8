//! The process of a child: it is signalled while it is ours, and reaped by whoever has it.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A child that somebody has to reap: whoever has this, and when it is dropped a thread.
pub(super) struct Unreaped(Option<Child>);

impl Unreaped {
    pub(super) fn new(child: Child) -> Unreaped {
        Unreaped(Some(child))
    }

    /// How it ended, once it has, or the error that somebody else has reaped it; then it is ours no more.
    pub(super) fn try_reap(&mut self, waits: bool) -> Option<io::Result<ExitStatus>> {
        let child = self.0.as_mut()?;
        let result = if waits { child.wait().map(Some) } else { child.try_wait() };
        let ended = result.transpose()?;
        self.0 = None;
        Some(ended)
    }

    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Child::kill)
    }

    /// Sends a signal by its number; 0 only asks.
    pub(super) fn signal(&self, signal: i32) -> io::Result<()> {
        let pid = self.0.as_ref().map(|child| pid_of(child.id())).transpose()?.ok_or_else(ended)?;
        if signal == 0 {
            return Ok(test_kill_process(pid)?);
        }
        let unknown =
            || io::Error::new(io::ErrorKind::InvalidInput, format!("{signal} is no signal with a name"));
        let signal = Signal::from_named_raw(signal).ok_or_else(unknown)?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for Unreaped {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
            return;
        }
        // Without a thread left it stays a zombie until this process ends, which is all that can be done.
        let _ = std::thread::Builder::new().name("child-waiter".to_owned()).spawn(move || child.wait());
    }
}

pub(super) fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the child has ended")
}

pub(super) fn is_no_process(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

fn pid_of(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput.into())
}

#[cfg(target_os = "linux")]
pub(super) fn open_pidfd(pid: u32) -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_open(pid_of(pid)?, rustix::process::PidfdFlags::empty())?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open_pidfd(_pid: u32) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}
