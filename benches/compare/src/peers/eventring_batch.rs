//! The native API in batches. Without waiting, each event is cloned out of its batch and consumed at
//! once; in tasks, a batch of clones is received, then consumed.

use super::eventring::bus;
use crate::channel::{Channel, Drain, Open, Recv, SendAll, SendStored, Setup, Store, TrySend};
use crate::payload::Payload;
use crate::tally::Tally;
use eventring::{EventBus, Receiver};

pub(crate) struct EventringBatch;

/// How many events go in one batch.
pub(super) const BATCH: usize = 64;

/// A handle, and the buffer for its batches.
pub(crate) struct Buffered<H, E> {
    handle: H,
    buffer: Vec<E>,
}

impl<H, E> Buffered<H, E> {
    fn new(handle: H) -> Self {
        Self {
            handle,
            buffer: Vec::with_capacity(BATCH),
        }
    }
}

impl<E: Payload> Channel<E> for EventringBatch {
    const PEER: &'static str = "eventring-batch";
    const BATCH: usize = BATCH;
    type Sender = Buffered<EventBus<E>, E>;
    type Receiver = Buffered<Receiver<E>, E>;

    fn open(setup: &Setup) -> Open<Self::Sender, Self::Receiver> {
        let bus = bus(setup);
        let receiver = |_| Buffered::new(bus.subscribe());
        let sender = |_| Buffered::new(bus.clone());
        Open {
            receivers: (0..setup.receivers).map(receiver).collect(),
            senders: (0..setup.senders).map(sender).collect(),
            driver: None,
        }
    }
}

impl<E: Payload> TrySend<E> for Buffered<EventBus<E>, E> {
    fn try_send(&mut self, events: &[E]) -> usize {
        let mut sent = 0;
        for batch in events.chunks(BATCH) {
            self.buffer.extend(batch.iter().map(E::fresh));
            sent += self.handle.try_publish_many(&mut self.buffer).unwrap_or(0);
            if !self.buffer.is_empty() {
                self.buffer.clear();
                break;
            }
        }
        sent
    }
}

impl<E: Payload> SendAll<E> for Buffered<EventBus<E>, E> {
    async fn send_all(&mut self, events: &[E]) {
        for batch in events.chunks(BATCH) {
            self.buffer.extend(batch.iter().map(E::fresh));
            let sending = self.handle.publish_many(&mut self.buffer);
            sending.await.expect("open");
        }
    }
}

impl<E: Payload> Drain<E> for Buffered<Receiver<E>, E> {
    #[inline]
    fn take_one(&mut self, tally: &mut Tally) -> bool {
        let take = |event: &E| tally.take(event.clone());
        let taken = self.handle.try_recv_many_with(BATCH, take);
        tally.missed = self.handle.missed();
        taken.is_ok()
    }

    fn drain_in_place(&mut self, tally: &mut Tally) {
        let mut read = |event: &E| tally.read(event);
        while self.handle.try_recv_many_with(BATCH, &mut read).is_ok() {}
        tally.missed = self.handle.missed();
    }
}

impl<E: Payload> Recv<E> for Buffered<Receiver<E>, E> {
    type Received = usize;

    fn recv(&mut self) -> impl Future<Output = Self::Received> + Send {
        self.handle.recv_many(&mut self.buffer, BATCH)
    }

    fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool {
        tally.missed = self.handle.missed();
        self.buffer.drain(..).for_each(|event| tally.take(event));
        received > 0
    }
}

/// Nobody can tell what is stored: it waits for room only.
impl<E: Payload> SendStored<E> for Buffered<EventBus<E>, E> {
    async fn send_stored(&mut self, events: &[E]) {
        self.handle.send_all(events).await;
    }
}

impl<E: Payload> Store<E> for Buffered<Receiver<E>, E> {
    async fn store(&mut self, tally: &mut Tally) -> bool {
        let received = self.recv().await;
        self.count(received, tally)
    }
}
