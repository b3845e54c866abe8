//! What one trial has to say to a learner: the output, the verdict, why, and what to try.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::check::Checked;
use super::grade::{MEMORY_BYTES, Tried, Verdict};
use super::language::Language;
use super::set::{Exercise, Set};
use super::{lab, shown, told_from_here};

/// All that one trial has to say.
pub(crate) fn report(set: &Set, checked: &Checked<'_>, language: Language) -> String {
    let Checked { exercise, tried, was_taken_back } = checked;
    let mut text = String::new();
    let (output, of_grader) = split(tried);
    if !output.is_empty() {
        let _ = writeln!(text, "{output}\n");
    }
    text.push_str(&where_threads_stood(tried, language));
    let own = || format!("{}{}", exercise.name, why(tried, language));
    let behind = of_grader.map_or_else(own, str::to_owned);
    let _ = writeln!(text, "{}: {behind}", coloured(tried.verdict, language));
    if *was_taken_back {
        let said = language.pick(
            "It was done before; it counts as open again.",
            "전에 완료한 문제이지만, 이제 다시 남은 문제가 되었습니다.",
        );
        let _ = writeln!(text, "{}", said.yellow());
    }
    if tried.verdict == Verdict::Passed {
        let solution = set.solution(exercise);
        if solution.is_file() {
            let compare = language.pick("Compare with", "풀이와 비교해 보세요:");
            let _ = writeln!(text, "{compare} {}", shown(&solution));
        }
    } else {
        let _ = write!(text, "\n{}", what_to_try(exercise, tried, language));
    }
    told_from_here(set, exercise, &text)
}

/// The output, and what the grader said last when it was content: that is the verdict, and what was checked for it.
fn split(tried: &Tried) -> (&str, Option<&str>) {
    let (above, last) = tried.output.rsplit_once('\n').unwrap_or(("", &tried.output));
    match last.strip_prefix("passed: ").filter(|_| tried.verdict == Verdict::Passed) {
        Some(behind) => (above.trim_end(), Some(behind)),
        None => (&tried.output, None),
    }
}

/// What belongs behind the verdict, on the same line or below.
fn why(tried: &Tried, language: Language) -> String {
    match tried.verdict {
        Verdict::DidNotCompile => {
            let Some(error) = &tried.error else { return String::new() };
            let place = error.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
            let first = language.pick("begin with the first error", "첫 번째 오류부터 보세요");
            format!("\n{first}: {place}{}", error.message)
        }
        Verdict::MainWasEdited => language
            .pick(
                "\nIt ended well, but its grader was never called: `main` must be as it was shipped.",
                "\n정상적으로 끝났지만 채점기가 호출되지 않았습니다. `main`은 처음 그대로여야 합니다.",
            )
            .to_owned(),
        Verdict::Failed if tried.signal.is_some() => {
            let signal = tried.signal.unwrap_or_default();
            let by =
                language.pick(format!(" (ended by signal {signal})"), format!(" (시그널 {signal}로 종료)"));
            let memory = if tried.output.contains("memory allocation of") { MEMORY_BYTES >> 30 } else { 0 };
            let limit = language.pick(
                format!("\nIt wanted more memory than the {memory} GiB that an exercise may have."),
                format!("\n연습 문제에 허용된 메모리 {memory} GiB보다 많이 요청했습니다."),
            );
            if memory > 0 { by + &limit } else { by }
        }
        Verdict::Passed | Verdict::Failed | Verdict::TimedOut => {
            let seconds = tried.took.as_secs_f64();
            language.pick(
                format!(" (seed {}, {seconds:.1} s)", tried.seed),
                format!(" (시드 {}, {seconds:.1}초)", tried.seed),
            )
        }
    }
}

/// Only when the watchdog in the program did not answer; else its own table is in the output.
fn where_threads_stood(tried: &Tried, language: Language) -> String {
    let Some(stood) = &tried.stood else { return String::new() };
    let mut text = language
        .pick(
            "The program did not end by itself and was killed with its children. Where its threads stood:\n",
            "프로그램이 스스로 끝나지 않아 자식 프로세스와 함께 강제로 종료했습니다. 스레드가 멈춰 있던 곳:\n",
        )
        .to_owned();
    if stood.is_empty() {
        let unknown = language.pick(
            "unknown: only Linux tells; the grader's own table stands above, if it was written",
            "알 수 없음: Linux에서만 볼 수 있습니다. 채점기가 쓴 표가 있다면 위에 있습니다",
        );
        let _ = writeln!(text, "  {unknown}");
    }
    for one in stood {
        let _ = writeln!(text, "  {}", one.line());
    }
    text.push('\n');
    text
}

/// The commands that help after a failure.
fn what_to_try(exercise: &Exercise, tried: &Tried, language: Language) -> String {
    let (lab, name) = (lab(), &exercise.name);
    let mut commands = Vec::new();
    let explain = tried.error.as_ref().and_then(|error| error.code.as_ref());
    if let Some(code) = explain.filter(|code| code.starts_with('E')) {
        commands
            .push((format!("rustc --explain {code}"), language.pick("what the error means", "오류의 뜻")));
    }
    // Without `main` there is nothing that could call the grader.
    let main_is_gone = explain.is_some_and(|code| code == "E0601");
    if tried.verdict == Verdict::MainWasEdited || main_is_gone {
        let said =
            language.pick("the original file; yours is kept", "원래 파일로. 작성하신 파일은 보관됩니다");
        commands.push((format!("{lab} exercise reset {name}"), said));
    } else if tried.verdict != Verdict::DidNotCompile {
        let said = language.pick("the same values again", "같은 값으로 다시");
        commands.push((format!("{lab} exercise check {name} --seed {}", tried.seed), said));
    }
    commands.push((format!("{lab} exercise hint {name}"), language.pick("a hint", "힌트")));
    let width = commands.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let line =
        |(command, said): (String, &str)| format!("  {}   {said}\n", format!("{command:<width$}").cyan());
    commands.into_iter().map(line).collect()
}

/// The verdict in a word that programs may rely on.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::TimedOut => "timed out",
        Verdict::DidNotCompile => "did not compile",
        Verdict::MainWasEdited => "main was edited",
    }
}

/// The verdict in the language of the user, and in its colour.
pub(crate) fn coloured(verdict: Verdict, language: Language) -> String {
    let korean = match verdict {
        Verdict::Passed => "통과",
        Verdict::Failed => "실패",
        Verdict::TimedOut => "시간 초과",
        Verdict::DidNotCompile => "컴파일 실패",
        Verdict::MainWasEdited => "main이 바뀜",
    };
    let word = language.pick(word(verdict), korean);
    match verdict {
        Verdict::Passed => word.green().bold().to_string(),
        _ => word.red().bold().to_string(),
    }
}
