//! A program that forks, one scenario for each run: what `tests/tests/fork.rs` starts, for a test with threads had better not.
//!
//! In each scenario both processes check what they see, and the parent waits for a child that must have ended well.

#[cfg(unix)]
mod loops;
#[cfg(unix)]
mod pools;
#[cfg(unix)]
mod processes;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod sockets;

fn main() {
    #[cfg(unix)]
    processes::run(&[
        ("timers", loops::timers),
        ("tasks", loops::tasks),
        ("sends", loops::sends),
        ("in-a-callback", loops::in_a_callback),
        ("children", loops::children),
        ("children-by-signal", loops::children_by_signal),
        ("new-sockets", sockets::new_sockets),
        ("started-sockets", sockets::started_sockets),
        ("writes", sockets::writes),
        ("handed-back", sockets::handed_back),
        ("signal", signals::signal),
        ("closed-signal", signals::closed_signal),
        ("signal-of-another-thread", signals::signal_of_another_thread),
        ("pool", pools::pool),
        ("busy-pool", pools::busy_pool),
    ]);
}
