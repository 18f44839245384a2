//! The native API, one event at a time.

use crate::channel::{
    Channel, Drain, Make, Mode, Open, Recv, SendAll, Setup, Subscribe, TrySend, Unread,
};
use crate::payload::Payload;
use crate::tally::Tally;
use eventring::{EventBus, Receiver, WaitStrategy};

pub(crate) struct Eventring;

/// The bus that a scenario needs, for both peers of the native API.
pub(super) fn bus<E>(setup: &Setup) -> EventBus<E> {
    let strategy = match setup.mode {
        Mode::Lossless => WaitStrategy::Block,
        Mode::Lossy => WaitStrategy::Overwrite,
    };
    EventBus::with_strategy(setup.capacity, strategy)
}

impl<E: Payload> Channel<E> for Eventring {
    const PEER: &'static str = "eventring";
    type Sender = EventBus<E>;
    type Receiver = Receiver<E>;

    fn open(setup: &Setup) -> Open<EventBus<E>, Receiver<E>> {
        let bus = bus(setup);
        Open {
            receivers: (0..setup.receivers).map(|_| bus.subscribe()).collect(),
            senders: vec![bus; setup.senders],
            driver: None,
        }
    }
}

impl<E: Payload> Make<E> for Eventring {
    fn make(capacity: usize) -> (EventBus<E>, Receiver<E>) {
        let bus = EventBus::with_strategy(capacity, WaitStrategy::Block);
        let receiver = bus.subscribe();
        (bus, receiver)
    }
}

impl<E: Payload> TrySend<E> for EventBus<E> {
    fn try_send(&mut self, events: &[E]) -> usize {
        let send = |event: &&E| self.try_publish(event.fresh()).is_ok();
        events.iter().take_while(send).count()
    }
}

impl<E: Payload> SendAll<E> for EventBus<E> {
    async fn send_all(&mut self, events: &[E]) {
        for event in events {
            self.publish(event.fresh()).await.expect("open");
        }
    }
}

impl<E: Payload> Subscribe<Receiver<E>> for EventBus<E> {
    fn subscribe(&mut self) -> Receiver<E> {
        EventBus::subscribe(self)
    }
}

impl<E> Unread for EventBus<E> {
    fn unread(&self) -> usize {
        self.len()
    }
}

impl<E: Payload> Drain<E> for Receiver<E> {
    #[inline]
    fn take_one(&mut self, tally: &mut Tally) -> bool {
        let taken = self.try_recv().map(|event| tally.take(event));
        tally.missed = self.missed();
        taken.is_ok()
    }

    fn drain_in_place(&mut self, tally: &mut Tally) {
        while self.try_recv_with(|event| tally.read(event)).is_ok() {}
        tally.missed = self.missed();
    }
}

impl<E: Payload> Recv<E> for Receiver<E> {
    type Received = Option<E>;

    fn recv(&mut self) -> impl Future<Output = Self::Received> + Send {
        Receiver::recv(self)
    }

    fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool {
        tally.missed = self.missed();
        received.map(|event| tally.take(event)).is_some()
    }
}
