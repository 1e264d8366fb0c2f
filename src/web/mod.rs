//! The HTTP server: `/healthz`, `/readyz` and `/metrics`.
//!
//! This room shows what others know and decides nothing. Probes that know no token ask for health, so its answers
//! name inboxes and receivers and nothing else. Every other answer needs the token, if one is configured.

mod connections;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::connections::Room;
use crate::{
    clock::Clock,
    model::Renewable,
    service::{
        health::Health,
        lookout::Lookout,
        metrics::{Exposition, Metrics},
    },
    store::Store,
};

#[derive(Clone)]
pub(crate) struct WebContext {
    /// The state of the program's loops, for health.
    pub health: Arc<Health>,
    /// Whether the alert of a waiting customer would reach a receiver.
    pub lookout: Arc<Lookout>,
    /// The counted metrics.
    pub metrics: Arc<Metrics>,
    pub store: Store,
    /// The token that everything but health needs; `None`: no token is needed.
    pub token: Option<Renewable<SecretString>>,
    pub clock: Arc<dyn Clock>,
}

/// Answers until the stop signal.
pub(crate) async fn serve(listener: TcpListener, asked: WebContext, stop: CancellationToken) {
    connections::serve(listener, routes(asked), Room::default(), stop).await;
}

fn routes(asked: WebContext) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(asked)
}

/// Answers 200 while the loops are turning.
async fn healthz(State(asked): State<WebContext>) -> (StatusCode, String) {
    answer(&asked.health.standing_still(asked.clock.steady()))
}

/// Answers 200 while the last complete poll of every inbox is recent and every alert would reach a receiver.
async fn readyz(State(asked): State<WebContext>) -> (StatusCode, String) {
    let mut problems = asked.health.not_ready(asked.clock.now(), asked.clock.steady());
    problems.extend(asked.lookout.blind().await.unwrap_or_else(|_| vec!["the state cannot be read".to_owned()]));
    answer(&problems)
}

fn answer(problems: &[String]) -> (StatusCode, String) {
    if problems.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, problems.join("\n") + "\n")
    }
}

/// Answers with the metrics, in the format that `Accept` asks for.
async fn metrics(State(asked): State<WebContext>, headers: HeaderMap) -> Response {
    if !may_ask(asked.token.as_ref().map(Renewable::get).as_deref(), &headers) {
        let words = "this needs the token of [server]: Authorization: Bearer …\n";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], words).into_response();
    }
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let exposition = if accepted.contains("application/openmetrics-text") {
        Exposition::OpenMetrics
    } else {
        Exposition::Prometheus
    };
    for (inbox, why) in asked.lookout.look().await.unwrap_or_default() {
        asked.metrics.watched(&inbox, why.is_none());
    }
    match asked.metrics.render(&asked.store, exposition, asked.clock.now()).await {
        Ok(page) => ([(header::CONTENT_TYPE, exposition.media_type())], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "store.failed: the metrics are not answered");
            (StatusCode::SERVICE_UNAVAILABLE, "the state cannot be read\n").into_response()
        }
    }
}

/// Whether the request carries the token. It compares hashes, so that the time it takes reveals nothing of the token.
fn may_ask(token: Option<&SecretString>, headers: &HeaderMap) -> bool {
    let Some(token) = token else { return true };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.strip_prefix("Bearer ").or_else(|| given.strip_prefix("bearer ")).unwrap_or_default().trim();
    !given.is_empty() && Sha256::digest(given) == Sha256::digest(token.expose_secret())
}
