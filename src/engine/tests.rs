//! The contract's tables, and a slow model of it.

mod begins;
mod blind;
mod bookkeeping;
mod complaints;
mod delivery;
mod differs;
mod doubt;
mod due;
mod ends;
mod fixtures;
mod history;
mod life;
mod live_chats;
mod month;
mod owed;
mod play;
mod properties;
mod queries;
mod reach;
mod shipped;
mod successor;
mod troubles;
mod truth;
mod watch;
