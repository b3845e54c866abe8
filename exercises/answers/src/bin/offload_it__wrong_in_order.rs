//! Wrong: outcomes wait until those of earlier jobs have come.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use grader::offload_it::{After, LoopHandle, Offload, Outcome, Pool, Work};

struct Answer;

/// What waits for the outcomes before it: the job's number, its callback, and its outcome when that has come.
type Line = Rc<RefCell<Vec<(u64, Option<After>, Option<Outcome>)>>>;

thread_local! {
    static LINE: Line = Line::default();
    static NUMBER: RefCell<u64> = const { RefCell::new(0) };
}

impl Offload for Answer {
    type Ticket = ();

    fn offload(lp: &LoopHandle, pool: &Pool, work: Work, after: After) {
        let number = NUMBER.with_borrow_mut(|number| {
            *number += 1;
            *number
        });
        let line = LINE.with(Rc::clone);
        line.borrow_mut().push((number, Some(after), None));
        let completion = lp.request(move |lp, outcome| {
            for entry in line.borrow_mut().iter_mut().filter(|entry| entry.0 == number) {
                entry.2 = Some(Outcome::clone(&outcome));
            }
            loop {
                let first = {
                    let mut line = line.borrow_mut();
                    if line.first().is_none_or(|entry| entry.2.is_none()) {
                        return;
                    }
                    line.remove(0)
                };
                if let (_, Some(after), Some(outcome)) = first {
                    after(lp, outcome);
                }
            }
        });
        pool.run(move || {
            completion
                .complete(catch_unwind(AssertUnwindSafe(work)).map_or(Outcome::Panicked, Outcome::Done));
        });
    }

    fn cancel(_ticket: &()) -> bool {
        false
    }
}

fn main() {
    grader::offload_it::grade::<Answer>();
}
