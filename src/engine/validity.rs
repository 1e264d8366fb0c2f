//! Before every attempt: is what is owed still true, and is this the time to say it?

use jiff::Timestamp;

use crate::{
    model::{Alert, Event, Names, Silence, silence::silence_of},
    rules::{Rule, hours::Outside},
};

/// One notification that is owed, as far as its truth depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwedClaim<'a> {
    /// The alert as it is now.
    pub alert: &'a Alert,
    /// Its rule, where there still is one.
    pub rule: Option<&'a Rule>,
    /// Who is told.
    pub receiver: &'a str,
    pub step: u32,
    /// What is told.
    pub event: Event,
    /// Whether the receiver may have got it already.
    pub told: bool,
    /// Whether some recipients of its mail have got it, and others are still to be tried.
    pub partly_settled: bool,
    /// Whether anybody whom the receiver reaches was told that this alert began, or may have been.
    pub told_of_beginning: bool,
}

/// What is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    Send,
    /// It waits, for an end that is not known here: of a silence, of `keep_firing_for`, of closed hours.
    Hold,
    Withdraw(Superseded),
}

/// Why something is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Superseded {
    /// The episode ended before it was told.
    Ended,
    /// Somebody has taken it on before it was told.
    Acknowledged,
    /// A later message to the same receiver says it.
    Overtaken,
    /// The end of what was never told.
    NeverTold,
}

impl Superseded {
    /// The stored and logged name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Acknowledged => "acknowledged",
            Self::Overtaken => "overtaken",
            Self::NeverTold => "never-told",
        }
    }
}

/// Judges everything that is owed to one receiver, in the order in which it was owed.
pub(crate) fn judge(claims: &[OwedClaim<'_>], silences: &[Silence], names: &Names, now: Timestamp) -> Vec<Validity> {
    claims
        .iter()
        .enumerate()
        .map(|(place, claim)| match claim.event {
            Event::Resolved if !claim.told_of_beginning => Validity::Withdraw(Superseded::NeverTold),
            Event::Fired | Event::Repeated if !claim.alert.is_open() => Validity::Withdraw(Superseded::Ended),
            // Where the receiver may have got it, trying goes on.
            _ if claim.told && !claim.partly_settled => Validity::Send,
            Event::Fired | Event::Repeated if claim.alert.ack.is_some() => Validity::Withdraw(Superseded::Acknowledged),
            Event::Fired | Event::Repeated if is_overtaken(claims, place) => Validity::Withdraw(Superseded::Overtaken),
            // It stays in its message, which knows who has got it.
            _ if claim.told => Validity::Send,
            _ if must_wait(claim, silences, names, now) => Validity::Hold,
            _ => Validity::Send,
        })
        .collect()
}

/// Whether another message of the same alert to this receiver makes this one needless: a later step's,
/// or of the same step the first one, which says all that a reminder would. Where some recipients have got the
/// first one, the reminder is for all of them.
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

/// Whether the receiver wants to hear nothing now; the one that stands in outside the hours always does.
fn is_closed(rule: Option<&Rule>, receiver: &str, now: Timestamp) -> bool {
    let Some(hours) = rule.and_then(|rule| rule.hours.as_ref()) else { return false };
    let stands_in = matches!(&hours.outside, Outside::Receiver(other) if other == receiver);
    !stands_in && !hours.is_open(now)
}
