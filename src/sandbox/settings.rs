//! The settings of the made-up inbox.

use std::fmt;

use super::records::Order;

/// The settings of the made-up inbox.
#[derive(Clone)]
pub struct Settings {
    /// The one token that is accepted.
    pub token: String,
    /// The number of records on a page.
    pub page_size: usize,
    /// The most requests in any 60 seconds; 0: no limit.
    pub rate_limit: u32,
    /// The number of customers at the start.
    pub contacts: usize,
    /// The number of them who wait for an answer; the others are answered, closed or imported.
    pub waiting: usize,
    /// The seed of the customers.
    pub seed: u64,
    /// The order of the records.
    pub order: Order,
    /// Whether a filter is applied only if `applicableFilters` names it.
    pub listed_filters_only: bool,
    /// Whether `false` means "all" for `userInteracted`, `isLiveChatActive`, `hasOrdered.status` and
    /// `isContact`, as the page documents it for `isOnline`.
    pub false_means_all: bool,
    /// Whether answers of the API have the header `Date`, by the clock of the records.
    pub dated: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: "sandbox".to_owned(),
            page_size: 20,
            rate_limit: 100,
            contacts: 0,
            waiting: 0,
            seed: 1,
            order: Order::NewestFirst,
            listed_filters_only: false,
            false_means_all: true,
            dated: true,
        }
    }
}

/// Does not show the token.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("page_size", &self.page_size)
            .field("rate_limit", &self.rate_limit)
            .field("contacts", &self.contacts)
            .field("waiting", &self.waiting)
            .field("seed", &self.seed)
            .field("order", &self.order)
            .field("listed_filters_only", &self.listed_filters_only)
            .field("false_means_all", &self.false_means_all)
            .field("dated", &self.dated)
            .finish_non_exhaustive()
    }
}
