//! Who an event is from, as its message says.

use crate::identity;
use async_nats::HeaderMap;
use std::sync::Arc;

/// Which event of which bus it was, by the id that an [`Outbound`](crate::Outbound) gives to its messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The name of the source.
    pub source: Arc<str>,
    /// The source's run: later ones have larger numbers.
    pub epoch: u64,
    /// The event's sequence number in its bus.
    pub sequence: u64,
}

impl Origin {
    /// The name is that of the message before, if it is the same.
    pub(super) fn of(headers: &HeaderMap, name: &mut Arc<str>) -> Option<Self> {
        let origin = identity::Origin::of(headers)?;
        if **name != *origin.source {
            *name = origin.source.into();
        }
        Some(Self {
            source: Arc::clone(name),
            epoch: origin.epoch,
            sequence: origin.sequence,
        })
    }
}
