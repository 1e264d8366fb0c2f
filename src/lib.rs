//! pengwatch watches the inbox of a customer-chat account and tells the right people who is waiting,
//! where and how long.
//!
//! The flow, in ten lines:
//! 1. [`cli`] reads the command line, [`config`] the configuration, [`rules`] the rule files.
//! 2. [`service::app`] wires everything in one straight function.
//! 3. [`service::poller`] takes the time, and the state of the time before from [`store`].
//! 4. [`engine::plan`] makes the fewest queries that serve all rules.
//! 5. [`inbox`] walks them within the request budget, and says whether a walk was complete.
//! 6. [`engine::missing`] names the firing contacts that are worth a look-up.
//! 7. [`engine::tick()`] says what begins, what ends and what is owed.
//! 8. [`store`] commits all of that in one transaction.
//! 9. [`service::deliverer`] composes what is owed, [`render`] says it, [`notify`] sends it.
//! 10. What was accepted is marked so; everything else stays owed.
//!
//! What always holds: state and what is owed commit together; a message is stored before its first
//! attempt and is sent only when the receiver accepted it; no alert ends without evidence; `now` is an
//! argument; a customer's text reaches no log.
//!
//! Who may know whom: `model`, `diagnose` and `clock` know nobody, and `net` knows the nouns; `rules` and
//! `engine` are pure; `inbox`, `render`, `notify` and `store` never know each other; `service` knows all of
//! these; `cli`, `web` and `sandbox` are outside.

pub mod cli;
pub mod clock;
pub mod config;
pub mod diagnose;
pub mod engine;
pub mod inbox;
pub mod model;
pub mod net;
pub mod notify;
pub mod render;
pub mod rules;
pub mod sandbox;
pub mod service;
pub mod store;
pub mod web;
