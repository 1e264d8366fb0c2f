//! Connections of whoever asks: each ends soon, and there are never more than so many.
//!
//! Who connects and says nothing, or a byte a second, costs a place for some seconds; where all places
//! are taken, the oldest connection makes room. So a probe is answered whatever others do.

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

/// The largest head of a request.
const HEAD: usize = 16 * 1024;

/// The largest body of a request.
const BODY: usize = 64 * 1024;

/// How much room there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Connections at once.
    pub connections: usize,
    /// How long one may last, with request and answer. It is for one request.
    pub lasting: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self { connections: 256, lasting: Duration::from_secs(10) }
    }
}

/// Answers with `app` until `stop`.
pub(super) async fn serve(listener: TcpListener, app: Router, room: Room, stop: CancellationToken) {
    let app = app.layer(DefaultBodyLimit::max(BODY));
    let mut open = JoinSet::new();
    let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The set must not grow by what has ended.
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
            // The other end has thought better of it.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            // Out of files, for example: some will come back.
            Err(error) => {
                tracing::warn!(%error, "server.not_accepted: it goes on in a second");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
    drop(listener);
    // Who asked just now is answered; who only keeps a connection open is not waited for.
    let _ = timeout(WEB_ANSWERS, async { while open.join_next().await.is_some() {} }).await;
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, app: Router) {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    // Whatever goes wrong here is the client's to notice.
    let _ = connection.await;
}

#[cfg(test)]
mod tests;
