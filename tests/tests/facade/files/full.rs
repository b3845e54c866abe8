//! No room for what is written: the error says so, and how much arrived; the loop goes on.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use runtime_lab::RequestError;
use runtime_lab::fs::{self, File};

use super::folder_with;
use crate::support::runtime;

/// The device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error_and_the_loop_goes_on() {
    use std::fs::OpenOptions;
    use std::io::ErrorKind;
    use std::path::Path;

    use runtime_lab::RunMode;

    use super::{ask, assert_both_refused, assert_refused};
    use crate::support::Log;

    let full = Path::new("/dev/full");
    let (folder, source) = folder_with("source");
    std::fs::write(&source, "x".repeat(100_000)).unwrap();
    assert_refused(fs::write(full, "x"), "write", full, ErrorKind::StorageFull);
    assert_refused(fs::append(full, "x"), "append to", full, ErrorKind::StorageFull);
    assert_both_refused(fs::copy(&source, full), "copy", [&source, full], ErrorKind::StorageFull);
    let mut options = OpenOptions::new();
    options.write(true);
    let file = ask(File::open_with(full, options)).unwrap();
    assert_refused(file.write_at(0, "x"), "write", full, ErrorKind::StorageFull);

    let runtime = runtime(1);
    let lp = runtime.handle();
    let heard = Log::default();
    for path in [full.to_owned(), folder.path().join("file"), full.to_owned()] {
        let log = heard.clone();
        fs::write(path, "x").then(&lp, move |_lp, result| log.push(result.is_ok())).unwrap();
    }
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(heard.take(), [false, true, false]);
}

/// In the environment of the process that has a limit: the folder to write in.
const FOLDER: &str = "RUNTIME_LAB_TEST_SMALL_FOLDER";

/// Runs a test of this file again, in a process with this limit, and `test` there with a folder. The shell sets the limit.
fn with_limit(limit: &str, name: &str, test: fn(PathBuf)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return test(folder.into());
    }
    let (folder, source) = folder_with("source");
    std::fs::write(&source, vec![b'x'; 100_000]).unwrap();
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!("set -e; {limit}; exec \"$0\" \"$@\""));
    limited.arg(std::env::current_exe().unwrap());
    limited.args(["--exact", "--nocapture", &format!("files::full::{name}")]);
    limited.env(FOLDER, folder.path()).stdin(Stdio::null());
    let output = limited.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
}

/// A limit on the length of files stands for a disk without room: the system takes a part, then it refuses. The shell
/// counts in blocks of 512 bytes; without the trap the signal of the limit ends the process.
#[test]
fn a_file_that_was_written_in_part_is_said_with_the_bytes() {
    let name = "a_file_that_was_written_in_part_is_said_with_the_bytes";
    with_limit("trap '' XFSZ; ulimit -f 16", name, write_too_much);
}

const LIMIT_BYTES: u64 = 16 * 512;

fn write_too_much(folder: PathBuf) {
    let inside = folder.clone();
    let at = move |name: &str| inside.join(name);
    let much = vec![b'x'; 100_000];
    let outcomes = runtime(2).block_on(async move {
        let file = File::create(at("file")).await.unwrap();
        let before = fs::write(at("notes"), "small").await;
        let parts = [
            fs::write(at("written"), much.clone()).await.unwrap_err(),
            fs::append(at("appended"), much.clone()).await.unwrap_err(),
            file.write_at(0, much).await.unwrap_err(),
            fs::copy(at("source"), at("copied")).await.unwrap_err(),
        ];
        let after = fs::read(at("notes")).await;
        (before.is_ok(), parts.map(|error| part(&error)), after.unwrap())
    });
    let expected = ["write", "append to", "write", "copy to"].map(|action| (action, LIMIT_BYTES, 100_000));
    assert_eq!(outcomes.unwrap(), (true, expected, b"small".to_vec()));
    for name in ["written", "appended", "file", "copied"] {
        assert_eq!(std::fs::metadata(folder.join(name)).unwrap().len(), LIMIT_BYTES, "{name}");
    }
}

fn part(error: &RequestError) -> (&'static str, u64, u64) {
    let RequestError::PartlyWritten { action, written_bytes, whole_bytes, cause, .. } = error else {
        panic!("{error:?}")
    };
    let words = error.to_string();
    assert!(
        words.contains(&format!("{cause} ({written_bytes} of {whole_bytes} bytes were written)")),
        "{words}"
    );
    (action, *written_bytes, *whole_bytes)
}

#[test]
fn without_descriptors_requests_fail_and_succeed_again_afterwards() {
    let name = "without_descriptors_requests_fail_and_succeed_again_afterwards";
    with_limit("ulimit -n 40", name, |folder| {
        let path = folder.join("source");
        let outcome = runtime(2).block_on(async move {
            let mut open = Vec::new();
            let error = loop {
                match File::open(&path).await {
                    Ok(file) => open.push(file),
                    Err(error) => break error,
                }
            };
            let refused = fs::read(&path).await.unwrap_err();
            let known = fs::stat(&path).await.map(|known| known.len());
            drop(open);
            (error, refused, known.unwrap(), fs::read(&path).await.unwrap().len())
        });
        let (error, refused, known, read) = outcome.unwrap();
        for (error, action) in [(error, "open"), (refused, "read")] {
            let code = error.cause().and_then(std::io::Error::raw_os_error);
            assert_eq!(code, Some(rustix::io::Errno::MFILE.raw_os_error()), "{error}");
            assert!(error.to_string().starts_with(&format!("cannot {action} ")), "{error}");
        }
        assert_eq!((known, read), (100_000, 100_000));
    });
}
