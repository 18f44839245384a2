//! Room in the audit for each request, and who is in.

use crate::entry::Entry;
use crate::outcome::Outcome;
use crate::refusal::Refusal;
use eventring::{EventBus, PublishError};
use futures_util::poll;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What lets requests in: [`AuditLayer::gate`](crate::AuditLayer::gate). A handle: clones are of the same one. It
/// tells who is in and who waited, and ends it all in order.
///
/// ```
/// use eventring::EventBus;
/// use eventring_tower::{AuditLayer, Outcome};
///
/// # tokio_test::block_on(async {
/// let bus = EventBus::new(16);
/// let layer = AuditLayer::new(bus.clone(), |_| |_: &Outcome| "an event");
/// let gate = layer.gate();
/// // … serve, until it is time to stop:
/// gate.finish().await; // every request that was let in has published its event
/// bus.close();
/// # });
/// ```
pub struct Gate<E>(Arc<Shared<E>>);

struct Shared<E> {
    bus: EventBus<E>,
    waits: Mutex<Waits>,
    unrecorded: AtomicU64,
    /// The requests that have room, or are about to take it, and have not published.
    open: TaskTracker,
    /// Ends the waiting for room.
    closing: CancellationToken,
    /// Ends the handling.
    abort: CancellationToken,
}

/// What waiting for room came to so far.
///
/// ```
/// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
/// let waits = layer.gate().waits();
/// assert_eq!((waits.requests, waits.refused), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waits {
    /// Requests that did not find room at once.
    pub requests: u64,
    /// How long these waited, in all.
    pub total: Duration,
    /// Requests that were refused since there was no room.
    pub refused: u64,
}

impl<E> Gate<E> {
    /// A gate in front of this bus, for [`AuditLayer::with_gate`](crate::AuditLayer::with_gate).
    ///
    /// ```
    /// let gate = eventring_tower::Gate::<String>::new(eventring::EventBus::new(16));
    /// assert_eq!(gate.in_flight(), 0);
    /// ```
    pub fn new(bus: EventBus<E>) -> Self {
        Self(Arc::new(Shared {
            bus,
            waits: Mutex::default(),
            unrecorded: AtomicU64::new(0),
            open: TaskTracker::new(),
            closing: CancellationToken::new(),
            abort: CancellationToken::new(),
        }))
    }

    /// Takes room for the event of a request. From then on one will be published for it, whatever becomes of it.
    pub(crate) async fn open<D>(
        &self,
        describe: D,
        max_wait: Duration,
        on_wait: impl Fn(Duration),
    ) -> Result<Entry<E, D>, Refusal>
    where
        D: FnOnce(&Outcome) -> E,
    {
        let arrived = Instant::now();
        // Before it is asked whether the gate is closed: `finish` sees either this, or that it is refused.
        let token = self.0.open.token();
        if self.0.open.is_closed() {
            return Err(Refusal::Closed);
        }
        let mut reserving = pin!(self.0.bus.clone().reserve_owned());
        let (reserved, waited) = match poll!(&mut reserving) {
            Poll::Ready(reserved) => (reserved.map_err(no_permit), Duration::ZERO),
            Poll::Pending => {
                let reserving = timeout(max_wait, reserving);
                let reserved = match self.0.closing.run_until_cancelled(reserving).await {
                    Some(Ok(reserved)) => reserved.map_err(no_permit),
                    Some(Err(_)) => Err(Refusal::Full { waited: max_wait }),
                    None => Err(Refusal::Closed),
                };
                let waited = arrived.elapsed();
                on_wait(waited);
                self.count(|waits| {
                    waits.requests += 1;
                    waits.total += waited;
                });
                (reserved, waited)
            }
        };
        let permit = reserved.inspect_err(|refusal| {
            if let Refusal::Full { .. } = refusal {
                self.count(|waits| waits.refused += 1);
            }
        })?;
        let gate = self.clone();
        Ok(Entry::new(gate, permit, describe, arrived, waited, token))
    }

    fn count(&self, count: impl FnOnce(&mut Waits)) {
        count(&mut self.0.waits.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn not_recorded(&self) {
        self.0.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    /// The handling of a request, or `None` once [`abort`](Self::abort) is called.
    pub(crate) async fn unless_aborted<F: Future>(&self, handling: F) -> Option<F::Output> {
        self.0.abort.run_until_cancelled(handling).await
    }

    /// What waiting for room came to so far.
    ///
    /// ```
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// assert_eq!(layer.gate().waits().refused, 0);
    /// ```
    pub fn waits(&self) -> Waits {
        *self.0.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that are in, or about to be: waiting for room, or handled, their event not published yet.
    ///
    /// ```
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// assert_eq!(layer.gate().in_flight(), 0);
    /// ```
    pub fn in_flight(&self) -> usize {
        self.0.open.len()
    }

    /// Requests that were let in, and whose event could not be published: the bus was closed without
    /// [`finish`](Self::finish), or the closure that makes it panicked.
    ///
    /// ```
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// assert_eq!(layer.gate().unrecorded(), 0);
    /// ```
    pub fn unrecorded(&self) -> u64 {
        self.0.unrecorded.load(Ordering::Relaxed)
    }

    /// Lets nobody in any more, refuses those who wait, and resolves once those who are in have published. After
    /// that, the bus can be closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, it can be called again. The gate stays closed.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// let gate = layer.gate();
    /// if tokio::time::timeout(std::time::Duration::from_secs(5), gate.finish()).await.is_err() {
    ///     gate.abort();
    ///     gate.finish().await;
    /// }
    /// # });
    /// ```
    pub async fn finish(&self) {
        self.0.open.close();
        self.0.closing.cancel();
        self.0.open.wait().await;
    }

    /// Ends the requests that are still being handled, which are answered 503 (`UNAVAILABLE`). Answers that have
    /// begun are not cut.
    ///
    /// ```
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// layer.gate().abort();
    /// ```
    pub fn abort(&self) {
        self.0.abort.cancel();
    }
}

impl<E> Clone for Gate<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for Gate<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("bus", &self.0.bus)
            .field("waits", &self.waits())
            .field("in_flight", &self.in_flight())
            .field("unrecorded", &self.unrecorded())
            .finish()
    }
}

fn no_permit(error: PublishError<()>) -> Refusal {
    match error {
        PublishError::Closed(()) => Refusal::Closed,
        PublishError::Dropped(()) => Refusal::Full {
            waited: Duration::ZERO,
        },
    }
}
