//! The rules that a run takes away or changes, to show what each of them is for.

use std::fmt;
use std::str::FromStr;

use sync_protocols::gil::{Order, Rules};

/// What is different from the policy's own rules; none by default.
///
/// Read from a comma list such as `no-forced-switch,nonblocking-keeps`; `-` and `_` are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ablations {
    /// A holder that was asked may take the lock back at once.
    pub no_forced_switch: bool,
    /// The lock goes to whoever came first.
    pub fair_ticket: bool,
    /// Threads that gave the lock up for I/O go before those that were forced off.
    pub io_priority: bool,
    /// System calls that cannot block keep the lock.
    pub nonblocking_keeps: bool,
    /// A holder that was asked keeps the lock until it has to wait.
    pub asked_keeps: bool,
    /// Sleeping and hashing, which need no other thread, keep the lock.
    pub alone_keeps: bool,
}

/// A list of ablations that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AblationError {
    /// No ablation has this name.
    #[error("no ablation is called `{name}`; use {}", NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// Two of them say who goes first.
    #[error("fair-ticket and io-priority both say who goes first; leave one out")]
    TwoOrders,
}

const NAMES: [&str; 6] =
    ["no-forced-switch", "fair-ticket", "io-priority", "nonblocking-keeps", "asked-keeps", "alone-keeps"];

impl Ablations {
    /// The names that a list may contain.
    pub const NAMES: [&str; 6] = NAMES;

    /// What the lock has to know of them.
    pub fn rules(&self) -> Rules {
        let order = match (self.fair_ticket, self.io_priority) {
            (true, _) => Order::FairTicket,
            (false, true) => Order::IoFirst,
            (false, false) => Order::Barging,
        };
        Rules { forced_switch: !self.no_forced_switch, order }
    }

    /// Whether nothing is different.
    pub fn is_none(&self) -> bool {
        *self == Ablations::default()
    }

    fn flags(&self) -> [bool; 6] {
        [
            self.no_forced_switch,
            self.fair_ticket,
            self.io_priority,
            self.nonblocking_keeps,
            self.asked_keeps,
            self.alone_keeps,
        ]
    }
}

impl fmt::Display for Ablations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = NAMES.into_iter().zip(self.flags()).filter(|(_, is_set)| *is_set);
        let set: Vec<&str> = set.map(|(name, _)| name).collect();
        out.pad(&set.join(","))
    }
}

impl FromStr for Ablations {
    type Err = AblationError;

    fn from_str(list: &str) -> Result<Ablations, AblationError> {
        let mut ablations = Ablations::default();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name.replace('_', "-").as_str() {
                "no-forced-switch" => ablations.no_forced_switch = true,
                "fair-ticket" => ablations.fair_ticket = true,
                "io-priority" => ablations.io_priority = true,
                "nonblocking-keeps" => ablations.nonblocking_keeps = true,
                "asked-keeps" => ablations.asked_keeps = true,
                "alone-keeps" => ablations.alone_keeps = true,
                _ => return Err(AblationError::Unknown { name: name.to_owned() }),
            }
        }
        if ablations.fair_ticket && ablations.io_priority {
            return Err(AblationError::TwoOrders);
        }
        Ok(ablations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_sets_its_own_flag_and_is_shown_again() {
        for (index, name) in NAMES.into_iter().enumerate() {
            let ablations: Ablations = name.parse().expect("it is a name");
            assert_eq!(ablations.flags().map(usize::from).iter().sum::<usize>(), 1);
            assert!(ablations.flags()[index], "{name}");
            assert_eq!(ablations.to_string(), name);
        }
    }

    #[test]
    fn a_list_may_be_empty_spaced_and_written_with_underscores() {
        assert_eq!("".parse(), Ok(Ablations::default()));
        let both: Ablations = "no_forced_switch, nonblocking-keeps,".parse().expect("two names");
        assert_eq!(both.to_string(), "no-forced-switch,nonblocking-keeps");
    }

    #[test]
    fn unknown_names_and_two_orders_are_refused() {
        let error = "fair".parse::<Ablations>().expect_err("there is none");
        assert!(error.to_string().ends_with(&NAMES.join(", ")));
        assert_eq!("fair-ticket,io-priority".parse::<Ablations>(), Err(AblationError::TwoOrders));
    }

    #[test]
    fn the_lock_hears_of_its_three() {
        let rules = |list: &str| list.parse::<Ablations>().expect("known names").rules();
        assert_eq!(rules("nonblocking-keeps,asked-keeps,alone-keeps"), Rules::default());
        assert!(!rules("no-forced-switch").forced_switch);
        assert_eq!(rules("fair-ticket").order, Order::FairTicket);
        assert_eq!(rules("io-priority").order, Order::IoFirst);
    }
}
