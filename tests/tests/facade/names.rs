//! Name look-up through the system's resolver, without leaving the machine.

use std::io::ErrorKind;
use std::net::SocketAddr;

use runtime_lab::dns::{self, Family};
use runtime_lab::{JobKind, Request, RequestError, RunMode};

use crate::kinds::{Way, outcome};
use crate::support::{Log, patient, runtime};

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
    assert_eq!(error.cause().map(std::io::Error::kind), Some(ErrorKind::NotFound), "{error}");
}

fn ask<T: Send + 'static>(request: Request<T>) -> Result<T, RequestError> {
    outcome(request, Way::Future)
}

#[track_caller]
fn assert_no_name(host: &str, family: Family) {
    let error = ask(dns::lookup_family(host, 80, family)).unwrap_err();
    assert!(matches!(&error, RequestError::Name { host: said, .. } if said == host), "{error:?}");
    assert_eq!(error.cause().map(std::io::Error::kind), Some(ErrorKind::InvalidInput), "{error}");
    assert!(error.to_string().starts_with(&format!("cannot look up {host:?}: the ")), "{error}");
}

#[test]
fn a_family_is_asked_for_alone() {
    let addresses = ask(dns::lookup_family("localhost", 80, Family::V4)).unwrap();
    assert!(!addresses.is_empty() && addresses.iter().all(SocketAddr::is_ipv4), "{addresses:?}");
    // Not every machine has an IPv6 address for its own name.
    match ask(dns::lookup_family("localhost", 80, Family::V6)) {
        Ok(addresses) => assert!(addresses.iter().all(SocketAddr::is_ipv6), "{addresses:?}"),
        Err(error) => assert!(matches!(error, RequestError::Name { .. }), "{error:?}"),
    }
    assert_eq!(ask(dns::lookup_family("::1", 80, Family::V6)).unwrap(), ["[::1]:80".parse().unwrap()]);
    assert_no_name("::1", Family::V4);
    assert_no_name("127.0.0.1", Family::V6);
}

#[test]
fn what_cannot_be_a_name_is_refused_without_asking() {
    for host in ["", "local\0host", &"x.".repeat(128), &"x".repeat(254)] {
        assert_no_name(host, Family::Any);
    }
    // The dot at the end of a full name does not count; whether there is such a name, the resolver says.
    let longest = format!("{}.", "x".repeat(dns::MAX_NAME_BYTES));
    let error = ask(dns::lookup(&longest, 80)).unwrap_err();
    assert_ne!(error.cause().map(std::io::Error::kind), Some(ErrorKind::InvalidInput), "{error}");
}

#[test]
fn an_address_has_a_name_or_is_its_own_and_so_has_a_port() {
    for way in [Way::Future, Way::Callback, Way::Here] {
        let names = outcome(dns::reverse("127.0.0.1:65535".parse().unwrap()), way).unwrap();
        assert!(!names.host.is_empty() && !names.host.contains('\0'), "{names:?}");
        assert_eq!(names.service, "65535");
    }
}

#[test]
fn what_needs_no_resolver_does_not_wait_for_those_that_do() {
    // One of two threads may be slow, and it is: it waits until the test is over.
    let runtime = patient(2);
    let (release, released) = std::sync::mpsc::channel::<()>();
    runtime.pool().submit(JobKind::SlowIo, "slow", move || released.recv().is_err(), drop).unwrap();
    let heard = Log::default();
    for host in ["127.0.0.1", "::1", ""] {
        let (log, lp) = (heard.clone(), runtime.handle());
        let after = move |_lp: &_, result: Result<_, _>| log.push((host, result.is_ok()));
        dns::lookup(host, 80).then(&lp, after).unwrap();
    }
    runtime.run(RunMode::Default).unwrap();
    drop(release);
    let mut all = heard.take();
    all.sort_unstable();
    assert_eq!(all, [("", false), ("127.0.0.1", true), ("::1", true)]);
}

#[test]
fn look_ups_leave_half_of_the_pool_to_others() {
    // Two look-ups could hold both threads only if the slow lane's limit were not passed on by the facade.
    use std::sync::mpsc::channel;
    let runtime = patient(2);
    let (release, released) = channel::<()>();
    let wait = move || released.recv().is_err();
    runtime.pool().submit(JobKind::SlowIo, "slow", wait, drop).expect("the pool takes a slow job");
    let values = runtime.block_on(async {
        let pending = std::future::IntoFuture::into_future(dns::lookup("localhost", 80));
        let fast = runtime_lab::offload(|| 1).await.unwrap();
        drop(release);
        (fast, pending.await.is_ok())
    });
    assert_eq!(values.unwrap(), (1, true));
}
