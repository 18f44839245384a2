//! A sink that reads batches in place, and commits what it has stored; senders wait for its watermark.

use super::eventring::bus;
use super::eventring_batch::BATCH;
use crate::channel::{Channel, Open, SendStored, Setup, Store};
use crate::payload::Payload;
use crate::tally::Tally;
use eventring::{EventBus, Receiver, Watermark};

pub(crate) struct EventringCommitting;

pub(crate) struct Durable<E> {
    bus: EventBus<E>,
    stored: Watermark<E>,
}

impl<E: Payload> Channel<E> for EventringCommitting {
    const PEER: &'static str = "eventring";
    const BATCH: usize = BATCH;
    type Sender = Durable<E>;
    type Receiver = Receiver<E>;

    fn open(setup: &Setup) -> Open<Durable<E>, Receiver<E>> {
        let bus = bus(setup);
        let sink = bus.subscribe_committing();
        let sender = |_| Durable {
            bus: bus.clone(),
            stored: sink.watermark(),
        };
        Open {
            senders: (0..setup.senders).map(sender).collect(),
            receivers: vec![sink],
            driver: None,
        }
    }
}

impl<E: Payload> SendStored<E> for Durable<E> {
    async fn send_stored(&mut self, events: &[E]) {
        let mut last = 0;
        for event in events {
            last = self.bus.publish(event.fresh()).await.expect("open");
        }
        self.stored.reached(last).await.expect("the sink is there");
    }
}

impl<E: Payload> Store<E> for Receiver<E> {
    async fn store(&mut self, tally: &mut Tally) -> bool {
        let Some(batch) = self.recv_batch(BATCH).await else {
            return false;
        };
        batch.iter().for_each(|(_, event)| tally.read(event));
        batch.commit();
        true
    }
}
