//! Messages: what is owed, worded for one kind of receiver.
//!
//! A [`MessageView`] (alerts, rule, receiver, now) goes in, a [`Rendered`] body comes out. In between:
//! privacy empties what the receiver may not see ([`context`]), a Handlebars template with the
//! escape of its file gives the text ([`Renderer`]), and the receiver's kind makes a body of it, within
//! its limits ([`Format`]).
//!
//! The rule of this room: a customer's text is never trusted. It is cleaned when it enters the
//! context, escaped where it leaves a template, and never part of a fault.
//!
//! Knows the nouns and how admins' mistakes are shown; no kind of receiver (they are handed in), no clock, no
//! wire, no log.

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
mod load;
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
mod words;

pub(crate) use file::{Content, TemplateFile};
pub(crate) use format::{Format, TemplateTexts};
pub(crate) use plain::Plain;
pub(crate) use renderer::Renderer;
pub(crate) use telling::{AlertView, MessageView, Rendered, RuleWords};
