//! The store: what it keeps, what it refuses, and a plain model of it.

mod clocks;
mod files;
pub(crate) mod fixtures;
mod formats;
mod model;
mod people;
mod places;
mod space;
mod states;
mod succession;
