//! `disruptor`: threads only, one producer, receivers known beforehand. Events stay in the ring,
//! and are overwritten in place; receivers poll for all that is there.

use super::eventring_batch::BATCH;
use crate::channel::{Channel, Drain, Open, Setup, TrySend};
use crate::payload::Payload;
use crate::tally::Tally;
use disruptor::{
    BusySpin, EventPoller, MultiConsumerBarrier, Producer, SingleConsumerBarrier, SingleProducer,
    SingleProducerBarrier, build_single_producer,
};

/// Publishes one event at a time, or in batches.
pub(crate) struct Disruptor<const IN_BATCHES: bool>;

/// A ring with one receiver is a type of its own.
pub(crate) enum Ring<E> {
    One(SingleProducer<E, SingleConsumerBarrier>),
    Many(SingleProducer<E, MultiConsumerBarrier>),
}

pub(crate) struct Publisher<E, const IN_BATCHES: bool>(Ring<E>);

impl<E: Payload, const IN_BATCHES: bool> Channel<E> for Disruptor<IN_BATCHES> {
    const PEER: &'static str = "disruptor";
    const BATCH: usize = if IN_BATCHES { BATCH } else { 1 };
    type Sender = Publisher<E, IN_BATCHES>;
    type Receiver = EventPoller<E, SingleProducerBarrier>;

    fn open(setup: &Setup) -> Open<Self::Sender, Self::Receiver> {
        assert_eq!(setup.senders, 1, "a single producer");
        let event = || E::numbered(0);
        let builder = build_single_producer(setup.capacity, event, BusySpin);
        let (ring, receivers) = if setup.receivers == 1 {
            let (poller, builder) = builder.new_event_poller();
            (Ring::One(builder.build()), vec![poller])
        } else {
            let mut builder = builder.with_multi_consumer();
            let mut pollers = Vec::with_capacity(setup.receivers);
            for _ in 0..setup.receivers {
                let (poller, next) = builder.new_event_poller();
                pollers.push(poller);
                builder = next;
            }
            (Ring::Many(builder.build()), pollers)
        };
        Open {
            senders: vec![Publisher(ring)],
            receivers,
            driver: None,
        }
    }
}

impl<E: Payload, const IN_BATCHES: bool> TrySend<E> for Publisher<E, IN_BATCHES> {
    fn try_send(&mut self, events: &[E]) -> usize {
        match &mut self.0 {
            Ring::One(producer) => publish::<E, IN_BATCHES>(producer, events),
            Ring::Many(producer) => publish::<E, IN_BATCHES>(producer, events),
        }
    }
}

fn publish<E: Payload, const IN_BATCHES: bool>(
    producer: &mut impl Producer<E>,
    events: &[E],
) -> usize {
    if !IN_BATCHES {
        let send = |event: &&E| producer.try_publish(|slot| slot.clone_from(event)).is_ok();
        return events.iter().take_while(send).count();
    }
    let send = |batch: &&[E]| {
        let fill = |slots| Iterator::zip(slots, *batch).for_each(overwrite::<E>);
        producer.try_batch_publish(batch.len(), fill).is_ok()
    };
    events.chunks(BATCH).take_while(send).map(<[E]>::len).sum()
}

fn overwrite<E: Payload>((slot, event): (&mut E, &E)) {
    slot.clone_from(event);
}

impl<E: Payload> Drain<E> for EventPoller<E, SingleProducerBarrier> {
    #[inline]
    fn take_one(&mut self, tally: &mut Tally) -> bool {
        let take = |event: &E| tally.take(event.clone());
        self.poll()
            .map(|mut events| (&mut events).for_each(take))
            .is_ok()
    }

    fn drain_in_place(&mut self, tally: &mut Tally) {
        while let Ok(mut events) = self.poll() {
            (&mut events).for_each(|event| tally.read(event));
        }
    }
}
