//! `lab exercise list`, and `lab exercise` alone: which exercises there are, which are done, and what to do next.

use std::fmt::Write as _;

use anyhow::Result;
use owo_colors::OwoColorize;
use serde_json::json;
use trace_report::text::columns;

use super::language::Language;
use super::options::ListOptions;
use super::progress::Progress;
use super::set::{Exercise, Set};
use super::{lab, next, shown};
use crate::evidence::screen::print;

/// Does it.
pub(crate) fn command(set: &Set, options: &ListOptions, language: Language) -> Result<u8> {
    let progress = Progress::of(set)?;
    let text = if options.json { as_json(set, &progress, language) } else { table(set, &progress, language) };
    print(&text)?;
    Ok(0)
}

/// The list, and the next command to type.
pub(crate) fn overview(set: &Set, language: Language) -> Result<u8> {
    let progress = Progress::of(set)?;
    let text = format!("{}\n{}", table(set, &progress, language), what_next(set, &progress, language));
    print(&text)?;
    Ok(0)
}

/// Whether it is done, the one to do next, or open.
fn state(set: &Set, exercise: &Exercise, progress: &Progress) -> &'static str {
    if progress.is_done(&exercise.name) {
        "done"
    } else if next(set, progress).is_some_and(|next| next.name == exercise.name) {
        "next"
    } else {
        "open"
    }
}

fn as_json(set: &Set, progress: &Progress, language: Language) -> String {
    let entry = |exercise: &Exercise| {
        json!({
            "number": exercise.number,
            "name": exercise.name,
            "title": exercise.title(language),
            "chapter": exercise.chapter(),
            "minutes": exercise.minutes(),
            "hints": exercise.hints(language).len(),
            "file": set.file(exercise).to_string_lossy(),
            "state": state(set, exercise, progress),
            "since": progress.since(&exercise.name),
        })
    };
    let entries: Vec<_> = set.exercises.iter().map(entry).collect();
    let done = count_done(set, progress);
    format!(
        "{}\n",
        json!({"schema": 1, "dir": set.root.to_string_lossy(), "done": done, "of": entries.len(), "exercises": entries})
    )
}

/// The table with its counts.
pub(crate) fn table(set: &Set, progress: &Progress, language: Language) -> String {
    let names = set.exercises.iter().map(|exercise| exercise.name.len()).max().unwrap_or(0);
    let titles = set.exercises.iter().map(|exercise| columns(exercise.title(language))).max().unwrap_or(0);
    let mut text = String::new();
    for exercise in &set.exercises {
        let title = padded(exercise.title(language), titles);
        let minutes = exercise.minutes().map_or_else(String::new, |minutes| minutes.to_string());
        let minutes = format!("{minutes:>3}{}", language.pick(" min", "분"));
        let line = format!("{:>3}  {:<names$}  {title}  {minutes}  ", exercise.number, exercise.name);
        let line = match state(set, exercise, progress) {
            "done" => format!("{line}{}", language.pick("done", "완료").green()),
            "next" => format!("{}{}", line.bold(), language.pick("next", "다음").cyan().bold()),
            _ => format!("{line}{}", language.pick("open", "남음").dimmed()),
        };
        let _ = writeln!(text, "{line}");
    }
    let (done, all) = (count_done(set, progress), set.exercises.len());
    let folder = shown(&set.root);
    let counts = language.pick(
        format!("{done} of {all} done, in the folder {folder}"),
        format!("{all}개 가운데 {done}개 완료(폴더 {folder})"),
    );
    let _ = writeln!(text, "\n{counts}");
    text
}

/// What to type next.
pub(crate) fn what_next(set: &Set, progress: &Progress, language: Language) -> String {
    let Some(exercise) = next(set, progress) else {
        let all = language.pick(
            "Every exercise is done. To see that they still pass:",
            "모든 연습 문제를 마쳤습니다. 지금도 모두 통과하는지 보려면:",
        );
        return format!("{all}\n  {}\n", format!("{} exercise check --all", lab()).cyan());
    };
    let (lab, name, file) = (lab(), &exercise.name, shown(&set.file(exercise)));
    let title = exercise.title(language);
    let (number, all) = (exercise.number, set.exercises.len());
    let head = language.pick(
        format!("Next ({number} of {all}): {title}\nOpen the file, and have it checked at each save:"),
        format!("다음 ({number}/{all}): {title}\n파일을 열고, 저장할 때마다 검사하게 하세요."),
    );
    let watch = format!("{lab} exercise watch {name}");
    format!("{}\n  {file}\n  {}\n", head, watch.cyan())
}

fn count_done(set: &Set, progress: &Progress) -> usize {
    set.exercises.iter().filter(|exercise| progress.is_done(&exercise.name)).count()
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}
