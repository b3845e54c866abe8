//! The ledger: every statement that an experiment must settle, in English and Korean, with where it comes from.
//!
//! # Model
//! `claims.toml` holds rows; [`Ledger::rows`] gives them in their order. Which experiment settles a row is said by the
//! experiment, and a test holds both against each other.

use serde::{Deserialize, Serialize};

/// The ledger as text.
pub const TEXT: &str = include_str!("../claims.toml");

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its id: a letter for the topic and two digits.
    pub id: String,
    /// The number of the study note that says it, or `beyond` for what a reader asks next.
    pub origin: String,
    /// The statement in English.
    pub en: String,
    /// The statement in Korean.
    pub ko: String,
    /// What settles it.
    pub measure: String,
    /// The real runtimes that have the same workload.
    #[serde(default)]
    pub against: Vec<String>,
    /// What the machine must have; `idle cores` for rows that cannot be settled beside other programs.
    #[serde(default)]
    pub needs: Vec<String>,
}

impl Row {
    /// Whether it cannot be settled beside programs that compute.
    pub fn needs_idle_cores(&self) -> bool {
        self.needs.iter().any(|need| need == "idle cores")
    }
}

/// All statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The rows, in order.
    #[serde(rename = "claim")]
    pub rows: Vec<Row>,
}

impl Ledger {
    /// The ledger of this project.
    ///
    /// # Panics
    /// Never in a program that passed its tests: the text is part of it.
    pub fn read() -> Ledger {
        toml::from_str(TEXT).expect("the ledger is part of the program and its tests read it")
    }

    /// The row with this id.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_whole_and_has_a_place_of_its_own() {
        let rows = Ledger::read().rows;
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids.len(), rows.len());
        for row in &rows {
            assert!(["000", "002", "003", "004", "beyond"].contains(&row.origin.as_str()), "{}", row.id);
            assert!(!row.en.is_empty() && row.ko.chars().any(|c| ('가'..='힣').contains(&c)), "{}", row.id);
            assert!(row.needs.iter().all(|need| need == "idle cores"), "{}", row.id);
        }
    }

    #[test]
    fn every_row_has_an_experiment_and_every_claim_of_an_experiment_a_row() {
        let rows = Ledger::read().rows;
        let rows: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let claimed: BTreeSet<&str> =
            crate::all().flat_map(|experiment| experiment.claims).copied().collect();
        assert_eq!(rows, claimed);
    }
}
