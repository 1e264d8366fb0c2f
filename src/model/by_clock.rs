//! Moves the times of alerts, silences and memories from one clock to another, and corrects those that a wrong clock
//! wrote.

use jiff::{SignedDuration, Timestamp};

use super::{Alert, InboxMemory, Silence, clocks::right, contact::by, time::elapsed};

/// Moves a time; one that would overflow stays.
fn moved(at: &mut Timestamp, by: SignedDuration) {
    *at = at.checked_add(by).unwrap_or(*at);
}

impl Alert {
    /// Moves its times from one clock to another.
    #[must_use]
    pub fn moved(mut self, by: SignedDuration) -> Self {
        if by.is_zero() {
            return self;
        }
        moved(&mut self.since, by);
        moved(&mut self.first_seen, by);
        self.fired_at.iter_mut().for_each(|at| moved(at, by));
        if let Some(end) = &mut self.resolution {
            moved(&mut end.at, by);
            moved(&mut end.ended_at, by);
        }
        self
    }

    /// Corrects the times that a wrong clock wrote, as far as that is possible. Where the clock was `ahead`, times
    /// later than now are moved back by that much, so that nobody waits until they have come. Where it was behind, the
    /// record's `createdAt` is the earliest time at which the episode can have begun.
    pub fn set_right(&mut self, ahead: SignedDuration, now: Timestamp) {
        // The newest time was written now, at the latest.
        let told = self.steps.iter().flat_map(|step| [step.first_at, step.last_at]).flatten();
        let newest = told.chain(self.fired_at).chain([self.first_seen]).max();
        let ahead = newest.map_or(ahead, |newest| ahead.max(elapsed(now, newest)));
        let clamp = |at: &mut Timestamp| *at = right(*at, ahead, now);
        clamp(&mut self.since);
        clamp(&mut self.first_seen);
        self.fired_at.iter_mut().for_each(clamp);
        if let Some(lapse) = &mut self.lapse {
            clamp(&mut lapse.at);
            clamp(&mut lapse.ended_at);
        }
        self.ack.iter_mut().for_each(|ack| clamp(&mut ack.at));
        for step in &mut self.steps {
            step.first_at.iter_mut().for_each(clamp);
            step.last_at.iter_mut().for_each(clamp);
        }
        let began = self.contact.created_at.filter(|created| self.first_seen < *created && *created <= now);
        if let Some(created) = began {
            let last = &self.contact.last_message;
            let wrote = last.at.filter(|at| last.by == by::USER && *at <= now);
            self.first_seen = created;
            self.since = self.since.max(wrote.unwrap_or(created));
            self.fired_at = self.fired_at.map(|at| at.max(self.since));
        }
    }
}

impl Silence {
    /// Moves its times from one clock to another.
    #[must_use]
    pub fn moved(mut self, by: SignedDuration) -> Self {
        moved(&mut self.created_at, by);
        moved(&mut self.ends_at, by);
        self
    }
}

impl InboxMemory {
    /// Moves the times that others than the poller read to our clock.
    #[must_use]
    pub fn by_our_clock(mut self) -> Self {
        let by = self.clocks.counted();
        self.polled_at.iter_mut().for_each(|at| moved(at, by));
        self.failing.iter_mut().for_each(|failing| moved(&mut failing.since, by));
        self.odd_records.iter_mut().for_each(|odd| moved(&mut odd.since, by));
        self.short.iter_mut().for_each(|short| moved(&mut short.since, by));
        self.doubt.emptied.iter_mut().for_each(|emptied| moved(&mut emptied.since, by));
        let differs = self.walks.values_mut().filter_map(|walk| walk.differs.as_mut());
        differs.for_each(|differs| moved(&mut differs.since, by));
        if let Some(missed) = &mut self.runs.missed {
            moved(&mut missed.since, by);
        }
        self
    }

    /// Corrects what a poll noted as its time: it began at `after`, and not at `before`, which is by an older
    /// measurement.
    pub fn began_rather(&mut self, before: Timestamp, after: Timestamp) {
        let rather = |at: &mut Timestamp| {
            if *at == before {
                *at = after;
            }
        };
        self.page_size_at.iter_mut().for_each(rather);
        for walk in self.walks.values_mut() {
            [&mut walk.first_at, &mut walk.complete_at, &mut walk.whole_at, &mut walk.ended_at, &mut walk.looked_at]
                .into_iter()
                .flatten()
                .for_each(rather);
            walk.part.iter_mut().for_each(|part| rather(&mut part.began_at));
        }
    }

    /// By how much the clock was ahead when the inbox was last polled: how far that time lies ahead of now, else zero.
    pub fn was_ahead(&self, now: Timestamp) -> SignedDuration {
        self.polled_at.map_or(SignedDuration::ZERO, |at| elapsed(now, at))
    }

    /// Moves times later than now back by as much as the clock that wrote them was ahead.
    pub fn set_right(&mut self, now: Timestamp) {
        let ahead = self.was_ahead(now);
        let clamp = |at: &mut Timestamp| *at = right(*at, ahead, now);
        self.failing.iter_mut().for_each(|failing| clamp(&mut failing.since));
        self.odd_records.iter_mut().for_each(|odd| clamp(&mut odd.since));
        self.short.iter_mut().for_each(|short| clamp(&mut short.since));
        self.segments_at.iter_mut().for_each(clamp);
        self.doubt.emptied.iter_mut().for_each(|emptied| clamp(&mut emptied.since));
        self.doubt.missing.values_mut().for_each(clamp);
        self.doubt.explained_at.iter_mut().for_each(clamp);
        let differs = self.walks.values_mut().filter_map(|walk| walk.differs.as_mut());
        differs.for_each(|differs| clamp(&mut differs.since));
        for chat in self.live_chats.values_mut() {
            clamp(&mut chat.began_at);
            chat.missed_at.iter_mut().for_each(clamp);
        }
    }
}
