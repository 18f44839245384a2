//! What users write by hand: a `Vec` of `tokio::sync::mpsc` senders, one for each receiver.

use crate::channel::{Channel, Drain, Make, Open, Recv, SendAll, Setup, TrySend};
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

impl<E: Payload> Make<E> for MpscFanout {
    fn make(capacity: usize) -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = mpsc::channel(capacity);
        (vec![sender], receiver)
    }
}

/// Where it is used there is one receiver, or room.
impl<E: Payload> TrySend<E> for Vec<mpsc::Sender<E>> {
    fn try_send(&mut self, events: &[E]) -> usize {
        let (last, others) = self.split_last().expect("a receiver");
        let to_all = |event: &&E| {
            let event = event.fresh();
            let send = |sender: &mpsc::Sender<E>| sender.try_send(event.clone()).is_ok();
            others.iter().all(send) && last.try_send(event).is_ok()
        };
        events.iter().take_while(to_all).count()
    }
}

impl<E: Payload> SendAll<E> for Vec<mpsc::Sender<E>> {
    async fn send_all(&mut self, events: &[E]) {
        let (last, others) = self.split_last().expect("a receiver");
        for event in events {
            let event = event.fresh();
            for sender in others {
                assert!(sender.send(event.clone()).await.is_ok(), "no receiver");
            }
            assert!(last.send(event).await.is_ok(), "no receiver");
        }
    }
}

impl<E: Payload> Drain<E> for mpsc::Receiver<E> {
    #[inline]
    fn take_one(&mut self, tally: &mut Tally) -> bool {
        self.try_recv().map(|event| tally.take(event)).is_ok()
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
