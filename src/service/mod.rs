//! The loops: they read the clock, call the pure rooms, and talk to the outside.
//!
//! Two functions tell the story: [`poller::Poller::run_once`] and [`deliverer::Deliverer::run_once`].
//! [`app`] wires everything in one straight function.

pub mod api_clock;
pub mod app;
pub mod deliverer;
pub mod gate;
pub mod health;
pub mod heartbeat;
pub mod keeper;
pub mod lookout;
pub mod loops;
pub mod metrics;
pub mod outcry;
pub mod pace;
pub mod poller;
pub mod proxied;
pub mod reload;
pub mod renew;
pub mod run;
pub mod senders;
pub mod shared;
pub mod succession;
pub mod walks;
pub mod watchdog;
