//! `lab crosscheck`: the same workload here and on every real runtime that is found, finding beside finding.

use std::fmt::Write as _;
use std::time::Duration;

use experiment_kit::Interrupt;
use experiment_kit::conduct::Terms;
use experiment_kit::crosscheck::{Compared, Likeness, against, compare, skipped};
use experiment_kit::experiment::{Experiment, Family, Subject};
use experiment_kit::finding::Finding;
use experiment_kit::report::{Against, Report};
use experiment_kit::runtimes::{self, Runtime};
use owo_colors::OwoColorize;

use super::differences::Differences;
use super::measure::{self, Measured};
use super::options::CrosscheckOptions;
use super::progress::Progress;
use super::{BAD_USAGE, outputs, screen};

/// What a quick run may take for one runtime.
const SHARE_QUICK: Duration = Duration::from_secs(12);

/// One experiment on all sides.
struct Checked {
    report: Report,
    /// The findings that each runtime shares with this project.
    columns: Vec<(String, Vec<Compared>)>,
    /// Runtimes on which the workload could not be measured, and why.
    failed: Vec<String>,
}

/// Does it.
pub(crate) fn command(options: &CrosscheckOptions) -> anyhow::Result<u8> {
    let chosen = match select(&options.names) {
        Ok(chosen) => chosen,
        Err(message) => {
            anstream::eprintln!("error: {message}");
            return Ok(BAD_USAGE);
        }
    };
    outputs::check(options.out.iter().map(|path| path.as_path()))?;
    if !options.out.is_empty() {
        outputs::kept()?; // As in `verify`: said before minutes have gone by.
    }
    let interrupt = Interrupt::listen()?;
    let mut families: Vec<_> = chosen.iter().flat_map(|one| one.against).copied().collect();
    families.sort_unstable();
    families.dedup();
    let here = runtimes::find(&families, &interrupt);
    let mut found = here.clone();
    found
        .retain(|runtime| options.on.is_empty() || options.on.iter().any(|wanted| runtime.is_called(wanted)));
    let names: Vec<String> = found.iter().map(Runtime::name).collect();
    if !options.on.is_empty() && found.is_empty() && !interrupt.came() {
        let here: Vec<String> = here.iter().map(Runtime::name).collect();
        anyhow::bail!("no runtime here is called {}; there are {}", options.on.join(" or "), here.join(", "));
    }
    anstream::eprintln!(
        "found: {}",
        if names.is_empty() { "no other runtime".to_owned() } else { names.join(", ") }
    );
    let differences = Differences::read();
    let mut reports = Vec::new();
    let mut errors = 0;
    for experiment in chosen {
        if interrupt.came() {
            break;
        }
        match check(options, experiment, &found, &interrupt) {
            Ok(checked) => {
                if !options.common.json {
                    screen::print(&table(experiment, &checked, &differences, screen::width()))?;
                }
                for failed in checked.failed {
                    errors += 1;
                    anstream::eprintln!("{} {} on {failed}", "error:".red().bold(), experiment.name);
                }
                reports.push(checked.report);
            }
            Err(error) => {
                errors += 1;
                anstream::eprintln!("{} {}: {error:#}", "error:".red().bold(), experiment.name);
            }
        }
    }
    if options.common.json {
        screen::print(&super::results_json(&reports.iter().collect::<Vec<_>>())?)?;
    } else {
        screen::print(&summary(&reports))?;
    }
    outputs::write_whole_report(&options.out, options.open, false)?;
    Ok(interrupt.exit_code().unwrap_or(u8::from(errors > 0)))
}

fn select(names: &[String]) -> Result<Vec<&'static Experiment>, String> {
    for name in names {
        match experiments::named(name) {
            None => return Err(format!("there is no experiment `{name}`; see `lab list`")),
            Some(experiment) if experiment.against.is_empty() => {
                return Err(format!("{name} has no counterpart on another runtime"));
            }
            Some(_) => {}
        }
    }
    let is_meant = |one: &&Experiment| names.is_empty() || names.iter().any(|name| name == one.name);
    Ok(experiments::all().filter(|one| !one.against.is_empty()).filter(is_meant).collect())
}

fn check(
    options: &CrosscheckOptions,
    experiment: &'static Experiment,
    found: &[Runtime],
    interrupt: &Interrupt,
) -> anyhow::Result<Checked> {
    anstream::eprintln!("{}: {}", experiment.name.bold(), experiment.question);
    let usual = measure::terms(&options.common);
    let budget = if options.common.quick { SHARE_QUICK } else { usual.budget };
    let terms = Terms { budget: options.common.budget.map_or(budget, Duration::from_secs), ..usual };
    let mut setup = measure::setup(experiment, &options.common, interrupt);
    let ours = run(experiment, &setup, &terms, "here")?;
    let (mut columns, mut sides): (Vec<(String, Vec<Compared>)>, Vec<Against>) = (Vec::new(), Vec::new());
    let mut failed = Vec::new();
    let theirs: Vec<&Runtime> =
        found.iter().filter(|runtime| experiment.against.contains(&runtime.family)).collect();
    for runtime in &theirs {
        if interrupt.came() {
            break;
        }
        setup.subject = Subject::Real((*runtime).clone());
        match run(experiment, &setup, &terms, &runtime.name()) {
            // What a signal cut short says less than what may be kept of an earlier run.
            Ok(there) if !there.report.complete => {}
            Ok(there) => {
                let compared = compare(&ours.ran.claims, &there.ran.claims);
                sides.push(against(&runtime.name(), &compared));
                columns.push((runtime.name(), compared));
            }
            Err(error) => {
                failed.push(format!("{}: {error:#}", runtime.name()));
                sides.push(skipped(&runtime.name(), format!("{error:#}")));
            }
        }
    }
    let is_found = |family: &Family| theirs.iter().any(|one| one.family == *family);
    for family in experiment.against.iter().filter(|family| options.on.is_empty() && !is_found(family)) {
        sides.push(skipped(family.name(), "it is not installed here"));
    }
    setup.subject = Subject::Ours;
    measure::keep(&setup, &ours, sides.clone())?;
    let mut report = ours.report;
    report.against = sides;
    Ok(Checked { report, columns, failed })
}

/// # Errors
/// What prevented a start, or ended the run.
fn run(
    experiment: &Experiment,
    setup: &experiment_kit::experiment::Setup,
    terms: &Terms,
    name: &str,
) -> anyhow::Result<Measured> {
    let progress = Progress::on_stderr(&format!("{} on {name}", experiment.name));
    let mut measured = measure::measure(experiment, setup, terms, &progress)?;
    match measured.ran.error.take() {
        Some(error) => Err(error),
        None => Ok(measured),
    }
}

fn table(experiment: &Experiment, checked: &Checked, differences: &Differences, width: usize) -> String {
    let mut metrics: Vec<&Finding> = Vec::new();
    for compared in checked.columns.iter().flat_map(|(_, compared)| compared) {
        if !metrics.iter().any(|known| known.is_same_question(&compared.ours)) {
            metrics.push(&compared.ours);
        }
    }
    let mut text = format!("\n{}\n", experiment.question.bold());
    for ours in metrics {
        let question = screen::wrap(&ours.question(), 2, width);
        let _ = writeln!(text, "  {question}");
        let there = checked.columns.iter().filter_map(|(name, compared)| {
            let one = compared.iter().find(|one| one.ours.is_same_question(ours))?;
            Some(format!("{} {} {name}", sign(one.likeness), value(&one.theirs)))
        });
        let values = std::iter::once(format!("{} here", value(ours))).chain(there).collect::<Vec<String>>();
        let _ = writeln!(text, "      {}", screen::wrap(&values.join(",  "), 6, width));
    }
    text.push('\n');
    for side in &checked.report.against {
        let status = format!("{:<8}", side.status);
        let status = match side.status.as_str() {
            "agrees" => status.green().to_string(),
            "differs" => status.red().to_string(),
            _ => status.yellow().to_string(),
        };
        let reason = side.reason.as_deref().unwrap_or_default();
        text.push_str(&format!("  {status} {:<16} {}\n", side.runtime, screen::wrap(reason, 28, width)));
        for why in differences.of(experiment.name, &side.runtime, side.status == "differs") {
            text.push_str(&format!("{:28}{}\n", "", screen::wrap(why, 28, width)));
        }
    }
    text
}

fn value(finding: &Finding) -> String {
    finding.interval.map_or_else(|| "-".to_owned(), |one| one.rounded().value.to_string())
}

fn sign(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Agrees => "=",
        Likeness::Differs => "≠",
        Likeness::Unsettled => "?",
    }
}

fn summary(reports: &[Report]) -> String {
    let count = |status: &str| {
        reports.iter().flat_map(|report| &report.against).filter(|side| side.status == status).count()
    };
    format!(
        "\n{} agree, {} differ, {} were skipped (= the same answer, ≠ the opposite one, ? not settled on both).\n",
        count("agrees"),
        count("differs"),
        count("skipped")
    )
}
