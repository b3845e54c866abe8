//! Why a real runtime differs, where that is known: explanations beside findings, never instead of them.

use serde::Deserialize;

/// The known differences, one entry for each runtime and experiment.
const TEXT: &str = include_str!("../../differences.toml");

/// All of them.
#[derive(Debug, Deserialize)]
pub(crate) struct Differences {
    #[serde(default, rename = "difference")]
    all: Vec<Difference>,
}

/// One explanation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    experiment: String,
    /// How the runtime's name begins: `cpython 2.7`, `node`.
    runtime: String,
    why: String,
}

impl Differences {
    /// The differences of this program.
    ///
    /// # Panics
    /// Never in a program that passed its tests: the text is part of it.
    pub(crate) fn read() -> Differences {
        toml::from_str(TEXT).expect("the differences are part of the program and its tests read them")
    }

    /// What is known of `runtime` in `experiment`; nothing where it does not differ.
    pub(crate) fn of<'d>(&'d self, experiment: &str, runtime: &str, differs: bool) -> Vec<&'d str> {
        let fits =
            |one: &&Difference| differs && one.experiment == experiment && runtime.starts_with(&one.runtime);
        self.all.iter().filter(fits).map(|one| one.why.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_of_an_experiment_and_a_runtime_that_it_has() {
        for one in Differences::read().all {
            let experiment =
                experiments::named(&one.experiment).unwrap_or_else(|| panic!("{}", one.experiment));
            let family = one.runtime.split(' ').next().unwrap_or_default();
            assert!(experiment.against.iter().any(|known| known.name() == family), "{one:?}");
            assert!(one.why.ends_with('.'), "{one:?}");
        }
    }

    #[test]
    fn an_explanation_is_shown_only_where_something_differs() {
        let text = "[[difference]]\nexperiment = \"a\"\nruntime = \"cpython 2\"\nwhy = \"So.\"\n";
        let all: Differences = toml::from_str(text).unwrap();
        assert_eq!(all.of("a", "cpython 2.7.18", true), ["So."]);
        assert!(all.of("a", "cpython 2.7.18", false).is_empty());
        assert!(
            all.of("a", "cpython 3.8.18", true).is_empty() && all.of("b", "cpython 2.7.18", true).is_empty()
        );
    }
}
