//! Name look-up through the system's resolver, without leaving the machine.

use runtime_lab::{RequestError, dns};

use crate::support::runtime;

#[test]
fn localhost_is_this_machine() {
    let found = runtime(1).block_on(async { dns::lookup("localhost", 8080).await }).unwrap().unwrap();
    assert!(!found.is_empty());
    assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 8080), "{found:?}");
}

#[test]
fn an_address_is_its_own_name() {
    let found = runtime(1).block_on(async { dns::lookup("::1", 1).await }).unwrap().unwrap();
    assert_eq!(found, ["[::1]:1".parse().unwrap()]);
}

#[test]
fn a_name_that_cannot_exist_is_an_error_with_the_name() {
    // A label has at most 63 bytes (RFC 1035), so no resolver asks a server for this one.
    let name = format!("{}.invalid", "x".repeat(64));
    let asked = name.clone();
    let error = runtime(1).block_on(async move { dns::lookup(&asked, 80).await }).unwrap().unwrap_err();
    assert!(matches!(&error, RequestError::Name { host, .. } if *host == name), "{error:?}");
    assert!(error.to_string().starts_with(&format!("cannot look up {name:?}: ")), "{error}");
}

#[test]
fn look_ups_leave_half_of_the_pool_to_others() {
    // Two look-ups could hold both threads only if the slow lane's limit were not passed on by the facade.
    use std::sync::mpsc::channel;
    let runtime = runtime(2);
    let (release, released) = channel::<()>();
    let wait = move || released.recv().is_err();
    runtime
        .pool()
        .submit(runtime_lab::JobKind::SlowIo, "slow", wait, drop)
        .expect("the pool takes a slow job");
    let values = runtime.block_on(async {
        let pending = std::future::IntoFuture::into_future(dns::lookup("localhost", 80));
        let fast = runtime_lab::offload(|| 1).await.unwrap();
        drop(release);
        (fast, pending.await.is_ok())
    });
    assert_eq!(values.unwrap(), (1, true));
}
