//! Pages: one file with everything that was measured, or with one experiment.

use std::collections::BTreeMap;

use experiment_kit::experiment::{ChartSpec, Experiment};
use experiment_kit::measurements::Measurements;
use experiment_kit::report::{Against, Report};
use experiment_kit::stats::Interval;
use experiment_kit::verdict::{Claim, Verdict};
use experiments::ledger::{Ledger, Row};
use runtime_trace::Recording;
use trace_report::chart::{LatencyChart, Series, latency_svg, ranges_svg};
use trace_report::html::{Cell, Column, Page, Table, Tone, chart_table};

use super::differences::Differences;
use super::list::statement;
use super::{asked, pictures};

/// A curve of fewer samples than this would only show its steps.
const CURVE_MIN: usize = 50;

/// One experiment as it was kept.
pub(crate) struct Chapter {
    /// The experiment.
    pub(crate) experiment: &'static Experiment,
    /// Its result.
    pub(crate) report: Report,
    /// Its samples.
    pub(crate) measured: Measurements,
    /// What was recorded, by title.
    pub(crate) recordings: Vec<(String, Recording)>,
}

/// The page of everything, with the statements in Korean where that is wanted.
pub(crate) fn whole(chapters: &[Chapter], korean: bool) -> String {
    let ledger = Ledger::read();
    let mut page = Page::new("runtime-lab: what was measured here");
    page.paragraph(
        "Each row is one statement. Press a header to sort, type a word or press a verdict to filter, and follow an id to the \
         experiment that settled it: its rule, its figures, its pictures and the same on real runtimes.",
    );
    page.heading("Ledger").table(&ledger_table(&ledger, chapters, korean));
    page.heading("Experiments").contents();
    for chapter in chapters {
        page.section(chapter.experiment.name, &heading(chapter.experiment));
        add(&mut page, chapter, korean);
    }
    page.heading("Machine");
    for (names, report) in machines(chapters) {
        // One machine needs no list of what was measured on it.
        let all = names.len() == chapters.len();
        page.table(&machine(report, &if all { String::new() } else { format!(": {}", names.join(", ")) }));
    }
    page.render()
}

/// The page of one experiment.
pub(crate) fn single(chapter: &Chapter) -> String {
    let mut page = Page::new(heading(chapter.experiment));
    add(&mut page, chapter, false);
    page.heading("Machine").table(&machine(&chapter.report, ""));
    page.render()
}

/// The chart of one metric, a series for each cell.
pub(crate) fn chart(spec: &ChartSpec, order: &[String], measured: &Measurements) -> LatencyChart {
    let there: Vec<&str> = measured.cells(spec.metric).collect();
    let known = order.iter().map(String::as_str).filter(|cell| there.contains(cell));
    let others = there.iter().copied().filter(|cell| !order.iter().any(|known| known == cell));
    let series = known.chain(others).map(|cell| {
        let samples: Vec<f64> = measured.samples((spec.metric, cell)).collect();
        Series::from_values(cell, &samples)
    });
    LatencyChart {
        title: spec.title.to_owned(),
        series: series.collect(),
        unit: spec.unit.into(),
        ..LatencyChart::default()
    }
}

fn heading(experiment: &Experiment) -> String {
    format!("{}: {}", experiment.name, experiment.question)
}

fn ledger_table(ledger: &Ledger, chapters: &[Chapter], korean: bool) -> Table {
    let judged: BTreeMap<&str, (&Chapter, &Claim)> = (chapters.iter())
        .flat_map(|chapter| {
            chapter.report.claims.iter().map(move |claim| (claim.id.as_str(), (chapter, claim)))
        })
        .collect();
    let columns = [
        Column::text("id"),
        Column::text("verdict"),
        Column::text("statement"),
        Column::text("said by"),
        Column::number("value"),
        Column::number("threshold"),
        Column::text("of"),
    ];
    let mut table = Table::new("Every statement, and what was found", columns).ledger();
    for row in &ledger.rows {
        table.row(match judged.get(row.id.as_str()) {
            None => [
                Cell::from(row.id.as_str()),
                Cell::verdict(Tone::Open, "not measured"),
                Cell::from(statement(row, korean)),
                Cell::from(origin(row)),
                Cell::from(""),
                Cell::from(""),
                Cell::from(""),
            ],
            Some((chapter, claim)) => {
                let deciding = claim.deciding();
                let value = deciding.and_then(|finding| finding.interval).map(|one| one.rounded().value);
                let number = |value: Option<f64>| {
                    value.map_or_else(|| Cell::from(""), |value| Cell::number(value, value.to_string()))
                };
                [
                    Cell::from(row.id.as_str()).to(chapter.experiment.name),
                    Cell::verdict(tone(&claim.verdict), claim.verdict.word()),
                    Cell::from(statement(row, korean)),
                    Cell::from(origin(row)),
                    number(value),
                    number(deciding.map(|finding| finding.threshold)),
                    Cell::from(deciding.map_or("", |finding| finding.metric.as_str())),
                ]
            }
        });
    }
    table
}

fn origin(row: &Row) -> String {
    if row.origin == "beyond" { "no note: asked next".to_owned() } else { format!("note {}", row.origin) }
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Holds => Tone::Good,
        Verdict::Fails => Tone::Bad,
        Verdict::Depends { .. } => Tone::Mixed,
        Verdict::Inconclusive { .. } => Tone::Open,
    }
}

fn add(page: &mut Page, chapter: &Chapter, korean: bool) {
    let Chapter { experiment, report, measured, recordings } = chapter;
    page.paragraph(&asked::reading(experiment, &report.params));
    if let Some(note) = asked::unusual(experiment, &report.params) {
        page.callout(Tone::Open, "Not the usual run", &note);
    }
    if !report.complete {
        page.callout(Tone::Open, "Stopped early", "This is what was measured until then.");
    }
    let ledger = Ledger::read();
    for claim in &report.claims {
        let statement = ledger.row(&claim.id).map_or("", |row| statement(row, korean));
        let title = format!("{} {}: {statement}", claim.id, claim.verdict.word());
        page.callout(tone(&claim.verdict), &title, &explanation(claim));
        let measured: Vec<String> = (claim.findings.iter())
            .filter(|finding| finding.interval.is_some())
            .map(|finding| format!("{}? {}", finding.sentence(), finding.answer.word()))
            .collect();
        page.list(measured.iter().map(String::as_str));
    }
    for spec in experiment.charts {
        let chart = chart(spec, &report.cells, measured);
        let fewest = chart.series.iter().map(|series| series.count as usize).min().unwrap_or(0);
        page.figure(
            &ranges_svg(&chart),
            &format!("{}, {}: each line runs from the median to the largest", spec.title, spec.unit),
        );
        if fewest >= CURVE_MIN {
            page.figure(
                &latency_svg(&chart),
                &format!("{}, by percentile: every curve ends at its largest", spec.title),
            );
        }
        page.table(&chart_table(&chart, "cell"));
    }
    for (title, recording) in recordings {
        page.timeline(&pictures::timeline(recording), title);
    }
    if !report.against.is_empty() {
        page.table(&against(experiment, &report.against));
    }
    let json = serde_json::to_string_pretty(report).unwrap_or_default();
    page.fold("Findings, parameters and raw data", |page| {
        page.table(&findings(&report.claims));
        page.details("The result as JSON", &json);
        page.paragraph(&format!(
            "Every sample is in `samples.json` beside it. Measured {} in {} rounds: `{}`.",
            report.started_at,
            report.rounds,
            asked::command(experiment, report)
        ));
    });
}

fn explanation(claim: &Claim) -> String {
    let mut text = format!("Rule: {}.", claim.rule.trim_end_matches('.'));
    match &claim.verdict {
        Verdict::Depends { condition } => text.push_str(&format!(" It depends on {condition}.")),
        Verdict::Inconclusive { reason } => text.push_str(&format!(" Not settled: {reason}.")),
        Verdict::Holds | Verdict::Fails => {}
    }
    text
}

fn findings(claims: &[Claim]) -> Table {
    let columns = [
        Column::text("claim"),
        Column::text("finding"),
        Column::number("value"),
        Column::number("low"),
        Column::number("high"),
        Column::text("claimed"),
        Column::text("answer"),
        Column::number("rank test p"),
    ];
    let mut table = Table::new("What the rules looked at (95 % intervals)", columns);
    for claim in claims {
        for finding in &claim.findings {
            let part = |get: fn(&Interval) -> f64| {
                let value = finding.interval.map(Interval::rounded).map(|one| get(&one));
                value.map_or_else(|| Cell::from("-"), |value| Cell::number(value, value.to_string()))
            };
            let side = finding.side.words();
            table.row([
                Cell::from(claim.id.as_str()),
                Cell::from(finding.metric.as_str()),
                part(|one| one.value),
                part(|one| one.low),
                part(|one| one.high),
                Cell::from(format!("{side} {} {}", finding.threshold, finding.unit)),
                Cell::from(finding.answer.word()),
                finding.rank_p.map_or_else(|| Cell::from("-"), |p| Cell::number(p, p.to_string())),
            ]);
        }
    }
    table
}

fn against(experiment: &Experiment, sides: &[Against]) -> Table {
    let known = Differences::read();
    let columns = [Column::text("runtime"), Column::text("status"), Column::text("what is to be said of it")];
    let mut table = Table::new("The same workload on real runtimes", columns);
    for side in sides {
        let tone = match side.status.as_str() {
            "agrees" => Tone::Good,
            "differs" => Tone::Bad,
            _ => Tone::Open,
        };
        let mut said = vec![side.reason.clone().unwrap_or_default()];
        said.extend(
            known.of(experiment.name, &side.runtime, side.status == "differs").into_iter().map(str::to_owned),
        );
        let said = said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<String>>().join(" ");
        table.row([
            Cell::from(side.runtime.as_str()),
            Cell::verdict(tone, side.status.as_str()),
            Cell::from(said.as_str()),
        ]);
    }
    table
}

/// The machines and builds that took part, each with the experiments that were measured there.
fn machines(chapters: &[Chapter]) -> Vec<(Vec<&str>, &Report)> {
    let mut machines: Vec<(Vec<&str>, &Report)> = Vec::new();
    for Chapter { experiment, report, .. } in chapters {
        let is_same =
            |known: &Report| (&known.machine, &known.versions) == (&report.machine, &report.versions);
        match machines.iter_mut().find(|(_, known)| is_same(known)) {
            Some((names, _)) => names.push(experiment.name),
            None => machines.push((vec![experiment.name], report)),
        }
    }
    machines
}

fn machine(report: &Report, of: &str) -> Table {
    let mut table = Table::new(format!("Measured on{of}"), [Column::text("what"), Column::text("value")]);
    let machine = &report.machine;
    for (what, value) in [
        ("processor", machine.cpu.clone()),
        ("processors that may be used", machine.cores.to_string()),
        ("system", machine.os.clone()),
        ("build", format!("{}, rustc {}", machine.profile, report.versions.rustc)),
        ("runtime-lab", report.versions.runtime_lab.clone()),
    ] {
        table.row([Cell::from(what), Cell::from(value.as_str())]);
    }
    table
}
