//! Reports without the state that the state cannot be written.
//!
//! Everything else goes through the state, so that it is owed and sent once. This report cannot, so it goes to the
//! watchdog's receivers directly, once for each trouble, and is kept in memory; for one-shot runs see [`Marker`].

mod judge;
mod marker;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::Mutex;

pub(crate) use self::{
    judge::{Judge, WriteHealth},
    marker::{Marker, Remembered},
};
use crate::{
    clock::Clock,
    model::{
        Alert, MessageId, Outcome, OutgoingMessage, Problem, Reason, Renewable, Resolution, StateLocation, Trouble,
        alert::short_hash,
    },
    receivers::{Ending, Nobody, Sender},
    render::{Format, watchdog},
    store::StoreError,
};

/// The pause before the second attempt to send; it doubles with each further one.
const AGAIN: Duration = Duration::from_secs(2);

const SLOWEST: Duration = Duration::from_mins(2);

/// The number of failed attempts after which the fallback is notified as well.
const THEN_FALLBACK: u32 = 2;

const MOST: u32 = 300;

/// One of the watchdog's receivers, or a fallback of one.
pub struct Voice {
    pub receiver: String,
    /// The receiver that is notified where this one fails.
    pub fallback: Option<String>,
    pub format: &'static dyn Format,
    pub sender: Renewable<Box<dyn Sender>>,
    /// Whether it is notified at once, and not only as a fallback.
    pub first: bool,
}

/// A report that is to be sent to one receiver.
struct Word {
    voice: usize,
    alert: Alert,
    id: MessageId,
    tried: u32,
    next: Duration,
}

/// Sends the reports.
pub struct Outcry {
    voices: Vec<Voice>,
    clock: Arc<dyn Clock>,
    words: Mutex<(Vec<Word>, Vec<usize>, Option<Trouble>)>,
}

impl Outcry {
    pub fn through(voices: Vec<Voice>, clock: Arc<dyn Clock>) -> Self {
        Self { voices, clock, words: Mutex::default() }
    }

    /// Begins to report that the state cannot be written.
    pub async fn begin(&self, since: Timestamp, why: &str) {
        tracing::error!(why, "state.unwritable: nobody is notified of waiting customers until it can be written");
        let trouble = trouble(since, why);
        let mut words = self.words.lock().await;
        words.0.clear();
        words.1.clear();
        let first = self.voices.iter().enumerate().filter(|(_, voice)| voice.first);
        words.0 = first.filter_map(|(voice, _)| self.word(voice, &trouble, None)).collect();
        words.2 = Some(trouble);
    }

    /// Begins to report that the state can be written again.
    pub async fn end(&self) {
        tracing::info!("state.writable: what waits is sent");
        let mut words = self.words.lock().await;
        let (told, trouble) = (std::mem::take(&mut words.1), words.2.take());
        let Some(trouble) = trouble else { return };
        let end = Some(self.clock.now());
        words.0 = told.into_iter().filter_map(|voice| self.word(voice, &trouble, end)).collect();
    }

    fn word(&self, voice: usize, trouble: &Trouble, end: Option<Timestamp>) -> Option<Word> {
        let now = self.clock.now();
        let begun = trouble.alert(now).ok()?;
        let resolution = end.map(|at| Resolution { at, ended_at: at, reason: Reason::Mended });
        let of = &self.voices.get(voice)?.receiver;
        let hash = short_hash(&format!("{of} {} {} {}", trouble.problem.name(), trouble.since, end.is_some()));
        let alert = Alert { resolution, ..begun };
        Some(Word { voice, alert, id: MessageId(format!("pw_{hash}")), tried: 0, next: Duration::ZERO })
    }

    /// Sends the reports that are due.
    pub async fn speak(&self) {
        let mut words = self.words.lock().await;
        let steady = self.clock.steady();
        let (due, mut later): (Vec<Word>, Vec<Word>) =
            std::mem::take(&mut words.0).into_iter().partition(|word| word.next <= steady);
        let said = futures_util::future::join_all(due.iter().map(|word| self.say(word))).await;
        for (mut word, outcome) in due.into_iter().zip(said) {
            let voice = &self.voices[word.voice];
            let (why, is_final) = match outcome {
                // A report that may have arrived is sent once more, and not for hours.
                Outcome::Unclear { reason } if word.tried == 0 => (reason, false),
                Outcome::Delivered | Outcome::Unclear { .. } => {
                    tracing::info!(
                        receiver = voice.receiver,
                        "state.told: the watchdog's message was sent without the state"
                    );
                    if word.alert.is_open() {
                        words.1.push(word.voice);
                    }
                    continue;
                }
                Outcome::Retry { reason, .. } => (reason, false),
                Outcome::Rejected { reason, .. } => (reason, true),
            };
            tracing::warn!(receiver = voice.receiver, why, "state.not_told: it is tried again");
            word.tried += 1;
            if word.alert.is_open() && (word.tried == THEN_FALLBACK || (is_final && word.tried < THEN_FALLBACK)) {
                word.tried = word.tried.max(THEN_FALLBACK);
                let fallback = voice.fallback.as_ref();
                let fallback = self.voices.iter().position(|other| Some(&other.receiver) == fallback);
                let is_new = |other: &usize| !words.1.contains(other) && !later.iter().any(|word| word.voice == *other);
                let trouble = words.2.as_ref();
                later.extend(
                    fallback.filter(is_new).zip(trouble).and_then(|(other, trouble)| self.word(other, trouble, None)),
                );
            }
            word.next = steady + AGAIN.saturating_mul(1 << word.tried.min(6)).min(SLOWEST);
            if word.tried < MOST {
                later.push(word);
            }
        }
        words.0 = later;
    }

    async fn say(&self, word: &Word) -> Outcome {
        let (voice, now) = (&self.voices[word.voice], self.clock.now());
        let body = voice.format.plain(&watchdog::tell(&[&word.alert], &voice.receiver, now));
        let thread = Some(word.alert.id.0.clone());
        let parcel = OutgoingMessage { id: word.id.clone(), body, now, thread, settled: Vec::new(), only: None };
        let sender = voice.sender.get();
        let outcome = sender.send(&parcel, &Ending::default(), &Nobody).await.outcome;
        sender.rest().await;
        outcome
    }

    /// Reports that a run ends because of its state, unless an earlier run did.
    pub async fn of_a_run(&self, state: &StateLocation, error: &StoreError) {
        let (marker, now) = (Marker::of(state), self.clock.now());
        let known = marker.read();
        let said = known.as_ref().map(|known| known.told.clone()).unwrap_or_default();
        if known.is_some() && (!said.is_empty() || self.voices.is_empty()) {
            return;
        }
        let since = known.map_or(now, |known| known.since);
        // A run that cannot remember its report must not let every run report.
        if !marker.write(&Remembered { since, told: Vec::new() }) && !marker.is_worth_saying(now) {
            return;
        }
        self.begin(since, &error.to_string()).await;
        self.speak_twice().await;
        let words = self.words.lock().await;
        let told = words.1.iter().map(|voice| self.voices[*voice].receiver.clone()).collect();
        marker.write(&Remembered { since, told });
    }

    /// Reports that a run could write its state, to the receivers that an earlier run notified of the failure.
    pub async fn of_a_good_run(&self, state: &StateLocation) {
        let marker = Marker::of(state);
        let Some(known) = marker.read() else { return };
        marker.remove();
        {
            let mut words = self.words.lock().await;
            words.2 = Some(trouble(known.since, ""));
            let told = self.voices.iter().enumerate().filter(|(_, voice)| known.told.contains(&voice.receiver));
            words.1 = told.map(|(voice, _)| voice).collect();
        }
        self.end().await;
        self.speak_twice().await;
    }

    /// Sends at once, and once more what failed, or what then goes to a fallback.
    async fn speak_twice(&self) {
        self.speak().await;
        if self.words.lock().await.0.is_empty() {
            return;
        }
        self.clock.sleep(AGAIN.saturating_mul(2)).await;
        self.speak().await;
    }
}

fn trouble(since: Timestamp, why: &str) -> Trouble {
    Trouble { problem: Problem::StateUnwritable, subject: "state".to_owned(), detail: why.to_owned(), since }
}
