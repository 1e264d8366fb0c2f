//! Reads configuration, templates and rules together, with every mistake of all of them.

use crate::{
    config::load::Secrets,
    diagnose::Diagnostic,
    receivers::{Config, load_config},
    service::{reload::Sources, shared::Live},
};

/// The contents of all files.
pub(super) struct Files {
    pub config: Config,
    /// Rules and templates.
    pub live: Live,
    /// Mistakes of the configuration: nothing runs while it has errors.
    pub config_mistakes: Vec<Diagnostic>,
    /// Mistakes of rules and templates: everything without mistakes runs.
    pub mistakes: Vec<Diagnostic>,
}

/// Reads all files.
///
/// # Errors
/// The mistakes of a configuration that cannot be used at all.
pub(super) fn read(global: &super::Global, secrets: Secrets) -> Result<Files, Vec<Diagnostic>> {
    let mut config_mistakes = Vec::new();
    let env = |name: &str| std::env::var(name).ok();
    let Some(config) = load_config(&global.config, secrets, &env, &mut config_mistakes) else {
        return Err(config_mistakes);
    };
    let mut mistakes = Vec::new();
    let live = Sources::of(&config).read(&mut mistakes);
    Ok(Files { config, live, config_mistakes, mistakes })
}
