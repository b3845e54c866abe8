//! Open files: positions, clones, and the end of the descriptor.

use std::fs::OpenOptions;
use std::io::ErrorKind;

use runtime_lab::fs::{self, File};
use runtime_lab::{RunMode, sleep};

use super::{ask, assert_refused, folder_with};
use crate::support::{Log, runtime};

fn read_and_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
}

#[test]
fn what_is_written_at_a_position_is_read_there() {
    let (_folder, path) = folder_with("file");
    let file = ask(File::open_with(&path, read_and_write())).unwrap();
    assert_eq!(file.path(), path);
    ask(file.write_at(0, "hello world")).unwrap();
    ask(file.write_at(6, "there")).unwrap();
    assert_eq!(ask(file.read_at(0, 11)).unwrap(), b"hello there");
    assert_eq!(ask(file.read_at(6, 3)).unwrap(), b"the");
    assert_eq!(ask(file.read_at(0, 5)).unwrap(), b"hello", "no position is kept between calls");
    assert_eq!(ask(file.read_at(6, 1_000_000_000)).unwrap(), b"there", "fewer where the file ends");
    assert_eq!(ask(file.read_at(11, 1)).unwrap(), b"");
    assert_eq!(ask(file.read_at(0, 0)).unwrap(), b"");
    ask(file.write_at(14, "!")).unwrap();
    assert_eq!(ask(file.read_at(9, 100)).unwrap(), b"re\0\0\0!", "zeros lie between");
}

#[test]
fn more_than_one_call_of_the_system_is_needed_for_much() {
    let (_folder, path) = folder_with("file");
    let file = ask(File::open_with(&path, read_and_write())).unwrap();
    let large: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 239) as u8).collect();
    ask(file.write_at(3, large.clone())).unwrap();
    assert!(ask(file.read_at(3, 5_000_000)).unwrap() == large);
    assert!(ask(file.read_at(1_000_003, 2_500_000)).unwrap() == large[1_000_000..3_500_000]);
}

#[test]
fn length_state_and_device_can_be_asked_for() {
    let (_folder, path) = folder_with("file");
    let file = ask(File::create(&path)).unwrap();
    ask(file.write_at(0, "123456789")).unwrap();
    ask(file.sync_data()).unwrap();
    ask(file.sync_all()).unwrap();
    ask(file.set_len(4)).unwrap();
    assert_eq!(ask(file.metadata()).unwrap().len(), 4);
    ask(file.set_len(6)).unwrap();
    assert_eq!(ask(fs::read(&path)).unwrap(), b"1234\0\0");
    ask(file.close()).unwrap();
    let emptied = ask(File::create(&path)).unwrap();
    assert_eq!(ask(emptied.metadata()).unwrap().len(), 0);
}

#[test]
fn an_open_file_does_only_what_it_was_opened_for() {
    let (_folder, path) = folder_with("file");
    assert_refused(File::open(&path), "open", &path, ErrorKind::NotFound);
    ask(fs::write(&path, "kept")).unwrap();
    let file = ask(File::open(&path)).unwrap();
    let error = ask(file.write_at(0, "lost")).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot write {path:?}: ")), "{error}");
    assert_eq!(ask(file.read_at(0, 9)).unwrap(), b"kept");
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    assert_refused(File::open_with(&path, new), "open", &path, ErrorKind::AlreadyExists);
    assert_refused(File::open_with(&path, OpenOptions::new()), "open", &path, ErrorKind::InvalidInput);
}

#[test]
fn positions_that_no_file_has_are_refused() {
    let (_folder, path) = folder_with("file");
    let file = ask(File::open_with(&path, read_and_write())).unwrap();
    assert_refused(file.read_at(u64::MAX, 1), "read", &path, ErrorKind::InvalidInput);
    assert_refused(file.write_at(u64::MAX, "x"), "write", &path, ErrorKind::InvalidInput);
    assert_refused(file.set_len(u64::MAX), "set the length of", &path, ErrorKind::InvalidInput);
}

#[test]
fn many_writes_under_way_at_once_each_land_in_their_place() {
    let (_folder, path) = folder_with("file");
    let runtime = runtime(4);
    let lp = runtime.handle();
    let file = File::open_with(&path, read_and_write()).run_here().unwrap();
    let ended = Log::default();
    for place in 0..500_u64 {
        let log = ended.clone();
        let line = format!("{place:08}");
        file.write_at(place * 8, line).then(&lp, move |_lp, result| log.push(result.is_ok())).unwrap();
    }
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(ended.take(), [true; 500]);
    let expected: String = (0..500).map(|place| format!("{place:08}")).collect();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn a_file_goes_to_another_thread_and_back() {
    let (_folder, path) = folder_with("file");
    let file = ask(File::open_with(&path, read_and_write())).unwrap();
    let clone = file.clone();
    std::thread::spawn(move || clone.write_at(0, "from there").run_here().unwrap()).join().unwrap();
    assert_eq!(ask(file.read_at(0, 99)).unwrap(), b"from there");
}

/// How often this process has the file open.
#[cfg(target_os = "linux")]
fn descriptors(path: &std::path::Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    // A descriptor of another test may be gone before it is looked at.
    open.filter(|entry| std::fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|at| at == path)).count()
}

#[cfg(target_os = "linux")]
#[test]
fn ff1_the_last_of_clones_and_requests_closes_the_descriptor() {
    let (folder, _) = folder_with("");
    let path = folder.path().canonicalize().unwrap().join("file");
    let file = ask(File::open_with(&path, read_and_write())).unwrap();
    let clone = file.clone();
    assert_eq!(descriptors(&path), 1, "a clone shares it");
    drop(file);
    let request = clone.write_at(0, "late");
    drop(clone);
    assert_eq!(descriptors(&path), 1, "the request holds it");
    ask(request).unwrap();
    assert_eq!(descriptors(&path), 0);
    assert_eq!(std::fs::read(&path).unwrap(), b"late");
}

#[cfg(target_os = "linux")]
#[test]
fn ff1_closing_tells_whether_others_still_hold_the_file() {
    let (folder, _) = folder_with("");
    let path = folder.path().canonicalize().unwrap().join("file");
    let file = ask(File::create(&path)).unwrap();
    let clone = file.clone();
    assert_refused(file.close(), "close", &path, ErrorKind::ResourceBusy);
    assert_eq!(descriptors(&path), 1, "it is open as long as the other clone is there");
    ask(clone.write_at(0, "x")).unwrap();
    ask(clone.close()).unwrap();
    assert_eq!(descriptors(&path), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn ff1_a_close_that_is_dropped_or_cancelled_closes_too() {
    let (folder, _) = folder_with("");
    let path = folder.path().canonicalize().unwrap().join("file");
    drop(ask(File::create(&path)).unwrap().close());
    assert_eq!(descriptors(&path), 0);
    let runtime = runtime(1);
    let busy = crate::support::Busy::hold(runtime.pool(), 1);
    let file = File::create(&path).run_here().unwrap();
    let job = file.close().then(&runtime.handle(), |_lp, _result| {}).unwrap();
    assert_eq!(descriptors(&path), 1);
    job.cancel().unwrap();
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(descriptors(&path), 0, "though the pool is stuck");
    drop(busy);
}

#[test]
fn a_task_reads_a_file_from_the_front_to_the_back_by_counting() {
    let (_folder, path) = folder_with("file");
    std::fs::write(&path, "0123456789".repeat(100)).unwrap();
    let whole = runtime(2).block_on(async move {
        let file = File::open(&path).await.unwrap();
        let (mut whole, mut at) = (Vec::new(), 0);
        loop {
            let part = file.read_at(at, 64).await.unwrap();
            if part.is_empty() {
                break;
            }
            at += part.len() as u64;
            whole.extend(part);
            sleep(std::time::Duration::ZERO).await;
        }
        file.close().await.unwrap();
        whole
    });
    assert_eq!(whole.unwrap(), b"0123456789".repeat(100));
}
