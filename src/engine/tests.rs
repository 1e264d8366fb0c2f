//! The contract's tables, and a slow model of it.

mod begins;
mod ends;
mod fixtures;
mod history;
mod life;
mod owed;
mod play;
mod queries;
mod shipped;
