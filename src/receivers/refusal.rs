//! Refusals by a sender itself, without a request.

use crate::model::{Attempt, Blame, Body, Outcome};

/// The body is of another kind. This is a mistake of ours, which a further attempt would not change.
pub(super) fn wrong_body(body: &Body) -> Attempt {
    let why = format!("this message was not made for this receiver, but for one of type {}", body.kind());
    rejected(Blame::Payload, why)
}

pub(super) fn rejected(fault: Blame, reason: impl Into<String>) -> Attempt {
    Outcome::Rejected { reason: reason.into(), fault }.into()
}
