//! The rules of the repository, as tests: what a reviewer would otherwise have to remember.
//!
//! # Model
//! Each module is one rule or a few that belong together. A rule is a pure function from text to
//! findings; one test applies it to the repository, and others feed it a small wrong world in which it
//! must speak up. A rule without such a test proves nothing, because a rule that never speaks also passes.

mod repo;
mod lexer;
mod progress;

mod headers;
mod layers;
mod manifests;
mod invariants;
mod unfinished;
mod places;
mod gate;
mod unsafe_code;
mod markdown;
mod links;
mod commands;
mod options;
mod book;
mod book_chapters;
mod book_numbers;
mod behaviours;
