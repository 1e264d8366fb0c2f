//! Signals: each that ends the program ends it in order, none ends it without a word.

use std::{process, time::Duration};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::terminal::Talk;

/// What a signal is to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// It ends; the number is for the exit status of who cannot wait.
    Ends(i32),
    /// What can be read again is.
    Rereads,
    /// Nothing; it is told.
    Nothing,
    /// Nothing; whoever caused it says what came of it.
    Known,
}

/// What came.
#[derive(Clone, Copy, Debug)]
struct Came {
    name: &'static str,
    meaning: Meaning,
}

/// The same signal twice within this time is one: a terminal and a program that passes signals on both send it.
const SAME: Duration = Duration::from_millis(200);

/// Cancelled by a signal that ends the program; a second one ends it at once. `reread` is told of SIGHUP;
/// without it, SIGHUP ends the program, too.
pub(super) fn listen(talk: &Talk, reread: Option<watch::Sender<()>>) -> CancellationToken {
    let stop = CancellationToken::new();
    let (tell, heard) = mpsc::unbounded_channel();
    subscribe(&tell, reread.is_some());
    tokio::spawn(obey(heard, stop.clone(), reread, talk.clone()));
    stop
}

async fn obey(
    mut heard: mpsc::UnboundedReceiver<Came>,
    stop: CancellationToken,
    reread: Option<watch::Sender<()>>,
    talk: Talk,
) {
    let mut ends_since: Option<tokio::time::Instant> = None;
    while let Some(Came { name, meaning }) = heard.recv().await {
        match meaning {
            Meaning::Ends(number) => match ends_since {
                None => {
                    ends_since = Some(tokio::time::Instant::now());
                    tracing::info!("signal.stop: {name}: what is under way is finished; a second one ends it at once");
                    stop.cancel();
                }
                Some(since) if since.elapsed() < SAME => {}
                Some(_) => {
                    tracing::warn!("signal.stop: {name} again: it ends at once; what was under way comes again");
                    talk.finish();
                    process::exit(128 + number);
                }
            },
            // Whoever ends has nothing to read again.
            Meaning::Rereads => {
                if let Some(reread) = reread.as_ref().filter(|_| !stop.is_cancelled()) {
                    tracing::info!("signal.reread: {name}: rules, templates and files with secrets are read again");
                    reread.send_replace(());
                }
            }
            Meaning::Nothing => tracing::warn!("signal.ignored: {name} means nothing here; SIGTERM ends it"),
            Meaning::Known => {}
        }
    }
}

#[cfg(unix)]
fn subscribe(tell: &mpsc::UnboundedSender<Came>, rereads: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    for (kind, name, meaning) in known(rereads) {
        // What the system does not know cannot come.
        let Ok(mut signals) = signal(SignalKind::from_raw(kind)) else { continue };
        let tell = tell.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if tell.send(Came { name, meaning }).is_err() {
                    return;
                }
            }
        });
    }
}

/// Every signal that would end the program without a word. Left as they are: SIGKILL, which nobody hears, and
/// the signals of a program that is broken (SIGSEGV, SIGABRT and their like).
#[cfg(unix)]
fn known(rereads: bool) -> Vec<(i32, &'static str, Meaning)> {
    use tokio::signal::unix::SignalKind;
    let raw = |kind: SignalKind| kind.as_raw_value();
    let ends = |kind: SignalKind, name| (raw(kind), name, Meaning::Ends(raw(kind)));
    let nothing = |kind: SignalKind, name| (raw(kind), name, Meaning::Nothing);
    let hangup = SignalKind::hangup();
    let mut known = vec![
        ends(SignalKind::terminate(), "SIGTERM"),
        ends(SignalKind::interrupt(), "SIGINT"),
        ends(SignalKind::quit(), "SIGQUIT"),
        nothing(SignalKind::user_defined1(), "SIGUSR1"),
        nothing(SignalKind::user_defined2(), "SIGUSR2"),
        nothing(SignalKind::alarm(), "SIGALRM"),
    ];
    if rereads {
        known.push((raw(hangup), "SIGHUP", Meaning::Rereads));
    } else if !is_ignored(raw(hangup)) {
        known.push(ends(hangup, "SIGHUP"));
    }
    // Elsewhere they have other numbers.
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        known.extend([(24, "SIGXCPU", Meaning::Ends(24)), (30, "SIGPWR", Meaning::Ends(30))]);
        // A file may not grow any more: an error of whoever writes it, and the log may be that file.
        known.push((25, "SIGXFSZ", Meaning::Known));
        for (number, name) in [(16, "SIGSTKFLT"), (26, "SIGVTALRM"), (27, "SIGPROF"), (29, "SIGIO")] {
            known.push((number, name, Meaning::Nothing));
        }
        known.extend((34..=64).map(|number| (number, "a signal of real time", Meaning::Nothing)));
    }
    known
}

/// Whether it was started so that this signal does nothing, as `nohup` does; where the system does not say so,
/// it was not.
#[cfg(unix)]
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
    ignored & (1 << (number - 1)) != 0
}

#[cfg(not(unix))]
fn subscribe(tell: &mpsc::UnboundedSender<Came>, _: bool) {
    let tell = tell.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if tell.send(Came { name: "Ctrl-C", meaning: Meaning::Ends(2) }).is_err() {
                return;
            }
        }
    });
}
