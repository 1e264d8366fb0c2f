//! Renders what is owed as messages for one kind of receiver.
//!
//! A [`MessageView`] (alerts, rule, receiver, now) becomes a [`Rendered`] body in three steps: privacy empties what the
//! receiver may not see ([`context`]), a Handlebars template with the escape of its file makes the text ([`Renderer`]),
//! and the receiver's kind makes a body of it, within its limits ([`Format`]).
//!
//! This room never trusts a customer's text. The text is cleaned when it enters the context, escaped where a template
//! writes it, and not part of any fault.
//!
//! This room may know the model and diagnostics. It must not know a kind of receiver (they are passed in), the clock,
//! the network or the log.

mod check;
mod context;
mod entry;
pub(crate) mod escape;
pub(crate) mod file;
mod foreign;
pub(crate) mod format;
mod guard;
mod headline;
mod helpers;
pub(crate) use crate::model::link;
mod display;
mod load;
mod mistakes;
mod places;
pub(crate) mod plain;
mod privacy;
pub(crate) mod renderer;
mod samples;
mod shape;
pub(crate) mod telling;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod watchdog;

pub(crate) use file::{Content, TemplateFile};
pub(crate) use format::{Format, TemplateTexts};
pub(crate) use plain::Plain;
pub(crate) use renderer::Renderer;
pub(crate) use telling::{AlertView, MessageView, Rendered, RuleWords};
