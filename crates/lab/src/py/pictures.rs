//! What a run looked like from outside: the screen of `--stats`, the trace, the picture and the page.

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Context;
use gil_interpreter::RunReport;
use runtime_trace::Recording;
use trace_report::html::Page;
use trace_report::lanes::Window;
use trace_report::{chrome, text};

use super::lock_lanes::{self, LockLane};
use super::options::{OutputKind, PyOptions};
use super::spread;

/// Everything that was recorded of one run.
pub(crate) struct Pictures<'a> {
    options: &'a PyOptions,
    report: &'a RunReport,
    recording: Recording,
    lanes: Vec<LockLane>,
}

impl<'a> Pictures<'a> {
    /// The pictures of a run that has ended.
    pub(crate) fn new(options: &'a PyOptions, report: &'a RunReport, recording: Recording) -> Pictures<'a> {
        let lanes = lock_lanes::lanes(&recording);
        Pictures { options, report, recording, lanes }
    }

    /// What `--stats` says: the figures, and who had the lock when.
    pub(crate) fn screen(&self, width: usize) -> String {
        self.figures() + &self.terminal(width)
    }

    /// The figures of the lock as text: counts, who waited for whom, and how long.
    fn figures(&self) -> String {
        let elapsed = text::duration(self.report.elapsed.as_nanos() as u64);
        let mut out =
            format!("\n{} ran for {elapsed}\n{}", self.options.file.display(), self.report.lock.render());
        let total = self.report.lock.total();
        if let (Some(hold), Some(wait)) = (total.hold(), total.wait()) {
            let table = spread::table(&[("held", hold), ("waited", wait)]);
            if !table.is_empty() {
                out.push_str("\nhow long the lock was held, and waited for, each time\n");
                out.push_str(&table);
            }
        }
        out
    }

    /// The lanes as text.
    fn terminal(&self, width: usize) -> String {
        let mut out = String::new();
        if self.lanes.iter().all(|lane| lane.spans.is_empty()) {
            return out;
        }
        let all = Window::all(&self.recording);
        out.push_str("\nwho had the lock\n");
        out.push_str(&lock_lanes::terminal(&self.lanes, all, width, false));
        if let Some(near) = lock_lanes::around_longest_wait(&self.lanes, all) {
            out.push_str("\naround the longest wait\n");
            out.push_str(&lock_lanes::terminal(&self.lanes, near, width, false));
        }
        match self.recording.dropped() {
            0 => {}
            lost => out.push_str(&format!(
                "{lost} records found no room: the lanes have holes, the counts do not\n"
            )),
        }
        out
    }

    /// Writes what `--trace` and `-o` ask for.
    pub(crate) fn write_files(&self) -> anyhow::Result<()> {
        if let Some(path) = &self.options.trace {
            let write = || -> std::io::Result<()> {
                let mut file = BufWriter::new(File::create(path)?);
                chrome::write(&self.recording, std::process::id(), &mut file)?;
                file.flush()
            };
            write().with_context(|| format!("cannot write {}", path.display()))?;
        }
        for out in &self.options.out {
            let text = match out.kind {
                OutputKind::Svg => self.timeline().svg(&self.title(), 1_200),
                OutputKind::Html => self.page(),
            };
            std::fs::write(&out.path, text)
                .with_context(|| format!("cannot write {}", out.path.display()))?;
        }
        Ok(())
    }

    fn title(&self) -> String {
        format!("{} under {}", self.options.file.display(), self.options.gil.name())
    }

    fn timeline(&self) -> trace_report::lanes::Timeline {
        lock_lanes::timeline(&self.lanes, Window::all(&self.recording), self.recording.dropped())
    }

    fn page(&self) -> String {
        let mut page = Page::new(self.title());
        page.paragraph(
            "Each row is a thread. It runs Python only while it has the lock. It waits while it wants the lock and another \
             thread has it. It does without while it sleeps, receives or hashes. Go from wait to wait, or zoom in, to \
             see whose turn it was: a wait is named after the thread that had the lock when it began.",
        );
        page.heading("Timeline").timeline(&self.timeline(), "Who had the lock when");
        page.heading("Figures").code(self.figures().trim_start());
        page.render()
    }
}
