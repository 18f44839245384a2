//! What users write by hand for durable answers: `tokio::sync::mpsc`, with a `oneshot` beside each event.

use super::eventring_batch::BATCH;
use crate::channel::{Channel, Open, SendStored, Setup, Store};
use crate::payload::Payload;
use crate::tally::Tally;
use tokio::sync::{mpsc, oneshot};

pub(crate) struct MpscAck;

type Awaited<E> = (E, oneshot::Sender<()>);

/// The end of the sink, and the buffer for its batches.
pub(crate) struct Sink<E> {
    receiver: mpsc::Receiver<Awaited<E>>,
    buffer: Vec<Awaited<E>>,
}

impl<E: Payload> Channel<E> for MpscAck {
    const PEER: &'static str = "mpsc-ack";
    const BATCH: usize = BATCH;
    type Sender = mpsc::Sender<Awaited<E>>;
    type Receiver = Sink<E>;

    fn open(setup: &Setup) -> Open<Self::Sender, Sink<E>> {
        let (sender, receiver) = mpsc::channel(setup.capacity);
        let buffer = Vec::with_capacity(BATCH);
        Open {
            senders: vec![sender; setup.senders],
            receivers: vec![Sink { receiver, buffer }],
            driver: None,
        }
    }
}

impl<E: Payload> SendStored<E> for mpsc::Sender<Awaited<E>> {
    async fn send_stored(&mut self, events: &[E]) {
        let mut acknowledgements = Vec::with_capacity(events.len());
        for event in events {
            let (stored, acknowledgement) = oneshot::channel();
            let sent = self.send((event.fresh(), stored)).await;
            assert!(sent.is_ok(), "no sink");
            acknowledgements.push(acknowledgement);
        }
        for acknowledgement in acknowledgements {
            acknowledgement.await.expect("the sink is there");
        }
    }
}

impl<E: Payload> Store<E> for Sink<E> {
    async fn store(&mut self, tally: &mut Tally) -> bool {
        let received = self.receiver.recv_many(&mut self.buffer, BATCH).await;
        self.buffer.iter().for_each(|(event, _)| tally.read(event));
        for (_, stored) in self.buffer.drain(..) {
            stored.send(()).expect("its sender waits");
        }
        received > 0
    }
}
