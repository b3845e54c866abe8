//! Crypto requests: real CPU work, for the pool or, to see what it does, for the loop's own thread.

use blocking_pool::JobKind;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha512;

use crate::request::{Request, RequestError};

/// The bytes of a derived key.
pub type Key = [u8; 64];

/// PBKDF2 with HMAC-SHA-512 (RFC 8018): `iterations` decide how long it takes. One job of the pool.
pub fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Request<Key> {
    let (password, salt) = (password.to_owned(), salt.to_owned());
    Request::new(JobKind::Cpu, "pbkdf2", move || Ok(pbkdf2_sync(&password, &salt, iterations)))
}

/// The same on the calling thread; on the loop's thread nothing else happens meanwhile.
pub fn pbkdf2_sync(password: &[u8], salt: &[u8], iterations: u32) -> Key {
    let mut key = [0; 64];
    pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut key);
    key
}

/// `count` random bytes from the operating system.
pub fn random(count: usize) -> Request<Vec<u8>> {
    Request::new(JobKind::Cpu, "random", move || {
        let mut bytes = vec![0; count];
        getrandom::fill(&mut bytes).map_err(|error| RequestError::Random(error.into()))?;
        Ok(bytes)
    })
}
