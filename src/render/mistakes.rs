//! The texts about mistakes in templates, for admins. They stand together so that their wording can be read in one go.

use std::{io, path::Path};

use crate::diagnose::Wording;

// Files and folders.

pub(super) fn no_such_file(path: &Path, near: Option<String>) -> Wording {
    Wording::new(format!("{}: there is no such template file", path.display())).help(near)
}

pub(super) fn without_folder(path: &Path, right: &Path) -> Wording {
    Wording::new(format!("{}: a template lies in a folder of its own", path.display()))
        .help(format!("move it to {}", right.display()))
}

pub(super) fn unreadable_folder(path: &Path, error: &io::Error) -> Wording {
    Wording::new(format!("{}: cannot be read: {error}", path.display()))
}

pub(super) fn unreadable_file(path: &Path, why: &str) -> Wording {
    Wording::new(format!("{}: {why}", path.display()))
}

// Syntax.

pub(super) fn too_deep(what: &str) -> Wording {
    Wording::new(format!("nested too deeply: {what}"))
}

pub(super) fn not_valid() -> Wording {
    Wording::new("not valid Handlebars").instead("every {{#block}} needs its {{/block}}, every {{ its }}")
}

pub(super) fn not_valid_because(why: &str) -> Wording {
    Wording::new(format!("not valid Handlebars: {why}"))
}

pub(super) fn tag_not_closed() -> Wording {
    Wording::new("not valid Handlebars: this {{ is not closed").instead("write }} where the tag ends")
}

pub(super) fn not_closed(name: &str) -> Wording {
    Wording::new(format!("not valid Handlebars: {{{{#{name} …}}}} is not closed"))
        .help(format!("write {{{{/{name}}}}} where its part ends"))
}

/// A block that is still open where the one around it ends.
pub(super) fn not_closed_before(name: &str, around: &str, line: usize) -> Wording {
    Wording::new(format!("not valid Handlebars: {{{{#{name} …}}}} is not closed"))
        .help(format!("write {{{{/{name}}}}} before {{{{/{around}}}}} in line {line}"))
}

pub(super) fn closes_another(name: &str, open: &str) -> Wording {
    Wording::new(format!("{{{{/{name}}}}} does not close an open block"))
        .help(format!("the open block is {{{{#{open} …}}}}"))
}

pub(super) fn closes_nothing(name: &str) -> Wording {
    Wording::new(format!("not valid Handlebars: {{{{/{name}}}}} does not close an open block"))
        .help(format!("write {{{{#{name} …}}}} before it, or take it out"))
}

pub(super) fn no_condition() -> Wording {
    Wording::new("{{else if}} has no condition").instead("write {{else if NAME}}, or {{else}}")
}

pub(super) fn typographic_quote(mark: char) -> Wording {
    Wording::new(format!("`{mark}` is a typographic quotation mark")).instead("write the straight one: \"")
}

pub(super) fn unseen(name: &str) -> Wording {
    Wording::new(format!("a character that cannot be seen stands in this tag: {name}"))
        .instead("delete it, and type what belongs there")
}

// Other template languages.

pub(super) fn foreign_end(name: &str, open: &str) -> Wording {
    Wording::new(format!("{{{{{name}}}}} does not close a block in Handlebars")).help(format!("write {{{{/{open}}}}}"))
}

pub(super) fn foreign_else_if(name: &str) -> Wording {
    Wording::new(format!("`{name}` is written in two words")).instead("write {{else if …}}")
}

pub(super) fn foreign_sign(sign: &str, helper: &str) -> Wording {
    Wording::new(format!("`{sign}` does not compare in Handlebars"))
        .help(format!("write {helper}, like {{{{#if {helper}}}}}"))
}

pub(super) fn foreign_pipe() -> Wording {
    Wording::new("`|` does not pass a value on in Handlebars").instead("write the helper first: {{upper name}}")
}

pub(super) fn foreign_loop(name: &str) -> Wording {
    Wording::new(format!("`{name}` is not a loop in Handlebars")).instead("write {{#each alerts}}…{{/each}}")
}

pub(super) fn foreign_tag(open: &str, close: &str, language: &str) -> Wording {
    Wording::new(format!("`{open} … {close}` is of {language}, and is sent as it stands"))
        .instead("Handlebars writes {{name}}, {{#if name}}…{{/if}}, {{#each list}}…{{/each}}")
}

/// `{name}` or `${name}`.
pub(super) fn one_brace(sign: &str, name: &str) -> Wording {
    Wording::new(format!("`{sign}{{{name}}}` is not replaced, and is sent as it stands"))
        .help(format!("write two braces: {{{{{name}}}}}"))
}

// Names.

pub(super) fn unknown_name(name: &str, near: Option<String>) -> Wording {
    Wording::new(format!("unknown name `{name}`")).help(near)
}

/// A path with too many `../`.
pub(super) fn nothing_above(path: &str) -> Wording {
    unknown_name(path, None).instead("there is nothing above this place: write one `../` less")
}

pub(super) fn only_root() -> Wording {
    unknown_name("@root", None).instead("write `@root.` and a name, like `@root.count`")
}

pub(super) fn outside_each(name: &str) -> Wording {
    unknown_name(name, None).instead("it is known inside {{#each …}} only")
}

pub(super) fn field_of_list(name: &str) -> Wording {
    unknown_name(name, None).instead("this is a list: write {{#each …}} around it")
}

pub(super) fn field_of_value(name: &str) -> Wording {
    unknown_name(name, None).instead("this is a single value, without fields")
}

/// A name of the message, inside a block.
pub(super) fn of_message(name: &str, path: &str) -> Wording {
    unknown_name(name, None).help(format!("outside of this block it is known: write `@root.{path}`"))
}

/// A name of an alert, outside of the list of alerts.
pub(super) fn of_alert(name: &str, path: &str) -> Wording {
    unknown_name(name, None)
        .help(format!("it belongs to an alert: write it inside {{{{#each alerts}}}}, or `alerts.0.{path}`"))
}

/// A name that is known deeper in the alert.
pub(super) fn deeper(name: &str, path: &str) -> Wording {
    unknown_name(name, None).help(format!("did you mean `{path}`?"))
}

pub(super) fn not_single(name: &str, field: &str) -> Wording {
    Wording::new(format!("`{name}` is not a single value"))
        .help(format!("name one of its fields, like `{name}.{field}`"))
}

pub(super) fn not_a_list(name: &str) -> Wording {
    Wording::new(format!("`{name}` is not a list")).instead("write {{#if …}} for a single value")
}

// Helpers.

pub(super) fn unknown_helper(name: &str, near: Option<String>) -> Wording {
    Wording::new(format!("unknown helper `{name}`")).help(near)
}

pub(super) fn no_log() -> Wording {
    unknown_helper("log", None).instead("customers' texts do not belong into the log")
}

/// A name that is used as a block, like `{{#alerts}}`.
pub(super) fn name_as_helper(name: &str) -> Wording {
    unknown_helper(name, None).help(format!("write {{{{#each {name}}}}} or {{{{#if {name}}}}}"))
}

pub(super) fn is_block(name: &str) -> Wording {
    Wording::new(format!("`{name}` is a block")).help(format!("write {{{{#{name} …}}}}…{{{{/{name}}}}}"))
}

pub(super) fn not_a_block(name: &str) -> Wording {
    Wording::new(format!("`{name}` is not a block")).help(format!("write {{{{{name} …}}}} without `#`"))
}

pub(super) fn unknown_option(name: &str) -> Wording {
    Wording::new(format!("there is no option `{name}`"))
}

/// A helper with fewer than `least` or more than `most` values.
pub(super) fn number_of_values(name: &str, (least, most): (usize, usize), given: usize) -> Wording {
    let wanted = match (least, most) {
        (1, 1) => "one value".to_owned(),
        (least, usize::MAX) => format!("at least {least} values"),
        (least, most) if least == most => format!("{least} values"),
        (least, most) => format!("{least} to {most} values"),
    };
    Wording::new(format!("`{name}` takes {wanted}, not {given}"))
}

// What is not allowed.

pub(super) fn not_escaped() -> Wording {
    Wording::new("a customer's text must not be written without its escape")
        .instead("write two braces: {{…}} writes the text as it is, safely")
}

pub(super) fn partial() -> Wording {
    Wording::new("partials ({{> …}}, {{#*inline …}}) are not supported").instead("write the text where it is needed")
}

pub(super) fn too_many_lists(most: usize) -> Wording {
    Wording::new(format!("more than {most} lists in each other"))
        .instead("a message would take too long to be made: write the lists one after the other")
}

/// A template that fails with a sample; `given` is what it wrote, if it wrote something wrong.
pub(super) fn sample_failed(what: &str, given: Option<&str>) -> Wording {
    Wording::new(what).help(given.map(|given| format!("the output was:\n{given}")))
}
