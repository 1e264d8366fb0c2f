//! Reads configuration, templates and rules together, with every mistake of all of them.

use crate::{
    config::{
        Config,
        load::{Secrets, load},
    },
    diagnose::{Diagnostic, Level},
    render::Renderer,
    rules::{self, Known, RuleSet},
};

/// What the files say.
pub struct Files {
    /// The configuration.
    pub config: Config,
    /// The rules.
    pub rules: RuleSet,
    /// The templates.
    pub renderer: Renderer,
    /// Mistakes of the configuration: nothing runs with them.
    pub config_mistakes: Vec<Diagnostic>,
    /// Mistakes of rules and templates: what is right runs.
    pub mistakes: Vec<Diagnostic>,
}

/// Reads them; the mistakes alone where the configuration is too broken.
///
/// # Errors
/// The mistakes of a configuration that cannot be read.
pub fn read(global: &super::Global, secrets: Secrets) -> Result<Files, Vec<Diagnostic>> {
    let mut config_mistakes = Vec::new();
    let env = |name: &str| std::env::var(name).ok();
    let Some(config) = load(&global.config, secrets, &env, &mut config_mistakes) else {
        return Err(config_mistakes);
    };
    let mut mistakes = Vec::new();
    let renderer = Renderer::load(&config.templates, &mut mistakes);
    let inboxes = config.inbox_names();
    let templates: Vec<String> = renderer.names().into_iter().map(str::to_owned).collect();
    let known = Known { inboxes: &inboxes, receivers: &config.receiver_names, templates: &templates };
    let rules = rules::load::load(&config.rules, &known, &mut mistakes);
    if rules.rules.is_empty() && rules.rejected.is_empty() && config.rules.is_dir() {
        let title = format!("no rule of `{}` is in use: nobody is told of anything", config.rules.display());
        let help = "a rule is a file like `customer-waiting.toml`";
        mistakes.push(Diagnostic { level: Level::Warning, ..Diagnostic::bare(title).help(help) });
    }
    Ok(Files { config, rules, renderer, config_mistakes, mistakes })
}
