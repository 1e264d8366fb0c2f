//! The interface of senders, for every kind of receiver.

use std::fmt;

use futures_util::future::BoxFuture;

use super::{ending::Ending, witness::Witness};
use crate::model::{Attempt, OutgoingMessage};

/// Sends messages to one receiver.
pub trait Sender: fmt::Debug + Send + Sync {
    /// Makes one attempt. It ends within the sender's timeout (for a mail: within the timeout for each recipient), and
    /// by `ending` at the latest. `witness` is notified of every further recipient of a mail before it is begun.
    fn send<'a>(
        &'a self,
        parcel: &'a OutgoingMessage,
        ending: &'a Ending,
        witness: &'a dyn Witness,
    ) -> BoxFuture<'a, Attempt>;

    /// Closes what is kept open between two messages; the next one opens it again.
    fn rest(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
