//! The work of handlers and jobs that compute, real and useless.

use runtime_lab::crypto;

/// Derives a key with so many iterations.
pub(crate) fn burn(iterations: u64) {
    let iterations = u32::try_from(iterations).unwrap_or(u32::MAX);
    std::hint::black_box(crypto::pbkdf2_sync(b"password", b"salt", iterations));
}
