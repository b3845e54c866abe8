//! Does each lock do what its CPython does? The programs of `examples/py` under every policy and ablation, and on the
//! real CPythons that are found, with a rule for each shape.
//!
//! A part is called `shapes/PROGRAM/SUBJECT`. Every run is a process of its own and every run is shown; subjects take
//! turns, and every other round in reverse order. Figures are ratios, or multiples of the switch interval.

use anyhow::Result;
use benches::child;
use benches::options::{Mode, Options};
use benches::python::cpython;
use benches::python::{machine, ours};
use benches::ratio::Ratio;
use benches::shapes::figures::{Figures, Metric};
use benches::shapes::plan::{PLANS, Plan};
use benches::shapes::rule::Room;
use benches::shapes::series::{self, Line, Series};
use benches::shapes::subject::Subject;
use serde::Serialize;

fn main() -> Result<()> {
    if child::main_if_child(ours::work)? {
        return Ok(());
    }
    let options = Options::from_args();
    if options.mode() == Mode::Nothing {
        return Ok(());
    }
    let found = if options.mode() == Mode::Measure { cpython::find_all() } else { Vec::new() };
    let subjects = Subject::all(&found);
    let chosen = |plan: &Plan| -> Vec<Subject> {
        let asked = |subject: &&Subject| plan.has(subject) && options.matches(&name(plan, subject));
        subjects.iter().filter(asked).cloned().collect()
    };
    match options.mode() {
        Mode::Nothing => {}
        Mode::List => {
            for plan in &PLANS {
                chosen(plan).iter().for_each(|subject| println!("{}: benchmark", name(plan, subject)));
            }
        }
        Mode::Try => {
            // Only whether it works: the shortest program, under the first policy that is asked for.
            let plan = PLANS.into_iter().find(|plan| plan.program == "sleepers").unwrap_or(PLANS[0]);
            for subject in chosen(&plan).iter().take(1) {
                let args = ["--naps", "1", "--ms", "1"].map(str::to_owned);
                Figures::parse(&subject.run(&plan, &args)?)?;
            }
        }
        Mode::Measure => measure(&options, chosen)?,
    }
    Ok(())
}

fn name(plan: &Plan, subject: &Subject) -> String {
    format!("shapes/{}/{}", plan.program, subject.name())
}

fn measure(options: &Options, chosen: impl Fn(&Plan) -> Vec<Subject>) -> Result<()> {
    let machine = machine::line();
    println!(
        "{machine}\nmultiples: of the same work in sequence, of one thread, or of the switch interval\n"
    );
    let mut room = Room { cores: machine::cores(), two_processes: None };
    let mut all = Vec::new();
    let mut failed = Vec::new();
    for plan in &PLANS {
        let subjects = chosen(plan);
        if subjects.is_empty() {
            continue;
        }
        println!("{}: {}", plan.program, plan.question);
        let series = rounds(plan, subjects, options.quick, &mut failed);
        let processes = Metric::plain("2 processes", "proc2");
        let runs = series.iter().flat_map(|one| &one.runs).filter_map(|run| processes.of(run));
        room.two_processes = room.two_processes.or(Ratio::of(runs).map(|ratio| ratio.median));
        println!("{}", series::table(plan, &series));
        let lines = series::check(plan, &series, room);
        lines.iter().for_each(|line| println!("{}", line.to_text()));
        println!();
        all.extend(lines);
    }
    failed.iter().for_each(|failure| println!("failed: {failure}"));
    let differ = all.iter().filter(|line| line.differs()).count();
    println!("{} rules: {differ} differ, {} runs failed", all.len(), failed.len());
    let report = Report { schema: 1, bench: "gil_shapes", machine, lines: all, failed };
    if let Some(path) = options.write_json(&report)? {
        println!("figures written to {}", path.display());
    }
    Ok(())
}

/// Every subject once in each round. A run that fails is told at the end; the others go on.
fn rounds(plan: &Plan, subjects: Vec<Subject>, quick: bool, failed: &mut Vec<String>) -> Vec<Series> {
    let args = plan.args(quick);
    let mut all: Vec<Series> =
        subjects.into_iter().map(|subject| Series { subject, runs: Vec::new() }).collect();
    for round in 0..plan.rounds(quick) {
        let mut order: Vec<usize> = (0..all.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let one = &mut all[index];
            match one.subject.run(plan, &args).and_then(|output| Figures::parse(&output)) {
                Ok(figures) => one.runs.push(figures),
                Err(error) => failed.push(format!("{}: {error:#}", name(plan, &one.subject))),
            }
        }
    }
    all
}

#[derive(Serialize)]
struct Report {
    schema: u32,
    bench: &'static str,
    machine: String,
    lines: Vec<Line>,
    failed: Vec<String>,
}
