//! Looks at the inbox before the clock makes a notification due: narrow walks and look-ups of contacts that are due.

use std::time::Duration;

use jiff::Timestamp;

use super::{Poller, knowledge::AT_SENDING};
use crate::{
    clock::Clock,
    engine::{
        Observed, Query, Tick,
        due::{self, DueMoment},
        plan, tick,
    },
    inbox::{
        InboxError, WalkEnd,
        walk::{Extent, Last, walk as read_pages},
    },
    model::{Alert, Filter, InboxMemory},
    service::{metrics::Counted, walks::WalkKind},
    store::StoreError,
};

/// The time limit for a look between two polls.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// The assumed page size, until it is known.
const USUAL_PAGE: usize = 20;

impl Poller {
    /// Judges between two polls, and during one: time may begin an episode or make a step due, and rules,
    /// acknowledgements and silences may have changed. Contacts of whom time alone would notify somebody are looked
    /// at first. `good`: the last poll was successful. Returns how many notifications are owed.
    ///
    /// # Errors
    /// The store failed: the tick has not happened.
    pub async fn tick(&self, good: bool) -> Result<usize, StoreError> {
        let (owed, due, memory) = {
            // A poll that is about to end judges all of this itself.
            let Ok(_judging) = self.judging.try_lock() else { return Ok(0) };
            self.judge(good, None).await?
        };
        let untold: Vec<DueMoment> = due.into_iter().filter(|due| !due.told).collect();
        let due = self.knowledge.in_turn(&untold, false);
        if due.is_empty() {
            self.knowledge.none_due();
            return Ok(owed);
        }
        let (free, limit, now) = (self.gate.free().await, self.gate.limit(), self.clock.now());
        if !due::is_time(self.knowledge.first_due(now), free, limit, now) {
            return Ok(owed);
        }
        let Ok(_looking) = self.looking.try_lock() else { return Ok(owed) };
        Ok(owed + self.look_and_judge(&due, &memory).await?)
    }

    /// Looks at the contacts of these alerts, unless they are known well enough to notify of them now. Returns the
    /// alerts whose contacts are still not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn check<'a>(&self, alerts: &[&'a Alert]) -> Result<Vec<&'a Alert>, StoreError> {
        let unknown = || {
            let is_known = |alert: &Alert| {
                self.knowledge.is_seen_within(&alert.contact.contact_id(), AT_SENDING, self.clock.now())
            };
            alerts.iter().copied().filter(|alert| !is_known(alert)).collect::<Vec<&Alert>>()
        };
        if unknown().is_empty() {
            return Ok(Vec::new());
        }
        let _looking = self.looking.lock().await;
        let due = |alert: &&Alert| {
            let Alert { rule, contact, since, .. } = *alert;
            DueMoment { rule: rule.clone(), contact: contact.clone(), since: *since, told: false }
        };
        let due: Vec<DueMoment> = unknown().iter().map(due).collect();
        let due = self.knowledge.in_turn(&due, false);
        if !due.is_empty() {
            let memory = self.store.snapshot(&self.inbox).await?.memory;
            self.look_and_judge(&due, &memory).await?;
        }
        Ok(unknown())
    }

    /// When the last poll ended, successful or not.
    pub fn polled_at(&self) -> Option<Timestamp> {
        self.knowledge.polled_at()
    }

    async fn look_and_judge(&self, due: &[DueMoment], memory: &InboxMemory) -> Result<usize, StoreError> {
        self.knowledge.none_due();
        let mut observed = Observed::default();
        let fault = match tokio::time::timeout(LOOK_WITHIN, self.look(due, memory, &mut observed)).await {
            Ok(None) => None,
            Ok(Some(error)) => Some(error.name()),
            Err(_) => Some("timeout"),
        };
        if let Some(fault) = fault {
            tracing::debug!(inbox = self.inbox, fault, "look.failed: the next poll decides");
            for due in due {
                self.knowledge.in_vain(due.contact.contact_id(), self.clock.now());
            }
        }
        self.knowledge.looked(&observed);
        if observed.contacts.is_empty() {
            return Ok(0);
        }
        let _judging = self.judging.lock().await;
        // The tick before this look has judged the other contacts.
        let (owed, ..) = self.judge(false, Some(observed)).await?;
        Ok(owed)
    }

    /// Judges by the stored state and by what a look showed, and commits the changes; the caller holds the lock.
    /// Returns how many notifications are owed, and about which contacts to ask the inbox.
    async fn judge(
        &self,
        good: bool,
        looked: Option<Observed>,
    ) -> Result<(usize, Vec<DueMoment>, InboxMemory), StoreError> {
        let snapshot = self.snapshot().await?;
        if looked.is_none() && !tick::time_matters(&snapshot) {
            return Ok((0, Vec::new(), snapshot.memory));
        }
        let (live, names, now) = (self.shared.live(), self.shared.names(), self.clock.now());
        let sights = Some(self.knowledge.sights(self.late_at(&snapshot.memory, now)));
        let observed = Observed { fresh: good, sights, ..looked.unwrap_or_default() };
        let inbox = self.inbox.as_str();
        let outcome =
            tick(Tick { inbox, rules: &live.rules, snapshot: &snapshot, observed: &observed, names: &names, now });
        let (owed, mut changes) = (outcome.changes.owed.len(), self.with_history(outcome.changes));
        super::log(inbox, &changes);
        let mut memory = snapshot.memory;
        if outcome.live_chats != memory.live_chats {
            memory.live_chats = outcome.live_chats;
            changes.memory = Some(memory.clone());
        }
        if !changes.is_empty() {
            let counted = Counted::of(&changes);
            self.store.commit(inbox, changes).await?;
            self.shared.metrics.changed(inbox, counted);
        }
        let due = if good { outcome.due } else { Vec::new() };
        Ok((owed, due, memory))
    }

    /// Somebody is now notified of contacts that fell due before this time and could not be asked for: the inbox was
    /// readable since then, and a sweep should have shown them.
    pub(super) fn late_at(&self, memory: &InboxMemory, now: Timestamp) -> Option<Timestamp> {
        let late_at = now.checked_sub(self.sweep_every).ok()?;
        memory.readable_since.filter(|since| *since <= late_at).map(|_| late_at)
    }

    /// Asks the inbox about due contacts in this order, as far as requests are free.
    pub(super) async fn look(
        &self,
        due: &[DueMoment],
        memory: &InboxMemory,
        observed: &mut Observed,
    ) -> Option<InboxError> {
        let live = self.shared.live();
        let queries = plan::queries(&live.rules.of_inbox(&self.inbox));
        let spent = self.knowledge.spent(self.clock.steady());
        let allowed = due::allowance(self.gate.free().await, spent, self.gate.limit());
        let mut left = allowed;
        let walks = due::walks(&queries, due, left, &self.pages_of(&queries, memory));
        let now = self.clock.now();
        for walk in walks {
            let filter = &queries[walk.query].filter;
            let filter = walk.since.map_or_else(|| filter.clone(), |since| filter.narrowed(since, now));
            let cap = walk.pages.min(left);
            match self.read_some(&filter, cap, memory, observed).await {
                Ok(pages) => left -= pages.min(left),
                Err(InboxError::BadRequest { .. }) => left = left.saturating_sub(1),
                Err(error) => return Some(error),
            }
        }
        for due in due {
            let id = due.contact.contact_id();
            let is_seen = |observed: &Observed| {
                let at = observed.sights.as_ref().and_then(|sights| sights.at.get(&id));
                observed.contacts.contains_key(&id) && at.is_some_and(|at| *at >= now)
            };
            if is_seen(observed) {
                continue;
            }
            let is_searchable = due.contact.search_text().is_some();
            if allowed == 0 || (is_searchable && left == 0) {
                // It is asked for when a request is free.
                continue;
            }
            if is_searchable {
                left -= 1;
                self.knowledge.spend(1, self.clock.steady());
                match self.look_up(&due.contact, observed, now).await {
                    Ok(()) | Err(InboxError::BadRequest { .. }) => {}
                    Err(error) => return Some(error),
                }
            }
            if !is_seen(observed) {
                self.knowledge.in_vain(id, now);
            }
        }
        None
    }

    /// Reads at most `cap` pages; returns how many were read.
    async fn read_some(
        &self,
        filter: &Filter,
        cap: usize,
        memory: &InboxMemory,
        observed: &mut Observed,
    ) -> Result<usize, InboxError> {
        let extent = Extent {
            page_size: memory.page_size,
            last: Last::AnyShort,
            first: 1,
            cap: u32::try_from(cap).unwrap_or(u32::MAX),
            filled: 0,
            room: self.most_bytes,
            now: self.clock.now(),
        };
        let mut walk = read_pages(&self.client, &self.gate, filter, extent, &|_| {}).await;
        let pages = usize::try_from(walk.pages).unwrap_or(usize::MAX);
        self.knowledge.spend(pages, self.clock.steady());
        walk.sightings().for_each(|(contact, at)| observed.see_at(contact, at));
        let outcome = if matches!(walk.end, WalkEnd::Failed(_)) { "failed" } else { "complete" };
        self.shared.metrics.walked(&self.inbox, WalkKind::Narrow, outcome);
        match walk.end {
            WalkEnd::Failed(error) => Err(error),
            _ => Ok(pages),
        }
    }

    /// Estimates how many pages a walk of a query has, since a time or in all, by what was seen lately.
    fn pages_of<'a>(
        &self,
        queries: &'a [Query],
        memory: &'a InboxMemory,
    ) -> impl Fn(usize, Option<Timestamp>) -> usize + 'a {
        let last_seen = self.knowledge.last_seen();
        let size = memory.page_size.unwrap_or(USUAL_PAGE).max(1);
        move |query, since| {
            let walk = memory.walks.get(&queries[query].id).filter(|walk| walk.whole_at.is_some());
            let all = walk.map_or(usize::MAX, |walk| usize::try_from(walk.pages.max(1)).unwrap_or(usize::MAX));
            let Some(since) = since else { return all };
            let newer = last_seen.len() - last_seen.partition_point(|at| *at < since);
            (newer / size + 1).min(all)
        }
    }
}
