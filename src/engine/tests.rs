//! The contract's tables, and a slow model of it.

mod begins;
mod ends;
mod fixtures;
mod history;
mod owed;
mod queries;
mod shipped;
