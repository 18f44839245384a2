//! `splaycast`: one sender, tasks only, and a task of its own in between, the engine. Receivers
//! that fall behind lag; a sender finds its queue full if the engine does not keep up.

use crate::channel::{Channel, Open, Recv, Setup, TrySend};
use crate::payload::Payload;
use crate::tally::Tally;
use futures::StreamExt;
use splaycast::{Message, Receiver, Sender};

pub(crate) struct Splaycast;

impl<E: Payload> Channel<E> for Splaycast {
    const PEER: &'static str = "splaycast";
    type Sender = Sender<E>;
    type Receiver = Receiver<E>;

    fn open(setup: &Setup) -> Open<Sender<E>, Receiver<E>> {
        assert_eq!(setup.senders, 1, "a single sender");
        let (sender, mut engine, splaycast) = splaycast::channel(setup.capacity);
        // Its default is 32; "larger numbers are more efficient".
        engine.set_wake_limit(setup.receivers.max(32));
        Open {
            senders: vec![sender],
            receivers: (0..setup.receivers)
                .map(|_| splaycast.subscribe())
                .collect(),
            driver: Some(Box::pin(async move {
                engine.await;
                // Everything ends at once when this is dropped.
                drop(splaycast);
            })),
        }
    }
}

impl<E: Payload> TrySend<E> for Sender<E> {
    fn try_send(&mut self, events: &[E]) -> usize {
        let send = |event: &&E| self.send(event.fresh()).is_ok();
        events.iter().take_while(send).count()
    }
}

impl<E: Payload> Recv<E> for Receiver<E> {
    type Received = Option<Message<E>>;

    fn recv(&mut self) -> impl Future<Output = Self::Received> + Send {
        self.next()
    }

    fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool {
        match received {
            Some(Message::Entry { item }) => tally.take(item),
            Some(Message::Lagged { count }) => tally.missed += count as u64,
            None => return false,
        }
        true
    }
}
