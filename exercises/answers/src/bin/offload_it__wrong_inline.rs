//! Wrong: the outcome comes through the loop, but the work was done before on the loop's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use grader::offload_it::{After, LoopHandle, Offload, Outcome, Pool, Work};

struct Answer;

impl Offload for Answer {
    type Ticket = ();

    fn offload(lp: &LoopHandle, pool: &Pool, work: Work, after: After) {
        let completion = lp.request(after);
        let outcome = catch_unwind(AssertUnwindSafe(work)).map_or(Outcome::Panicked, Outcome::Done);
        pool.run(move || completion.complete(outcome));
    }

    fn cancel(_ticket: &()) -> bool {
        false
    }
}

fn main() {
    grader::offload_it::grade::<Answer>();
}
