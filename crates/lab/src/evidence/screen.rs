//! What a run says on the screen: figures as distributions, verdicts with the rule that decided them.

use std::fmt::Write as _;
use std::io::Write as _;

use experiment_kit::conduct::Conducted;
use experiment_kit::experiment::{ChartSpec, Experiment};
use experiment_kit::report::Report;
use experiment_kit::verdict::{Claim, Verdict};
use experiments::ledger::Ledger;
use owo_colors::OwoColorize;
use trace_report::lanes::{Charset, Color, TerminalStyle};

/// Behind two spaces, an id of three, and a word of twelve.
const VERDICT_INDENT: usize = 19;

/// Writes `text` to stdout without colours where that is no terminal; a reader that has gone away had enough.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The columns of the terminal, or what `COLUMNS` says; 100 where nobody knows.
pub(crate) fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let width =
        told.or_else(|| console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns)));
    width.unwrap_or(100_usize).clamp(60, 120)
}

/// `text` in lines of at most `width`, all but the first behind `indent` spaces.
pub(crate) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let (mut wrapped, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let length = trace_report::text::columns(word);
        if used > 0 && used + 1 + length > room {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            used = 0;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += length;
    }
    wrapped
}

/// The verdict's word in its colour, padded.
pub(crate) fn word(verdict: &Verdict) -> String {
    let word = format!("{:<12}", verdict.word());
    match verdict {
        Verdict::Holds => word.green().to_string(),
        Verdict::Fails => word.red().to_string(),
        Verdict::Depends { .. } => word.cyan().to_string(),
        Verdict::Inconclusive { .. } => word.yellow().to_string(),
    }
}

/// All that a run has to say.
pub(crate) fn result(experiment: &Experiment, report: &Report, ran: &Conducted, width: usize) -> String {
    let mut text = format!("{}\n", experiment.question.bold());
    if let Some(note) = super::asked::unusual(experiment, &report.params) {
        let _ = writeln!(text, "{}", note.yellow());
    }
    if ran.measured.is_empty() {
        text.push_str("Stopped before anything was measured.\n");
        return text;
    }
    for chart in experiment.charts {
        text.push_str(&figures(chart, ran, width));
    }
    let _ = writeln!(text, "\n{}", wrap(&super::asked::reading(experiment, &report.params), 0, width));
    if !ran.measured.complete {
        let _ = writeln!(text, "{}", "Stopped early: this is what was measured until then.".yellow());
    }
    let _ = writeln!(text, "\n{}", "Verdicts".bold());
    let ledger = Ledger::read();
    for claim in &ran.claims {
        let statement = ledger.row(&claim.id).map_or("", |row| row.en.as_str());
        text.push_str(&verdict(claim, statement, width));
    }
    if let Some(sound) = super::asked::without_flaw(experiment, report) {
        let _ = writeln!(text, "\nThe verdicts of a sound runtime, to compare: `{sound}`.");
    }
    let others = ran.measured.others_cores;
    let others =
        others.map_or_else(String::new, |cores| format!(", other programs kept {cores:.2} cores busy"));
    let _ = writeln!(text, "\n{} rounds in {:.1} s{others}.", ran.measured.rounds, ran.took.as_secs_f64());
    text
}

fn figures(spec: &ChartSpec, ran: &Conducted, width: usize) -> String {
    let chart = super::page::chart(spec, &ran.cells, &ran.measured);
    // Colours are taken out at the print, where stdout is no terminal.
    let style = TerminalStyle { width, color: Color::Always, charset: Charset::Unicode };
    format!("\n{}\n", trace_report::chart::terminal(&chart, &style).trim_end())
}

/// One claim: its word is said of the statement; then the rule that decided, what was found and asked of each figure, and why.
fn verdict(claim: &Claim, statement: &str, width: usize) -> String {
    let mut text = String::new();
    let statement = wrap(statement, VERDICT_INDENT, width);
    let _ = writeln!(text, "  {} {} {}", claim.id.bold(), word(&claim.verdict), statement.bold());
    let mut say = |what: &str| {
        let _ = writeln!(text, "{:VERDICT_INDENT$}{}", "", wrap(what, VERDICT_INDENT, width));
    };
    say(&format!("rule: {}", claim.rule));
    for finding in claim.findings.iter().filter(|finding| finding.interval.is_some()) {
        say(&format!("{}? {}", finding.sentence(), finding.answer.word()));
    }
    match &claim.verdict {
        Verdict::Depends { condition } => say(&format!("it depends on {condition}")),
        Verdict::Inconclusive { reason } => say(reason),
        Verdict::Holds | Verdict::Fails => {}
    }
    text
}
