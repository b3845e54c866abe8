//! The shapes of a global lock: which programs show them, under which policies, and by which rule each is checked.
//!
//! # Model
//! ```text
//! plan: program, arguments, metrics --run by each subject, in rounds--> figures (the line RESULT)
//! figures --metric--> one value for each run --rule by the subject's model--> as expected, differs, depends
//! ```
//! A subject is a policy of our interpreter, a policy with one rule taken away, or a CPython. A CPython is expected to do
//! what the policy does that is its model, so every rule is checked on the real one too.

pub mod subject;
pub mod plan;
pub mod figures;
pub mod rule;
pub mod expected;
pub mod series;
