//! The server's connections: each has a time limit, and their number is limited.
//!
//! A client that connects and sends nothing, or a byte a second, occupies a place for some seconds. When all places
//! are taken, the oldest connection is closed. So a probe is answered whatever other clients do.

use std::{collections::VecDeque, io::ErrorKind, time::Duration};

use axum::{Router, extract::DefaultBodyLimit};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::model::shutdown::WEB_ANSWERS;

/// The largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;

/// The largest body of a request, in bytes.
const BODY: usize = 64 * 1024;

/// The limits of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The number of connections at once.
    pub connections: usize,
    /// The longest life of a connection, which is for one request and its answer.
    pub lasting: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self { connections: 256, lasting: Duration::from_secs(10) }
    }
}

/// Answers with `app` until the stop signal.
pub(super) async fn serve(listener: TcpListener, app: Router, room: Room, stop: CancellationToken) {
    let app = app.layer(DefaultBodyLimit::max(BODY));
    let mut open = JoinSet::new();
    let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Ended connections are taken out, so that the set does not grow.
            Some(_) = open.join_next() => continue,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                by_age.retain(|connection| !connection.is_finished());
                while by_age.len() >= room.connections.max(1) {
                    by_age.pop_front().inspect(AbortHandle::abort);
                }
                by_age.push_back(open.spawn(timeout(room.lasting, answer(stream, app.clone()))));
            }
            // The client has closed the connection before it was accepted.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            // For example, no file descriptor is free; that passes.
            Err(error) => {
                tracing::warn!(%error, "server.not_accepted: it goes on in a second");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
    drop(listener);
    // Requests that have begun may still be answered; after `WEB_ANSWERS` every connection is cut.
    let _ = timeout(WEB_ANSWERS, async { while open.join_next().await.is_some() {} }).await;
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, app: Router) {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    // A failed connection is noticed by its client; there is nothing to do about it here.
    let _ = connection.await;
}

#[cfg(test)]
mod tests;
