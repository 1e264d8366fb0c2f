//! `pengwatch sandbox`: only the inbox API with made-up customers, to try rules against.

use std::{net::SocketAddr, sync::Arc};

use clap::Args;
use tokio::net::TcpListener;

use super::{Exit, terminal};
use crate::{
    sandbox::{Sandbox, Settings},
    service::clock::SystemClock,
};

/// How the made-up inbox is.
#[derive(Clone, Debug, Args)]
pub struct SandboxArguments {
    /// Where it listens; port 0: the system picks one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8808")]
    listen: SocketAddr,
    /// The token that it accepts
    #[arg(long, default_value = "sandbox")]
    token: String,
    /// How many customers there are, one in ten of them waiting
    #[arg(long, value_name = "N", default_value_t = 40)]
    contacts: usize,
    /// What the customers are drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Records on a page
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    page_size: u16,
    /// Requests in any 60 seconds; 0: no limit
    #[arg(long, value_name = "N", default_value_t = 100)]
    rate_limit: u32,
}

/// Runs until it is stopped.
///
/// # Errors
/// The address cannot be listened on.
pub async fn sandbox(arguments: SandboxArguments) -> anyhow::Result<Exit> {
    let SandboxArguments { listen, token, contacts, seed, page_size, rate_limit } = arguments;
    let stop = terminal::stop_signal();
    let listener =
        TcpListener::bind(listen).await.map_err(|error| anyhow::anyhow!("{listen} cannot be listened on: {error}"))?;
    let settings = Settings {
        token: token.clone(),
        page_size: usize::from(page_size),
        rate_limit,
        contacts,
        waiting: contacts.div_ceil(10),
        seed,
        ..Settings::default()
    };
    let running = Sandbox::start(settings, Arc::new(SystemClock), listener, stop)?;
    terminal::say(&format!("inbox API at {} with token {token}; Ctrl-C ends it", running.url()));
    running.ended().await?;
    Ok(Exit::Fine)
}
