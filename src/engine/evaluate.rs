//! Judges one contact by one rule: whether it matches, since when, and why it no longer does.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::faults::{RuleFault, note};
use crate::{
    model::{
        Alert, Contact, Names, Reason,
        contact::{CLOSED, by},
        snapshot::LiveChat,
    },
    rules::{AckOn, Rule, Scope, Since, Verdict},
};

/// The result of judging a contact by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Match,
    /// It does not match, but may match later by time alone.
    Later,
    No,
    /// The condition could not be judged, so the contact neither begins nor ends an episode.
    Unknown,
}

/// Judges a contact; a condition that fails is noted in `faults`.
pub(crate) fn judge(
    rule: &Rule,
    contact: &Contact,
    since: Timestamp,
    surroundings: JudgeContext<'_>,
    faults: &mut Vec<RuleFault>,
) -> Judgement {
    let JudgeContext { inbox, names, live_chats, now } = surroundings;
    if !rule.filter.passes(contact, now) {
        return Judgement::No;
    }
    let Some(when) = &rule.when else { return Judgement::Match };
    let missed_live_chat = live_chats.get(&contact.id).is_some_and(|chat| chat.missed_at.is_some());
    let open = when.reads("open") && rule.is_open(now);
    let scope = Scope { contact, since, inbox, names, open, missed_live_chat, now };
    match when.judge(scope) {
        Verdict::Holds => Judgement::Match,
        Verdict::Fails if when.may_come_true(scope) => Judgement::Later,
        Verdict::Fails => Judgement::No,
        Verdict::Fault(fault) => {
            note(faults, rule, &contact.id, fault);
            Judgement::Unknown
        }
    }
}

/// The context in which a contact is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JudgeContext<'a> {
    pub inbox: &'a str,
    pub names: &'a Names,
    /// Live chats to which no agent has written.
    pub live_chats: &'a BTreeMap<String, LiveChat>,
    pub now: Timestamp,
}

/// The start of *waiting since*: the customer's message, never later than now; else the moment of first sight.
pub(crate) fn waiting_since(rule: &Rule, contact: &Contact, first_seen: Timestamp, now: Timestamp) -> Timestamp {
    let message = (rule.since == Since::Message && contact.last_message.by == by::USER)
        .then_some(contact.last_message.at)
        .flatten();
    message.unwrap_or(first_seen).min(now)
}

/// Why a contact that matched no longer does, from its state before and now.
pub(crate) fn reason(rule: &Rule, before: &Contact, now: &Contact, since: Timestamp, at: Timestamp) -> Reason {
    let last = &now.last_message;
    // An answer from before the wait began does not count as an answer.
    let answered = |side: &str| last.by == side && last.at.is_none_or(|at| at >= since);
    let live_chat_over = before.is_live_chat_active && !now.is_live_chat_active;
    if now.is_user_blocked && !before.is_user_blocked {
        Reason::Blocked
    } else if answered(by::AGENT) {
        Reason::AnsweredByAgent
    } else if now.status == CLOSED && before.status != CLOSED {
        Reason::Closed
    } else if live_chat_over && rule_reads(rule, "isLiveChatActive") {
        // No agent was assigned and no agent wrote last: the request expired by itself.
        if now.agent_assigned.is_empty() { Reason::LiveChatExpired } else { Reason::LiveChatEnded }
    } else if answered(by::BOT) && before.last_message.by != by::BOT {
        Reason::AnsweredByBot
    } else if before.agent_assigned.is_empty() && !now.agent_assigned.is_empty() && rule_reads(rule, "_agentAssigned") {
        Reason::Taken
    } else if last.by == by::USER && before.last_message.by == by::BOT && rule_reads(rule, "lastMessage") {
        Reason::WroteAgain
    } else if before.unread_messages > 0 && now.unread_messages == 0 {
        Reason::Read
    } else if rule_reads(rule, "platform") && now.reply_window_ends().is_some_and(|ends| ends <= at) {
        Reason::WindowClosed
    } else {
        Reason::NoLongerMatches
    }
}

fn rule_reads(rule: &Rule, root: &str) -> bool {
    rule.filter.reads(root) || rule.when.as_ref().is_some_and(|when| when.reads(root))
}

/// Whether an agent has reacted since the episode began, in a way that the rule counts as an acknowledgement; returns
/// who and how.
pub(crate) fn reaction(rule: &Rule, alert: &Alert, contact: &Contact, names: &Names) -> Option<(String, String)> {
    let agent = contact.agent_assigned.as_str();
    let newly_assigned = !agent.is_empty() && agent != alert.assigned.agent;
    rule.ack_on.iter().find_map(|on| match on {
        AckOn::Assigned if newly_assigned => Some((names.agent(agent).to_owned(), "assigned".to_owned())),
        AckOn::Status(status) if contact.status == *status && alert.assigned.status != *status => {
            Some((names.agent(agent).to_owned(), status.clone()))
        }
        _ => None,
    })
}

/// When the episode really ended: the time of the answer where an answer is the reason, else now.
pub(crate) fn ended_at(reason: Reason, contact: &Contact, since: Timestamp, now: Timestamp) -> Timestamp {
    match reason {
        Reason::AnsweredByAgent | Reason::AnsweredByBot => {
            contact.last_message.at.unwrap_or(now).clamp(since.min(now), now)
        }
        _ => now,
    }
}
