//! event-loop.
