//! Messages: what is owed, put into words for one kind of receiver.
//!
//! A [`MessageView`] (alerts, rule, receiver, now) goes in, a [`Rendered`] body comes out. In between:
//! privacy empties what the receiver may not see ([`context`]), a Handlebars template with the
//! escape of its file gives the text ([`Renderer`]), and what the receiver's kind cannot take is cut
//! visibly ([`slack`]).
//!
//! The rule of this room: a customer's text is never trusted. It is cleaned when it enters the
//! context, escaped where it leaves a template, and never part of a fault.
//!
//! Knows the nouns and how admins' mistakes are told; no clock, no wire, no log.

mod check;
mod context;
mod entry;
mod escape;
mod file;
mod foreign;
mod guard;
mod headline;
mod helpers;
pub(crate) use crate::model::link;
mod load;
mod places;
mod plain;
mod privacy;
pub(crate) mod renderer;
mod samples;
mod shape;
mod slack;
pub(crate) mod telling;
#[cfg(test)]
mod tests;
pub(crate) mod watchdog;
mod words;

pub(crate) use crate::model::ALERT;
pub(crate) use renderer::Renderer;
pub(crate) use telling::{AlertView, Format, MessageView, Rendered, RuleWords};

/// The files of the built-in folder [`ALERT`]: name and text, to be copied and edited.
pub(crate) fn built_in_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    file::File::ALL.into_iter().filter_map(|file| Some((file.name(), file.built_in()?)))
}
