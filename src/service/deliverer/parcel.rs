//! Renders a message for one attempt, so that it shows the present state.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::Deliverer;
use crate::{
    model::{ALERT, Alert, Event, Message, OutgoingMessage, Owed, WATCHDOG},
    render::{AlertView, MessageView, RuleWords, watchdog},
};

/// The shortest delay that a message mentions.
const WORTH_SAYING: SignedDuration = SignedDuration::from_mins(1);

impl Deliverer {
    pub(super) fn parcel(&self, message: &Message, settled: &[String], told: &[&Owed]) -> OutgoingMessage {
        let words: HashMap<&str, RuleWords> =
            told.iter().map(|owed| (owed.alert.rule.as_str(), self.shared.words(&owed.alert.rule))).collect();
        let now = self.clock.now();
        let thread = match told {
            [only] => Some(only.alert.id.0.clone()),
            _ => None,
        };
        let only = told.first().and_then(|owed| self.settings.part(owed.audience.as_deref()));
        let parcel =
            |body| OutgoingMessage { id: message.id.clone(), body, now, thread, settled: settled.to_vec(), only };
        if told.iter().any(|owed| owed.alert.inbox == WATCHDOG) {
            let alerts: Vec<&Alert> = told.iter().map(|owed| &owed.alert).collect();
            return parcel(self.layout.format.plain(&watchdog::tell(&alerts, &self.settings.receiver, now)));
        }
        let ours: Vec<Alert> = told.iter().map(|owed| self.shared.by_our_clock(&owed.alert)).collect();
        let alerts: Vec<AlertView<'_>> = ours
            .iter()
            .filter_map(|alert| {
                let rule = words.get(alert.rule.as_str())?;
                Some(AlertView { alert, rule, waiting_open: self.shared.waiting_open(alert, now) })
            })
            .collect();
        let names = self.shared.names();
        let fallback = self.shared.words("");
        let first = told.first().map(|owed| &owed.notification);
        let tried_since = told.iter().filter_map(|owed| owed.tried_since).min();
        let delayed = tried_since.map(|since| now.duration_since(since)).filter(|delay| *delay >= WORTH_SAYING);
        let inbox = first.map_or("", |first| first.inbox.as_str());
        let telling = MessageView {
            event: first.map_or(Event::Fired, |first| first.event),
            rule: alerts.first().map_or(&fallback, |told| told.rule),
            inbox,
            receiver: &self.settings.receiver,
            step: first.map_or(0, |first| first.step),
            alerts: &alerts,
            max_listed: self.layout.max_listed,
            privacy: self.layout.privacy,
            names: &names,
            contact_link: self.shared.links.get(inbox).map(String::as_str),
            delayed,
            now,
        };
        let body = if message.plain {
            self.shared.live().renderer.plain(self.layout.format, &telling)
        } else {
            let of_rule = first.map_or(ALERT, |first| first.template.as_str());
            let template = if of_rule == ALERT { &self.layout.template } else { of_rule };
            let rendered = self.shared.live().renderer.render(template, self.layout.format, &telling);
            self.shared.rendered(template, rendered.fault.as_deref(), now);
            if let Some(fault) = rendered.fault {
                self.shared.metrics.template_failed(&self.settings.receiver);
                tracing::warn!(
                    receiver = self.settings.receiver,
                    template,
                    fault,
                    "template.failed: the built-in text goes out"
                );
            }
            rendered.body
        };
        parcel(body)
    }
}
