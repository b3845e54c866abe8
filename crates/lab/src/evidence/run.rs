//! `lab run`: one experiment, measured and judged.

use anyhow::{Context, bail};
use experiment_kit::Interrupt;
use experiment_kit::conduct::Conducted;
use experiment_kit::experiment::{Experiment, Subject};
use experiment_kit::runtimes::{self, Runtime};
use experiment_kit::verdict::Claim;

use super::measure::{self, Measured};
use super::options::RunOptions;
use super::page::Chapter;
use super::progress::Progress;
use super::{BAD_USAGE, UNEXPECTED, outputs, predict, screen};

/// Does it.
pub(crate) fn command(options: &RunOptions) -> anyhow::Result<u8> {
    let experiment = match asked(options) {
        Ok(experiment) => experiment,
        Err(message) => {
            anstream::eprintln!("error: {message}");
            return Ok(BAD_USAGE);
        }
    };
    // Asked before signals are caught: at a prompt Ctrl-C just ends.
    let predictions = match options.predict {
        true => predict::ask(experiment, &mut std::io::stdin().lock(), &mut std::io::stderr())?,
        false => Vec::new(),
    };
    let interrupt = Interrupt::listen().context("cannot listen to Ctrl-C")?;
    let mut setup = measure::setup(experiment, &options.common, &interrupt);
    for (name, value) in &options.set {
        if let Err(message) = setup.set(experiment, name, *value) {
            anstream::eprintln!("error: {message}");
            return Ok(BAD_USAGE);
        }
    }
    setup.flaw =
        experiment.flaws.iter().map(|flaw| flaw.name).find(|name| options.flaw.as_deref() == Some(name));
    if let Some(wanted) = &options.on {
        setup.subject = Subject::Real(real(experiment, wanted, &interrupt)?);
    }
    outputs::check(options.out.iter().map(|output| output.path.as_path()))?;
    let progress = Progress::on_stderr(experiment.name);
    let measured = measure::measure(experiment, &setup, &measure::terms(&options.common), &progress)?;
    drop(progress);
    let kept = measure::keep(&setup, &measured, Vec::new());
    let Measured { report, ran } = measured;
    if options.common.json {
        screen::print(&format!("{}\n", serde_json::to_string(&report)?))?;
    } else {
        screen::print(&screen::result(experiment, &report, &ran, screen::width()))?;
        if options.predict {
            screen::print(&predict::compare(&predictions, &ran.claims))?;
        }
    }
    let Conducted { measured, claims, recordings, error, .. } = ran;
    outputs::write(&options.out, &Chapter { experiment, report, measured, recordings })?;
    if let Some(first) = options.out.first().filter(|_| options.open) {
        outputs::open(&first.path);
    }
    kept?;
    end(error, &claims, &options.expect.expect, &interrupt)
}

fn asked(options: &RunOptions) -> Result<&'static Experiment, String> {
    let Some(experiment) = experiments::named(&options.name) else {
        let names: Vec<&str> = experiments::all().map(|one| one.name).collect();
        return Err(format!("there is no experiment `{}`; there are {}", options.name, names.join(", ")));
    };
    if let Some(flaw) = &options.flaw
        && !experiment.flaws.iter().any(|known| known.name == flaw)
    {
        let names: Vec<&str> = experiment.flaws.iter().map(|flaw| flaw.name).collect();
        return Err(format!("{} has no flaw `{flaw}`; it has {}", experiment.name, names.join(", ")));
    }
    for (id, _) in &options.expect.expect {
        if !experiment.claims.contains(&id.as_str()) {
            return Err(format!(
                "{} does not judge {id}; it judges {}",
                experiment.name,
                experiment.claims.join(", ")
            ));
        }
    }
    Ok(experiment)
}

/// The real runtime of `experiment` that is called `wanted`: a family, or a version or its beginning.
fn real(experiment: &Experiment, wanted: &str, interrupt: &Interrupt) -> anyhow::Result<Runtime> {
    let found = runtimes::find(experiment.against, interrupt);
    let names: Vec<String> = found.iter().map(Runtime::name).collect();
    match found
        .iter()
        .filter(|runtime| runtime.is_called(wanted))
        .max_by_key(|one| (!one.is_free_threaded(), one.release()))
    {
        Some(runtime) => Ok(runtime.clone()),
        None if names.is_empty() => bail!("{} has no counterpart that is installed here", experiment.name),
        None => bail!("no runtime here is called `{wanted}`; there are {}", names.join(", ")),
    }
}

/// The exit code of a run, after what cut it short has been said.
fn end(
    error: Option<anyhow::Error>,
    claims: &[Claim],
    expected: &[(String, String)],
    interrupt: &Interrupt,
) -> anyhow::Result<u8> {
    if let Some(code) = interrupt.exit_code() {
        return Ok(code);
    }
    if let Some(error) = error {
        return Err(error).context("the run ended early");
    }
    Ok(if as_expected(claims, expected) { 0 } else { UNEXPECTED })
}

/// Whether every claim has the verdict that was expected; says where not.
pub(crate) fn as_expected(claims: &[Claim], expected: &[(String, String)]) -> bool {
    let mut all = true;
    for (id, wanted) in expected {
        let found =
            claims.iter().find(|claim| claim.id == *id).map_or("not judged", |claim| claim.verdict.word());
        if found != wanted {
            anstream::eprintln!("{id} was expected to come out as `{wanted}`; it is `{found}`");
            all = false;
        }
    }
    all
}
