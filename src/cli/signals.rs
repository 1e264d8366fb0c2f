//! Signals: those that stop the program stop it in order, and every stop is logged.

use std::{process, time::Duration};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::terminal::Talk;

/// What a signal means to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The program stops; the number is for the exit status if a second signal ends it at once.
    Ends(i32),
    /// Rules, templates and files with secrets are read again.
    Rereads,
    /// The signal is logged and ignored.
    Nothing,
    /// The signal is ignored: the operation that caused it returns an error.
    Known,
}

/// A signal that was received.
#[derive(Clone, Copy, Debug)]
struct Came {
    name: &'static str,
    meaning: Meaning,
}

/// Stop signals within this time of the first one count as the same: a terminal and a program that passes signals
/// on both send it.
const SAME: Duration = Duration::from_millis(200);

/// A token that the first stop signal cancels; a second one ends the program at once. `reread` is notified of
/// SIGHUP; without it, SIGHUP is a stop signal, too.
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
            // A program that is stopping does not read its files again.
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
        // A signal that the system does not support cannot be received.
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

/// Every signal that would end the program without a log line. Not in it: SIGKILL, which cannot be caught, and
/// the signals of a crash (SIGSEGV, SIGABRT and similar).
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
    // On other systems these signals have other numbers.
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        known.extend([(24, "SIGXCPU", Meaning::Ends(24)), (30, "SIGPWR", Meaning::Ends(30))]);
        // A file has reached its size limit. The write returns the error; the log may be that file, so nothing is
        // logged.
        known.push((25, "SIGXFSZ", Meaning::Known));
        for (number, name) in [(16, "SIGSTKFLT"), (26, "SIGVTALRM"), (27, "SIGPROF"), (29, "SIGIO")] {
            known.push((number, name, Meaning::Nothing));
        }
        known.extend((34..=64).map(|number| (number, "a signal of real time", Meaning::Nothing)));
    }
    known
}

/// Whether the program was started with this signal ignored, as `nohup` does; `false` if the system does not say.
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
