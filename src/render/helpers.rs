//! The helpers of templates. Each is a pure function of its values; `time` and `ago` also read the rule's time zone and
//! `now` from the context.
//!
//! A helper returns a value and the registry escapes it, so that no helper returns a customer's text unescaped. `json`
//! is the exception: it makes whole JSON and escapes the texts inside.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    ScopedJson,
};
use jiff::{SignedDuration, tz::TimeZone};
use serde_json::Value;

use crate::model::{
    phone, text,
    time::{elapsed, human, parse_timestamp},
};

use super::{display, file::TemplateFile};

/// The properties of a helper, for the check of templates.
pub(super) struct HelperSpec {
    pub(super) name: &'static str,
    /// The least and the largest number of values.
    pub(super) values: (usize, usize),
    /// Whether it is used as a block: `{{#if …}}…{{/if}}`.
    pub(super) block: bool,
    /// Whether it is used as a value: `{{upper …}}`.
    pub(super) inline: bool,
    /// Whether its result may contain text from its values.
    pub(super) repeats: bool,
}

const fn value(name: &'static str, least: usize, most: usize, repeats: bool) -> HelperSpec {
    HelperSpec { name, values: (least, most), block: false, inline: true, repeats }
}

const fn block(name: &'static str, least: usize, most: usize) -> HelperSpec {
    HelperSpec { name, values: (least, most), block: true, inline: false, repeats: false }
}

const fn compare(name: &'static str, least: usize, most: usize) -> HelperSpec {
    HelperSpec { name, values: (least, most), block: true, inline: true, repeats: false }
}

/// All helpers that a template may use.
pub(super) const KNOWN: [HelperSpec; 29] = [
    value("duration", 1, 1, false),
    value("ago", 1, 1, false),
    value("time", 1, 2, false),
    value("truncate", 2, 2, true),
    value("default", 2, 2, true),
    value("plural", 2, 3, true),
    value("upper", 1, 1, true),
    value("lower", 1, 1, true),
    value("mask", 1, 1, true),
    value("quote", 1, 1, true),
    value("phone", 1, 2, true),
    value("emoji", 1, 1, false),
    value("json", 1, 1, true),
    value("len", 1, 1, false),
    value("lookup", 2, 2, true),
    block("if", 1, 1),
    block("unless", 1, 1),
    block("each", 1, 1),
    block("with", 1, 1),
    block("raw", 0, 0),
    compare("eq", 2, 2),
    compare("ne", 2, 2),
    compare("lt", 2, 2),
    compare("lte", 2, 2),
    compare("gt", 2, 2),
    compare("gte", 2, 2),
    compare("and", 1, usize::MAX),
    compare("or", 1, usize::MAX),
    compare("not", 1, 1),
];

pub(super) fn known(name: &str) -> Option<&'static HelperSpec> {
    KNOWN.iter().find(|helper| helper.name == name)
}

/// Registers the helpers in the registry of one file.
pub(super) fn register(registry: &mut Handlebars<'_>, file: TemplateFile) {
    // It would write customers' texts to the log.
    registry.unregister_helper("log");
    let helpers: [(&'static str, Run); 12] = [
        ("duration", |call| call.value(0).map(duration)),
        ("ago", |call| call.value(0).map(|value| ago(value, call.root))),
        ("time", time),
        ("truncate", truncate),
        ("default", |call| Ok(default(call))),
        ("plural", plural),
        ("upper", |call| call.value(0).map(|value| shown(value).to_uppercase().into())),
        ("lower", |call| call.value(0).map(|value| shown(value).to_lowercase().into())),
        ("mask", |call| call.value(0).map(|value| display::mask(&shown(value)).into())),
        ("quote", |call| call.value(0).map(|value| display::quote(&shown(value)).into())),
        ("phone", phone),
        ("emoji", |call| call.value(0).map(|value| display::emoji(&shown(value)).into())),
    ];
    for (name, run) in helpers {
        registry.register_helper(name, Box::new(Pure { run }));
    }
    registry.register_helper("json", Box::new(Json { file }));
}

type Run = fn(&Call<'_>) -> Result<Value, RenderError>;

/// One call of a helper.
struct Call<'a> {
    /// The values; `None` for a name that does not exist.
    values: Vec<Option<&'a Value>>,
    /// The template's whole context.
    root: &'a Value,
    name: String,
}

impl<'a> Call<'a> {
    fn value(&self, at: usize) -> Result<&'a Value, RenderError> {
        self.values.get(at).copied().flatten().ok_or_else(|| self.wrong(&format!("value {} is missing", at + 1)))
    }

    /// Makes an error. `what` must not contain a value, which may be a customer's text.
    fn wrong(&self, what: &str) -> RenderError {
        RenderErrorReason::Other(format!("{}: {what}", self.name)).into()
    }
}

struct Pure {
    run: Run,
}

impl HelperDef for Pure {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let values = helper.params().iter().map(|param| (!param.is_value_missing()).then(|| param.value())).collect();
        let call = Call { values, root: context.data(), name: helper.name().to_owned() };
        (self.run)(&call).map(ScopedJson::Derived)
    }
}

/// `{{json value}}`: the value as JSON, texts in quotes.
struct Json {
    file: TemplateFile,
}

impl HelperDef for Json {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = helper.param(0).map(|param| param.value().to_string()).unwrap_or_default();
        Ok(ScopedJson::Derived(value.into()))
    }

    // Writes past the registry's escape, which would escape the quotes as well.
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = helper.param(0).map(|param| param.value().clone()).unwrap_or_default();
        out.write(&self.file.json(value))?;
        Ok(())
    }
}

/// The value as `{{value}}` writes it.
fn shown(value: &Value) -> String {
    handlebars::JsonRender::render(value)
}

/// Reads seconds from a number or a text.
fn seconds(value: &Value) -> Option<SignedDuration> {
    let seconds = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.map(SignedDuration::from_secs)
}

fn duration(value: &Value) -> Value {
    seconds(value).map(human).unwrap_or_default().into()
}

fn ago(value: &Value, root: &Value) -> Value {
    let now = root["now"].as_str().and_then(parse_timestamp);
    let then = value.as_str().and_then(parse_timestamp);
    match (then, now) {
        (Some(then), Some(now)) => format!("{} ago", human(elapsed(then, now))).into(),
        _ => "".into(),
    }
}

/// `{{time since}}` is `13:43 IST` today and `Fri 12 Jun 13:43 IST` on another day; `{{time since "%H:%M"}}` uses the
/// given format.
fn time(call: &Call<'_>) -> Result<Value, RenderError> {
    let Some(then) = call.value(0)?.as_str().and_then(parse_timestamp) else { return Ok("".into()) };
    let zone = call.root["rule"]["timezone"].as_str().unwrap_or("UTC");
    let zone = jiff::fmt::temporal::DateTimeParser::new().parse_time_zone(zone).unwrap_or(TimeZone::UTC);
    let then = then.to_zoned(zone.clone());
    let today = call.root["now"].as_str().and_then(parse_timestamp).map(|now| now.to_zoned(zone).date());
    let format = match call.values.get(1) {
        Some(format) => format.and_then(Value::as_str).ok_or_else(|| call.wrong("the format is not a text"))?,
        None if today == Some(then.date()) => "%H:%M %Z",
        None => "%a %-d %b %H:%M %Z",
    };
    // jiff's error quotes the format, which a careless template may take from a customer.
    jiff::fmt::strtime::format(format, &then)
        .map(Value::from)
        .map_err(|_| call.wrong("the format is not understood: write one like \"%d %b %H:%M\""))
}

fn truncate(call: &Call<'_>) -> Result<Value, RenderError> {
    let most = call.value(1)?.as_u64().and_then(|most| usize::try_from(most).ok());
    let most = most.ok_or_else(|| call.wrong("value 2 is not a number of characters"))?;
    Ok(text::cut(&shown(call.value(0)?), most.max(1)).into())
}

/// The first value, or the second if the first is absent or empty.
fn default(call: &Call<'_>) -> Value {
    let at = |at: usize| call.values.get(at).copied().flatten().cloned().unwrap_or_default();
    let first = at(0);
    let empty = match &first {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if empty { at(1) } else { first }
}

/// `{{plural count "customer" "customers"}}` is the word for this number; without the third value, the plural has an
/// `s`.
fn plural(call: &Call<'_>) -> Result<Value, RenderError> {
    let count = match call.value(0)? {
        Value::Number(number) => number.as_f64(),
        Value::Array(entries) => return plural_word(call, entries.len() == 1),
        _ => None,
    };
    let count = count.ok_or_else(|| call.wrong("value 1 is not a number"))?;
    plural_word(call, (count - 1.0).abs() < f64::EPSILON)
}

fn plural_word(call: &Call<'_>, one: bool) -> Result<Value, RenderError> {
    let word = shown(call.value(1)?);
    Ok(match (one, call.values.get(2)) {
        (true, _) => word,
        (false, Some(_)) => shown(call.value(2)?),
        (false, None) => format!("{word}s"),
    }
    .into())
}

/// A phone number from one text, from prefix and number, or from the record's `phone`.
fn phone(call: &Call<'_>) -> Result<Value, RenderError> {
    let first = call.value(0)?;
    // The number in a record does not begin with the country code.
    let is_national = matches!(first, Value::Object(_)) || call.values.len() > 1;
    let (prefix, number) = match (first, call.values.get(1)) {
        (Value::Object(parts), _) => {
            let part = |name: &str| parts.get(name).map(shown).unwrap_or_default();
            (part("prefix"), part("number"))
        }
        (prefix, Some(_)) => (shown(prefix), shown(call.value(1)?)),
        (number, None) => (String::new(), shown(number)),
    };
    if is_national && prefix.trim().is_empty() {
        return Ok(phone::with_prefix("", &number).unwrap_or_else(|| display::as_it_came("", &number)).into());
    }
    Ok(display::phone(&prefix, &number).into())
}
