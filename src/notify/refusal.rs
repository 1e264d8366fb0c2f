//! Refusals that a sender gives by itself, without asking anybody.

use crate::model::{Attempt, Fault, Outcome};

/// A body that this sender can't take: a mistake of ours, which another attempt as it is won't mend.
pub(super) fn wrong_body(kind: &str) -> Attempt {
    rejected(Fault::Payload, format!("this message was not made for a receiver of type {kind}"))
}

pub(super) fn rejected(fault: Fault, reason: impl Into<String>) -> Attempt {
    Outcome::Rejected { reason: reason.into(), fault }.into()
}
