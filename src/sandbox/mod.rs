//! The made-up inbox: the documented API with invented customers, and sinks that keep what
//! they get, for the demo and for tests.
//!
//! It follows the provider's page to the letter (authentication, every field of the body, every
//! filter, the rate limit, the errors), settles what the page leaves open by [`Settings`], and
//! fails on request (`fault`). It keeps everything in memory and listens only where it is told to. It uses
//! `model` and `clock`, and must not know rules, alerts or the watcher's client, because it would share their mistakes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

mod actions;
mod answer;
mod api;
mod control;
pub mod customers;
pub mod fault;
mod filter;
mod handle;
mod line;
mod log;
pub mod random;
mod received;
mod records;
mod sample_texts;
mod settings;
mod sinks;
pub mod smtp;
mod state;
pub mod story;
pub mod validate;

#[cfg(test)]
mod tests;

pub use actions::{By, CustomerAction};
pub use fault::{BadRecord, Fault, FaultKind, Place};
pub use handle::Sandbox;
pub use received::{Received, Request, SandboxError};
pub use records::Order;
pub use settings::Settings;
pub use story::{Happening, Story};

/// The largest body that is read.
const LARGEST_BODY: usize = 1024 * 1024;
/// How long open connections may delay the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// A sandbox that is listening.
pub struct Running {
    url: String,
    sandbox: Sandbox,
    served: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Its address: `http://127.0.0.1:8808`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Direct access to its customers, faults and sinks.
    pub fn sandbox(&self) -> Sandbox {
        self.sandbox.clone()
    }

    /// Waits for its end, after the token of [`Sandbox::start`] was cancelled.
    pub async fn ended(self) -> io::Result<()> {
        self.served.await.map_err(io::Error::other)?
    }
}

impl Sandbox {
    /// Serves a made-up inbox on `listener` until `shutdown`.
    pub fn start(
        settings: Settings,
        clock: Arc<dyn Clock>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> io::Result<Running> {
        let url = format!("http://{}", listener.local_addr()?);
        let sandbox = Self::new(settings, clock, shutdown.clone());
        let app = Router::new()
            .merge(api::routes())
            .merge(control::routes())
            .merge(sinks::routes())
            .fallback(api::no_route)
            .method_not_allowed_fallback(api::no_method)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(sandbox.clone())
            .into_make_service_with_connect_info::<line::Cutter>();
        let leaving = shutdown.clone();
        let served = tokio::spawn(async move {
            let server = axum::serve(line::CuttableListener(listener), app)
                .with_graceful_shutdown(async move { shutdown.cancelled().await });
            tokio::select! {
                ended = server => ended,
                // A client that keeps its connection open must not keep the sandbox running.
                () = async { leaving.cancelled().await; tokio::time::sleep(FAREWELL).await } => Ok(()),
            }
        });
        Ok(Running { url, sandbox, served })
    }
}
