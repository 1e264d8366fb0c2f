//! The one place where mistakes are drawn.

use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};

use super::{Diagnostic, Level};

/// Draws one mistake with its place and help; `color` adds terminal colours.
///
/// What is drawn comes from files that others may have written: control characters are replaced.
pub fn draw(diagnostic: &Diagnostic, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match diagnostic.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
    };
    let title = printable(&diagnostic.title);
    let label = printable(&diagnostic.label);
    let help = diagnostic.help.as_deref().map(printable);
    let path = diagnostic.source.as_ref().map(|source| source.path.display().to_string());

    let mut group = Group::with_title(level.primary_title(title.as_str()));
    if let (Some(source), Some(path)) = (&diagnostic.source, &path) {
        let end = source.text.len();
        let span = diagnostic.span.start.min(end)..diagnostic.span.end.min(end);
        let annotation = AnnotationKind::Primary.span(span);
        let annotation = if label.is_empty() { annotation } else { annotation.label(label.as_str()) };
        group = group.element(Snippet::source(source.text.as_str()).path(path.as_str()).annotation(annotation));
    }
    if let Some(help) = &help {
        group = group.element(Title::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
