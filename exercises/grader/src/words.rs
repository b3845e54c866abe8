//! Sentences that more than one grader says.

/// About a second cancel.
pub(crate) const SECOND_CANCEL: &str = "a job was cancelled twice: `cancel` says `true` to the one call that took the job \
                                        back, and `false` to a second one";
