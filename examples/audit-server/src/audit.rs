//! The audit's publishing side: the bus, the places in it, and how far it is stored.

use crate::event::AuditEvent;
use crate::places::{NoPlace, Places};
use eventring::{BuildError, EventBus, WaitStrategy};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The status recorded of a request whose client went away before it was answered.
const CLIENT_GONE: u16 = 499;

pub struct Audit {
    pub bus: EventBus<Arc<AuditEvent>>,
    pub places: Places,
    /// The sequence number of the bus's first event: the one after the highest that was stored
    /// by earlier runs.
    pub first: u64,
    /// All events below this sequence number are stored.
    stored: watch::Sender<u64>,
    /// The requests that have a place, or are about to take one, and have not published.
    open: TaskTracker,
}

impl Audit {
    pub fn new(first: u64, capacity: usize, max_wait: Duration) -> Result<Self, BuildError> {
        Ok(Self {
            bus: EventBus::builder()
                .capacity(capacity)
                .strategy(WaitStrategy::Block)
                .history(capacity) // for the viewers
                .build()?,
            places: Places::new(capacity, max_wait),
            first,
            stored: watch::Sender::new(first),
            open: TaskTracker::new(),
        })
    }

    /// Takes a place for the event of a request that came at `arrived`. From then on one event
    /// will be published for it, whatever becomes of the request.
    pub async fn open(
        self: &Arc<Self>,
        event: AuditEvent,
        arrived: Instant,
    ) -> Result<OpenEntry, NoPlace> {
        // Before the place is taken: `finish` sees either this, or that there is no place for it.
        let token = self.open.token();
        self.places.take().await?;
        Ok(OpenEntry {
            audit: Arc::clone(self),
            event: Some(event),
            arrived,
            _token: token,
        })
    }

    /// The sink has stored the next `events` of them.
    pub fn count_stored(&self, events: usize) {
        self.places.give_back(events);
        self.stored.send_modify(|stored| *stored += events as u64);
    }

    /// Resolves once the event of this number is stored.
    pub async fn is_stored(&self, sequence: u64) {
        let mut stored = self.stored.subscribe();
        let outcome = stored.wait_for(|&stored| stored > sequence).await;
        outcome.expect("the sender is in self");
    }

    /// The number of the first event that is not stored.
    pub fn stored(&self) -> u64 {
        *self.stored.borrow()
    }

    /// The number of the next event to be published.
    pub fn next(&self) -> u64 {
        self.first + self.bus.stats().published
    }

    pub fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Lets nobody in any more, and resolves once those who are in have published.
    pub async fn finish(&self) {
        self.places.close();
        self.open.close();
        self.open.wait().await;
    }
}

/// The event of a request that is being handled. Publishes it when dropped, if not before.
pub struct OpenEntry {
    audit: Arc<Audit>,
    event: Option<AuditEvent>,
    arrived: Instant,
    _token: TaskTrackerToken,
}

impl OpenEntry {
    /// Publishes the event, and returns its sequence number; `None` if the audit has ended.
    pub fn close(mut self, status: u16, bytes: u64) -> Option<u64> {
        self.publish(status, bytes)
    }

    fn publish(&mut self, status: u16, bytes: u64) -> Option<u64> {
        let latency = self.arrived.elapsed();
        let event = AuditEvent {
            status,
            bytes,
            latency_us: latency.as_micros() as u64,
            ..self.event.take()?
        };
        metrics::histogram!("http_request_seconds").record(latency);
        match self.audit.bus.try_publish(Arc::new(event)) {
            Ok(sequence) => Some(self.audit.first + sequence),
            Err(error) => {
                tracing::error!("an event could not be published, in spite of its place: {error}");
                None
            }
        }
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        self.publish(CLIENT_GONE, 0);
    }
}
