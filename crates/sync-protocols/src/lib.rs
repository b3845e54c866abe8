//! sync-protocols.
