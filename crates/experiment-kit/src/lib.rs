//! experiment-kit.
