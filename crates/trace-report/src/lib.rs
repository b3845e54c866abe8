//! trace-report.
