//! Judges the exercises by what they do: every assertion is here, outside the files that learners edit.
//!
//! # Model
//! ```text
//! main() of an exercise --the learner's type or function--> grade() of the module of its name
//!                                                             |
//!                        run::grade: seed, time limit, panics into sentences, exit code, last lines
//! ```
//! One module for each exercise. What threads share is judged under many schedules in [`explore`], which a seed names; what
//! belongs to the loop or the pool runs on the real ones of this project.
//!
//! # Source
//! The layout and the rules of judging follow what made other exercise sets work: random values, so that nothing can be
//! hard-coded; assertions outside the edited file; a time limit that says why.

pub mod run;
pub mod seed;
pub mod watchdog;
pub mod standing;
pub mod explore;
pub mod sync;

mod intervals;
mod meter;
mod order;
mod words;

pub mod first_out;
pub mod who_waits;
pub mod timer_heap;
pub mod find_the_culprit;
pub mod chunk_it;
pub mod offload_it;
pub mod coalesced_wake;
pub mod hand_made_waker;
pub mod bounded_queue;
pub mod cancel_before_start;
pub mod take_and_drop;
pub mod lost_update;
