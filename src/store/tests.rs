//! The contract of the store, for every database: what it keeps, what it refuses, and a plain model of it.

mod clocks;
pub(crate) mod fixtures;
mod model;
mod people;
mod states;
mod succession;
