//! What the program answers over HTTP: whether it lives, and whether it sees everything.
//!
//! This room asks others and decides nothing. Health is for machines that know no password, so it names
//! inboxes and receivers and nothing else.

mod connections;

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::connections::Room;
use crate::service::{clock::Clock, health::Health};

/// What is asked.
#[derive(Clone)]
pub struct Asked {
    /// The loops.
    pub health: Arc<Health>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Answers until `stop`.
pub async fn serve(listener: TcpListener, asked: Asked, stop: CancellationToken) {
    connections::serve(listener, routes(asked), Room::default(), stop).await;
}

fn routes(asked: Asked) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(asked)
}

/// The loops are turning.
async fn healthz(State(asked): State<Asked>) -> (StatusCode, String) {
    answer(&asked.health.standing_still(asked.clock.now()))
}

/// The last complete poll of every inbox is recent.
async fn readyz(State(asked): State<Asked>) -> (StatusCode, String) {
    answer(&asked.health.not_ready(asked.clock.now()))
}

fn answer(problems: &[String]) -> (StatusCode, String) {
    if problems.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, problems.join("\n") + "\n")
    }
}
