//! `lab exercise watch`: one exercise on the screen, checked again at each save.
//!
//! # Model
//! ```text
//! check ──▶ report and keys on the screen ──▶ wait ──▶ saved, r: check again
//!   ▲                                          │        n: the next exercise, then check
//!   ╰── a save or a key ends a check early     ╰──────▶ h, l, x: an answer below the report; q, end of input: done
//! ```
//! What goes wrong meanwhile (a file that is away, a set that cannot be read) is told on the screen; the watch goes on.
//!
//! Keys are lines: a letter and Enter. So nothing must be put back in order when this ends, and a test can type.

use std::io::IsTerminal as _;

use anyhow::Result;
use experiment_kit::Interrupt;
use owo_colors::OwoColorize;

use super::check::{Checked, announce, settle};
use super::grade::try_out;
use super::inbox::{Event, Inbox};
use super::language::Language;
use super::options::WatchOptions;
use super::progress::Progress;
use super::report::report;
use super::set::{Exercise, Set};
use super::{FAILED, hint, list, reset, shown};
use crate::evidence::screen::print;

/// Does it.
pub(crate) fn command(set: &Set, options: &WatchOptions, language: Language) -> Result<u8> {
    let mut exercise = set.asked(options.name.as_deref(), &Progress::of(set)?, language)?;
    let interrupt = Interrupt::listen()?;
    let inbox = Inbox::open(&set.root.join("exercises"), options.poll)?;
    let watch = Watch { set, options, language, inbox, interrupt };
    loop {
        match watch.one(exercise)? {
            After::Again => {}
            After::Next => exercise = watch.behind(exercise),
            After::Quit => return Ok(0),
            After::Interrupted => return Ok(watch.interrupt.exit_code().unwrap_or(FAILED)),
        }
    }
}

struct Watch<'s> {
    set: &'s Set,
    options: &'s WatchOptions,
    language: Language,
    inbox: Inbox,
    interrupt: Interrupt,
}

/// What follows a look at one exercise.
enum After {
    Again,
    Next,
    Quit,
    Interrupted,
}

impl<'s> Watch<'s> {
    /// Checks, shows, and waits for something to do.
    fn one(&self, exercise: &'s Exercise) -> Result<After> {
        let text = self.read(exercise);
        let title = format!("{}: {}", exercise.name, exercise.title(self.language));
        let clear = if std::io::stdout().is_terminal() { "\x1b[2J\x1b[3J\x1b[H" } else { "" };
        print(&format!("{clear}{}\n{}\n\n", title.bold(), shown(&self.set.file(exercise))))?;
        announce(exercise, self.options.trial.limit, self.language);
        let said = match self.check(exercise, &text) {
            Ok(said) => said,
            // An editor may have had the file away at that moment.
            Err(_) if self.read(exercise) != text => return Ok(After::Again),
            Err(error) => Some(told(&error)),
        };
        match &said {
            Some(said) => {
                print(said)?;
                self.print_keys()?;
            }
            None if self.interrupt.came() => return Ok(After::Interrupted),
            None => {} // The event that ended it is still in the inbox.
        }
        self.wait(exercise, &text, said.is_none())
    }

    /// What a check has to say; `None` when it was ended early.
    fn check(&self, exercise: &Exercise, text: &Option<Vec<u8>>) -> Result<Option<String>> {
        let stop =
            || self.interrupt.came() || self.inbox.any(|event| self.ends_a_check(event, exercise, text));
        let tried = try_out(self.set, exercise, &self.options.trial, true, &stop)?;
        let Some(tried) = tried else { return Ok(None) };
        let settled = Progress::of(self.set).and_then(|mut progress| settle(exercise, &tried, &mut progress));
        let was_taken_back = settled.as_ref().is_ok_and(|was| *was);
        let mut said = report(self.set, &Checked { exercise, tried, was_taken_back }, self.language);
        said.extend(settled.err().map(|error| format!("\n{}", told(&error))));
        Ok(Some(said))
    }

    /// After a check that was ended early, any change means again: an editor may have put the same text in its place.
    fn wait(&self, exercise: &Exercise, text: &Option<Vec<u8>>, was_ended_early: bool) -> Result<After> {
        let mut level = 0;
        let mut asks_to_reset = false;
        while !self.interrupt.came() {
            match self.inbox.next() {
                Some(Event::Changed) if was_ended_early || self.read(exercise) != *text => {
                    return Ok(After::Again);
                }
                Some(Event::Changed) | None => {}
                Some(Event::InputEnded) => return Ok(After::Quit),
                Some(Event::Line(line)) => match line.trim() {
                    answer if std::mem::take(&mut asks_to_reset) => self.reset(exercise, answer)?,
                    "x" => {
                        self.ask_to_reset(exercise)?;
                        asks_to_reset = true;
                    }
                    "r" => return Ok(After::Again),
                    "n" => return Ok(After::Next),
                    "q" => return Ok(After::Quit),
                    key => self.answer(key, exercise, &mut level)?,
                },
            }
        }
        Ok(After::Interrupted)
    }

    /// What a key shows below the report.
    fn answer(&self, key: &str, exercise: &Exercise, level: &mut usize) -> Result<()> {
        match key {
            "h" => {
                *level = (*level + 1).min(exercise.hints(self.language).len());
                let hint = hint::text(self.set, exercise, *level, self.language);
                let hint = hint.unwrap_or_else(|| hint::no_such_level(exercise, self.language) + "\n");
                print(&format!("\n{hint}"))?;
            }
            "l" => {
                let table = Progress::of(self.set)
                    .map_or_else(|error| told(&error), |done| list::table(self.set, &done, self.language));
                print(&format!("\n{table}"))?;
            }
            _ => {}
        }
        self.print_keys()
    }

    fn ask_to_reset(&self, exercise: &Exercise) -> Result<()> {
        let file = shown(&self.set.file(exercise));
        let question = self.language.pick(
            format!("Put the original of {file} back? Your version is kept. y + Enter: yes, Enter: no"),
            format!(
                "{file}을(를) 원래대로 되돌릴까요? 작성하신 파일은 보관됩니다. y + Enter: 예, Enter: 아니요"
            ),
        );
        Ok(print(&format!("\n{question}\n"))?)
    }

    fn reset(&self, exercise: &Exercise, answer: &str) -> Result<()> {
        if answer == "y" {
            let done = reset::reset(self.set, exercise, self.language);
            print(&done.unwrap_or_else(|error| told(&error)))?;
        }
        self.print_keys()
    }

    /// The next exercise behind this one that is not done; around the end, and simply the next when all are done.
    fn behind(&self, exercise: &Exercise) -> &'s Exercise {
        let progress = Progress::of(self.set).ok(); // What is wrong with it is told by the check.
        let is_done = |one: &Exercise| progress.as_ref().is_some_and(|done| done.is_done(&one.name));
        let all = &self.set.exercises;
        let behind = || all[exercise.number..].iter().chain(&all[..exercise.number - 1]);
        let open = behind().find(|one| !is_done(one));
        open.or_else(|| behind().next()).unwrap_or(&all[0])
    }

    /// Hints and lists can wait until a check has ended; these cannot.
    fn ends_a_check(&self, event: &Event, exercise: &Exercise, text: &Option<Vec<u8>>) -> bool {
        match event {
            Event::Line(line) => ["r", "n", "q"].contains(&line.trim()),
            Event::Changed => self.read(exercise) != *text,
            Event::InputEnded => false,
        }
    }

    /// `None` while an editor has put it away to write a new one.
    fn read(&self, exercise: &Exercise) -> Option<Vec<u8>> {
        std::fs::read(self.set.file(exercise)).ok()
    }

    fn print_keys(&self) -> Result<()> {
        let keys = self.language.pick(
            "n next  h hint  r run again  l list  x reset  q quit  (a letter, then Enter)",
            "n 다음  h 힌트  r 다시 실행  l 목록  x 되돌리기  q 끝내기  (글자를 치고 Enter)",
        );
        let saves = match (self.inbox.polls(), self.options.poll) {
            (false, _) => {
                self.language.pick("not checked at a save? --poll", "저장해도 검사하지 않으면 --poll")
            }
            (true, true) => self.language.pick("the file is looked at", "파일을 주기적으로 확인합니다"),
            (true, false) => self.language.pick(
                "this system reports no saves: the file is looked at",
                "이 시스템은 저장을 알려 주지 않아 파일을 주기적으로 확인합니다",
            ),
        };
        Ok(print(&format!("\n{}\n{}\n", keys.bold(), saves.dimmed()))?)
    }
}

/// What went wrong, in a line or two.
fn told(error: &anyhow::Error) -> String {
    format!("{} {error:#}\n", "error:".red().bold())
}
