//! The audit's publishing side: the bus, what lets requests in, and how far it is stored.

use crate::event::AuditEvent;
use eventring::{BuildError, EventBus, WaitStrategy, Watermark};
use eventring_tower::Gate;
use std::sync::Arc;

pub struct Audit {
    pub bus: EventBus<Arc<AuditEvent>>,
    /// Room for the event of each request.
    pub gate: Gate<Arc<AuditEvent>>,
    /// How far the events are stored.
    pub stored: Watermark<Arc<AuditEvent>>,
}

/// The bus whose next event has the number `first`.
pub fn bus(first: u64, capacity: usize) -> Result<EventBus<Arc<AuditEvent>>, BuildError> {
    EventBus::builder()
        .capacity(capacity)
        .strategy(WaitStrategy::Block)
        .history(capacity) // for the viewers
        .first(first)
        .build()
}

impl Audit {
    /// The audit by this bus: events take room until they are stored.
    pub fn new(bus: EventBus<Arc<AuditEvent>>, stored: Watermark<Arc<AuditEvent>>) -> Self {
        let gate = Gate::new(bus.clone());
        Self { bus, gate, stored }
    }
}
