//! How fast is our interpreter? The compute programs on it and on CPython 3.11, as ratios within rounds; and what a
//! heap without a global lock costs a program that has only one thread.
//!
//! A program is called `speed/NAME`. Every run is a process of its own; those of a program take turns, and every other
//! round in reverse order. The program itself says how long its work took, so starting is not counted.

use anyhow::{Context, Result};
use benches::child;
use benches::options::{Mode, Options};
use benches::python::cpython::{self, CPython};
use benches::python::programs::{self, Program};
use benches::python::{machine, ours};
use benches::ratio::Ratio;
use benches::speed::{self, Timing};
use benches::table::Table;
use gil_interpreter::gil::Policy;
use serde::Serialize;

/// The allocator of `lab`, which is what is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the others are compared with, for speed.
const BASE_VERSION: (u32, u32) = (3, 11);

/// Who runs a program.
#[derive(Clone, Debug)]
enum Contender {
    Ours(Policy),
    CPython(CPython),
}

/// How much is measured.
struct Plan {
    rounds: usize,
    /// A run takes about this long on CPython; `None` for the smallest work.
    seconds: Option<f64>,
}

fn main() -> Result<()> {
    if child::main_if_child(ours::work)? {
        return Ok(());
    }
    let options = Options::from_args();
    let plan = match options.mode() {
        Mode::Nothing => return Ok(()),
        Mode::List | Mode::Try => Plan { rounds: 1, seconds: None },
        Mode::Measure if options.quick => Plan { rounds: 3, seconds: Some(0.1) },
        Mode::Measure => Plan { rounds: 7, seconds: Some(0.2) },
    };
    let mut chosen = programs::all()?;
    chosen.retain(|program| options.matches(&name(program)));
    if options.mode() == Mode::List {
        chosen.iter().for_each(|program| println!("{}: benchmark", name(program)));
    } else if !chosen.is_empty() {
        let mut contenders = vec![Contender::Ours(Policy::Gil310), Contender::Ours(Policy::Free)];
        if options.mode() == Mode::Measure {
            contenders.extend(cpythons(options.all).into_iter().map(Contender::CPython));
        }
        let figures = measure(&chosen, &contenders, &plan)?;
        print(&figures);
        if let Some(path) = options.write_json(&figures)? {
            println!("figures written to {}", path.display());
        }
    }
    Ok(())
}

fn name(program: &Program) -> String {
    format!("speed/{}", program.name)
}

/// The one that is compared with first; all others of version 3 behind it when they are asked for.
fn cpythons(all: bool) -> Vec<CPython> {
    let mut found = cpython::find_all();
    found.retain(|one| one.version.0 == 3 && (all || one.version == BASE_VERSION));
    found.sort_by_key(|one| one.version != BASE_VERSION);
    if !all {
        found.truncate(1);
    }
    found
}

impl Contender {
    fn name(&self) -> String {
        match self {
            Contender::Ours(policy) => policy.name().to_owned(),
            Contender::CPython(cpython) => cpython.name(),
        }
    }

    fn run(&self, program: &Program, n: u64) -> Result<Timing> {
        let args = [n.to_string(), "--time".to_owned()];
        let (output, cpu) = match self {
            Contender::Ours(policy) => {
                let ran = ours::run(&program.file, &args, *policy, "")?;
                (ran.output, ran.cpu)
            }
            Contender::CPython(cpython) => {
                let ran = cpython.run_timed(&program.file, &args)?;
                (ran.output, ran.cpu)
            }
        };
        let wall_s = output.trim().parse().with_context(|| format!("{} printed {output:?}", program.name))?;
        Ok(Timing { wall_s, cpu_s: cpu.as_secs_f64() })
    }
}

fn measure(programs: &[Program], contenders: &[Contender], plan: &Plan) -> Result<Figures> {
    let machine = machine::line();
    let work: Vec<u64> =
        programs.iter().map(|one| plan.seconds.map_or(one.small(), |seconds| one.n_for(seconds))).collect();
    // timings[program][contender][round]
    let mut timings = vec![vec![Vec::new(); contenders.len()]; programs.len()];
    for round in 0..plan.rounds {
        for ((program, &n), timings) in programs.iter().zip(&work).zip(&mut timings) {
            let mut order: Vec<usize> = (0..contenders.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                timings[index].push(contenders[index].run(program, n)?);
            }
        }
    }
    let ours = |timings: &[Vec<Timing>]| timings[0].clone();
    let compare = |index: usize, of: fn(&[Timing], &[Timing]) -> Vec<f64>| -> Vec<Vec<f64>> {
        timings.iter().map(|program| of(&ours(program), &program[index])).collect()
    };
    let columns = (1..contenders.len()).filter_map(|index| {
        let wall = compare(index, |ours, theirs| speed::faster(ours, theirs, |timing| timing.wall_s));
        let cpu = compare(index, |ours, theirs| speed::faster(ours, theirs, |timing| timing.cpu_s));
        let program = match &contenders[index] {
            Contender::CPython(cpython) => Some(cpython.program.display().to_string()),
            Contender::Ours(_) => None,
        };
        Column::new(contenders[index].name(), program, &wall, &cpu)
    });
    let columns: Vec<Column> = columns.collect();
    let rows = programs.iter().zip(work).zip(timings);
    let rows = rows.map(|((program, n), runs)| Row { name: program.name.clone(), n, runs }).collect();
    Ok(Figures { schema: 1, bench: "python_speed", machine, rounds: plan.rounds, columns, rows })
}

fn print(figures: &Figures) {
    println!("{}\n{} rounds; seconds are medians\n", figures.machine, figures.rounds);
    let median =
        |runs: &[Timing]| Ratio::of(runs.iter().map(|run| run.wall_s)).map_or(0.0, |ratio| ratio.median);
    for (index, column) in figures.columns.iter().enumerate() {
        let what = if column.program.is_some() { "speed ratio" } else { "time ratio" };
        let titles = ["program", "n", "ours", &column.name, what, "low to high", "CPU ratio", "low to high"];
        let mut table = Table::new(&titles);
        for ((row, wall), cpu) in figures.rows.iter().zip(&column.wall).zip(&column.cpu) {
            let seconds = [&row.runs[0], &row.runs[index + 1]].map(|runs| format!("{:.3}", median(runs)));
            let cells = [row.name.clone(), row.n.to_string()].into_iter().chain(seconds);
            table.row(cells.chain(wall.cells()).chain(cpu.cells()));
        }
        let blank = || std::iter::repeat_n(String::new(), 3);
        let mean = std::iter::once("geometric mean".to_owned()).chain(blank());
        table.row(mean.chain(column.mean_wall.cells()).chain(column.mean_cpu.cells()));
        match &column.program {
            Some(program) => println!("gil310 beside {} ({program}): above 1 is faster than it", column.name),
            None => println!("the price of no lock on one thread: time of free, relative to gil310"),
        }
        println!("{}", table.to_text());
        if column.program.is_some() {
            let each =
                figures.rows.iter().zip(&column.wall).map(|(row, wall)| (row.name.clone(), wall.median));
            let verdict = speed::verdict(column.mean_wall.median, &each.collect::<Vec<_>>());
            println!(
                "at least {:.1} on average and {:.1} each: {verdict}\n",
                speed::MEAN_AT_LEAST,
                speed::EACH_AT_LEAST
            );
        }
    }
    if !figures.columns.iter().any(|column| column.program.is_some()) {
        println!("no CPython was run; install CPython 3.11 as python3.11 on the PATH for the comparison");
    }
}

#[derive(Serialize)]
struct Figures {
    schema: u32,
    bench: &'static str,
    machine: String,
    rounds: usize,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// One program.
#[derive(Serialize)]
struct Row {
    name: String,
    n: u64,
    /// `runs[contender][round]`; gil310 first, then those of the columns.
    runs: Vec<Vec<Timing>>,
}

/// Another contender's time over that of gil310.
#[derive(Serialize)]
struct Column {
    name: String,
    /// The file of a CPython.
    program: Option<String>,
    /// For each program.
    wall: Vec<Ratio>,
    cpu: Vec<Ratio>,
    mean_wall: Ratio,
    mean_cpu: Ratio,
}

impl Column {
    fn new(name: String, program: Option<String>, wall: &[Vec<f64>], cpu: &[Vec<f64>]) -> Option<Column> {
        let each = |ratios: &[Vec<f64>]| ratios.iter().map(|one| Ratio::of(one.iter().copied())).collect();
        let (each_wall, each_cpu): (Option<Vec<Ratio>>, Option<Vec<Ratio>>) = (each(wall), each(cpu));
        Some(Column {
            name,
            program,
            wall: each_wall?,
            cpu: each_cpu?,
            mean_wall: speed::geometric_mean(wall)?,
            mean_cpu: speed::geometric_mean(cpu)?,
        })
    }
}
