//! A silence.

use jiff::Timestamp;
use serde::Serialize;

use super::value::{At, present};
use crate::model::{Matchers, Silence};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct SilenceRow {
    pub(crate) id: String,
    pub(crate) matchers: Matchers,
    pub(crate) created_at: At,
    pub(crate) ends_at: At,
    pub(crate) comment: Option<String>,
    pub(crate) created_by: Option<String>,
    pub(crate) active: bool,
}

impl SilenceRow {
    pub(crate) fn of(silence: &Silence, now: Timestamp) -> Self {
        Self {
            id: silence.id.to_string(),
            matchers: silence.matchers.clone(),
            created_at: At(silence.created_at),
            ends_at: At(silence.ends_at),
            comment: present(&silence.comment),
            created_by: present(&silence.created_by),
            active: silence.is_active(now),
        }
    }
}
