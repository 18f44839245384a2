//! `async-broadcast`: lossless by itself, lossy in its overflow mode. The futures are not boxed.

use crate::channel::{
    Channel, Drain, Make, Mode, Open, Recv, SendAll, Setup, Subscribe, TrySend, Unread,
};
use crate::payload::Payload;
use crate::tally::Tally;
use async_broadcast::{Receiver, RecvError, Sender, TryRecvError, broadcast};

pub(crate) struct AsyncBroadcast;

impl<E: Payload> Channel<E> for AsyncBroadcast {
    const PEER: &'static str = "async-broadcast";
    type Sender = Sender<E>;
    type Receiver = Receiver<E>;

    fn open(setup: &Setup) -> Open<Sender<E>, Receiver<E>> {
        let (mut sender, receiver) = broadcast(setup.capacity);
        sender.set_overflow(setup.mode == Mode::Lossy);
        Open {
            senders: vec![sender; setup.senders],
            receivers: vec![receiver; setup.receivers],
            driver: None,
        }
    }
}

impl<E: Payload> Make<E> for AsyncBroadcast {
    fn make(capacity: usize) -> (Sender<E>, Receiver<E>) {
        broadcast(capacity)
    }
}

impl<E: Payload> TrySend<E> for Sender<E> {
    fn try_send(&mut self, events: &[E]) -> usize {
        let send = |event: &&E| self.try_broadcast(event.fresh()).is_ok();
        events.iter().take_while(send).count()
    }
}

impl<E: Payload> SendAll<E> for Sender<E> {
    async fn send_all(&mut self, events: &[E]) {
        for event in events {
            let sent = self.broadcast_direct(event.fresh()).await;
            assert!(sent.is_ok(), "no receivers");
        }
    }
}

impl<E: Payload> Subscribe<Receiver<E>> for Sender<E> {
    fn subscribe(&mut self) -> Receiver<E> {
        self.new_receiver()
    }
}

impl<E> Unread for Sender<E> {
    fn unread(&self) -> usize {
        self.len()
    }
}

impl<E: Payload> Drain<E> for Receiver<E> {
    #[inline]
    fn take_one(&mut self, tally: &mut Tally) -> bool {
        match self.try_recv() {
            Ok(event) => tally.take(event),
            Err(TryRecvError::Overflowed(missed)) => tally.missed += missed,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return false,
        }
        true
    }
}

impl<E: Payload> Recv<E> for Receiver<E> {
    type Received = Result<E, RecvError>;

    fn recv(&mut self) -> impl Future<Output = Self::Received> + Send {
        self.recv_direct()
    }

    fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool {
        match received {
            Ok(event) => tally.take(event),
            Err(RecvError::Overflowed(missed)) => tally.missed += missed,
            Err(RecvError::Closed) => return false,
        }
        true
    }
}
