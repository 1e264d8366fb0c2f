//! Metrics for Prometheus, with names of inboxes, rules and receivers, and nothing about any customer.
//!
//! It is long because every metric is named and described here. The loops count events; the present state (open alerts,
//! the outbox) is read from the store when somebody asks for the metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::atomic::AtomicU64,
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry, Unit},
};
use strum::VariantArray;

use super::walks::WalkKind;
use crate::{
    model::{Alert, Backlog, Changes, Happened, InboxMemory, Problem, Reason, State, WATCHDOG, time::elapsed},
    store::{Store, StoreError},
};

/// Upper bounds of the histograms, in seconds: from a live chat's patience to two days.
const BOUNDS: [f64; 14] = [
    30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 57_600.0, 86_400.0,
    172_800.0,
];

type Seconds = Gauge<f64, AtomicU64>;

/// The labels of a metric, by name.
type Labels = Vec<(&'static str, String)>;

/// The format of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// `OpenMetrics`, version 1.0.0.
    OpenMetrics,
}

impl Exposition {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRule {
    inbox: String,
    rule: String,
}

pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    requests_allowed: Family<Labels, Gauge>,
    requests_free: Family<Labels, Gauge>,
    polls: Family<Labels, Counter>,
    walks: Family<Labels, Counter>,
    contacts: Family<Labels, Gauge>,
    short: Family<Labels, Gauge>,
    watched: Family<Labels, Gauge>,
    clock_ahead: Family<Labels, Seconds>,
    complete_at: Family<Labels, Seconds>,
    fired: Family<OfRule, Counter>,
    resolved: Family<Labels, Counter>,
    waited: Family<OfRule, Histogram, fn() -> Histogram>,
    answered: Family<OfRule, Histogram, fn() -> Histogram>,
    alerts: Family<Labels, Gauge>,
    longest: Family<Labels, Seconds>,
    messages: Family<Labels, Counter>,
    template_failures: Family<Labels, Counter>,
    owed: Family<Labels, Gauge>,
    outbox_age: Family<Labels, Seconds>,
    dead: Family<Labels, Gauge>,
    broken: Family<Labels, Gauge>,
    reloads: Family<Labels, Counter>,
    rules: Family<Labels, Gauge>,
    troubles: Family<Labels, Gauge>,
    heartbeats: Family<Labels, Counter>,
    clock_jumps: Counter,
    /// Inboxes and rules that have had an alert.
    seen: Mutex<BTreeSet<(String, String)>>,
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("pengwatch");
        let r = &mut registry;
        let build: Family<Labels, Gauge> = counted(r, "build_info", "The version that runs", Family::default());
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        Self {
            requests: counted(
                r,
                "inbox_requests",
                "Requests to the API, by outcome (ok, or the fault)",
                Family::default(),
            ),
            requests_allowed: counted(r, "inbox_requests_allowed", "Requests in any 60 s", Family::default()),
            requests_free: counted(r, "inbox_requests_free", "Requests that may be made now", Family::default()),
            polls: counted(r, "polls", "Polls, by outcome: complete, incomplete, failed", Family::default()),
            walks: counted(
                r,
                "walks",
                "Walks, by kind (full, narrow) and outcome: complete, torn, capped, failed",
                Family::default(),
            ),
            short: counted(r, "inbox_budget_short", "1 while full walks take too long", Family::default()),
            watched: counted(
                r,
                "inbox_watched",
                "1 while somebody would be notified of a customer who waits, 0 without a rule or a receiver for it",
                Family::default(),
            ),
            clock_ahead: seconds_of(
                r,
                "inbox_clock_ahead",
                "By how much this machine's clock is ahead of the API's; negative: behind; 0 where it is not known",
                Family::default(),
            ),
            contacts: counted(r, "inbox_contacts", "Contacts that the last poll saw", Family::default()),
            complete_at: counted(
                r,
                "inbox_last_complete_poll_timestamp_seconds",
                "When everything was last read and understood, in seconds since 1970",
                Family::default(),
            ),
            fired: counted(r, "alerts_fired", "Alerts that began to fire", Family::default()),
            resolved: counted(r, "alerts_resolved", "Alerts that ended, by reason", Family::default()),
            waited: seconds_of(
                r,
                "waiting_time",
                "How long a customer had waited when the alert ended, whatever ended it",
                Family::new_with_constructor(histogram),
            ),
            answered: seconds_of(
                r,
                "time_to_answer",
                "How long a customer waited until an agent answered",
                Family::new_with_constructor(histogram),
            ),
            alerts: counted(r, "alerts", "Open alerts, by state: pending, firing, acknowledged", Family::default()),
            longest: seconds_of(r, "longest_wait", "The longest wait of the open alerts", Family::default()),
            messages: counted(
                r,
                "messages",
                "Attempts to deliver, by outcome: delivered, retry, ambiguous, refused, dead",
                Family::default(),
            ),
            template_failures: counted(
                r,
                "template_failures",
                "Templates that failed for a message; the built-in text went out",
                Family::default(),
            ),
            owed: counted(r, "outbox_messages", "Messages that wait", Family::default()),
            outbox_age: seconds_of(r, "outbox_age", "How long the oldest message has waited", Family::default()),
            dead: counted(r, "outbox_dead_messages", "Messages that were given up and are kept", Family::default()),
            broken: counted(r, "receiver_broken", "1 while the receiver is broken", Family::default()),
            reloads: counted(r, "reloads", "Edits that were taken in, by outcome: ok, mistakes", Family::default()),
            rules: counted(r, "rules", "Rules, by state: in_use, rejected", Family::default()),
            troubles: counted(r, "troubles", "Troubles that the watchdog reports, by problem", Family::default()),
            heartbeats: counted(
                r,
                "heartbeats",
                "Heartbeats, by outcome: heard, not_heard, withheld",
                Family::default(),
            ),
            clock_jumps: counted(
                r,
                "clock_jumps",
                "Times that somebody set the clock, or the machine slept",
                Counter::default(),
            ),
            seen: Mutex::default(),
            registry,
        }
    }
}

/// Registers a metric under this name.
fn counted<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// The same, with the unit seconds.
fn seconds_of<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

fn of(inbox: &str) -> Labels {
    vec![("inbox", inbox.to_owned())]
}

fn to(receiver: &str) -> Labels {
    vec![("receiver", receiver.to_owned())]
}

fn with(mut labels: Labels, name: &'static str, value: &str) -> Labels {
    labels.push((name, value.to_owned()));
    labels
}

#[allow(clippy::cast_precision_loss)]
fn seconds(whole: i64) -> f64 {
    whole as f64
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What is counted of a tick's changes, once they are stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// Rules of alerts that began to fire.
    fired: Vec<String>,
    /// Rule, reason and whole wait in seconds of alerts that ended.
    ended: Vec<(String, Reason, f64)>,
}

impl Counted {
    pub fn of(changes: &Changes) -> Self {
        let fired = changes.history.iter().filter(|entry| entry.happened == Happened::Firing);
        let ended = changes.alerts.iter().filter_map(|alert| {
            let end = alert.resolution.as_ref()?;
            Some((alert.rule.clone(), end.reason, seconds(elapsed(alert.since, end.ended_at).as_secs())))
        });
        Self { fired: fired.map(|entry| entry.rule.clone()).collect(), ended: ended.collect() }
    }
}

impl Metrics {
    /// Counts a request to the API; `outcome` is `ok` or the fault's name.
    pub fn requested(&self, inbox: &str, outcome: &str) {
        self.requests.get_or_create(&with(of(inbox), "outcome", outcome)).inc();
    }

    /// Sets how many requests are allowed in a minute, and how many of them are free now.
    pub fn budget(&self, inbox: &str, allowed: u32, free: usize) {
        self.requests_allowed.get_or_create(&of(inbox)).set(allowed.into());
        self.requests_free.get_or_create(&of(inbox)).set(count(free));
    }

    /// Counts a walk that has ended.
    pub fn walked(&self, inbox: &str, kind: WalkKind, outcome: &str) {
        self.walks.get_or_create(&with(with(of(inbox), "kind", kind.name()), "outcome", outcome)).inc();
    }

    /// Counts a poll that has ended.
    pub fn polled(&self, inbox: &str, outcome: &str, contacts: usize, now: Timestamp) {
        self.polls.get_or_create(&with(of(inbox), "outcome", outcome)).inc();
        self.contacts.get_or_create(&of(inbox)).set(count(contacts));
        if outcome == "complete" {
            self.complete_at.get_or_create(&of(inbox)).set(seconds(now.as_second()));
        }
    }

    /// Counts the changes of a tick, after they were stored.
    pub fn changed(&self, inbox: &str, counted: Counted) {
        for rule in counted.fired {
            self.fired.get_or_create(&OfRule { inbox: inbox.to_owned(), rule }).inc();
        }
        for (rule, reason, waited) in counted.ended {
            let by = with(of(inbox), "rule", &rule);
            self.resolved.get_or_create(&with(by, "reason", reason.name())).inc();
            let rule = OfRule { inbox: inbox.to_owned(), rule };
            self.waited.get_or_create(&rule).observe(waited);
            if reason == Reason::AnsweredByAgent {
                self.answered.get_or_create(&rule).observe(waited);
            }
        }
    }

    /// Counts an attempt to deliver, or a message that was given up.
    pub fn attempted(&self, receiver: &str, outcome: &str) {
        self.messages.get_or_create(&with(to(receiver), "outcome", outcome)).inc();
    }

    /// Sets whether somebody would be notified of a customer who waits in this inbox.
    pub fn watched(&self, inbox: &str, is_watched: bool) {
        self.watched.get_or_create(&of(inbox)).set(is_watched.into());
    }

    /// Counts a template that failed for a message.
    pub fn template_failed(&self, receiver: &str) {
        self.template_failures.get_or_create(&to(receiver)).inc();
    }

    /// Counts that rules and templates were read.
    pub fn reloaded(&self, mistakes: bool) {
        let outcome = if mistakes { "mistakes" } else { "ok" };
        self.reloads.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
    }

    /// Counts a heartbeat: heard, not heard or withheld.
    pub fn beaten(&self, outcome: &str) {
        self.heartbeats.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
    }

    /// Counts that somebody set the clock, or the machine slept.
    pub fn clock_jumped(&self) {
        self.clock_jumps.inc();
    }

    /// Sets the number of rules in use, and of those with mistakes.
    pub fn rules(&self, in_use: usize, rejected: usize) {
        for (state, number) in [("in_use", in_use), ("rejected", rejected)] {
            self.rules.get_or_create(&vec![("state", state.to_owned())]).set(count(number));
        }
    }

    /// All metrics as text, with what the store knows now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn render(&self, store: &Store, exposition: Exposition, now: Timestamp) -> Result<String, StoreError> {
        let alerts: Vec<Alert> = store.open_alerts().await?.into_iter().map(|(alert, _)| alert).collect();
        self.open_alerts(&alerts, &store.memories().await?, now);
        self.backlogs(&store.backlogs().await?, now);
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = match exposition {
            Exposition::Prometheus => prometheus_text::encode(&mut page, &self.registry),
            Exposition::OpenMetrics => text::encode(&mut page, &self.registry),
        };
        Ok(page)
    }

    fn open_alerts(&self, alerts: &[Alert], memories: &[(String, InboxMemory)], now: Timestamp) {
        let mut counts: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
        for (inbox, memory) in memories.iter().filter(|(inbox, _)| inbox != WATCHDOG) {
            self.short.get_or_create(&of(inbox)).set(memory.short.is_some().into());
            let ahead = memory.clocks.difference().map_or(0.0, |ahead| ahead.as_secs_f64());
            self.clock_ahead.get_or_create(&of(inbox)).set(ahead);
        }
        let mut longest: BTreeMap<&str, i64> = BTreeMap::new();
        let ahead: BTreeMap<&str, SignedDuration> =
            memories.iter().map(|(inbox, memory)| (inbox.as_str(), memory.clocks.counted())).collect();
        let inboxes = memories.iter().map(|(inbox, _)| inbox.as_str()).filter(|inbox| *inbox != WATCHDOG);
        longest.extend(inboxes.map(|inbox| (inbox, 0)));
        for alert in alerts.iter().filter(|alert| alert.inbox != WATCHDOG) {
            let state = if alert.ack.is_some() { "acknowledged" } else { alert.state().name() };
            *counts.entry((&alert.inbox, &alert.rule, state)).or_default() += 1;
            if alert.state() == State::Firing {
                let ahead = ahead.get(alert.inbox.as_str()).copied().unwrap_or_default();
                let waits = (elapsed(alert.since, now) - ahead).as_secs().max(0);
                longest.entry(&alert.inbox).and_modify(|most| *most = waits.max(*most)).or_insert(waits);
            }
        }
        // A state that no alert has any more is 0, not gone: a series that breaks off looks like a fault.
        let mut seen = self.seen.lock();
        seen.extend(counts.keys().map(|(inbox, rule, _)| ((*inbox).to_owned(), (*rule).to_owned())));
        for (inbox, rule) in seen.iter() {
            for state in ["pending", "firing", "acknowledged"] {
                let number = counts.get(&(inbox.as_str(), rule.as_str(), state)).copied().unwrap_or(0);
                self.alerts.get_or_create(&with(with(of(inbox), "rule", rule), "state", state)).set(count(number));
            }
        }
        drop(seen);
        for (inbox, waits) in longest {
            self.longest.get_or_create(&of(inbox)).set(seconds(waits));
        }
        for problem in Problem::VARIANTS {
            let lasting = alerts.iter().filter(|alert| alert.inbox == WATCHDOG && alert.rule == problem.name()).count();
            self.troubles.get_or_create(&vec![("problem", problem.name().to_owned())]).set(count(lasting));
        }
    }

    fn backlogs(&self, backlogs: &BTreeMap<String, Backlog>, now: Timestamp) {
        for (receiver, backlog) in backlogs {
            let labels = to(receiver);
            let age = backlog.waits_since.map_or(0, |since| elapsed(since, now).as_secs());
            self.owed.get_or_create(&labels).set(count(backlog.messages));
            self.outbox_age.get_or_create(&labels).set(seconds(age));
            self.dead.get_or_create(&labels).set(count(backlog.dead));
            self.broken.get_or_create(&labels).set(backlog.reception.is_broken().into());
        }
    }

    /// Creates the series of a configured receiver, so that they exist from the start.
    pub fn receiver(&self, receiver: &str) {
        self.backlogs(&BTreeMap::from([(receiver.to_owned(), Backlog::default())]), Timestamp::UNIX_EPOCH);
        self.template_failures.get_or_create(&to(receiver)).inc_by(0);
        for outcome in ["delivered", "retry", "ambiguous", "refused", "dead"] {
            self.messages.get_or_create(&with(to(receiver), "outcome", outcome)).inc_by(0);
        }
    }

    /// Creates the series of a configured inbox, so that they exist from the start.
    pub fn inbox(&self, inbox: &str, allowed: u32) {
        self.short.get_or_create(&of(inbox)).set(0);
        self.clock_ahead.get_or_create(&of(inbox)).set(0.0);
        self.budget(inbox, allowed, usize::try_from(allowed).unwrap_or(usize::MAX));
        for outcome in ["complete", "incomplete", "failed"] {
            self.polls.get_or_create(&with(of(inbox), "outcome", outcome)).inc_by(0);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}
