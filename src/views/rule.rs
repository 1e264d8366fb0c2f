//! A rule, in use or not.

use serde::Serialize;

use super::value::At;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RuleRow {
    pub(crate) name: String,
    /// `in-use`, `disabled`, `rejected` or `missing`.
    pub(crate) state: &'static str,
    /// `None` where it is not in use, here and below.
    pub(crate) description: Option<String>,
    pub(crate) severity: Option<&'static str>,
    /// What it does.
    pub(crate) sentence: Option<String>,
    /// How often it fired in the history that is kept.
    pub(crate) fired: usize,
    pub(crate) last_fired_at: Option<At>,
}
