//! The numbers of events: where they begin, how many there were, and events with theirs.

use crate::common::{STRATEGIES, backlog, no_gaps, overwrite, publish_all};
use eventring::{BuildError, EventBus, Lagged, Start, TryPublishError, WaitStrategy};
use futures::stream::FusedStream;
use futures::{FutureExt, Stream, StreamExt};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

const GREATEST: u64 = (1 << 59) - 1;

fn from(first: u64, capacity: usize, history: usize, strategy: WaitStrategy) -> EventBus<u64> {
    let builder = EventBus::builder().capacity(capacity).history(history);
    builder.strategy(strategy).first(first).build().unwrap()
}

#[test]
fn numbers_begin_at_the_first() {
    for first in [0, 1, 2, 3, 7, 8, 41, GREATEST] {
        for capacity in [1, 2, 3, 4, 8] {
            for strategy in STRATEGIES {
                let bus = from(first, capacity, 0, strategy);
                let mut receivers = [bus.subscribe(), bus.subscribe_lossy()];
                assert_eq!(receivers[0].position(), first);
                for sequence in first..first + 20 {
                    assert_eq!(bus.try_publish(sequence), Ok(sequence));
                    for receiver in &mut receivers {
                        assert_eq!(receiver.try_recv(), Ok(sequence));
                        assert!(receiver.is_empty() && receiver.try_recv().is_err());
                    }
                }
                let stats = bus.stats();
                assert_eq!((stats.published, stats.next_sequence), (20, first + 20));
            }
        }
    }
}

#[test]
fn a_bus_that_begins_later_holds_its_capacity() {
    for first in [1, 3, 5, 1000] {
        let bus = from(first, 3, 0, WaitStrategy::Block);
        let mut receiver = bus.subscribe();
        let mut lossy = bus.subscribe_lossy().with_lag();
        publish_all(&bus, 0..3);
        assert_eq!(bus.try_publish(3), Err(TryPublishError::Full(3)));
        assert_eq!((bus.len(), receiver.len()), (3, 3));
        assert_eq!(backlog(&mut receiver), no_gaps(0..3));
        publish_all(&bus, 3..6);
        assert_eq!(lossy.try_recv(), Ok(Err(Lagged(3))));
        assert_eq!(lossy.try_recv(), Ok(Ok(3)));
    }
}

#[test]
fn a_history_ends_at_the_first_event() {
    for first in [3, 4, 100] {
        let bus = from(first, 4, 4, WaitStrategy::Overwrite);
        for start in [Start::Oldest, Start::Last(9)] {
            assert_eq!(bus.subscribe_from(start).position(), first);
        }
        publish_all(&bus, 0..2);
        for start in [Start::Oldest, Start::Last(9), Start::Sequence(first)] {
            let mut receiver = bus.subscribe_from(start);
            assert_eq!((receiver.position(), receiver.len()), (first, 2));
            assert_eq!(backlog(&mut receiver), no_gaps(0..2));
        }
        for behind in 1..=first {
            let mut earlier = bus
                .subscribe_from(Start::Sequence(first - behind))
                .with_lag();
            assert_eq!(
                earlier.try_recv(),
                Ok(Err(Lagged(behind))),
                "of an earlier bus"
            );
            assert_eq!(earlier.try_recv(), Ok(Ok(0)));
        }
    }
}

#[test]
fn a_first_sequence_that_does_not_last() {
    for first in [GREATEST + 1, u64::MAX] {
        let error = EventBus::<u64>::builder().first(first).build().unwrap_err();
        assert_eq!(error, BuildError::FirstTooLarge(first));
        assert_eq!(
            error.to_string(),
            format!("first sequence is {first}: sequences have 60 bits, start below 2^59")
        );
    }
}

#[test]
fn events_come_with_their_numbers() {
    let bus = from(10, 2, 0, WaitStrategy::Overwrite);
    let mut stream = spawn(bus.subscribe().with_sequence());
    assert_pending!(stream.poll_next());
    publish_all(&bus, [0]);
    assert!(stream.is_woken());
    assert_ready_eq!(stream.poll_next(), Some((10, 0)));
    publish_all(&bus, 1..6);
    assert_ready_eq!(stream.poll_next(), Some((14, 4)));
    assert_eq!(stream.get_ref().missed(), 3);
    let mut copy = stream.clone();
    assert_eq!(copy.try_recv(), Ok((15, 5)));
    assert_eq!(copy.recv().now_or_never(), None);
    bus.close();
    assert_eq!(
        (copy.recv_blocking(), copy.recv().now_or_never()),
        (None, Some(None))
    );
    assert_eq!(stream.size_hint(), (1, Some(1)));
    assert_ready_eq!(stream.poll_next(), Some((15, 5)));
    assert!(!stream.is_terminated());
    assert_ready_eq!(stream.poll_next(), None);
    assert!(stream.is_terminated());
}

#[test]
fn filtering_sees_the_numbers_too() {
    struct Single(u64);
    let bus = overwrite(4);
    let odd = |sequence, event: &Single| (sequence % 2 == 1).then_some((sequence, event.0));
    let stream = bus.subscribe().with_sequence().filter_map_ref(odd);
    (10..17).for_each(|number| drop(bus.try_publish(Single(number))));
    drop(bus);
    let items = stream.collect::<Vec<_>>().now_or_never();
    assert_eq!(items, Some(vec![(3, 13), (5, 15)]));
}
