//! The names that rules may refer to.

use jiff::tz::TimeZone;

/// The names that rules may refer to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The zone of hours that name none; `None`: UTC.
    pub timezone: Option<&'a TimeZone>,
    /// Inboxes of the configuration.
    pub inboxes: &'a [String],
    /// Receivers of the configuration.
    pub receivers: &'a [String],
    /// Folders of templates, the built-in ones included.
    pub templates: &'a [String],
}
