//! blocking-pool.
