//! Right, another way: the work lies in a shared slot, and whoever takes it out decides what becomes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use grader::offload_it::{After, Completion, LoopHandle, Offload, Outcome, Pool, Work};

struct Answer;

type Slot = Arc<Mutex<Option<(Work, Completion<Outcome>)>>>;

fn take(slot: &Slot) -> Option<(Work, Completion<Outcome>)> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Offload for Answer {
    type Ticket = Slot;

    fn offload(lp: &LoopHandle, pool: &Pool, work: Work, after: After) -> Slot {
        let slot = Arc::new(Mutex::new(Some((work, lp.request(after)))));
        let ticket = slot.clone();
        pool.run(move || {
            if let Some((work, completion)) = take(&slot) {
                let outcome = catch_unwind(AssertUnwindSafe(work)).map_or(Outcome::Panicked, Outcome::Done);
                completion.complete(outcome);
            }
        });
        ticket
    }

    fn cancel(ticket: &Slot) -> bool {
        let Some((_work, completion)) = take(ticket) else { return false };
        // The loop calls back later: completing only puts the outcome into its inbox.
        completion.complete(Outcome::Cancelled);
        true
    }
}

fn main() {
    grader::offload_it::grade::<Answer>();
}
