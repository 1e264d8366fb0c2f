//! Finds inboxes with the same token, whose requests the provider counts together.
//!
//! The provider allows 100 requests a minute for a token. Two inboxes with the same token each keep to their own
//! limit, but both together may exceed the provider's, wherever the token was read from.

use secrecy::ExposeSecret;

use super::Inbox;

/// The number of requests a minute that the provider allows for a token.
const ALLOWED: u32 = 100;

/// The warning about an inbox that has the token of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Together {
    /// The index of the later inbox.
    pub(super) place: usize,
    pub(super) title: String,
    pub(super) help: String,
}

/// The inboxes that may make more requests together than are allowed for their token. For tokens that could not be
/// read, `same_source` says whether two inboxes read it from the same place.
pub(super) fn together(inboxes: &[Inbox], same_source: &dyn Fn(usize, usize) -> bool) -> Vec<Together> {
    let same = |a: usize, b: usize| {
        let (one, other) = (inboxes[a].token.expose_secret(), inboxes[b].token.expose_secret());
        if one.is_empty() || other.is_empty() { same_source(a, b) } else { bare(one) == bare(other) }
    };
    (1..inboxes.len())
        .filter_map(|place| {
            let others: Vec<usize> = (0..place).filter(|other| same(*other, place)).collect();
            let first = *others.first()?;
            let all = || others.iter().copied().chain([place]).map(|one| &inboxes[one]);
            let rates: Vec<String> = all().map(|inbox| inbox.requests_per_minute.to_string()).collect();
            let sum: u32 = all().map(|inbox| inbox.requests_per_minute).fold(0, u32::saturating_add);
            if sum <= ALLOWED {
                return None;
            }
            let (one, other) = (&inboxes[first], &inboxes[place]);
            let (here, there) = (one.url.host_str().unwrap_or_default(), other.url.host_str().unwrap_or_default());
            let names = format!("the inboxes `{}` and `{}` have the same token", one.name, other.name);
            let rates = rates.join(" and ");
            let remedy = format!(
                "together they may make {sum} a minute ({rates}), and {ALLOWED} are allowed: lower \
                 `requests_per_minute` of each, or watch the account by one inbox"
            );
            Some(if here == there {
                let title = format!("{names}: the provider counts their requests together");
                Together { place, title, help: remedy }
            } else {
                let title = format!("{names}, at {here} and {there}");
                let help = format!("if both addresses lead to one account, their requests count together: {remedy}");
                Together { place, title, help }
            })
        })
        .collect()
}

/// The token without quotation marks and without the word `Bearer`, which some paste with it.
fn bare(token: &str) -> &str {
    let token = token.trim().trim_matches(['"', '\'']);
    token.strip_prefix("Bearer ").or_else(|| token.strip_prefix("bearer ")).unwrap_or(token).trim()
}
