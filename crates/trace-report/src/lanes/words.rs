//! What the classes of a timeline are called, and what a reader of it looks for.
//!
//! # Model
//! A class fixes colour and height; what it means depends on what the rows are. On a loop the reader looks for stalls,
//! at a lock for waits: the page lists those, the longest first, and its viewer steps from one to the next.

use crate::lanes::Class;

/// The words of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// What each class is called, in the order of [`Class::ALL`].
    pub classes: [&'static str; Class::ALL.len()],
    /// The class that the reader looks for.
    pub sought: Class,
    /// One of these, for example `stall`.
    pub one: &'static str,
    /// Several of these.
    pub many: &'static str,
    /// Between what is named and its row, for example `held` in `GET /block held loop`.
    pub verb: &'static str,
    /// What stands for something without a name.
    pub unnamed: &'static str,
}

impl Words {
    /// The words of event loops and pools.
    pub const LOOPS: Words = Words {
        classes: ["idle in poll", "busy", "runs a job", "waiting", "stalled"],
        sought: Class::Stall,
        one: "stall",
        many: "stalls",
        verb: "held",
        unnamed: "an unnamed callback",
    };
    /// The words of threads at a lock: a name is that of the thread that had the lock when the wait began.
    pub const LOCK: Words = Words {
        classes: ["does without the lock", "has the lock", "runs a job", "waits for the lock", "stalled"],
        sought: Class::Wait,
        one: "wait",
        many: "waits",
        verb: "had the lock, wanted by",
        unnamed: "another thread",
    };

    /// The word of a class.
    pub fn of(&self, class: Class) -> &'static str {
        self.classes[class as usize]
    }
}

impl Default for Words {
    fn default() -> Words {
        Words::LOOPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_own_word() {
        for words in [Words::LOOPS, Words::LOCK] {
            for (at, class) in Class::ALL.into_iter().enumerate() {
                assert_eq!(words.of(class), words.classes[at]);
                assert_eq!(words.classes.iter().filter(|word| **word == words.of(class)).count(), 1);
            }
        }
    }
}
