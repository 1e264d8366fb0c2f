//! The texts about mistakes in rule files, for admins. They stand together so that their wording can be read in one go;
//! those about conditions are in `condition/mistakes.rs`.

use std::io;

use crate::diagnose::Wording;

/// What a name or a value is near to, or what is known.
type Help = Option<String>;

// Values of any key.

pub(super) fn not_supported(key: &str) -> Wording {
    Wording::new(format!("`{key}` is not supported yet by this version")).instead("take it out until a later version")
}

pub(super) fn not_a_value(value: &str, key: &str, help: Help) -> Wording {
    Wording::new(format!("`{value}` is not a value of `{key}`")).help(help)
}

pub(super) fn not_configured(what: &str, name: &str, help: Help) -> Wording {
    Wording::new(format!("there is no {what} `{name}` in the configuration")).help(help)
}

pub(super) fn no_template(name: &str, help: Help) -> Wording {
    Wording::new(format!("there is no folder `{name}` in the templates")).help(help)
}

// Durations and times.

pub(super) fn not_a_duration(key: &str, help: String) -> Wording {
    Wording::new(format!("`{key}` is not a duration")).help(help)
}

pub(super) fn without_unit(number: i64) -> String {
    format!("write a duration with its unit, like \"{number}s\"")
}

pub(super) fn like_a_duration() -> String {
    "write a duration like \"2m\"".to_owned()
}

pub(super) fn negative(key: &str) -> Wording {
    Wording::new(format!("`{key}` cannot be negative"))
}

/// `length`: the rule's `for`, as it is written.
pub(super) fn before_for(length: &str) -> Wording {
    Wording::new(format!("nobody is notified before `for` has passed, which is {length}"))
        .instead("`after` counts from when the customer began to wait, too: make it longer, or leave it out")
}

pub(super) fn not_a_date() -> Wording {
    Wording::new("this is not a date").instead("write \"2026-12-25\"")
}

pub(super) fn not_a_time() -> Wording {
    Wording::new("this is not a time").instead("write \"2026-06-12T08:00:00Z\", or before now: \"-1h\"")
}

// Steps.

pub(super) fn notifies_nobody() -> Wording {
    Wording::new("this rule notifies nobody")
        .instead("add [[notify]] with to = [\"…\"], a receiver of the configuration")
}

pub(super) fn nobody_in_to() -> Wording {
    Wording::new("this [[notify]] has nobody in `to`").instead("name at least one receiver of the configuration")
}

pub(super) fn repeat_too_short() -> Wording {
    Wording::new("`repeat` is shorter than a second")
        .instead("for a single message, leave it out; else write a pause like \"30m\"")
}

pub(super) fn repeat_factor() -> Wording {
    Wording::new("`repeat_factor` is a number from 1 to 100").instead("2.0 doubles the pause each time; 1.0 keeps it")
}

pub(super) fn repeat_limit() -> Wording {
    Wording::new("`repeat_limit` is a whole number, 0 or more").instead("it counts the messages after the first one")
}

pub(super) fn without_repeat(key: &str) -> Wording {
    Wording::new(format!("`{key}` has no effect without `repeat`"))
        .instead("add repeat = \"30m\" to this [[notify]], or take it out")
}

// `[hours]`.

pub(super) fn never_open() -> Wording {
    Wording::new("these hours are never open").instead("write open = [\"mon-fri 09:00-18:00\"]")
}

pub(super) fn too_many_ranges(most: usize) -> Wording {
    Wording::new(format!("more than {most} ranges of hours"))
        .instead("write several days in one range, like \"mon-fri 09:00-18:00\"")
}

/// `what`: one of the texts below.
pub(super) fn range_of_hours(what: String) -> Wording {
    Wording::new(what)
        .instead("write \"mon-fri 09:00-18:00\", \"sat,sun 22:00-06:00\" or, for every day, \"09:00-24:00\"")
}

pub(super) fn not_a_range(text: &str) -> String {
    format!("`{text}` is not a range of hours")
}

pub(super) fn begins_at_midnight() -> String {
    "a range cannot begin at 24:00".to_owned()
}

pub(super) fn empty_range(times: &str) -> String {
    format!("`{times}` is empty: the whole day is 00:00-24:00")
}

pub(super) fn not_a_day(name: &str) -> String {
    format!("`{name}` is not a day of the week")
}

pub(super) fn not_a_time_of_day(text: &str) -> String {
    format!("`{text}` is not a time of day")
}

pub(super) fn no_time_zone(name: &str, help: String) -> Wording {
    Wording::new(format!("there is no time zone `{name}`")).help(help)
}

pub(super) fn outside_hours(value: &str, help: Help) -> Wording {
    Wording::new(format!("`{value}` is neither `hold` nor `drop` nor a receiver")).help(help)
}

// `[filter]`.

pub(super) fn false_does_not_filter(field: &str) -> Wording {
    Wording::new(format!("`{field} = false` does not filter: the API takes it for \"all\""))
        .help(format!("leave it out, or write when = '!{field}'"))
}

/// `text`: what stands in place of the list, if it is one text.
pub(super) fn not_a_list(key: &str, text: Option<&str>) -> Wording {
    Wording::new(format!("`{key}` is a list of texts, like [\"…\"]"))
        .help(text.map(|text| format!("write {key} = [\"{text}\"]")))
}

/// `help`: the value that was probably meant, or what is known; may be empty.
pub(super) fn not_documented(value: &str, key: &str, help: &str) -> Wording {
    Wording::new(format!("`{value}` is not a documented value of `{key}`"))
        .help(format!("{help} (a value that the page does not list is written {{ raw = \"{value}\" }})"))
}

pub(super) fn nobody_passes() -> Wording {
    Wording::new("nobody passes this filter: its range ends before it starts")
        .instead("exchange `startAt` and `endsAt`: \"-2h\" is before \"-1h\"")
}

// `when` as a whole.

pub(super) fn unseen_character(name: &str) -> Wording {
    Wording::new(format!("a character that cannot be seen stands in this condition: {name}"))
        .instead("delete it, and type what belongs there")
}

pub(super) fn holds_for_everybody() -> Wording {
    Wording::new("this condition holds for every customer")
        .instead("leave `when` out if everybody is meant; `a || b` holds where one of the two does")
}

// Files.

pub(super) fn folder_unreadable(path: &str, why: &str) -> Wording {
    Wording::new(format!("the folder of rules `{path}` cannot be read: {why}"))
        .instead("the key `rules` of the configuration names it, relative to that file")
}

pub(super) fn subfolder_unreadable(path: &str, why: &str) -> Wording {
    folder_unreadable(path, why)
        .instead("make it readable: until then its rules go on as they were, and new ones are not known")
}

/// The reason why a folder cannot be read.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a folder".to_owned(),
        _ => error.to_string(),
    }
}

pub(super) fn rule_unreadable(path: &str, why: &str) -> Wording {
    Wording::new(format!("the rule `{path}` cannot be read: {why}"))
}

pub(super) fn copy_of(rule: &str, first: &str) -> Wording {
    Wording::new(format!("the rule `{rule}` is a copy of `{first}`"))
        .instead("its receivers are notified of every customer twice: remove or change one of the two")
}

/// `why`: one of the texts below.
pub(super) fn not_read(path: &str, why: &Wording) -> Wording {
    Wording::new(format!("`{path}` looks like a rule and is not read: {}", why.what)).help(why.help.clone())
}

pub(super) fn nested_too_deep(deepest: usize) -> Wording {
    Wording::new(format!("it is nested in more than {deepest} folders")).instead("move its rules up")
}

pub(super) fn dangling_link() -> Wording {
    Wording::new("it is a link to something that is not there").instead("correct the link, or remove it")
}

pub(super) fn unreadable(name: &str, error: &io::Error) -> Wording {
    Wording::new(format!("it cannot be read: {error}")).help(format!("correct or remove `{name}`"))
}

pub(super) fn not_a_regular_file() -> Wording {
    Wording::new("it is not a regular file").instead("a rule is a text file")
}

pub(super) fn name_not_utf8() -> Wording {
    Wording::new("its name is not UTF-8 text").instead("rename it")
}

pub(super) fn same_name(other: &str) -> Wording {
    Wording::new(format!("`{other}` has the same name in another spelling of its letters"))
        .instead("one of the two is enough: remove it, or rename it")
}

pub(super) fn wrong_ending(right: &str) -> Wording {
    Wording::new("the name of a rule's file ends in `.toml`")
        .help(format!("rename it to `{right}`, or move it out of the folder"))
}

pub(super) fn not_in_toml(stem: &str) -> Wording {
    Wording::new("the name of a rule's file ends in `.toml`")
        .help(format!("write it in TOML as `{stem}.toml`, or move it out of the folder"))
}
