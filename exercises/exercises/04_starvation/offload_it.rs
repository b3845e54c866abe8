//! Offload it: move work to a pool, and bring its outcome back to the loop.
//!
//! The pool here is bare: `pool.run(closure)` runs a closure on one of its threads, and that is all. It gives no result,
//! it cannot cancel, and a panic in the closure is swallowed. Build the rest:
//!
//! - `work` runs on the pool, never on the loop's thread.
//! - `after` gets the outcome on the loop's thread, later than `offload` returns, exactly once. It cannot be sent to
//!   another thread, so it must stay with the loop: `lp.request(after)` keeps it and gives you a `Completion`, which can
//!   be sent. `completion.complete(outcome)` calls `after` in the loop's next poll phase. Until then the loop stays alive.
//! - A panic in `work` is an outcome, too (`std::panic::catch_unwind`).
//! - `cancel` takes the job back, if it has not begun: `true` for the one call that did, `false` for a second one. The
//!   `after` of a cancelled job still gets its outcome, once.
//!
//! `work` and `after` are boxed closures; call them as `work()` and `after(lp, outcome)`.
//!
//! The grader uses the real loop and the real pool. It looks at threads and orders, not at time. Chapter: starvation and
//! its cures.

use grader::offload_it::{After, LoopHandle, Offload, Outcome, Pool, Work};

struct Answer;

// TODO: what must a job know about itself so that it can be cancelled?
struct Ticket;

impl Offload for Answer {
    type Ticket = Ticket;

    fn offload(lp: &LoopHandle, _pool: &Pool, work: Work, after: After) -> Ticket {
        // TODO: this does the work here and now, on the loop's thread.
        after(lp, Outcome::Done(work()));
        Ticket
    }

    fn cancel(_ticket: &Ticket) -> bool {
        // TODO
        false
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::offload_it::grade::<Answer>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
