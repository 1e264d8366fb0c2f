//! Reads configuration, templates and rules together, with every mistake of all of them.

use crate::{
    config::load::Secrets,
    diagnose::Diagnostic,
    receivers::{Config, load_config},
    service::{reload::Sources, shared::Live},
};

/// What the files say.
pub(super) struct Files {
    /// The configuration.
    pub config: Config,
    /// Rules and templates.
    pub live: Live,
    /// Mistakes of the configuration: nothing runs with them.
    pub config_mistakes: Vec<Diagnostic>,
    /// Mistakes of rules and templates: what is right runs.
    pub mistakes: Vec<Diagnostic>,
}

/// Reads them; the mistakes alone where the configuration is too broken.
///
/// # Errors
/// The mistakes of a configuration that cannot be read.
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
