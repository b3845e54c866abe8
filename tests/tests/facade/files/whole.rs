//! Whole files: what was written is read, with a limit or as text where that is asked for.

use runtime_lab::{RequestError, fs};

use super::{ask, folder_with};

#[test]
fn what_was_written_is_read_and_replaced_by_the_next_write() {
    let (_folder, file) = folder_with("notes.txt");
    // Larger than any buffer on the way, so that it takes more than one read.
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    ask(fs::write(&file, large.clone())).unwrap();
    assert!(ask(fs::read(&file)).unwrap() == large);
    ask(fs::write(&file, "short")).unwrap();
    assert_eq!(ask(fs::read(&file)).unwrap(), b"short");
    ask(fs::write(&file, "")).unwrap();
    assert_eq!(ask(fs::read(&file)).unwrap(), b"");
}

#[test]
fn appending_makes_the_file_and_keeps_what_was_there() {
    let (_folder, file) = folder_with("log.txt");
    for line in ["one\n", "two\n", "three\n"] {
        ask(fs::append(&file, line)).unwrap();
    }
    assert_eq!(ask(fs::read_to_string(&file)).unwrap(), "one\ntwo\nthree\n");
}

#[test]
fn a_limit_lets_pass_what_is_as_large_and_refuses_one_byte_more() {
    let (_folder, file) = folder_with("notes.txt");
    ask(fs::write(&file, "12345")).unwrap();
    assert_eq!(ask(fs::read_at_most(&file, 5)).unwrap(), b"12345");
    assert_eq!(ask(fs::read_at_most(&file, usize::MAX)).unwrap(), b"12345");
    for limit in [0, 4] {
        let error = ask(fs::read_at_most(&file, limit)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot read {file:?}: it has more than {limit} bytes, which is the limit here")
        );
        let RequestError::TooLarge { path, limit_bytes } = error else { panic!("{error:?}") };
        assert_eq!((path, limit_bytes), (file.clone(), limit));
    }
    ask(fs::write(&file, "")).unwrap();
    assert_eq!(ask(fs::read_at_most(&file, 0)).unwrap(), b"");
}

#[cfg(unix)]
#[test]
fn a_limit_holds_for_a_file_that_never_ends() {
    let error = ask(fs::read_at_most("/dev/zero", 100_000)).unwrap_err();
    assert!(matches!(error, RequestError::TooLarge { limit_bytes: 100_000, .. }), "{error:?}");
}

#[test]
fn text_is_text_and_other_bytes_are_an_error_that_says_where() {
    let (_folder, file) = folder_with("notes.txt");
    ask(fs::write(&file, "ä 한")).unwrap();
    assert_eq!(ask(fs::read_to_string(&file)).unwrap(), "ä 한");
    ask(fs::write(&file, b"abc\xffdef")).unwrap();
    let error = ask(fs::read_to_string(&file)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot read {file:?} as text: invalid utf-8 sequence of 1 bytes from index 3")
    );
    assert!(
        matches!(&error, RequestError::NotText { path, cause } if *path == file && cause.valid_up_to() == 3)
    );
    assert!(error.cause().is_none(), "the system did not complain");
}
