//! The audit's publishing side: the bus, room in it for each request, and how far it is stored.

use crate::event::AuditEvent;
use eventring::{BuildError, EventBus, Permit, WaitStrategy, Watermark};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The status recorded of a request whose client went away before it was answered.
const CLIENT_GONE: u16 = 499;

pub struct Audit {
    pub bus: EventBus<Arc<AuditEvent>>,
    /// How far the events are stored.
    pub stored: Watermark<Arc<AuditEvent>>,
    /// How long a request waits for room.
    pub max_wait: Duration,
    waits: Mutex<Waits>,
    /// The requests that have room, or are about to take it, and have not published.
    open: TaskTracker,
    /// Ends the waiting for room.
    closing: CancellationToken,
}

/// What waiting for room came to so far.
#[derive(Clone, Copy, Default)]
pub struct Waits {
    pub requests: u64,
    pub total: Duration,
    pub refused: u64,
}

/// Why there is no room.
#[derive(Debug, PartialEq)]
pub enum NoRoom {
    Full,
    Closed,
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
    pub fn new(
        bus: EventBus<Arc<AuditEvent>>,
        stored: Watermark<Arc<AuditEvent>>,
        max_wait: Duration,
    ) -> Self {
        Self {
            bus,
            stored,
            max_wait,
            waits: Mutex::default(),
            open: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Takes room for the event of a request that came at `arrived`. From then on one event
    /// will be published for it, whatever becomes of the request.
    pub async fn open(&self, event: AuditEvent, arrived: Instant) -> Result<OpenEntry<'_>, NoRoom> {
        // Before it is asked whether the audit is closed: `finish` sees either this, or that it is refused.
        let token = self.open.token();
        if self.open.is_closed() {
            return Err(NoRoom::Closed);
        }
        let permit = match self.bus.try_reserve() {
            Ok(permit) => permit,
            Err(_) => self.wait_for_room().await?,
        };
        Ok(OpenEntry {
            unpublished: Some((permit, event)),
            arrived,
            _token: token,
        })
    }

    async fn wait_for_room(&self) -> Result<Permit<'_, Arc<AuditEvent>>, NoRoom> {
        let started = Instant::now();
        let reserving = timeout(self.max_wait, self.bus.reserve());
        let outcome = self.closing.run_until_cancelled(reserving).await;
        let waited = started.elapsed();
        metrics::histogram!("audit_wait_seconds").record(waited);
        let mut waits = self.waits.lock().expect("nothing panics under the lock");
        waits.requests += 1;
        waits.total += waited;
        match outcome {
            Some(Ok(reserved)) => reserved.map_err(|_| NoRoom::Closed),
            Some(Err(_)) => {
                waits.refused += 1;
                Err(NoRoom::Full)
            }
            None => Err(NoRoom::Closed),
        }
    }

    pub fn waits(&self) -> Waits {
        *self.waits.lock().expect("nothing panics under the lock")
    }

    pub fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Lets nobody in any more, tells those who wait, and resolves once those who are in have
    /// published.
    pub async fn finish(&self) {
        self.open.close();
        self.closing.cancel();
        self.open.wait().await;
    }
}

/// The event of a request that is being handled. Publishes it when dropped, if not before.
pub struct OpenEntry<'a> {
    unpublished: Option<(Permit<'a, Arc<AuditEvent>>, AuditEvent)>,
    arrived: Instant,
    _token: TaskTrackerToken,
}

impl OpenEntry<'_> {
    /// Publishes the event, and returns its sequence number; `None` if the audit has ended.
    pub fn close(mut self, status: u16, bytes: u64) -> Option<u64> {
        self.publish(status, bytes)
    }

    fn publish(&mut self, status: u16, bytes: u64) -> Option<u64> {
        let (permit, event) = self.unpublished.take()?;
        let latency = self.arrived.elapsed();
        let event = AuditEvent {
            status,
            bytes,
            latency_us: latency.as_micros() as u64,
            ..event
        };
        metrics::histogram!("http_request_seconds").record(latency);
        let published = permit.publish(Arc::new(event));
        published
            .inspect_err(|error| tracing::error!("an event could not be published: {error}"))
            .ok()
    }
}

impl Drop for OpenEntry<'_> {
    fn drop(&mut self) {
        self.publish(CLIENT_GONE, 0);
    }
}

#[cfg(test)]
impl Audit {
    /// With a sink that stores nothing.
    pub fn with_sink(
        first: u64,
        capacity: usize,
        max_wait: Duration,
    ) -> (Self, eventring::Receiver<Arc<AuditEvent>>) {
        let bus = bus(first, capacity).unwrap();
        let sink = bus.subscribe_committing();
        (Self::new(bus, sink.watermark(), max_wait), sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::describe;
    use axum::body::Body;
    use axum::extract::Request;

    impl Audit {
        async fn enter(&self) -> Result<OpenEntry<'_>, NoRoom> {
            let event = describe(&Request::new(Body::empty())).event;
            self.open(event, Instant::now()).await
        }
    }

    #[tokio::test]
    async fn there_is_room_again_when_an_event_is_stored() {
        let (audit, mut sink) = Audit::with_sink(0, 1, Duration::from_millis(1));
        let entry = audit.enter().await.unwrap();
        assert_eq!(audit.enter().await.err(), Some(NoRoom::Full));
        entry.close(200, 0).unwrap();
        sink.try_recv().unwrap();
        assert_eq!(audit.enter().await.err(), Some(NoRoom::Full));
        sink.commit_all();
        assert!(audit.enter().await.is_ok());
        let waits = audit.waits();
        assert_eq!((waits.requests, waits.refused), (2, 2));
    }

    #[tokio::test]
    async fn closing_ends_the_waiting_and_not_what_has_room() {
        let (audit, _sink) = Audit::with_sink(0, 1, Duration::MAX);
        let entry = audit.enter().await.unwrap();
        let (outcome, (), number) = tokio::join!(audit.enter(), audit.finish(), async {
            assert_eq!(audit.enter().await.err(), Some(NoRoom::Closed));
            entry.close(200, 0)
        });
        assert_eq!(outcome.err(), Some(NoRoom::Closed));
        assert_eq!(number, Some(0));
        assert_eq!(audit.waits().refused, 0);
    }
}
