//! `hashlib`: digests that give the lock away from 2,048 bytes on, as CPython's do, and one key derivation.
//!
//! # Source
//! CPython 3.13.5 `Modules/_hashopenssl.c`, `HASHLIB_GIL_MINSIZE`; RFC 8018 5.2 (PBKDF2).

use std::sync::Arc;

use hmac::{Hmac, Mac};
use md5::Md5;
use parking_lot::Mutex;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::support::{HOST_NAME, bytes, host, module_class, set_slot, text, whole};
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, NativeFn, Registry, instance_with};
use crate::types;
use crate::value::Value;

/// From this many bytes on others may run meanwhile.
const MIN_BYTES: usize = 2048;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let class =
        r.module_class("hashlib", "HASH", types::OBJECT, &[HOST_NAME, "name", "digest_size", "block_size"]);
    r.method(class, "update", LockUse::ReleasesFrom(MIN_BYTES), update);
    r.method(class, "digest", LockUse::Holds, digest);
    r.method(class, "hexdigest", LockUse::Holds, hexdigest);
    r.method(class, "copy", LockUse::Holds, copy);
    let constructors: [(&str, NativeFn<H>); 6] = [
        ("md5", |m, args| construct(m, args, "md5")),
        ("sha1", |m, args| construct(m, args, "sha1")),
        ("sha224", |m, args| construct(m, args, "sha224")),
        ("sha256", |m, args| construct(m, args, "sha256")),
        ("sha384", |m, args| construct(m, args, "sha384")),
        ("sha512", |m, args| construct(m, args, "sha512")),
    ];
    for (name, constructor) in constructors {
        r.module_function("hashlib", name, LockUse::ReleasesFrom(MIN_BYTES), constructor);
    }
    r.module_function("hashlib", "new", LockUse::ReleasesFrom(MIN_BYTES), new);
    r.module_function("hashlib", "pbkdf2_hmac", LockUse::Releases, pbkdf2_hmac);
}

/// A digest on the way.
#[derive(Clone)]
enum State {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// The same for each algorithm.
macro_rules! each {
    ($state:expr, $hash:ident => $what:expr) => {
        match $state {
            State::Md5($hash) => $what,
            State::Sha1($hash) => $what,
            State::Sha224($hash) => $what,
            State::Sha256($hash) => $what,
            State::Sha384($hash) => $what,
            State::Sha512($hash) => $what,
        }
    };
}

impl State {
    fn new(name: &str) -> Option<State> {
        Some(match name {
            "md5" => State::Md5(Md5::new()),
            "sha1" => State::Sha1(Sha1::new()),
            "sha224" => State::Sha224(Sha224::new()),
            "sha256" => State::Sha256(Sha256::new()),
            "sha384" => State::Sha384(Sha384::new()),
            "sha512" => State::Sha512(Sha512::new()),
            _ => return None,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            State::Md5(_) => "md5",
            State::Sha1(_) => "sha1",
            State::Sha224(_) => "sha224",
            State::Sha256(_) => "sha256",
            State::Sha384(_) => "sha384",
            State::Sha512(_) => "sha512",
        }
    }

    fn update(&mut self, data: &[u8]) {
        each!(self, hash => hash.update(data));
    }

    fn digest(&self) -> Vec<u8> {
        each!(self.clone(), hash => hash.finalize().to_vec())
    }

    fn block_size(&self) -> usize {
        if matches!(self, State::Sha384(_) | State::Sha512(_)) { 128 } else { 64 }
    }
}

struct HashHost {
    state: Mutex<State>,
}

impl HostObject for HashHost {}

fn construct<H: Heap>(m: &mut Machine<H>, args: Args, name: &str) -> Result<Value, Unwind> {
    let [data, _] = args.bind(m, &format!("openssl_{name}"), ["string", "usedforsecurity"], 0)?;
    make(m, name, data)
}

fn new<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [name, data, _] = args.bind(m, "new", ["name", "data", "usedforsecurity"], 1)?;
    let Some(name) = text(m, name) else {
        let kind = m.type_name(name);
        return Err(m.type_error(format!("new() argument 'name' must be str, not {kind}")));
    };
    make(m, &name.to_lowercase(), data)
}

fn make<H: Heap>(m: &mut Machine<H>, name: &str, data: Value) -> Result<Value, Unwind> {
    let Some(state) = State::new(name) else {
        return Err(m.value_error(format!("unsupported hash type {name}")));
    };
    let hash = Arc::new(HashHost { state: Mutex::new(state) });
    if data != Value::Unbound {
        feed(m, &hash, data)?;
    }
    Ok(wrap(m, hash))
}

fn wrap<H: Heap>(m: &mut Machine<H>, hash: Arc<HashHost>) -> Value {
    let (name, size, block) = {
        let state = hash.state.lock();
        (state.name(), state.digest().len(), state.block_size())
    };
    let class = module_class(m, "hashlib", "HASH");
    let instance = instance_with(m, class, hash);
    let name = m.str(name);
    for (at, value) in [(1, name), (2, Value::Int(size as i64)), (3, Value::Int(block as i64))] {
        set_slot(m, instance, at, value);
    }
    instance
}

fn feed<H: Heap>(m: &mut Machine<H>, hash: &HashHost, data: Value) -> Result<(), Unwind> {
    match data {
        Value::Bytes(id) => {
            if m.heap.bytes(id).len() < MIN_BYTES {
                hash.state.lock().update(m.heap.bytes(id));
            } else {
                let data = m.heap.bytes(id).to_vec();
                m.allow_threads_alone(|| hash.state.lock().update(&data));
            }
            Ok(())
        }
        Value::Str(_) => Err(m.type_error("Strings must be encoded before hashing")),
        _ => Err(m.type_error("object supporting the buffer API required")),
    }
}

fn update<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, data] = args.exactly(m, "HASH.update")?;
    let hash = host::<HashHost, H>(m, receiver, "HASH")?;
    feed(m, &hash, data)?;
    Ok(Value::None)
}

fn digest<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "HASH.digest")?;
    let hash = host::<HashHost, H>(m, receiver, "HASH")?;
    let digest = hash.state.lock().digest();
    Ok(m.heap.new_bytes(digest))
}

fn hexdigest<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "HASH.hexdigest")?;
    let hash = host::<HashHost, H>(m, receiver, "HASH")?;
    let digest = hash.state.lock().digest();
    Ok(m.str(hex(&digest)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn copy<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "HASH.copy")?;
    let hash = host::<HashHost, H>(m, receiver, "HASH")?;
    let state = hash.state.lock().clone();
    Ok(wrap(m, Arc::new(HashHost { state: Mutex::new(state) })))
}

/// The longest key that may be derived: as long as nobody needs it, and short enough to be made at once.
const MAX_KEY_BYTES: i64 = 1 << 20;

fn pbkdf2_hmac<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["hash_name", "password", "salt", "iterations", "dklen"];
    let [name, password, salt, rounds, length] = args.bind(m, "pbkdf2_hmac", names, 4)?;
    let Some(name) = text(m, name) else {
        let kind = m.type_name(name);
        return Err(m.type_error(format!("pbkdf2_hmac() argument 'hash_name' must be str, not {kind}")));
    };
    let (password, salt) = (bytes(m, password)?, bytes(m, salt)?);
    let rounds = whole(m, rounds)?;
    let Some(state) = State::new(&name.to_lowercase()) else {
        return Err(m.value_error(format!("unsupported hash type {name}")));
    };
    if rounds < 1 {
        return Err(m.value_error("iteration value must be greater than 0."));
    }
    let length = match length {
        Value::Unbound | Value::None => state.digest().len() as i64,
        other => whole(m, other)?,
    };
    if length < 1 {
        return Err(m.value_error("key length must be greater than 0."));
    }
    if length > MAX_KEY_BYTES {
        return Err(m.raise(types::OVERFLOW_ERROR, "key length is too great."));
    }
    let shared = Arc::clone(&m.shared);
    let key = m.allow_threads_alone(|| {
        let stop = || shared.settings.stopping();
        derive_with(&state, &password, &salt, rounds as u64, length as usize, stop)
    });
    key.map(|key| m.heap.new_bytes(key)).ok_or(Unwind::Stopped)
}

fn derive_with(
    state: &State,
    password: &[u8],
    salt: &[u8],
    rounds: u64,
    length: usize,
    stop: impl Fn() -> bool,
) -> Option<Vec<u8>> {
    /// A keyed hash; keys may have any length.
    macro_rules! keyed {
        ($hash:ty) => {{
            let mac = <Hmac<$hash> as Mac>::new_from_slice(password).expect("a key of any length is fine");
            derive(&mac, salt, rounds, length, stop)
        }};
    }
    match state {
        State::Md5(_) => keyed!(Md5),
        State::Sha1(_) => keyed!(Sha1),
        State::Sha224(_) => keyed!(Sha224),
        State::Sha256(_) => keyed!(Sha256),
        State::Sha384(_) => keyed!(Sha384),
        State::Sha512(_) => keyed!(Sha512),
    }
}

/// PBKDF2; `None` when it was stopped, for which it looks from time to time.
fn derive<M: Mac + Clone>(
    mac: &M,
    salt: &[u8],
    rounds: u64,
    length: usize,
    stop: impl Fn() -> bool,
) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    for block in 1_u32.. {
        if key.len() >= length {
            break;
        }
        let mut last =
            mac.clone().chain_update(salt).chain_update(block.to_be_bytes()).finalize().into_bytes();
        let mut sum = last.clone();
        for round in 1..rounds {
            if round % 4096 == 0 && stop() {
                return None;
            }
            last = mac.clone().chain_update(&last).finalize().into_bytes();
            sum.iter_mut().zip(&last).for_each(|(sum, last)| *sum ^= last);
        }
        key.extend_from_slice(&sum);
    }
    key.truncate(length);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(name: &str, data: &[u8]) -> String {
        let mut state = State::new(name).expect("it exists");
        state.update(data);
        assert_eq!(state.name(), name);
        hex(&state.digest())
    }

    #[test]
    fn digests_are_those_of_the_standards() {
        assert_eq!(digest_of("md5", b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digest_of("sha1", b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            digest_of("sha256", b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(digest_of("sha512", b"abc").starts_with("ddaf35a193617aba"));
        assert!(digest_of("sha384", b"abc").starts_with("cb00753f45a35e8b"));
        assert!(digest_of("sha224", b"abc").starts_with("23097d223405d822"));
        assert!(State::new("sha3").is_none());
    }

    #[test]
    fn derived_keys_are_those_of_rfc_6070() {
        let sha1 = State::new("sha1").expect("it exists");
        let key = |rounds, length| derive_with(&sha1, b"password", b"salt", rounds, length, || false);
        assert_eq!(hex(&key(1, 20).expect("not stopped")), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
        assert_eq!(hex(&key(4096, 20).expect("not stopped")), "4b007901b765489abead49d926f721d065a429c1");
        assert_eq!(key(2, 45).map(|key| key.len()), Some(45), "of several blocks");
        assert_eq!(derive_with(&sha1, b"p", b"s", 100_000, 20, || true), None, "a stop is noticed");
    }
}
