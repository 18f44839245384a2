//! What users write by hand: a `Vec` of `tokio::sync::mpsc` senders, one for each receiver.

use crate::channel::{Channel, Drain, Open, Recv, SendAll, Setup, TrySend};
use crate::payload::Payload;
use crate::tally::Tally;
use tokio::sync::mpsc;

pub(crate) struct MpscFanout;

impl<E: Payload> Channel<E> for MpscFanout {
    const PEER: &'static str = "mpsc-fanout";
    type Sender = Vec<mpsc::Sender<E>>;
    type Receiver = mpsc::Receiver<E>;

    fn open(setup: &Setup) -> Open<Self::Sender, Self::Receiver> {
        let channel = |_| mpsc::channel(setup.capacity);
        let (fanout, receivers): (Vec<_>, _) = (0..setup.receivers).map(channel).unzip();
        Open {
            senders: vec![fanout; setup.senders],
            receivers,
            driver: None,
        }
    }
}

/// Where it is used there is one receiver, or room.
impl<E: Payload> TrySend<E> for Vec<mpsc::Sender<E>> {
    fn try_send(&mut self, events: &[E]) -> usize {
        let to_all = |event: &&E| {
            let send = |sender: &mpsc::Sender<E>| sender.try_send(E::clone(event)).is_ok();
            self.iter().all(send)
        };
        events.iter().take_while(to_all).count()
    }
}

impl<E: Payload> SendAll<E> for Vec<mpsc::Sender<E>> {
    async fn send_all(&mut self, events: &[E]) {
        for event in events {
            for sender in self.iter() {
                assert!(sender.send(event.clone()).await.is_ok(), "no receiver");
            }
        }
    }
}

impl<E: Payload> Drain<E> for mpsc::Receiver<E> {
    fn drain(&mut self, tally: &mut Tally) {
        while let Ok(event) = self.try_recv() {
            tally.take(event);
        }
    }
}

impl<E: Payload> Recv<E> for mpsc::Receiver<E> {
    type Received = Option<E>;

    fn recv(&mut self) -> impl Future<Output = Self::Received> + Send {
        mpsc::Receiver::recv(self)
    }

    fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool {
        match received {
            Some(event) => tally.take(event),
            None => return false,
        }
        true
    }
}
