//! `bus`: threads only, one producer.

use crate::channel::{Channel, Drain, Open, Setup, TrySend};
use crate::payload::Payload;
use crate::tally::Tally;
use bus::BusReader;

pub(crate) struct Bus;

impl<E: Payload> Channel<E> for Bus {
    const PEER: &'static str = "bus";
    type Sender = bus::Bus<E>;
    type Receiver = BusReader<E>;

    fn open(setup: &Setup) -> Open<Self::Sender, Self::Receiver> {
        assert_eq!(setup.senders, 1, "a single producer");
        let mut bus = bus::Bus::new(setup.capacity);
        Open {
            receivers: (0..setup.receivers).map(|_| bus.add_rx()).collect(),
            senders: vec![bus],
            driver: None,
        }
    }
}

impl<E: Payload> TrySend<E> for bus::Bus<E> {
    fn try_send(&mut self, events: &[E]) -> usize {
        let send = |event: &&E| self.try_broadcast(event.fresh()).is_ok();
        events.iter().take_while(send).count()
    }
}

impl<E: Payload> Drain<E> for BusReader<E> {
    #[inline]
    fn take_one(&mut self, tally: &mut Tally) -> bool {
        self.try_recv().map(|event| tally.take(event)).is_ok()
    }
}
