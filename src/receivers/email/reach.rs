//! Connects to a mail server by any of its addresses.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};

use super::failure::SmtpTrouble;

/// Connects to `host`, within `within`.
const HEAD_START: Duration = Duration::from_millis(250);

pub(super) async fn connect(host: &str, port: u16, within: Duration) -> Result<TcpStream, SmtpTrouble> {
    let unknown = || SmtpTrouble::Broken("no connection (the host's name was not found)".to_owned());
    let addresses: Vec<_> = lookup_host((host, port)).await.map_err(|_| unknown())?.collect();
    reach(addresses, within).await
}

/// Addresses of both families are tried at the same time, and those of one family share the time: it is common that one
/// of a mail server's addresses never answers.
async fn reach(addresses: Vec<SocketAddr>, within: Duration) -> Result<TcpStream, SmtpTrouble> {
    let attempt = |(turn, address): (u32, SocketAddr)| async move {
        sleep(HEAD_START * turn).await;
        TcpStream::connect(address).await
    };
    let mut attempts: FuturesUnordered<_> = (0..).zip(addresses).map(attempt).collect();
    let first = async {
        let mut trouble = SmtpTrouble::Broken("no connection".to_owned());
        while let Some(result) = attempts.next().await {
            match result {
                Ok(stream) => return Ok(stream),
                Err(error) => trouble = SmtpTrouble::from(&error),
            }
        }
        Err(trouble)
    };
    timeout(within, first).await.unwrap_or(Err(SmtpTrouble::Timeout))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::time::timeout;

    use super::{connect, reach};
    use crate::receivers::email::failure::SmtpTrouble;

    /// An address that never answers, because its queue is full.
    async fn deaf() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            held.push(stream.unwrap());
            assert!(held.len() < 20, "it goes on answering");
        }
        (listener, held, address)
    }

    #[tokio::test]
    async fn an_address_that_never_answers_does_not_hide_the_next() {
        let (_listener, _held, deaf) = deaf().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let stream = reach(vec![deaf, good], Duration::from_secs(1)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert_eq!(reach(vec![deaf], Duration::from_millis(50)).await.err(), Some(SmtpTrouble::Timeout));
    }

    #[tokio::test]
    async fn what_cannot_be_reached_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let within = Duration::from_secs(5);
        assert!(connect("localhost", port, within).await.is_ok() && connect("127.0.0.1", port, within).await.is_ok());
        drop(listener);
        // A name of this length is never looked up.
        let long = "a".repeat(64);
        for (host, right) in [
            ("127.0.0.1", "no connection (connection refused)"),
            (&long, "no connection (the host's name was not found)"),
        ] {
            assert_eq!(connect(host, port, within).await.err(), Some(SmtpTrouble::Broken(right.to_owned())), "{host}");
        }
    }
}
