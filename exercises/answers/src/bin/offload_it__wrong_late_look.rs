//! Wrong: the job runs, and only its outcome says that it was cancelled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use grader::offload_it::{After, LoopHandle, Offload, Outcome, Pool, Work};

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const CANCELLED: u8 = 2;

struct Answer;

/// The word of a job: whoever moves it away from `WAITING` decides what becomes of the job.
struct Ticket(Arc<AtomicU8>);

impl Offload for Answer {
    type Ticket = Ticket;

    fn offload(lp: &LoopHandle, pool: &Pool, work: Work, after: After) -> Ticket {
        let completion = lp.request(after);
        let word = Arc::new(AtomicU8::new(WAITING));
        let ticket = Ticket(word.clone());
        pool.run(move || {
            let outcome = match catch_unwind(AssertUnwindSafe(work)) {
                _ if word.load(Ordering::SeqCst) == CANCELLED => Outcome::Cancelled,
                Ok(value) => Outcome::Done(value),
                Err(_) => Outcome::Panicked,
            };
            word.store(BEGUN, Ordering::SeqCst);
            completion.complete(outcome);
        });
        ticket
    }

    fn cancel(ticket: &Ticket) -> bool {
        ticket.0.compare_exchange(WAITING, CANCELLED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

fn main() {
    grader::offload_it::grade::<Answer>();
}
