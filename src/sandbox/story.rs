//! A day at the shop, told faster: customers come and write, wait, and are answered.
//!
//! Every act is planned ahead with its time, so that the story depends only on the seed and on the times of its steps.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::actions::{By, CustomerAction};
use super::customers::{AGENTS, Population};
use super::handle::Sandbox;
use super::random::Random;
use super::sample_texts;
use crate::model::contact::Contact;

/// After a longer pause than this the missed part is skipped, because the machine slept.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The speed and the crowd of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many times faster it is than a shop, where customers wait some minutes; at least 1.
    pub speed: u32,
    /// The most customers who wait for a person at a time.
    pub waiting: usize,
    /// The number of different customers, before earlier ones come again.
    pub customers: usize,
}

/// A pace that is pleasant to watch: a wait takes 10 to 30 seconds.
impl Default for Pace {
    fn default() -> Self {
        Self { speed: 20, waiting: 3, customers: 60 }
    }
}

/// Something that happened, for the viewer of the demo.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the same everywhere: who, by which platform, which words
pub enum Happening {
    /// A customer wrote.
    Wrote {
        id: String,
        name: String,
        platform: String,
        text: String,
    },
    /// A customer asked for a person: a live chat began.
    AskedForPerson {
        id: String,
        name: String,
        platform: String,
    },
    BotAnswered {
        id: String,
        name: String,
        text: String,
    },
    /// The bot gave the conversation to an agent, and said so.
    HandedOver {
        id: String,
        name: String,
        to_name: String,
        text: String,
    },
    /// An agent took the conversation, and has not answered yet.
    Taken {
        id: String,
        name: String,
        by_name: String,
    },
    /// An agent answered, this long after the customer had begun to wait.
    Answered {
        id: String,
        name: String,
        by_name: String,
        after: SignedDuration,
    },
    /// Nobody answered a live chat in time.
    LiveChatExpired {
        id: String,
        name: String,
        after: SignedDuration,
    },
    Closed {
        id: String,
        name: String,
    },
}

/// A planned act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Act {
    #[default]
    Arrive,
    AskForPerson,
    WriteAgain,
    BotAnswers,
    HandOver,
    Take,
    AgentAnswers,
    Expire,
    Close,
}

/// A customer of the story.
struct Actor {
    id: String,
    name: String,
    platform: String,
    /// In a conversation that is not closed yet.
    busy: bool,
    /// Since when the customer waits for a person.
    waiting: Option<Timestamp>,
}

/// A place in the plan: a time, then the order of planning.
type Place = (Timestamp, u64);

pub struct Story {
    pace: Pace,
    random: Random,
    population: Population,
    cast: Vec<Actor>,
    /// The planned acts. An arrival has no customer yet.
    plan: BTreeMap<Place, (Option<usize>, Act)>,
    planned: u64,
    /// The next arrival's place in the plan.
    arrival: Option<Place>,
    last: Option<Timestamp>,
    told: Vec<Happening>,
}

impl Story {
    /// A story that depends only on `seed`, `pace` and the times of its steps.
    pub fn new(seed: u64, pace: Pace) -> Self {
        let mut random = Random::new(seed);
        let population = Population::new(random.bits());
        let (cast, plan) = (Vec::new(), BTreeMap::new());
        Self { pace, random, population, cast, plan, planned: 0, arrival: None, last: None, told: Vec::new() }
    }

    /// Performs everything in `sandbox` that is due at `now`, each at its own time.
    pub fn step(&mut self, sandbox: &Sandbox, now: Timestamp) -> Vec<Happening> {
        let pause = self.last.map_or(SignedDuration::ZERO, |last| now.duration_since(last));
        if pause > LONGEST_PAUSE {
            let moved = |(at, number): Place| (at.checked_add(pause).unwrap_or(at), number);
            self.plan = std::mem::take(&mut self.plan).into_iter().map(|(place, act)| (moved(place), act)).collect();
            self.arrival = self.arrival.map(moved);
        }
        self.last = Some(now);
        self.invite(now);
        while let Some(entry) = self.plan.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), (who, act)) = entry.remove_entry();
            match who {
                None => self.arrive(sandbox, at),
                Some(who) => self.perform(sandbox, who, act, at),
            }
            self.invite(at);
        }
        std::mem::take(&mut self.told)
    }

    /// This number of customers has written at once, as at the end of a night; each waits for a person.
    pub fn open_with(&mut self, sandbox: &Sandbox, count: usize, at: Timestamp) -> Vec<Happening> {
        for _ in 0..count {
            let Some(who) = self.somebody(sandbox, at) else { break };
            let text = self.random.pick(&sample_texts::OPENINGS);
            if self.does(sandbox, who, &CustomerAction::Write(Some(text.to_owned())), at) {
                self.cast[who].busy = true;
                self.tell_wrote(who, text);
                self.wait(who, Act::AgentAnswers, at);
            }
        }
        std::mem::take(&mut self.told)
    }

    fn waiting(&self) -> usize {
        self.cast.iter().filter(|actor| actor.waiting.is_some()).count()
    }

    /// Plans an arrival: soon if nobody waits, none if enough customers wait.
    fn invite(&mut self, at: Timestamp) {
        let waiting = self.waiting();
        let soon = (4, 18);
        if waiting >= self.pace.waiting {
            return;
        }
        if let Some(place) = self.arrival {
            if waiting > 0 || place.0.duration_since(at) <= self.paced(soon.1) {
                return;
            }
            self.plan.remove(&place);
        }
        let delay = match waiting {
            0 => soon,
            1 => (40, 120),
            _ => (120, 280),
        };
        self.arrival = Some(self.later(None, Act::Arrive, at, delay));
    }

    /// Seconds of the shop as real time; never zero, because a very fast story would stay at one moment.
    fn paced(&self, seconds: i64) -> SignedDuration {
        SignedDuration::from_millis((seconds * 1_000 / i64::from(self.pace.speed.max(1))).max(1))
    }

    /// Plans an act some seconds of the shop after `at`.
    fn later(&mut self, who: Option<usize>, act: Act, at: Timestamp, (least, most): (i64, i64)) -> Place {
        let seconds = self.random.between(least, most);
        self.planned += 1;
        let place = (at.checked_add(self.paced(seconds)).unwrap_or(at), self.planned);
        self.plan.insert(place, (who, act));
        place
    }

    fn arrive(&mut self, sandbox: &Sandbox, at: Timestamp) {
        self.arrival = None;
        let waiting = self.waiting();
        if waiting >= self.pace.waiting {
            return;
        }
        let Some(who) = self.somebody(sandbox, at) else { return };
        let text = self.random.pick(&sample_texts::OPENINGS);
        if !self.does(sandbox, who, &CustomerAction::Write(Some(text.to_owned())), at) {
            return;
        }
        self.cast[who].busy = true;
        self.tell_wrote(who, text);
        // If nobody else waits, this customer does, so that the watcher has something to see.
        if waiting > 0 && self.random.chance(35) {
            let (answered, _) = self.later(Some(who), Act::BotAnswers, at, (20, 40));
            let next =
                self.random.pick(&[Act::AskForPerson, Act::AskForPerson, Act::HandOver, Act::HandOver, Act::Close]);
            self.later(Some(who), next, answered, (80, 160));
        } else {
            self.wait(who, Act::AgentAnswers, at);
            if self.random.chance(25) {
                self.later(Some(who), Act::AskForPerson, at, (20, 40));
            }
        }
    }

    /// Begins somebody's wait, and plans how it ends.
    fn wait(&mut self, who: usize, end: Act, at: Timestamp) {
        self.cast[who].waiting = Some(at);
        let (answered, _) = self.later(Some(who), end, at, (200, 600));
        // Some agents take a conversation first, and answer later.
        if end == Act::AgentAnswers && self.random.chance(35) {
            self.later(Some(who), Act::Take, at, (140, 190));
        }
        if self.random.chance(35) {
            self.later(Some(who), Act::WriteAgain, at, (80, 180));
        }
        self.later(Some(who), Act::Close, answered, (160, 400));
    }

    /// Somebody new, or one who has been here before.
    fn somebody(&mut self, sandbox: &Sandbox, at: Timestamp) -> Option<usize> {
        if self.cast.len() < self.pace.customers.max(1) {
            let newcomer = self.population.newcomer(at);
            let contact = Contact::read(newcomer.clone()).ok()?;
            let (name, platform) = (contact.name(), contact.platform());
            let id = sandbox.put(newcomer).ok()?;
            self.cast.push(Actor { id, name, platform, busy: false, waiting: None });
            return Some(self.cast.len() - 1);
        }
        let idle: Vec<usize> = (0..self.cast.len()).filter(|who| !self.cast[*who].busy).collect();
        (!idle.is_empty()).then(|| self.random.pick(&idle))
    }

    fn perform(&mut self, sandbox: &Sandbox, who: usize, act: Act, at: Timestamp) {
        let (id, name) = (self.cast[who].id.clone(), self.cast[who].name.clone());
        let platform = self.cast[who].platform.clone();
        let after = at.duration_since(self.cast[who].waiting.unwrap_or(at));
        match act {
            Act::Arrive => {}
            Act::AskForPerson => {
                let end = if self.random.chance(20) { Act::Expire } else { Act::AgentAnswers };
                if self.cast[who].waiting.is_none() && !self.insist(sandbox, who, end, at) {
                    return;
                }
                if self.does(sandbox, who, &CustomerAction::LiveChat(true), at) {
                    self.told.push(Happening::AskedForPerson { id, name, platform });
                }
            }
            Act::HandOver => {
                if !self.insist(sandbox, who, Act::AgentAnswers, at) {
                    return;
                }
                let (agent, to_name) = self.random.pick(&AGENTS);
                let text = self.random.pick(&sample_texts::HAND_OVERS).to_owned();
                let done = self.does(sandbox, who, &CustomerAction::Assign(agent.to_owned()), at)
                    && self.does(sandbox, who, &CustomerAction::Answer(By::Bot, text.clone()), at);
                if done {
                    self.told.push(Happening::HandedOver { id, name, to_name: to_name.to_owned(), text });
                }
            }
            Act::WriteAgain => {
                let text = self.random.pick(&sample_texts::FOLLOW_UPS);
                if self.does(sandbox, who, &CustomerAction::Write(Some(text.to_owned())), at) {
                    self.tell_wrote(who, text);
                }
            }
            Act::BotAnswers => {
                let text = self.random.pick(&sample_texts::BOT_ANSWERS).to_owned();
                if self.does(sandbox, who, &CustomerAction::Answer(By::Bot, text.clone()), at) {
                    self.told.push(Happening::BotAnswered { id, name, text });
                }
            }
            Act::Take => {
                if self.cast[who].waiting.is_none() {
                    return;
                }
                let (agent, by_name) = self.random.pick(&AGENTS);
                if self.does(sandbox, who, &CustomerAction::Assign(agent.to_owned()), at) {
                    self.told.push(Happening::Taken { id, name, by_name: by_name.to_owned() });
                }
            }
            Act::AgentAnswers => {
                let (agent, by_name) = self.random.pick(&AGENTS);
                let text = self.random.pick(&sample_texts::AGENT_ANSWERS).to_owned();
                let done = self.does(sandbox, who, &CustomerAction::Assign(agent.to_owned()), at)
                    && self.does(sandbox, who, &CustomerAction::Answer(By::Agent, text), at);
                if done {
                    self.told.push(Happening::Answered { id, name, by_name: by_name.to_owned(), after });
                }
                self.cast[who].waiting = None;
            }
            Act::Expire => {
                if self.does(sandbox, who, &CustomerAction::LiveChat(false), at) {
                    self.told.push(Happening::LiveChatExpired { id, name, after });
                }
                self.cast[who].waiting = None;
            }
            Act::Close => {
                let done = self.does(sandbox, who, &CustomerAction::Close, at)
                    && self.does(sandbox, who, &CustomerAction::Leave, at);
                if done {
                    self.told.push(Happening::Closed { id, name });
                }
                self.cast[who].busy = false;
            }
        }
    }

    /// Lets a customer whom the bot has not helped write once more and wait, unless too many wait.
    fn insist(&mut self, sandbox: &Sandbox, who: usize, end: Act, at: Timestamp) -> bool {
        if self.waiting() >= self.pace.waiting {
            self.later(Some(who), Act::Close, at, (20, 60));
            return false;
        }
        let text = self.random.pick(&sample_texts::FOR_A_PERSON);
        let wrote = self.does(sandbox, who, &CustomerAction::Write(Some(text.to_owned())), at);
        if wrote {
            self.tell_wrote(who, text);
            self.wait(who, end, at);
        }
        wrote
    }

    /// Performs an action in the sandbox. A customer who was removed there leaves the story.
    fn does(&mut self, sandbox: &Sandbox, who: usize, action: &CustomerAction, at: Timestamp) -> bool {
        let done = sandbox.act(&self.cast[who].id, action, at).is_ok();
        if !done {
            self.cast[who].waiting = None;
            self.cast[who].busy = true;
            self.plan.retain(|_, (planned, _)| *planned != Some(who));
        }
        done
    }

    fn tell_wrote(&mut self, who: usize, text: &str) {
        let Actor { id, name, platform, .. } = &self.cast[who];
        let (id, name, platform) = (id.clone(), name.clone(), platform.clone());
        self.told.push(Happening::Wrote { id, name, platform, text: text.to_owned() });
    }
}
