//! Draws diagnostics for the terminal.

use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};

use super::{Diagnostic, Level};

/// Draws one mistake with its place and help; `color` adds terminal colours.
///
/// The texts come from files that others may have written, so control characters are replaced.
pub fn draw(diagnostic: &Diagnostic, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match diagnostic.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
    };
    let title = printable(&diagnostic.title);
    let label = printable(&diagnostic.label);
    let help = diagnostic.help.as_deref().map(printable);
    let path = diagnostic.source.as_ref().map(|source| printable(&source.path.display().to_string()));

    let text = diagnostic.source.as_ref().map(|source| same_places(&source.text));

    let unseen = diagnostic.unseen();
    let mut group = Group::with_title(level.primary_title(title.as_str()));
    if let (Some(text), Some(path)) = (&text, &path) {
        let end = text.len();
        let span = diagnostic.span.start.min(end)..diagnostic.span.end.min(end);
        let annotation = AnnotationKind::Primary.span(span);
        let annotation = if label.is_empty() { annotation } else { annotation.label(label.as_str()) };
        group = group.element(Snippet::source(text.as_str()).path(path.as_str()).annotation(annotation));
    }
    for help in help.iter().chain(&unseen) {
        group = group.element(Title::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The text without the control characters U+0080 to U+009F, which the renderer leaves in place and some
/// terminals obey. Each becomes a mark of the same number of bytes, so that places stay right.
fn same_places(text: &str) -> String {
    text.chars().map(|c| if ('\u{80}'..='\u{9f}').contains(&c) { '·' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::draw;
    use crate::diagnose::{Diagnostic, Source};

    #[test]
    fn no_control_character_of_a_file_reaches_the_terminal() {
        let controls: String = ('\0'..='\u{9f}').filter(|c| c.is_control() && *c != '\n').collect();
        let text = format!("a {controls} b");
        let source = Source::new(format!("rules/{controls}.toml"), text.as_str());
        let mistake = Diagnostic::error(&source, text.len() - 1..text.len(), format!("title {controls}"));
        let drawn = draw(&mistake.label(controls.as_str()).help(controls.as_str()), false);
        assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn:?}");
    }
}
