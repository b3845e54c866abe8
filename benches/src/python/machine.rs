//! On what a bench runs: one line, since figures of two machines say nothing beside each other.

use experiment_kit::machine::{Machine, load_average};

/// Processor, cores, system, and how busy it was with other things.
pub fn line() -> String {
    let machine = Machine::here();
    let load = load_average().map_or(String::new(), |load| format!(", load average {load:.1} before"));
    format!("{}, {} cores, {}, {} build{load}", machine.cpu, machine.cores, machine.os, machine.profile)
}

/// Processors that this process may use.
pub fn cores() -> usize {
    Machine::here().cores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_the_cores_and_the_build() {
        assert!(line().contains(&format!(", {} cores, ", cores())), "{}", line());
        assert!(line().contains(" build"));
    }
}
