//! Stored recordings: what is written is read again as the same value, and a bad file is refused by its line.

use proptest::prelude::*;
use runtime_trace::{EventKind, LaneInfo, Record, Recording, STORED_RECORDS_MAX, StoredError};

mod support;
use support::Script;

fn stored(recording: &Recording) -> String {
    let mut bytes = Vec::new();
    recording.write(&mut bytes).expect("a good recording is written");
    String::from_utf8(bytes).expect("the format is text")
}

fn small() -> Recording {
    Script::new(&["loop", "pool-0"])
        .with(1_000, 0, EventKind::CallbackBegin, 7, 2)
        .at(2_500, 1, EventKind::JobBegin, 8)
        .with(u64::MAX, 0, EventKind::CallbackEnd, u64::MAX, u32::MAX)
        .dropped(1, 3)
        .0
}

const SMALL: &str = "\
runtime-lab recording 1
lanes 2
0 loop
3 pool-0
names 3

connection
GET /block
records 3
1000 CallbackBegin 0 7 0 2
2500 JobBegin 1 8 0 0
18446744073709551615 CallbackEnd 0 18446744073709551615 0 4294967295
end
";

#[test]
fn the_format_is_plain_text() {
    assert_eq!(stored(&small()), SMALL);
    assert_eq!(Recording::read(SMALL.as_bytes()).expect("read"), small());
}

#[test]
fn nothing_recorded_is_stored_too() {
    let nothing = Recording::default();
    assert_eq!(Recording::read(stored(&nothing).as_bytes()).expect("read"), nothing);
}

fn recordings() -> impl Strategy<Value = Recording> {
    let lanes = prop::collection::vec((any::<String>(), any::<u64>()), 1..5);
    let names = prop::collection::vec("[\\x00-\\x7f가-힣\\\\\n\r]{0,12}", 0..6);
    let record = (0..1_u64 << 40, 0..EventKind::ALL.len(), any::<u16>(), any::<(u64, u64, u32)>());
    (lanes, names, prop::collection::vec(record, 0..40)).prop_map(|(lanes, names, records)| {
        let lanes: Vec<LaneInfo> = lanes
            .into_iter()
            .enumerate()
            .map(|(id, (name, dropped))| LaneInfo { id: id as u16, name, dropped })
            .collect();
        let mut t_ns = 0;
        let records = records.into_iter().map(|(step_ns, kind, lane, (id, parent, arg))| {
            t_ns += step_ns;
            Record { t_ns, id, parent, arg, lane: lane % lanes.len() as u16, kind: EventKind::ALL[kind] }
        });
        Recording { records: records.collect(), lanes: lanes.clone(), names }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(recording in recordings()) {
        prop_assert_eq!(Recording::read(stored(&recording).as_bytes()).expect("read"), recording);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(at in 0..SMALL.len(), byte in any::<u8>(), keep in 0..SMALL.len()) {
        let mut bytes = SMALL.as_bytes().to_vec();
        bytes[at] = byte;
        bytes.truncate(keep.max(at));
        let _ = Recording::read(bytes.as_slice());
    }
}

#[test]
fn every_cut_file_is_refused() {
    for end in 0..SMALL.len() {
        let read = Recording::read(&SMALL.as_bytes()[..end]);
        assert!(matches!(read, Err(StoredError::Line { .. })), "{end} bytes are not a whole file");
    }
}

#[test]
fn a_bad_line_is_named_with_what_is_wrong() {
    for (from, to, says) in [
        ("recording 1", "recording 2", "line 1: this is no recording of this version"),
        ("lanes 2", "lanes two", "line 2: `lanes COUNT` is expected"),
        ("lanes 2", "lanes 65537", "line 2: 65537 lanes are too many, 65536 are allowed"),
        ("3 pool-0", "pool-0", "line 4: `DROPPED NAME` of a lane is expected"),
        ("names 3", "names 300000", "line 5: 300000 names are too many"),
        ("connection", "conn\\ection", "line 7: a backslash stands before"),
        ("records 3", "records 9999999", "line 9: 9999999 records are too many, 1048576 are allowed"),
        ("records 3", "records 2", "line 12: `end` is expected after the last record"),
        ("records 3", "records 4", "line 13: a record has 6 fields, not 1"),
        ("1000 CallbackBegin 0", "1e3 CallbackBegin 0", "line 10: t_ns is \"1e3\""),
        ("1000 CallbackBegin 0", "1000 CallbackBegins 0", "line 10: no kind is named \"CallbackBegins\""),
        ("1000 CallbackBegin 0", "1000 Callback 0", "line 10: no kind is named \"Callback\""),
        ("1000 CallbackBegin 0", "1000 CallbackBegin 2", "line 10: lane 2 does not exist, there are 2"),
        ("1000 CallbackBegin 0", "1000 CallbackBegin 70000", "line 10: lane is \"70000\""),
        ("1000 CallbackBegin 0", "3000 CallbackBegin 0", "line 11: time goes back from 3000 to 2500 ns"),
        ("end\n", "end\nmore\n", "line 14: nothing may follow the `end`"),
        ("end\n", "end", "line 13: the line is cut: it has no line feed"),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let error = Recording::read(SMALL.replacen(from, to, 1).as_bytes()).expect_err(says).to_string();
        assert!(error.starts_with(says), "{error}, not {says}");
    }
}

#[test]
fn a_line_that_is_too_long_or_no_text_is_refused() {
    let long = SMALL.replacen("connection", &"x".repeat(70_000), 1);
    let error = Recording::read(long.as_bytes()).expect_err("too long").to_string();
    assert_eq!(error, "line 7: the line is longer than 65536 bytes");
    let mut bytes = SMALL.as_bytes().to_vec();
    let at = SMALL.find("connection").expect("the name");
    bytes[at] = 0xff;
    let error = Recording::read(bytes.as_slice()).expect_err("not UTF-8").to_string();
    assert_eq!(error, "line 7: the line is not UTF-8");
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let unfit = |change: fn(&mut Recording)| {
        let mut recording = small();
        change(&mut recording);
        let mut bytes = Vec::new();
        let error = recording.write(&mut bytes).expect_err("unfit").to_string();
        assert!(bytes.is_empty(), "nothing is written of what does not fit");
        error
    };
    assert!(unfit(|one| one.records.swap(0, 1)).contains("record 1: time goes back from 2500 to 1000 ns"));
    assert!(unfit(|one| one.records[0].lane = 9).contains("record 0: lane 9 does not exist"));
    assert!(unfit(|one| one.lanes[1].id = 4).contains("lane 1 carries the number 4"));
    assert!(unfit(|one| one.names.push("x".repeat(70_000))).contains("bytes in a name are too many"));
    let many = format!("{} records are too many", STORED_RECORDS_MAX + 1);
    assert!(unfit(|one| one.records = vec![one.records[0]; STORED_RECORDS_MAX + 1]).contains(&many));
}

#[test]
fn a_pipe_that_fails_is_told() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    assert!(matches!(small().write(Full), Err(StoredError::Io(_))));
}
