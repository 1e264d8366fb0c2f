//! Wires everything; no other file knows which part gets what.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{
    api_clock::ApiClock,
    deliverer::{Deliverer, Inboxes, Layout, PutOff},
    gate::BudgetGate,
    health::Health,
    heartbeat::Heartbeat,
    lookout::Lookout,
    outcry::{Outcry, Voice},
    pace::SendPace,
    poller::{Knowledge, Poller},
    reload::{Memory, Sources},
    renew::{Holders, Renewal, RenewalRequests},
    shared::{Live, Shared},
    watchdog::WatchdogLoop,
};
use crate::{
    clock::Clock,
    config::Group,
    engine::{delivery_settings::DeliverySettings, group::GroupBy, reach::Mode, successor::Roster},
    inbox::{Client, Patience},
    model::{ALERT, Address, InboxMemory, Renewable, shutdown},
    net::{self, proxies::Proxies},
    receivers::{Config, Output, Receiver, Sender, SenderTools, kind::Delivery},
    rules::RuleSet,
    service::proxied::proxied,
    store::{FaultPoints, Store, StoreError},
};

/// How many bytes of the API's answers one poll keeps in memory: some 5,000 contacts; the next poll continues behind
/// them. Matching contacts are kept again in alerts and in what is owed, and the manifests allow 128 MiB.
const MOST_BYTES: usize = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
    /// A receiver's address, header or secret cannot be used.
    #[error("the receiver `{receiver}` cannot be used: {reason}")]
    Receiver { receiver: String, reason: String },
}

#[derive(Clone)]
pub struct Dependencies {
    pub clock: Arc<dyn Clock>,
    /// The output of console receivers.
    pub output: Output,
    pub store: Store,
    /// The time at which a one-shot run must have ended.
    pub deadline: Option<Timestamp>,
    /// How often and how soon failed requests are tried again.
    pub patience: Patience,
    /// Is notified of the points between two steps; only tests set it.
    pub points: FaultPoints,
}

/// All parts of the program.
pub struct App {
    /// One poller for each inbox.
    pub pollers: Vec<Arc<Poller>>,
    pub deliverers: Vec<Deliverer>,
    pub addresses: Vec<(String, Vec<String>)>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// Pauses between polls, in the order of `pollers`.
    pub poll_every: Vec<SignedDuration>,
    /// The source of rules and templates, and what is replaced after an edit.
    pub edits: (Sources, Arc<Shared>),
    pub web_token: Option<Renewable<SecretString>>,
    pub renewal: Renewal,
    pub asked: RenewalRequests,
    pub memory: Memory,
    pub health: Arc<Health>,
    /// Reports problems of pengwatch itself.
    pub watchdog: Option<WatchdogLoop>,
    pub lookout: Arc<Lookout>,
    pub heartbeat: Option<Heartbeat>,
    pub outcry: Arc<Outcry>,
    pub proxied: Vec<String>,
    pub retention: SignedDuration,
    /// The time at which a one-shot run must have ended.
    pub deadline: Option<Timestamp>,
}

impl App {
    /// # Errors
    /// The part of the configuration that cannot be used, or the failure of the store.
    pub async fn build(config: &Config, mut live: Live, surroundings: Dependencies) -> Result<Self, StartError> {
        let Dependencies { clock, output, store, deadline, patience, points } = surroundings;
        let mode = if deadline.is_some() { Mode::Once } else { Mode::Daemon };
        let sources = Sources::of(config);
        let mut memory = Memory::of(&store, mode).await?;
        memory.settle(&sources, &mut live, &RuleSet::default(), clock.now()).await;
        let store = store.with_fault_points(points.clone());
        let proxies = Proxies::of_environment();
        let client = net::client(Duration::from_secs(10), &proxies)?;
        let links: BTreeMap<String, String> =
            config.inboxes.iter().filter_map(|inbox| Some((inbox.name.clone(), inbox.contact_link.clone()?))).collect();
        let mut shared = Shared::new(live, links, config.timezone.clone(), config.names.clone());
        shared.points = points;
        shared.roster = roster(config);
        let shared = Arc::new(shared);
        let read_by = deadline.map(|deadline| read_by(deadline, clock.now()));

        let mut holders = Holders::default();
        let parts = Parts { config, client: &client, proxies: &proxies, clock: &clock, store: &store, shared: &shared };
        let pollers = parts.pollers(patience, read_by, &mut holders).await?;
        let inboxes = Inboxes { pollers: pollers.clone(), go_on: deadline.is_none() };
        let deliverers = parts.deliverers(&inboxes, &output, &mut holders)?;
        holders.heartbeat = config.watchdog.heartbeat_url.clone().map(Renewable::from);
        holders.web = config.server.as_ref().and_then(|server| server.token.clone()).map(Renewable::from);
        let (heartbeat_url, web_token) = (holders.heartbeat.clone(), holders.web.clone());
        let senders = holders.senders.clone();
        let outcry = Arc::new(Outcry::through(
            voices(config, |receiver| senders.get(&receiver.name).cloned().ok_or_else(String::new))?,
            Arc::clone(&clock),
        ));
        let lookout = Arc::new(Lookout::new(config, Arc::clone(&shared), store.clone()));
        Ok(Self {
            pollers,
            deliverers,
            addresses: config.receivers.iter().map(|one| (one.name.clone(), one.way.address())).collect(),
            poll_every: config.inboxes.iter().map(|inbox| inbox.poll_every).collect(),
            health: Arc::new(Health::new(
                &config.inboxes.iter().map(|inbox| (inbox.name.clone(), inbox.poll_every)).collect::<Vec<_>>(),
                &config.receivers.iter().map(|receiver| receiver.name.clone()).collect::<Vec<_>>(),
                clock.steady(),
            )),
            watchdog: (!config.watchdog.notify.is_empty()).then(|| WatchdogLoop {
                notify: config.watchdog.notify.clone(),
                after: config.watchdog.after,
                inboxes: config.inbox_names(),
                receivers: config.receiver_names.clone(),
                store: store.clone(),
                shared: Arc::clone(&shared),
                clock: Arc::clone(&clock),
            }),
            heartbeat: heartbeat_url.map(|url| Heartbeat {
                client: client.clone(),
                url,
                store: store.clone(),
                lookout: Arc::clone(&lookout),
                overdue_after: config.watchdog.after,
                metrics: Arc::clone(&shared.metrics),
            }),
            lookout,
            web_token,
            outcry,
            renewal: Renewal::new(config, holders, client, output),
            // No requests come, unless somebody is given the other end.
            asked: tokio::sync::watch::channel(()).1,
            edits: (sources, shared),
            memory,
            proxied: proxied(config, &proxies),
            retention: config.retention,
            deadline,
            store,
            clock,
        })
    }
}

/// What pollers and deliverers are built from.
struct Parts<'a> {
    config: &'a Config,
    client: &'a reqwest::Client,
    proxies: &'a Proxies,
    clock: &'a Arc<dyn Clock>,
    store: &'a Store,
    shared: &'a Arc<Shared>,
}

impl Parts<'_> {
    async fn pollers(
        &self,
        patience: Patience,
        read_by: Option<Timestamp>,
        holders: &mut Holders,
    ) -> Result<Vec<Arc<Poller>>, StartError> {
        let Self { config, client, proxies, clock, store, shared } = *self;
        let memories: BTreeMap<String, InboxMemory> = store.memories().await?.into_iter().collect();
        let mut pollers = Vec::new();
        for inbox in &config.inboxes {
            let limit = inbox.requests_per_minute;
            shared.metrics.inbox(&inbox.name, limit);
            let ahead = memories.get(&inbox.name).map(|memory| memory.clocks.counted()).unwrap_or_default();
            shared.learn_clock(&inbox.name, ahead);
            let api_clock = Arc::new(ApiClock::new(Arc::clone(clock), ahead));
            let token = Renewable::from(inbox.token.clone());
            holders.tokens.insert(inbox.name.clone(), token.clone());
            pollers.push(Arc::new(Poller {
                inbox: inbox.name.clone(),
                client: Client::new(client.clone(), inbox.url.clone(), token, inbox.timeout)
                    .with_patience(patience)
                    .through(proxies.name(&inbox.url)),
                gate: BudgetGate::open(&inbox.name, limit, Arc::clone(clock), store.clone(), read_by)
                    .await?
                    .counted(Arc::clone(&shared.metrics))
                    .measured(Arc::clone(&api_clock)),
                sweep_every: inbox.sweep_every,
                most_bytes: MOST_BYTES,
                requests_per_poll: requests_per_poll(limit, inbox.poll_every),
                store: store.clone(),
                clock: api_clock,
                shared: Arc::clone(shared),
                knowledge: Knowledge::default(),
                looking: tokio::sync::Mutex::default(),
                judging: tokio::sync::Mutex::default(),
            }));
        }
        Ok(pollers)
    }

    fn deliverers(
        &self,
        inboxes: &Inboxes,
        output: &Output,
        holders: &mut Holders,
    ) -> Result<Vec<Deliverer>, StartError> {
        let Self { config, client, clock, store, shared, .. } = *self;
        let mut deliverers = Vec::new();
        // An address has one limit for all receivers that name it.
        let mut paces: HashMap<Address, Arc<SendPace>> = HashMap::new();
        for receiver in &config.receivers {
            shared.metrics.receiver(&receiver.name);
            let tools = SenderTools { receiver: &receiver.name, client, output };
            let sender = receiver
                .way
                .sender(&tools)
                .map_err(|reason| StartError::Receiver { receiver: receiver.name.clone(), reason })?;
            let sender = Renewable::from(sender);
            holders.senders.insert(receiver.name.clone(), sender.clone());
            deliverers.push(Deliverer {
                settings: settings(receiver),
                layout: Layout {
                    format: receiver.way.kind(),
                    template: receiver.template.clone().unwrap_or_else(|| ALERT.to_owned()),
                    max_listed: receiver.max_listed,
                    privacy: receiver.privacy,
                },
                sender,
                store: store.clone(),
                clock: Arc::clone(clock),
                shared: Arc::clone(shared),
                pace: match receiver.way.kind().delivery().pace {
                    Some((every, burst)) => {
                        let pace = paces.entry(receiver.way.address());
                        Arc::clone(pace.or_insert_with(|| Arc::new(SendPace::of(every, burst))))
                    }
                    None => Arc::new(SendPace::free()),
                },
                inboxes: inboxes.clone(),
                put_off: PutOff::default(),
            });
        }
        Ok(deliverers)
    }
}

/// Builds the outcry for a run without state, with the watchdog's receivers and their fallbacks.
///
/// # Errors
/// The part of the configuration that cannot be used.
pub(crate) fn outcry(config: &Config, clock: &Arc<dyn Clock>, output: &Output) -> Result<Outcry, StartError> {
    let client = net::client(Duration::from_secs(10), &Proxies::of_environment())?;
    let voices = voices(config, |receiver| {
        let tools = SenderTools { receiver: &receiver.name, client: &client, output };
        receiver.way.sender(&tools).map(Renewable::from)
    })?;
    Ok(Outcry::through(voices, Arc::clone(clock)))
}

fn voices(
    config: &Config,
    sender: impl Fn(&Receiver) -> Result<Renewable<Box<dyn Sender>>, String>,
) -> Result<Vec<Voice>, StartError> {
    let mut voices: Vec<Voice> = Vec::new();
    let mut names: VecDeque<&String> = config.watchdog.notify.iter().collect();
    while let Some(name) = names.pop_front() {
        let Some(receiver) = config.receivers.iter().find(|receiver| receiver.name == *name) else { continue };
        if voices.iter().any(|voice| voice.receiver == *name) {
            continue;
        }
        names.extend(&receiver.fallback);
        voices.push(Voice {
            sender: sender(receiver).map_err(|reason| StartError::Receiver { receiver: name.clone(), reason })?,
            first: config.watchdog.notify.contains(name),
            receiver: receiver.name.clone(),
            fallback: receiver.fallback.clone(),
            format: receiver.way.kind(),
        });
    }
    Ok(voices)
}

/// The time at which inboxes must have been read, so that a fifth of the time is left to send what is owed.
fn read_by(deadline: Timestamp, now: Timestamp) -> Timestamp {
    let sending = (deadline.duration_since(now).max(SignedDuration::ZERO) / 5).min(shutdown::LONGEST_SENDING);
    deadline.checked_sub(sending).unwrap_or(deadline)
}

/// A poll's fair share of the budget.
fn requests_per_poll(limit: u32, poll_every: SignedDuration) -> usize {
    let polls_a_minute = (60_000 / poll_every.as_millis().clamp(1, 60_000)).max(1);
    usize::try_from(i128::from(limit) / polls_a_minute).unwrap_or(1).max(1)
}

fn roster(config: &Config) -> Roster {
    let fallbacks = config.receivers.iter().map(|receiver| (receiver.name.clone(), receiver.fallback.clone()));
    Roster { fallbacks: fallbacks.collect(), watchdog: config.watchdog.notify.clone() }
}

fn settings(receiver: &Receiver) -> DeliverySettings {
    let Delivery { in_flight, knows_ids, by_person, .. } = receiver.way.kind().delivery();
    DeliverySettings {
        receiver: receiver.name.clone(),
        fallback: receiver.fallback.clone(),
        persons: receiver.way.persons(),
        by_person,
        knows_ids,
        group: match receiver.group {
            Group::Rule => GroupBy::Rule,
            Group::Contact => GroupBy::Contact,
            Group::Receiver => GroupBy::Receiver,
        },
        give_up_after: receiver.give_up_after,
        in_flight,
    }
}
