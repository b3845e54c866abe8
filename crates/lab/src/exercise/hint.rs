//! `lab exercise hint`: one hint at a time, each saying more than the one before.

use std::path::PathBuf;

use anyhow::Result;
use owo_colors::OwoColorize;

use super::language::Language;
use super::options::HintOptions;
use super::progress::Progress;
use super::set::{Exercise, Set};
use super::{BadUsage, lab, shown};
use crate::evidence::screen::{print, width, wrap};

/// Does it.
pub(crate) fn command(set: &Set, options: &HintOptions, language: Language) -> Result<u8> {
    let exercise = set.asked(options.name.as_deref(), &Progress::of(set)?, language)?;
    let Some(mut text) = text(set, exercise, options.level, language) else {
        return Err(BadUsage(no_such_level(exercise, language)).into());
    };
    if options.level < exercise.hints(language).len() {
        let more = language.pick("More:", "더 보기:");
        let command = format!("{} exercise hint {} --level {}", lab(), exercise.name, options.level + 1);
        text.push_str(&format!("\n{more} {}\n", command.cyan()));
    }
    print(&text)?;
    Ok(0)
}

/// The hint of a level, from 1; `None` where there is none.
pub(crate) fn text(set: &Set, exercise: &Exercise, level: usize, language: Language) -> Option<String> {
    let hints = exercise.hints(language);
    let hint = hints.get(level.checked_sub(1)?)?;
    let count = hints.len();
    let head = language.pick(
        format!("Hint {level} of {count} for {}", exercise.name),
        format!("{} 힌트 {count}개 가운데 {level}번", exercise.name),
    );
    let lines: Vec<String> = hint.trim().lines().map(|line| wrap(line, 0, width())).collect();
    let mut text = format!("{}\n\n{}\n", head.bold(), lines.join("\n"));
    if let Some(page) = page(set, exercise, language) {
        let chapter = language.pick("The chapter:", "관련 장:");
        text.push_str(&format!("\n{chapter} {}\n", shown(&page)));
    }
    Some(text)
}

/// What to say to who asks for a level that does not exist.
pub(crate) fn no_such_level(exercise: &Exercise, language: Language) -> String {
    let (name, count) = (&exercise.name, exercise.hints(language).len());
    match count {
        0 => language.pick(format!("{name} has no hints"), format!("{name}에는 힌트가 없습니다")),
        _ => language.pick(
            format!("{name} has {count} hints: --level 1 to {count}"),
            format!("{name}에는 힌트가 {count}개 있습니다. --level은 1부터 {count}까지입니다"),
        ),
    }
}

/// The page of the book, which lies beside the set.
fn page(set: &Set, exercise: &Exercise, language: Language) -> Option<PathBuf> {
    let edition = language.pick("en", "ko");
    let file = format!("book/{edition}/src/{}.md", exercise.chapter()?);
    Some(set.root.parent()?.join(file)).filter(|page| page.is_file())
}
