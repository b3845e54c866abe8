//! Keys against published vectors, and random bytes.

use runtime_lab::{crypto, offload};

use crate::support::runtime;

/// The inputs of RFC 6070 with SHA-512 in place of SHA-1, as published with many implementations; Python's
/// `hashlib.pbkdf2_hmac("sha512", …)` gives the same.
const VECTORS: [(&[u8], &[u8], u32, &str); 5] = [
    (
        b"password",
        b"salt",
        1,
        "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252\
         c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce",
    ),
    (
        b"password",
        b"salt",
        2,
        "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c\
         f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e",
    ),
    (
        b"password",
        b"salt",
        4096,
        "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5\
         143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5",
    ),
    (
        b"passwordPASSWORDpassword",
        b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
        4096,
        "8c0511f4c6e597c6ac6315d8f0362e225f3c501495ba23b868c005174dc4ee71\
         115b59f9e60cd9532fa33e0f75aefe30225c583a186cd82bd4daea9724a3d3b8",
    ),
    (
        b"pass\0word",
        b"sa\0lt",
        4096,
        "9d9e9c4cd21fe4be24d5b8244c759665f39d98fc12a9ca759bb021db3cfadf34\
         5844aebe70dd8b2f6966f25f3613e1187bbd24ed2ca43ed13b246e4675be7ab9",
    ),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn keys_equal_the_published_vectors_on_the_pool_and_here() {
    let runtime = runtime(2);
    for (password, salt, iterations, expected) in VECTORS {
        let key = runtime.block_on(async move { crypto::pbkdf2(password, salt, iterations).await });
        assert_eq!(hex(&key.unwrap().unwrap()), expected);
        assert_eq!(hex(&crypto::pbkdf2_sync(password, salt, iterations)), expected);
    }
}

#[test]
fn random_bytes_come_in_the_count_asked_for_and_differ() {
    let runtime = runtime(2);
    let (first, second, none) = runtime
        .block_on(async {
            let first = crypto::random(32).await.unwrap();
            (first, crypto::random(32).await.unwrap(), crypto::random(0).await.unwrap())
        })
        .unwrap();
    assert_eq!((first.len(), second.len(), none.len()), (32, 32, 0));
    assert_ne!(first, second);
}

#[test]
fn random_bytes_and_keys_are_made_on_pool_threads() {
    let names = runtime(1)
        .block_on(async { offload(|| std::thread::current().name().map(str::to_owned)).await.unwrap() });
    assert_eq!(names.unwrap().as_deref(), Some("pool-0"));
}
