//! Refusals that a sender gives by itself, without asking anybody.

use crate::model::{Attempt, Blame, Body, Outcome};

/// A body that this sender can't take: a mistake of ours, which another attempt as it is won't mend.
pub(super) fn wrong_body(body: &Body) -> Attempt {
    let why = format!("this message was not made for this receiver, but for one of type {}", body.kind());
    rejected(Blame::Payload, why)
}

pub(super) fn rejected(fault: Blame, reason: impl Into<String>) -> Attempt {
    Outcome::Rejected { reason: reason.into(), fault }.into()
}
