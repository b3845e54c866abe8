//! `lab run`: one experiment, measured and judged.

use std::time::Duration;

use anyhow::{Context, bail};
use experiment_kit::Interrupt;
use experiment_kit::conduct::{Conducted, Terms, conduct};
use experiment_kit::experiment::{Experiment, Setup, Subject};
use experiment_kit::machine::load_average;
use experiment_kit::report::timestamp;
use experiment_kit::results::{Results, report};
use experiment_kit::runtimes::{self, Runtime};
use experiment_kit::verdict::Claim;

use super::options::{Common, RunOptions};
use super::progress::Progress;
use super::{UNEXPECTED, screen};

/// The exit code of bad usage.
const BAD_USAGE: u8 = 2;

/// Does it.
pub(crate) fn command(options: &RunOptions) -> anyhow::Result<u8> {
    let (experiment, interrupt) = match asked(options) {
        Ok(asked) => asked,
        Err(message) => {
            anstream::eprintln!("error: {message}");
            return Ok(BAD_USAGE);
        }
    };
    let mut setup = Setup::new(experiment, options.common.quick, options.common.seed, interrupt.clone());
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
    let (started, load_before) = (timestamp(clock::wall_now()), load_average());
    let progress = Progress::on_stderr(experiment.name);
    let ran = conduct(experiment, &setup, &terms(&options.common), &progress)?;
    drop(progress);
    let result = report(experiment, &setup, &ran, started, load_before, Vec::new());
    if setup.flaw.is_none() && setup.real().is_none() {
        Results::usual().keep(&result, &ran.measured)?;
    }
    if options.common.json {
        screen::print(&format!("{}\n", serde_json::to_string(&result)?))?;
    } else {
        screen::print(&screen::result(experiment, &ran, screen::width()))?;
    }
    end(ran, &options.common.expect, &interrupt)
}

fn asked(options: &RunOptions) -> Result<(&'static Experiment, Interrupt), String> {
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
    for (id, _) in &options.common.expect {
        if !experiment.claims.contains(&id.as_str()) {
            return Err(format!(
                "{} does not judge {id}; it judges {}",
                experiment.name,
                experiment.claims.join(", ")
            ));
        }
    }
    let interrupt = Interrupt::listen().map_err(|error| format!("cannot listen to Ctrl-C: {error}"))?;
    Ok((experiment, interrupt))
}

/// The real runtime of `experiment` that is called `wanted`: a family, or a version or its beginning.
fn real(experiment: &Experiment, wanted: &str, interrupt: &Interrupt) -> anyhow::Result<Runtime> {
    let found = runtimes::find(experiment.against, interrupt);
    let is_meant = |runtime: &&Runtime| {
        runtime.name() == wanted
            || runtime.name().split(' ').next() == Some(wanted)
            || runtime.version == wanted
            || runtime.version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
    };
    let names: Vec<String> = found.iter().map(Runtime::name).collect();
    match found.iter().find(is_meant) {
        Some(runtime) => Ok(runtime.clone()),
        None if names.is_empty() => bail!("{} has no counterpart that is installed here", experiment.name),
        None => bail!("no runtime here is called `{wanted}`; there are {}", names.join(", ")),
    }
}

/// How long a run may take.
pub(crate) fn terms(common: &Common) -> Terms {
    let usual = Terms::usual(common.quick);
    Terms { budget: common.budget.map_or(usual.budget, Duration::from_secs), ..usual }
}

/// The exit code of a run, after what cut it short has been said.
fn end(ran: Conducted, expected: &[(String, String)], interrupt: &Interrupt) -> anyhow::Result<u8> {
    if let Some(code) = interrupt.exit_code() {
        return Ok(code);
    }
    if let Some(error) = ran.error {
        return Err(error).context("the run ended early");
    }
    Ok(if as_expected(&ran.claims, expected) { 0 } else { UNEXPECTED })
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
