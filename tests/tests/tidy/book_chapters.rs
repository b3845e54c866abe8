//! Chapters have the form that readers can rely on, quizzes that can be answered, and exercises that exist.
//!
//! # Model
//! A chapter asks one question and answers it under the same headings, in the same order. A quiz is a block with an id
//! `quiz-PAGE-N`, a list of options, the number of the right one, and an answer that says why. Both editions have the same.

use std::collections::BTreeSet;

use crate::markdown;
use crate::repo::{self, Finding, Source};

const CHAPTERS: [&str; 6] = ["starvation", "loop", "pool", "cures", "gil", "honest"];
const EDITIONS: [&str; 2] = ["book/en/src", "book/ko/src"];
/// The headings of a chapter, in this order; others may stand between them.
const FORM: [[&str; 2]; 7] = [
    ["The smallest example", "가장 작은 예"],
    ["What you see", "무엇이 보이는가"],
    ["Why", "왜 그런가"],
    ["How it is proven", "어떻게 증명하는가"],
    ["Try it", "해 보기"],
    ["Quiz", "퀴즈"],
    ["Exercise", "연습 문제"],
];
const QUIZZES_AT_LEAST: usize = 2;

/// One quiz, and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
struct Quiz {
    id: String,
    answer: usize,
    options: usize,
    has_reason: bool,
    line: usize,
}

/// All quizzes of a page; what is no quiz in form has no options or no answer.
fn quizzes(text: &str) -> Vec<Quiz> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("<div class=\"quiz\"")) {
        let attribute = |name: &str| {
            let after = line.split_once(&format!("{name}=\""))?.1;
            Some(after.split_once('"')?.0.to_owned())
        };
        let inside: Vec<&&str> = lines[at + 1..].iter().take_while(|line| **line != "</div>").collect();
        let details = inside.iter().position(|line| **line == "<details>").unwrap_or(inside.len());
        let is_option = |line: &&&&str| {
            let number: String = line.chars().take_while(char::is_ascii_digit).collect();
            !number.is_empty() && line[number.len()..].starts_with(". ")
        };
        let reason = inside[details..].iter().filter(|line| !line.is_empty() && !line.starts_with('<'));
        found.push(Quiz {
            id: attribute("id").unwrap_or_default(),
            answer: attribute("data-answer").and_then(|answer| answer.parse().ok()).unwrap_or(0),
            options: inside[..details].iter().filter(is_option).count(),
            has_reason: reason.count() > 0,
            line: at + 1,
        });
    }
    found
}

fn check_quizzes(page: &Source, name: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, quiz) in quizzes(&page.text).iter().enumerate() {
        let mut complain = |what: String| findings.push(Finding::new(&page.path, quiz.line, what));
        let expected = format!("quiz-{name}-{}", index + 1);
        if quiz.id != expected {
            complain(format!("the quiz is called `{}` instead of `{expected}`", quiz.id));
        }
        if quiz.options < 2 || !(1..=quiz.options).contains(&quiz.answer) {
            complain(format!("{} options and the answer {}", quiz.options, quiz.answer));
        }
        if !quiz.has_reason {
            complain("the answer says no reason".to_owned());
        }
    }
    findings
}

fn check_form(page: &Source, edition: usize) -> Vec<Finding> {
    let headings: Vec<String> = markdown::parse(page)
        .headings
        .into_iter()
        .filter(|heading| heading.level == 2)
        .map(|heading| heading.text)
        .collect();
    let mut findings = Vec::new();
    let mut from = 0;
    for wanted in FORM.map(|heading| heading[edition]) {
        match headings[from..].iter().position(|heading| heading == wanted) {
            Some(at) => from += at + 1,
            None => {
                findings.push(Finding::new(&page.path, 0, format!("there is no `## {wanted}` in its place")))
            }
        }
    }
    if quizzes(&page.text).len() < QUIZZES_AT_LEAST {
        findings.push(Finding::new(
            &page.path,
            0,
            format!("a chapter has at least {QUIZZES_AT_LEAST} quizzes"),
        ));
    }
    findings
}

/// The exercises that a page tells to check.
fn told(page: &Source) -> BTreeSet<String> {
    let begin = "lab exercise check ";
    let rest = page.text.match_indices(begin).map(|(at, _)| &page.text[at + begin.len()..]);
    let names = rest.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
    names.filter(|name: &String| !name.is_empty()).collect()
}

/// Exercises that pages tell but that do not exist, and exercises that their chapter or the page of all does not name.
fn check_exercises(pages: &[Source], exercises: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in pages {
        for name in told(page).iter().filter(|name| !exercises.iter().any(|(known, _)| known == *name)) {
            findings.push(Finding::new(&page.path, 0, format!("there is no exercise {name}")));
        }
    }
    for (name, chapter) in exercises {
        for edition in EDITIONS {
            for page in [chapter.as_str(), "exercises"] {
                let path = format!("{edition}/{page}.md");
                let text = pages.iter().find(|known| known.path == path).map_or("", |page| &page.text);
                if !text.contains(&format!("`{name}`")) && !text.contains(&format!("check {name}")) {
                    findings.push(Finding::new(&path, 0, format!("it does not name the exercise {name}")));
                }
            }
        }
    }
    findings
}

fn pages() -> Vec<Source> {
    let files = repo::all_text();
    let is_page = |file: &&Source| {
        EDITIONS.iter().any(|edition| file.path.starts_with(edition)) && file.path.ends_with(".md")
    };
    files.iter().filter(is_page).cloned().collect()
}

fn name_of(page: &Source) -> &str {
    page.path.rsplit('/').next().and_then(|file| file.strip_suffix(".md")).unwrap_or("")
}

/// Names and chapters, from the set itself.
fn exercises() -> Vec<(String, String)> {
    let info: toml::Table = repo::read("exercises/info.toml").text.parse().expect("a valid info.toml");
    let hints: toml::Table = repo::read("exercises/hints.toml").text.parse().expect("a valid hints.toml");
    let listed = info["exercises"].as_array().expect("a list of exercises").iter();
    let names = listed.map(|one| one["name"].as_str().expect("a name").to_owned());
    names
        .map(|name| (name.clone(), hints[&name]["chapter"].as_str().expect("a chapter").to_owned()))
        .collect()
}

#[test]
fn chapters_have_their_form() {
    let mut findings = Vec::new();
    for (edition, folder) in EDITIONS.iter().enumerate() {
        for name in CHAPTERS {
            findings.extend(check_form(&repo::read(&format!("{folder}/{name}.md")), edition));
        }
    }
    repo::assert_clean(&findings);
}

#[test]
fn quizzes_can_be_answered_and_are_the_same_in_both_editions() {
    let pages = pages();
    let mut findings: Vec<Finding> =
        pages.iter().flat_map(|page| check_quizzes(page, name_of(page))).collect();
    for page in pages.iter().filter(|page| page.path.starts_with(EDITIONS[0])) {
        let other =
            pages.iter().find(|other| other.path.starts_with(EDITIONS[1]) && name_of(other) == name_of(page));
        let of = |page: &Source| -> Vec<(String, usize, usize)> {
            quizzes(&page.text).into_iter().map(|quiz| (quiz.id, quiz.answer, quiz.options)).collect()
        };
        if other.is_some_and(|other| of(other) != of(page)) {
            findings.push(Finding::new(&page.path, 0, "its quizzes are not those of the other edition"));
        }
    }
    repo::assert_clean(&findings);
}

#[test]
fn exercises_and_pages_name_each_other() {
    repo::assert_clean(&check_exercises(&pages(), &exercises()));
}

#[cfg(test)]
mod controls {
    use super::*;

    const QUIZ: &str = "<div class=\"quiz\" id=\"quiz-p-1\" data-answer=\"2\">\n\nWhich?\n\n1. One\n2. Two\n\n<details>\n<summary>Answer</summary>\n\nBecause.\n\n</details>\n\n</div>\n";

    #[test]
    fn a_quiz_that_cannot_be_answered_is_found() {
        let says = |text: &str| check_quizzes(&Source::fixture("book/en/src/p.md", text), "p").len();
        assert_eq!(says(QUIZ), 0);
        for (from, to) in [
            ("quiz-p-1", "quiz-p-2"),
            ("quiz-p-1", "quiz-q-1"),
            ("data-answer=\"2\"", "data-answer=\"3\""),
            ("data-answer=\"2\"", "data-answer=\"b\""),
            ("1. One\n2. Two\n", "Two\n"),
            ("Because.\n", ""),
        ] {
            assert_eq!(says(&QUIZ.replace(from, to)), 1, "{from} -> {to}");
        }
        assert_eq!(says(&QUIZ.repeat(2)), 1, "the same id twice");
    }

    #[test]
    fn a_chapter_without_its_form_is_found() {
        let form: String = FORM.iter().map(|heading| format!("## {}\n\n## More\n\n", heading[0])).collect();
        let text = format!("# T\n\n{form}{}", QUIZ.repeat(2));
        let says = |text: &str| check_form(&Source::fixture("book/en/src/p.md", text), 0).len();
        assert_eq!(says(&text), 0);
        assert_eq!(says(&text.replace("## Why", "## Because")), 1);
        assert_eq!(says(&text.replacen("<div", "<p", 1)), 1, "one quiz is too few");
        assert!(says(&text.replace("## Quiz", "## Tmp").replace("## Why", "## Quiz")) > 0, "out of order");
    }

    #[test]
    fn exercises_that_do_not_exist_or_are_not_named_are_found() {
        let says = |text: &str, names: &[(&str, &str)]| {
            let pages: Vec<Source> = EDITIONS
                .iter()
                .flat_map(|edition| ["p", "exercises"].map(|page| format!("{edition}/{page}.md")))
                .map(|path| Source::fixture(&path, text))
                .collect();
            let names: Vec<_> = names.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            check_exercises(&pages, &names).len()
        };
        assert_eq!(says("cargo lab exercise check one", &[("one", "p")]), 0);
        assert_eq!(says("cargo lab exercise check two", &[]), 4);
        assert_eq!(says("nothing", &[("one", "p")]), 4);
    }
}
