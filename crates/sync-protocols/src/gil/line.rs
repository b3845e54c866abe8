//! Who may take a free lock: anybody, the next ticket, or the I/O threads first.
//!
//! # Model
//! A thread that comes for the lock joins the line and gets a place; with that place it asks whether it may go, each
//! time that it looks. Only the thread that takes the lock leaves the line.
//!
//! | order      | place    | may go when                                        |
//! |------------|----------|----------------------------------------------------|
//! | Barging    | Anywhere | always                                             |
//! | FairTicket | Ticket n | n is served: all who came before have had the lock |
//! | IoFirst    | Io       | always                                             |
//! | IoFirst    | Others   | no I/O thread is in the line                       |
//!
//! With I/O first an ordinary thread may wait for ever beside I/O threads that keep coming: that is what a strict
//! priority does, and what the experiment shows.

use std::collections::BTreeSet;

/// Who may take a lock that is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Whoever looks first: CPython's rule.
    #[default]
    Barging,
    /// In the order of arrival; a thread that gives the lock back goes behind everybody who waits.
    FairTicket,
    /// Threads whose last give was voluntary (for I/O) go before the rest.
    IoFirst,
}

/// Why a thread gives the lock back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// It is about to block, or might: a system call, a sleep, a wait.
    Voluntary,
    /// A request stands against it, or its slice is over.
    Asked,
    /// It ends and will not come back.
    Last,
}

/// Where a thread stands in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    Ticket(u64),
    Io,
    Others,
}

/// Everybody who has come for the lock and has not got it.
pub(super) struct Line {
    order: Order,
    next_ticket: u64,
    served: u64,
    io_in_line: u32,
    /// Threads whose last give was voluntary; kept for `IoFirst` alone.
    io_threads: BTreeSet<u32>,
}

impl Line {
    pub(super) fn new(order: Order) -> Line {
        Line { order, next_ticket: 0, served: 0, io_in_line: 0, io_threads: BTreeSet::new() }
    }

    pub(super) fn join(&mut self, me: u32) -> Place {
        match self.order {
            Order::Barging => Place::Anywhere,
            Order::FairTicket => {
                self.next_ticket += 1;
                Place::Ticket(self.next_ticket - 1)
            }
            Order::IoFirst if self.io_threads.contains(&me) => {
                self.io_in_line += 1;
                Place::Io
            }
            Order::IoFirst => Place::Others,
        }
    }

    pub(super) fn may_go(&self, place: Place) -> bool {
        match place {
            Place::Anywhere | Place::Io => true,
            Place::Ticket(ticket) => ticket == self.served,
            Place::Others => self.io_in_line == 0,
        }
    }

    /// The thread at `place` has the lock.
    pub(super) fn leave(&mut self, place: Place) {
        match place {
            Place::Anywhere | Place::Others => {}
            Place::Ticket(_) => self.served += 1,
            Place::Io => self.io_in_line -= 1,
        }
    }

    /// `me` has given the lock back.
    pub(super) fn parted(&mut self, me: u32, parting: Parting) {
        if self.order == Order::IoFirst {
            match parting {
                Parting::Voluntary => self.io_threads.insert(me),
                Parting::Asked | Parting::Last => self.io_threads.remove(&me),
            };
        }
    }
}
