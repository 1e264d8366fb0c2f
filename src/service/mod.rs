//! The loops: they read the clock, call the pure rooms, and talk to the outside.
//!
//! The two main functions are [`poller::Poller::run_once`] and [`deliverer::Deliverer::run_once`].
//! [`app`] wires everything in one straight function.

pub(crate) mod api_clock;
pub(crate) mod app;
pub(crate) mod deliverer;
pub(crate) mod gate;
pub(crate) mod health;
pub(crate) mod heartbeat;
pub(crate) mod keeper;
pub(crate) mod lookout;
pub(crate) mod loops;
pub(crate) mod metrics;
pub(crate) mod outcry;
pub(crate) mod pace;
pub(crate) mod poller;
pub(crate) mod proxied;
pub(crate) mod reload;
pub(crate) mod renew;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod succession;
pub(crate) mod walks;
pub(crate) mod watchdog;
