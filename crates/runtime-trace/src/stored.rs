//! A recording as a text file: written after a run, read again by whoever draws it later.
//!
//! # Model
//! ```text
//! runtime-lab recording 1            what it is, and the version of the format
//! lanes 2                            how many lines of lanes follow
//! 0 loop                             dropped records, and the thread's name
//! 3 pool-0
//! names 2                            how many lines of names follow, the first for 0
//!                                    names[0] is empty
//! GET /block
//! records 1                          how many lines of records follow, in order of time
//! 1000 CallbackBegin 0 7 0 1         t_ns, kind, lane, id, parent, arg
//! end
//! ```
//! In names `\n`, `\r` and `\\` stand for what would break a line. A file may come from anywhere, so nothing in it is
//! believed: counts are limited before anything is allocated, and what pictures rely on (times never go back, lanes
//! exist) is checked. Whatever can be written can be read and is the same value then.

use std::io::{self, BufRead, BufReader, Read, Write};

use crate::event::{EventKind, Record};
use crate::recording::{LaneInfo, Recording};

/// The first line of a file.
const MAGIC: &str = "runtime-lab recording 1";
/// More records than this are refused: a file of about 50 MB.
pub const STORED_RECORDS_MAX: usize = 1 << 20;
/// One for each number that [`Record::lane`] can hold.
const LANES_MAX: usize = 1 << 16;
const NAMES_MAX: usize = 1 << 18;
/// The longest line without its line feed.
const LINE_BYTES_MAX: usize = 1 << 16;
/// All names and lanes together.
const TEXT_BYTES_MAX: usize = 1 << 24;

/// Why a recording could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// The file or pipe failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line of the file is not what belongs there.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The recording in memory has something that no file may have.
    #[error("the recording cannot be stored: {0}")]
    Unfit(String),
}

impl Recording {
    /// Writes the recording in the format of this file's header (`runtime-trace/src/stored.rs`).
    ///
    /// # Errors
    /// What `out` returns; or [`StoredError::Unfit`] for more than [`STORED_RECORDS_MAX`] records, and for a value that
    /// was put together by hand and is no recording.
    pub fn write(&self, mut out: impl Write) -> Result<(), StoredError> {
        self.fits().map_err(StoredError::Unfit)?;
        let mut text = format!("{MAGIC}\nlanes {}\n", self.lanes.len());
        for lane in &self.lanes {
            text.push_str(&format!("{} {}\n", lane.dropped, escaped(&lane.name)));
        }
        text.push_str(&format!("names {}\n", self.names.len()));
        for name in &self.names {
            text.push_str(&escaped(name));
            text.push('\n');
        }
        text.push_str(&format!("records {}\n", self.records.len()));
        out.write_all(text.as_bytes())?;
        // In pieces, so that the whole file is never in memory and `out` need not be buffered.
        for records in self.records.chunks(4_096) {
            text.clear();
            for Record { t_ns, id, parent, arg, lane, kind } in records {
                text.push_str(&format!("{t_ns} {kind:?} {lane} {id} {parent} {arg}\n"));
            }
            out.write_all(text.as_bytes())?;
        }
        out.write_all(b"end\n")?;
        out.flush()?;
        Ok(())
    }

    /// Reads what [`Recording::write`] wrote.
    ///
    /// # Errors
    /// What `input` returns; or [`StoredError::Line`] with the first line that is wrong.
    pub fn read(input: impl Read) -> Result<Recording, StoredError> {
        let mut lines = Lines { input: BufReader::new(input), line: 0, text_bytes: 0, bytes: Vec::new() };
        let magic = lines.next()?;
        if magic != MAGIC {
            let problem = format!("this is no recording of this version: it should say `{MAGIC}`");
            return Err(lines.wrong(problem));
        }
        let mut recording = Recording::default();
        for id in 0..lines.count("lanes", LANES_MAX)? {
            let (dropped, name) = lines.lane()?;
            recording.lanes.push(LaneInfo { id: id as u16, name, dropped });
        }
        for _ in 0..lines.count("names", NAMES_MAX)? {
            let name = lines.name()?;
            recording.names.push(name);
        }
        let mut before_ns = 0;
        for _ in 0..lines.count("records", STORED_RECORDS_MAX)? {
            let record = lines.record(before_ns, recording.lanes.len())?;
            before_ns = record.t_ns;
            recording.records.push(record);
        }
        lines.end()?;
        Ok(recording)
    }

    /// Whether a file of this recording could be read again.
    fn fits(&self) -> Result<(), String> {
        limited("records", self.records.len(), STORED_RECORDS_MAX)?;
        limited("lanes", self.lanes.len(), LANES_MAX)?;
        limited("names", self.names.len(), NAMES_MAX)?;
        let mut text_bytes = 0;
        for name in self.lanes.iter().map(|lane| &lane.name).chain(&self.names) {
            let bytes = escaped(name).len() + 21; // With the number before a lane's name.
            text_bytes += bytes;
            limited("bytes in a name", bytes, LINE_BYTES_MAX)?;
        }
        limited("bytes in names", text_bytes, TEXT_BYTES_MAX)?;
        if let Some(index) = (0..self.lanes.len()).find(|&index| usize::from(self.lanes[index].id) != index) {
            return Err(format!("lane {index} carries the number {}", self.lanes[index].id));
        }
        let mut before_ns = 0;
        for (index, record) in self.records.iter().enumerate() {
            believable(record, before_ns, self.lanes.len())
                .map_err(|why| format!("record {index}: {why}"))?;
            before_ns = record.t_ns;
        }
        Ok(())
    }
}

fn limited(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most { Err(format!("{count} {what} are too many, {most} are allowed")) } else { Ok(()) }
}

/// What pictures rely on without looking.
fn believable(record: &Record, before_ns: u64, lanes: usize) -> Result<(), String> {
    if record.t_ns < before_ns {
        return Err(format!("time goes back from {before_ns} to {} ns", record.t_ns));
    }
    if usize::from(record.lane) >= lanes {
        return Err(format!("lane {} does not exist, there are {lanes}", record.lane));
    }
    Ok(())
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

/// The name that was escaped; `None` for a backslash that means nothing.
fn unescaped(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        name.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(name)
}

fn kind_named(name: &str) -> Option<EventKind> {
    EventKind::ALL.into_iter().find(|kind| {
        use std::fmt::Write;
        // Compared while it is printed, so that a million lines need no million strings.
        let mut rest = Matching(name);
        write!(rest, "{kind:?}").is_ok() && rest.0.is_empty()
    })
}

/// Accepts only what it expects.
struct Matching<'a>(&'a str);

impl std::fmt::Write for Matching<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

/// The lines of a file, counted.
struct Lines<R> {
    input: BufReader<R>,
    /// The last line that was read, counted from 1.
    line: usize,
    text_bytes: usize,
    bytes: Vec<u8>,
}

impl<R: Read> Lines<R> {
    fn wrong(&self, problem: impl Into<String>) -> StoredError {
        StoredError::Line { line: self.line, problem: problem.into() }
    }

    /// The next line without its line feed.
    fn next(&mut self) -> Result<String, StoredError> {
        self.line += 1;
        self.bytes.clear();
        let most = LINE_BYTES_MAX as u64 + 1;
        (&mut self.input).take(most).read_until(b'\n', &mut self.bytes)?;
        if self.bytes.pop_if(|last| *last == b'\n').is_none() {
            return Err(self.wrong(match self.bytes.len() {
                0 => "the file ends here, before its `end`".to_owned(),
                long if long > LINE_BYTES_MAX => format!("the line is longer than {LINE_BYTES_MAX} bytes"),
                _ => "the line is cut: it has no line feed".to_owned(),
            }));
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.wrong("the line is not UTF-8")),
        }
    }

    /// The line `WHAT N`.
    fn count(&mut self, what: &str, most: usize) -> Result<usize, StoredError> {
        let line = self.next()?;
        let count = line.strip_prefix(what).and_then(|rest| rest.strip_prefix(' '));
        let count = count.and_then(|count| count.parse().ok());
        let count = count.ok_or_else(|| self.wrong(format!("`{what} COUNT` is expected")))?;
        limited(what, count, most).map_err(|problem| self.wrong(problem))?;
        Ok(count)
    }

    fn lane(&mut self) -> Result<(u64, String), StoredError> {
        let line = self.next()?;
        let parts = line.split_once(' ').and_then(|(dropped, name)| Some((dropped.parse().ok()?, name)));
        let (dropped, name) = parts
            .ok_or_else(|| self.wrong("`DROPPED NAME` of a lane is expected, DROPPED being a number"))?;
        Ok((dropped, self.text(name)?))
    }

    fn name(&mut self) -> Result<String, StoredError> {
        let line = self.next()?;
        self.text(&line)
    }

    fn text(&mut self, escaped: &str) -> Result<String, StoredError> {
        self.text_bytes += escaped.len();
        limited("bytes in names", self.text_bytes, TEXT_BYTES_MAX).map_err(|problem| self.wrong(problem))?;
        unescaped(escaped).ok_or_else(|| self.wrong("a backslash stands before n, r or a backslash only"))
    }

    fn record(&mut self, before_ns: u64, lanes: usize) -> Result<Record, StoredError> {
        let line = self.next()?;
        let parts: Vec<&str> = line.split(' ').collect();
        let &[t_ns, kind, lane, id, parent, arg] = parts.as_slice() else {
            return Err(self.wrong(format!("a record has 6 fields, not {}", parts.len())));
        };
        let record = Record {
            t_ns: self.number("t_ns", t_ns)?,
            kind: kind_named(kind).ok_or_else(|| self.wrong(format!("no kind is named {kind:?}")))?,
            lane: self.number("lane", lane)?,
            id: self.number("id", id)?,
            parent: self.number("parent", parent)?,
            arg: self.number("arg", arg)?,
        };
        believable(&record, before_ns, lanes).map_err(|problem| self.wrong(problem))?;
        Ok(record)
    }

    fn number<N: std::str::FromStr>(&self, field: &str, text: &str) -> Result<N, StoredError> {
        text.parse().map_err(|_| self.wrong(format!("{field} is {text:?}, which is no number that fits")))
    }

    fn end(&mut self) -> Result<(), StoredError> {
        if self.next()? != "end" {
            return Err(self.wrong("`end` is expected after the last record"));
        }
        self.line += 1;
        match self.input.fill_buf()? {
            [] => Ok(()),
            _ => Err(self.wrong("nothing may follow the `end`")),
        }
    }
}
