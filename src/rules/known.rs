//! The names that rules may refer to.

use jiff::tz::TimeZone;

#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The time zone of `[hours]` without `timezone`; `None`: UTC.
    pub timezone: Option<&'a TimeZone>,
    /// Names of the configuration's inboxes.
    pub inboxes: &'a [String],
    /// Names of the configuration's receivers.
    pub receivers: &'a [String],
    /// Names of the folders of templates, the built-in ones included.
    pub templates: &'a [String],
}
