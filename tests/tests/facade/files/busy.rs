//! Many requests at once, and one that waits for ever: each ends once, and nobody waits for a stranger.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use runtime_lab::{RunMode, fs};

use super::folder_with;
use crate::support::{Log, patient};

const FILES: usize = 100;
const READS: usize = 1000;

/// A folder of files, each with its number in it.
fn numbered() -> tempfile::TempDir {
    let (folder, _) = folder_with("");
    for number in 0..FILES {
        std::fs::write(folder.path().join(number.to_string()), format!("this is {number}")).unwrap();
    }
    folder
}

#[test]
fn of_a_thousand_reads_each_ends_exactly_once_with_its_own_bytes() {
    let folder = numbered();
    let runtime = patient(4);
    let lp = runtime.handle();
    let ended = Rc::new(RefCell::new([0; READS]));
    for read in 0..READS {
        let ended = ended.clone();
        let number = read % FILES;
        let after = move |_lp: &_, result: Result<Vec<u8>, _>| {
            assert_eq!(result.unwrap(), format!("this is {number}").into_bytes());
            ended.borrow_mut()[read] += 1;
        };
        fs::read(folder.path().join(number.to_string())).then(&lp, after).unwrap();
    }
    assert_eq!(*ended.borrow(), [0; READS], "none inside its call");
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(*ended.borrow(), [1; READS]);
}

#[test]
fn a_thousand_tasks_that_read_all_end() {
    let folder = numbered();
    let runtime = patient(4);
    let ended = Log::default();
    for read in 0..READS {
        let (log, path) = (ended.clone(), folder.path().join((read % FILES).to_string()));
        runtime.handle().spawn(async move { log.push((read, fs::read_to_string(path).await.unwrap())) });
    }
    runtime.run(RunMode::Default).unwrap();
    let mut all = ended.take();
    all.sort();
    let expected: Vec<_> = (0..READS).map(|read| (read, format!("this is {}", read % FILES))).collect();
    assert_eq!(all, expected);
}

/// Lets whoever waits for a writer of this pipe go on when the test ends early: the pool waits for its jobs.
struct EndOfWaiting(PathBuf);

impl Drop for EndOfWaiting {
    fn drop(&mut self) {
        // Open in both directions is open at once, and the reader meets the end of the pipe.
        drop(OpenOptions::new().read(true).write(true).open(&self.0));
    }
}

#[test]
fn a_read_that_waits_for_a_writer_does_not_hold_the_others() {
    let (folder, fifo) = folder_with("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let file = folder.path().join("file");
    std::fs::write(&file, "not in the way").unwrap();
    let runtime = patient(2);
    let _end = EndOfWaiting(fifo.clone());
    let text = runtime.block_on(async move {
        let lp = runtime_lab::LoopHandle::current().unwrap();
        let heard = Log::default();
        let log = heard.clone();
        fs::read(&fifo).then(&lp, move |_lp, result| log.push(result.unwrap())).unwrap();
        for _ in 0..20 {
            assert_eq!(fs::read(&file).await.unwrap(), b"not in the way");
        }
        assert_eq!(heard.len(), 0, "no writer has come");
        OpenOptions::new().write(true).open(&fifo).unwrap().write_all(b"at last").unwrap();
        heard
    });
    assert_eq!(text.unwrap().only(), b"at last");
}
