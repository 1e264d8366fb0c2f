//! `pengwatch sandbox`: only the inbox API with made-up customers, and sinks to send to, to try rules
//! against.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Exit, Global, outlet::Outlet, signals, terminal};
use crate::{
    cli::demo_lines,
    clock::{Clock, SystemClock},
    sandbox::{
        Running, Sandbox, Settings,
        smtp::SmtpSink,
        story::{Pace, Story},
    },
};

/// The pause between two steps of the story.
const STEP: Duration = Duration::from_millis(250);

/// The arguments of the command.
#[derive(Clone, Debug, Args)]
pub struct SandboxArguments {
    /// Where it listens; port 0: the system picks one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8808")]
    listen: SocketAddr,
    /// Where its mail sink listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8825")]
    smtp: SocketAddr,
    /// The token that it accepts
    #[arg(long, default_value = "sandbox")]
    token: String,
    /// How many customers there are at the start, one in ten of them waiting
    #[arg(long, value_name = "N", default_value_t = 40)]
    contacts: usize,
    /// What the customers and their story are drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How fast customers come and are answered: 1 as in a shop, 20 as in the demo, 0 not at all
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1000))]
    speed: u32,
    /// Records on a page
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    page_size: u16,
    /// Requests in any 60 seconds; 0: no limit
    #[arg(long, value_name = "N", default_value_t = 100)]
    rate_limit: u32,
}

/// Runs until the stop signal.
///
/// # Errors
/// An address cannot be listened on.
pub(super) async fn sandbox(global: &Global, arguments: SandboxArguments) -> anyhow::Result<Exit> {
    let SandboxArguments { listen, smtp, token, contacts, seed, speed, page_size, rate_limit } = arguments;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let stop = signals::listen(&global.talk, None);
    let settings = Settings {
        token: token.clone(),
        page_size: usize::from(page_size),
        rate_limit,
        contacts,
        waiting: contacts.div_ceil(10),
        seed,
        ..Settings::default()
    };
    let (listener, mail) = (listen_on(listen).await?, listen_on(smtp).await?);
    let mail_address = mail.local_addr()?;
    let running = Sandbox::start(settings, Arc::clone(&clock), listener, stop.clone())?;
    running.sandbox().with_mail(SmtpSink::start(mail, stop.clone()));
    let screen = terminal::screen()?;
    introduce(&screen, &running, mail_address, &token);
    if speed > 0 {
        let story = Story::new(seed, Pace { speed, ..Pace::default() });
        play(&screen, &running.sandbox(), clock.as_ref(), story, &stop).await;
    }
    running.ended().await?;
    terminal::finish(&screen);
    Ok(Exit::Fine)
}

async fn listen_on(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| anyhow::anyhow!("{address} cannot be listened on: {error}"))
}

fn introduce(screen: &Outlet, running: &Running, mail: SocketAddr, token: &str) {
    let url = running.url();
    for line in [
        format!("inbox API     {url}   token: {token}"),
        format!("Slack sink    {url}/services/T000/B000/sandbox"),
        format!("webhook sink  {url}/webhook/sandbox"),
        format!("mail sink     smtp://{mail}"),
        format!("what the sinks got: {url}/sandbox/sinks   Ctrl-C ends it"),
    ] {
        screen.line(&line);
    }
}

/// Continues the story, and prints what happens, until the stop signal.
async fn play(screen: &Outlet, sandbox: &Sandbox, clock: &dyn Clock, mut story: Story, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let now = clock.now();
        for happening in story.step(sandbox, now) {
            screen.line(&demo_lines::line(now, &happening));
        }
        tokio::select! {
            () = tokio::time::sleep(STEP) => {}
            () = stop.cancelled() => {}
        }
    }
}
