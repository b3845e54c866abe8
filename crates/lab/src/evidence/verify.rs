//! `lab verify`: every claim that was asked for, measured here, with its verdict.
//!
//! # Model
//! ```text
//! words --> rows of the ledger --> experiments, each with its part of the budget --> verdicts
//! ```
//! What an experiment leaves of its part goes to those after it. What is not settled in the end is measured once more with
//! what is left of the whole; beside other programs what needs idle cores is left as it is, because it would come out so again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use experiment_kit::Interrupt;
use experiment_kit::conduct::Terms;
use experiment_kit::experiment::{Experiment, Setup};
use experiment_kit::report::Report;
use experiment_kit::verdict::{Claim, Verdict};
use experiments::ledger::{Ledger, Row};
use owo_colors::OwoColorize;

use super::measure::{self, Measured};
use super::options::VerifyOptions;
use super::progress::Progress;
use super::run::as_expected;
use super::{BAD_USAGE, UNEXPECTED, list, outputs, screen};

/// The whole budget of a run of everything.
const BUDGET_QUICK: Duration = Duration::from_secs(250);
const BUDGET: Duration = Duration::from_secs(1_200);
/// What one experiment may take of it at most.
const SHARE_QUICK: Duration = Duration::from_secs(15);
const SHARE: Duration = Duration::from_secs(90);

/// What one experiment came to.
struct Done {
    experiment: &'static Experiment,
    setup: Setup,
    measured: Measured,
    /// Why there is no result, or not a whole one.
    error: Option<String>,
}

/// Does it.
pub(crate) fn command(options: &VerifyOptions) -> anyhow::Result<u8> {
    let ledger = Ledger::read();
    let (rows, chosen) = match select(&ledger, &options.what) {
        Ok(selected) => selected,
        Err(message) => {
            anstream::eprintln!("error: {message}");
            return Ok(BAD_USAGE);
        }
    };
    if let Some((id, _)) = options.expect.expect.iter().find(|(id, _)| !rows.iter().any(|row| row.id == *id))
    {
        anstream::eprintln!("error: --expect names {id}, which is not among the claims that are measured");
        return Ok(BAD_USAGE);
    }
    outputs::check(options.out.iter().map(|path| path.as_path()))?;
    if !options.out.is_empty() {
        outputs::kept()?; // The page will hold all of it, and what cannot be read should be said before minutes have gone by.
    }
    let interrupt = Interrupt::listen()?;
    let done = all(options, &ledger, &chosen, &interrupt);
    let claims: BTreeMap<&str, &Claim> =
        done.iter().flat_map(Done::claims).map(|claim| (claim.id.as_str(), claim)).collect();
    let reports: Vec<&Report> = done.iter().map(|one| &one.measured.report).collect();
    if options.common.json {
        screen::print(&super::results_json(&reports)?)?;
    } else {
        screen::print(&table(&rows, &claims, options.ko, screen::width()))?;
    }
    for Done { experiment, error, .. } in &done {
        if let Some(error) = error {
            anstream::eprintln!("{} {}: {error}", "error:".red().bold(), experiment.name);
        }
    }
    outputs::write_whole_report(&options.out, options.open, options.ko)?;
    if let Some(code) = interrupt.exit_code() {
        return Ok(code);
    }
    if done.iter().any(|one| one.error.is_some()) {
        return Ok(1);
    }
    let judged: Vec<Claim> = done.iter().flat_map(Done::claims).cloned().collect();
    Ok(if as_expected(&judged, &options.expect.expect) { 0 } else { UNEXPECTED })
}

type Selection<'l> = (Vec<&'l Row>, Vec<&'static Experiment>);

/// The rows and experiments that the words mean: a letter of a topic, an id, or the name of an experiment.
fn select<'l>(ledger: &'l Ledger, words: &[String]) -> Result<Selection<'l>, String> {
    let mut ids: Vec<&str> = Vec::new();
    for word in words {
        let before = ids.len();
        let upper = word.to_uppercase();
        ids.extend(
            ledger.rows.iter().map(|row| row.id.as_str()).filter(|id| **id == *upper || id[..1] == *upper),
        );
        ids.extend(experiments::named(word).into_iter().flat_map(|one| one.claims).copied());
        if ids.len() == before {
            return Err(format!(
                "`{word}` is neither a topic (L, G), nor a claim, nor an experiment; see `lab list`"
            ));
        }
    }
    let is_meant = |id: &str| words.is_empty() || ids.contains(&id);
    let rows: Vec<&Row> = ledger.rows.iter().filter(|row| is_meant(&row.id)).collect();
    let chosen = experiments::all().filter(|one| one.claims.iter().any(|id| is_meant(id))).collect();
    Ok((rows, chosen))
}

fn all(
    options: &VerifyOptions,
    ledger: &Ledger,
    chosen: &[&'static Experiment],
    interrupt: &Interrupt,
) -> Vec<Done> {
    let (whole, share_max) = if options.common.quick { (BUDGET_QUICK, SHARE_QUICK) } else { (BUDGET, SHARE) };
    let whole = options.common.budget.map_or(whole, Duration::from_secs);
    let clock = clock::Clock::real();
    let begun = clock.now();
    let mut done: Vec<Done> = Vec::new();
    for (index, experiment) in chosen.iter().enumerate() {
        if interrupt.came() {
            break;
        }
        let left = whole.saturating_sub(since(&clock, begun));
        let share = (left / (chosen.len() - index) as u32).min(share_max);
        anstream::eprintln!(
            "{}/{} {}: {}",
            index + 1,
            chosen.len(),
            experiment.name.bold(),
            experiment.question
        );
        let mut first = one(options, experiment, share, interrupt);
        first.keep();
        done.push(first);
    }
    // Once more: what is left of the whole belongs to what is open.
    let open: Vec<usize> =
        (0..done.len()).filter(|&index| done[index].is_worth_another_look(ledger)).collect();
    for (nth, &index) in open.iter().enumerate() {
        let left = whole.saturating_sub(since(&clock, begun));
        let share = (left / (open.len() - nth) as u32).min(3 * share_max);
        if interrupt.came() || share < share_max / 2 {
            break;
        }
        anstream::eprintln!("{} is not settled: once more", done[index].experiment.name.bold());
        let mut again = one(options, done[index].experiment, share, interrupt);
        // A second look may be worse: a noisy moment opens what was settled before.
        if again.error.is_none() && again.open().count() < done[index].open().count() && !interrupt.came() {
            again.keep();
            done[index] = again;
        }
    }
    done
}

impl Done {
    fn claims(&self) -> &[Claim] {
        &self.measured.report.claims
    }

    /// The claims that are not settled.
    fn open(&self) -> impl Iterator<Item = &Claim> {
        self.claims().iter().filter(|claim| matches!(claim.verdict, Verdict::Inconclusive { .. }))
    }

    /// Whether measuring longer may settle more: beside other programs only what does not need idle cores.
    fn is_worth_another_look(&self, ledger: &Ledger) -> bool {
        let is_noisy = self.measured.ran.measured.noise().is_some();
        let needs_idle_cores = |id: &str| ledger.row(id).is_some_and(Row::needs_idle_cores);
        let may_settle = |claim: &&Claim| !is_noisy || !needs_idle_cores(&claim.id);
        self.error.is_none() && self.open().any(|claim| may_settle(&claim))
    }

    /// Keeps the result, or what there is of it.
    fn keep(&mut self) {
        let kept = measure::keep(&self.setup, &self.measured, Vec::new());
        if let (None, Err(error)) = (&self.error, kept) {
            self.error = Some(format!("{error:#}"));
        }
    }
}

fn since(clock: &clock::Clock, begun: Instant) -> Duration {
    clock.now().saturating_duration_since(begun)
}

fn one(
    options: &VerifyOptions,
    experiment: &'static Experiment,
    share: Duration,
    interrupt: &Interrupt,
) -> Done {
    let setup = measure::setup(experiment, &options.common, interrupt);
    let terms = Terms { budget: share, ..measure::terms(&options.common) };
    let progress = Progress::on_stderr(experiment.name);
    let measured = measure::measure(experiment, &setup, &terms, &progress);
    drop(progress);
    let (mut measured, error) = match measured {
        Ok(measured) => (measured, None),
        Err(error) => (measure::not_started(experiment, &setup, &error), Some(error)),
    };
    let error = measured.ran.error.take().or(error).map(|error| format!("{error:#}"));
    Done { experiment, setup, measured, error }
}

/// The ledger with its verdicts.
fn table(rows: &[&Row], claims: &BTreeMap<&str, &Claim>, korean: bool, width: usize) -> String {
    let mut text = String::from("\n");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let verdict = claims.get(row.id.as_str()).map(|claim| &claim.verdict);
        let word = verdict.map_or_else(|| format!("{:<12}", "not measured"), screen::word);
        *counts.entry(verdict.map_or("not measured", Verdict::word)).or_default() += 1;
        let statement = screen::wrap(list::statement(row, korean), 19, width);
        text.push_str(&format!("  {} {word} {statement}\n", row.id.bold()));
        for line in claims.get(row.id.as_str()).into_iter().flat_map(|claim| why(claim)) {
            text.push_str(&format!("{:19}{}\n", "", screen::wrap(&line, 19, width).dimmed()));
        }
    }
    let counts = counts.iter().map(|(word, count)| format!("{count} {word}"));
    text.push_str(&format!("\n{}\n", counts.collect::<Vec<String>>().join(", ")));
    text.push_str("The rule of each: `lab run NAME`; all of it with pictures: `lab report --open`.\n");
    text
}

/// What decided it, in a line or two.
fn why(claim: &Claim) -> Vec<String> {
    match &claim.verdict {
        Verdict::Depends { condition } => vec![format!("it depends on {condition}")],
        Verdict::Inconclusive { reason } => vec![reason.clone()],
        Verdict::Fails => claim.reason.iter().cloned().collect(),
        Verdict::Holds => claim.deciding().map(|finding| finding.sentence()).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(words: &[&str]) -> Result<Vec<String>, String> {
        let ledger = Ledger::read();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (rows, _) = select(&ledger, &words)?;
        Ok(rows.into_iter().map(|row| row.id.clone()).collect())
    }

    /// What an experiment came to that settled nothing, beside programs that kept `others` processors busy.
    fn open(name: &str, others: f64) -> Done {
        let experiment = experiments::named(name).expect("there is one");
        let setup = Setup::new(experiment, true, 7, Interrupt::default());
        let mut measured = measure::not_started(experiment, &setup, &anyhow::anyhow!("for a test"));
        measured.ran.measured.others_cores = Some(others);
        Done { experiment, setup, measured, error: None }
    }

    #[test]
    fn beside_noise_only_what_needs_no_idle_cores_gets_another_look() {
        let ledger = Ledger::read();
        let another = |done: &Done| done.is_worth_another_look(&ledger);
        assert!(another(&open("countdown", 0.0)) && another(&open("handlers", 0.0)));
        assert!(!another(&open("countdown", 1.0)), "each claim of it needs idle cores");
        assert!(another(&open("handlers", 1.0)));
        let mut settled = open("handlers", 0.0);
        settled.measured.report.claims.iter_mut().for_each(|claim| claim.verdict = Verdict::Holds);
        assert!(!another(&settled));
        assert!(!another(&Done { error: Some("broken".to_owned()), ..open("handlers", 0.0) }));
    }

    #[test]
    fn topics_claims_and_experiments_select_rows() {
        assert_eq!(ids(&["L19", "G02"]).unwrap(), ["L19", "G02"]);
        assert_eq!(ids(&["handlers"]).unwrap(), ["L19"]);
        assert!(ids(&["G"]).unwrap().iter().all(|id| id.starts_with('G')));
        assert_eq!(ids(&[]).unwrap().len(), Ledger::read().rows.len());
        assert!(ids(&["X"]).unwrap_err().contains("`X` is neither"));
    }
}
