//! Random paths, ranges and queries: what a client writes never leads out of the folder, and is answered by the rules.

use std::cell::{Cell, RefCell};
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use runtime_lab::http::{self, Server, StatusCode};

use crate::support::{Answer, TestServer, start};

const DIGITS: &str = "0123456789";
const SECRET: &str = "secret";

/// Always the same cases, on one server.
fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Serves `root`, and says what it understood of a query.
fn server(root: &Path) -> TestServer {
    let root = root.to_owned();
    start(move |server: Server| {
        let files = server.route("GET /files/*", move |request| {
            let path = request.path_below("/files/").map(|path| root.join(path));
            async move {
                match path {
                    Some(path) => http::file(&request, path).await,
                    None => http::with_status(StatusCode::NOT_FOUND, "no such file\n"),
                }
            }
        });
        let number = files.route("/number", |request| async move {
            request.number("n", 7, 1..=9).map_or_else(|refused| refused, |n| http::text(n.to_string()))
        });
        number.route("/param", |request| async move { http::text(request.param("key").unwrap_or_default()) })
    })
}

/// A folder with two files in it, and one beside it that nobody may see.
fn folder() -> tempfile::TempDir {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    std::fs::create_dir_all(root.join("sub")).unwrap();
    std::fs::write(root.join("digits"), DIGITS).unwrap();
    std::fs::write(root.join("sub").join("digits"), DIGITS).unwrap();
    std::fs::write(outer.path().join(SECRET), SECRET).unwrap();
    outer
}

fn pieces(words: &'static [&'static str], longest: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(words), 0..longest).prop_map(|pieces| pieces.concat())
}

/// Names, ways up and noise, with what separates them or almost does.
fn paths() -> impl Strategy<Value = String> {
    let names = prop::sample::select(&["secret", "digits", "sub", "root"]);
    let ups = prop::sample::select(&["..", "%2e%2e", ".%2E", "%252e%252e"]);
    let noise = prop::sample::select(&["", ".", "~", "%", "%2", "%zz", "%00", "%c3%28", "%ff", "c:", "..;"]);
    let part = prop_oneof![5 => names, 4 => ups, 1 => noise];
    let odd = prop::sample::select(&["//", "%2f", "%2F", "%5c", "/./", "%2F.."]);
    let between = prop_oneof![3 => Just("/"), 2 => odd];
    prop::collection::vec((part, between), 1..5).prop_map(|parts| {
        let all: String = parts.iter().flat_map(|(part, between)| [*part, *between]).collect();
        // Mostly it ends with a name.
        all.strip_suffix('/').unwrap_or(&all).to_owned()
    })
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let outer = folder();
    let server = server(&outer.path().join("root"));
    let outside = format!("/{}", outer.path().join(SECRET).to_str().unwrap());
    let (client, found) = (RefCell::new(server.connect()), Cell::new(0));
    let ask = |path: &str| client.borrow_mut().get(&format!("/files/{path}"));
    assert_eq!((ask("sub/digits").text(), ask(&outside).status), (DIGITS, 404));
    let outcome = runner(4_000).run(&paths(), |path| {
        let answer = ask(&path);
        let text = String::from_utf8_lossy(&answer.body);
        prop_assert!(!text.contains(SECRET), "{path:?} leads to the file outside");
        prop_assert!(matches!(answer.status, 200 | 404), "{path:?}: {}", answer.status);
        if answer.status == 200 {
            prop_assert_eq!(text, DIGITS);
            found.set(found.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(found.get() > 0, "some paths are those of the files");
    drop(client);
    assert_eq!(server.stop().stats.panics, 0);
}

/// The part that the answer says it has.
fn part(answer: &Answer) -> Option<(usize, usize)> {
    let text = answer.header("content-range")?.strip_prefix("bytes ")?.strip_suffix("/10")?;
    let (first, last) = text.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn units() -> impl Strategy<Value = &'static str> {
    let others = prop::sample::select(&["", "bytes", "Bytes=", "lines=", "bytes=bytes="]);
    prop_oneof![9 => Just("bytes="), 1 => others]
}

fn ranges() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(&[
        "",
        "10",
        "+1",
        " 2",
        "x",
        "1,2",
        "18446744073709551615",
        "99999999999999999999",
    ]);
    let digit = (0..10_usize).prop_map(|digit| digit.to_string());
    let number = prop_oneof![3 => digit, 1 => odd.prop_map(str::to_owned)].boxed();
    let dash = prop_oneof![9 => Just("-"), 1 => prop::sample::select(&["", "--", ",", "-0-"])];
    (number.clone(), dash, number).prop_map(|(first, dash, last)| first + dash + &last)
}

/// The two ends of a range that lies in the file and says both.
fn plain(rest: &str) -> Option<(usize, usize)> {
    let (first, last) = rest.split_once('-')?;
    let digit = |text: &str| text.parse().ok().filter(|_: &usize| text.len() == 1);
    let (first, last) = (digit(first)?, digit(last)?);
    (first <= last).then_some((first, last))
}

#[test]
fn every_range_gets_the_part_that_the_answer_names_or_the_whole_file() {
    let outer = folder();
    let server = server(&outer.path().join("root"));
    let client = RefCell::new(server.connect());
    let outcome = runner(2_000).run(&(units(), ranges()), |(unit, rest)| {
        let head = format!("GET /files/digits HTTP/1.1\r\nHost: test\r\nRange: {unit}{rest}\r\n\r\n");
        let answer = client.borrow_mut().send(head).answer();
        if let Some((first, last)) = plain(&rest).filter(|_| unit == "bytes=") {
            prop_assert_eq!((answer.status, part(&answer)), (206, Some((first, last))), "{}", rest);
        }
        match answer.status {
            200 => prop_assert_eq!(answer.text(), DIGITS),
            206 => {
                let (first, last) = part(&answer).expect("a part");
                prop_assert_eq!(answer.text(), &DIGITS[first..=last], "{}", rest);
            }
            416 => prop_assert_eq!(answer.header("content-range"), Some("bytes */10")),
            other => prop_assert!(false, "{}{}: {}", unit, rest, other),
        }
        Ok(())
    });
    outcome.unwrap();
    drop(client);
    assert_eq!(server.stop().stats.panics, 0);
}

#[test]
fn a_query_is_understood_or_refused_and_text_comes_through_its_escapes() {
    let outer = folder();
    let server = server(&outer.path().join("root"));
    let client = RefCell::new(server.connect());
    let words: &[&str] = &[
        "n",
        "=",
        "&",
        "%",
        "%6e",
        "%3d",
        "+",
        "-",
        "1",
        "9",
        "10",
        "0",
        "99999999999999999999",
        "é",
        "?",
        "/",
    ];
    let outcome = runner(1_000).run(&(pieces(words, 8), any::<String>()), |(query, text)| {
        let query = query.replace('é', "%c3%a9");
        let answer = client.borrow_mut().get(&format!("/number?{query}"));
        let number = answer.text().parse::<u64>();
        match answer.status {
            200 => prop_assert!(number.is_ok_and(|n| (1..=9).contains(&n)), "{}: {:?}", query, answer),
            400 => prop_assert!(answer.text().contains("whole number"), "{query}"),
            other => prop_assert!(false, "{}: {}", query, other),
        }
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = client.borrow_mut().get(&format!("/param?key={escaped}"));
        prop_assert_eq!(answer.text(), text);
        Ok(())
    });
    outcome.unwrap();
    drop(client);
    assert_eq!(server.stop().stats.panics, 0);
}
