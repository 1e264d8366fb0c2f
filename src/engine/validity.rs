//! Decides before every attempt whether what is owed is still true, and whether it may be sent now.

use jiff::Timestamp;
use strum::IntoStaticStr;

use crate::{
    model::{Alert, Event, Names, Silence, silence::silence_of},
    rules::{Rule, hours::Outside},
};

/// One owed notification, with what its validity depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwedClaim<'a> {
    /// The alert as it is now.
    pub alert: &'a Alert,
    /// Its rule, if it still exists.
    pub rule: Option<&'a Rule>,
    pub receiver: &'a str,
    pub step: u32,
    pub event: Event,
    /// Whether the receiver may already have it.
    pub told: bool,
    /// Whether some recipients of its mail have got it while others are still to be tried.
    pub partly_settled: bool,
    /// Whether anybody whom the receiver reaches was notified of the alert's beginning, or may have been.
    pub told_of_beginning: bool,
}

/// The decision about one notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    Send,
    /// It waits for an end whose time is not known here: of a silence, of `keep_firing_for`, of closed hours.
    Hold,
    Withdraw(Superseded),
}

/// Why a notification is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Superseded {
    /// The episode ended before the receiver was notified.
    Ended,
    /// Somebody took the alert before the receiver was notified.
    Acknowledged,
    /// A later message to the same receiver replaces it.
    Overtaken,
    /// It is the end of something that the receiver was never notified of.
    NeverTold,
}

impl Superseded {
    /// The stored and logged name.
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }
}

/// Judges everything that is owed to one receiver, in the order in which it became owed.
pub(crate) fn judge(claims: &[OwedClaim<'_>], silences: &[Silence], names: &Names, now: Timestamp) -> Vec<Validity> {
    claims
        .iter()
        .enumerate()
        .map(|(place, claim)| match claim.event {
            Event::Resolved if !claim.told_of_beginning => Validity::Withdraw(Superseded::NeverTold),
            Event::Fired | Event::Repeated if !claim.alert.is_open() => Validity::Withdraw(Superseded::Ended),
            // If the receiver may already have it, it is tried until it is known.
            _ if claim.told && !claim.partly_settled => Validity::Send,
            Event::Fired | Event::Repeated if claim.alert.ack.is_some() => Validity::Withdraw(Superseded::Acknowledged),
            Event::Fired | Event::Repeated if is_overtaken(claims, place) => Validity::Withdraw(Superseded::Overtaken),
            // It stays in its message, which records who has got it.
            _ if claim.told => Validity::Send,
            _ if must_wait(claim, silences, names, now) => Validity::Hold,
            _ => Validity::Send,
        })
        .collect()
}

/// Whether another notification of the same alert to this receiver makes this one needless: one of a later step, or the
/// first one of the same step, which says everything that a reminder would. If some recipients have got the first one,
/// the reminder goes to all of them.
fn is_overtaken(claims: &[OwedClaim<'_>], place: usize) -> bool {
    let claim = &claims[place];
    claims.iter().enumerate().any(|(other_place, other)| {
        let first = |claim: &OwedClaim<'_>| claim.event == Event::Fired;
        other_place != place
            && other.alert.id == claim.alert.id
            && other.event.is_of_waiting()
            && match other.step.cmp(&claim.step) {
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Equal if first(other) && !first(claim) => !other.partly_settled,
                std::cmp::Ordering::Equal if first(claim) && !first(other) => claim.partly_settled,
                std::cmp::Ordering::Equal => other_place > place,
            }
    })
}

fn must_wait(claim: &OwedClaim<'_>, silences: &[Silence], names: &Names, now: Timestamp) -> bool {
    let OwedClaim { alert, rule, receiver, event, .. } = claim;
    let lapsed = event.is_of_waiting() && alert.lapse.is_some();
    let severity = rule.map_or("", |rule| rule.severity.name());
    lapsed || silence_of(silences, alert, severity, names, now).is_some() || is_closed(*rule, receiver, now)
}

/// Whether the rule is outside its hours for this receiver; for the stand-in outside the hours it never is.
fn is_closed(rule: Option<&Rule>, receiver: &str, now: Timestamp) -> bool {
    let Some(hours) = rule.and_then(|rule| rule.hours.as_ref()) else { return false };
    let stands_in = matches!(&hours.outside, Outside::Receiver(other) if other == receiver);
    !stands_in && !hours.is_open(now)
}
