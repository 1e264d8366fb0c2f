//! `pengwatch demo`.

use super::{Exit, Global};

/// Runs the demo.
///
/// # Errors
/// What ended it.
#[allow(clippy::unused_async)]
pub async fn demo(_global: &Global, _fast: bool, _how_long: Option<jiff::SignedDuration>) -> anyhow::Result<Exit> {
    Ok(Exit::Fine)
}
