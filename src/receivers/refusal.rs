//! Refusals that a sender gives by itself, without asking anybody.

use crate::model::{Attempt, Blame, Outcome};

/// A body that this sender can't take: a mistake of ours, which another attempt as it is won't mend.
pub(super) fn wrong_body(kind: &str) -> Attempt {
    rejected(Blame::Payload, format!("this message was not made for a receiver of type {kind}"))
}

pub(super) fn rejected(fault: Blame, reason: impl Into<String>) -> Attempt {
    Outcome::Rejected { reason: reason.into(), fault }.into()
}
