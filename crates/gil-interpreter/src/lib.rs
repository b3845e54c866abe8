//! A stated subset of Python on real threads under a global lock whose rules can be changed.
//!
//! # Model
//! ```text
//! file.py --syntax--> bytecode --machine, one per thread--> output, exit code, traceback
//!                                  │ holds
//!                               gil: who may run, by one of six policies
//!                                  │ owns
//!                               heap: objects by kind and index
//! ```

mod value;
mod code;
mod syntax;
mod listing;
mod program;
pub mod gil;
mod heap;
mod native;
mod types;
mod machine;
mod operators;
mod text;
mod builtins;
mod modules;
mod output;
mod interrupt;
mod run;

pub use interrupt::Interrupt;
pub use listing::{CodeListing, Instruction};
pub use modules::ChildTask;
pub use output::Output;
pub use program::Program;
pub use run::{RunOptions, RunReport, Spawner, run};
pub use syntax::Refusal;
