//! `drained`: resolves once all that still receive have received, or missed, what was published.

use crate::common::{
    STRATEGIES, backlog, block, drop_newest, no_gaps, overwrite, publish_all, watched, with_history,
};
use eventring::{EventBus, Lagged, Start, WaitStrategy};
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn a_bus_without_receivers_is_drained() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(2, strategy);
        assert_ready!(spawn(bus.drained()).poll());
        publish_all(&bus, 0..3);
        assert_ready!(spawn(bus.drained()).poll());
    }
}

#[test]
fn receivers_that_have_all_are_drained() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(2, strategy);
        let mut receiver = bus.subscribe();
        assert_ready!(spawn(bus.drained()).poll());
        publish_all(&bus, 0..2);
        assert_eq!(backlog(&mut receiver), no_gaps(0..2));
        assert_ready!(spawn(bus.drained()).poll());
    }
}

#[test]
fn the_last_receiver_to_catch_up_wakes() {
    for bus in [block(4), drop_newest(4), overwrite(4)] {
        let mut receivers = [
            bus.subscribe(),
            bus.subscribe_lossy(),
            bus.subscribe(),
            bus.subscribe_lossy(),
        ];
        publish_all(&bus, 0..3);
        let mut drained = spawn(bus.drained());
        assert_pending!(drained.poll());
        for receiver in &mut receivers {
            for number in 0..3 {
                assert!(!drained.is_woken());
                assert_eq!(receiver.try_recv(), Ok(number));
            }
        }
        assert!(drained.is_woken());
        assert_ready!(drained.poll());
    }
}

#[test]
fn what_is_published_later_is_not_waited_for() {
    let bus = block(4);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut drained = spawn(bus.drained());
    publish_all(&bus, [1]);
    assert_pending!(drained.poll());
    publish_all(&bus, [2]);
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(drained.is_woken());
    assert_ready!(drained.poll());
    assert_eq!(receiver.len(), 2);
}

#[test]
fn each_drain_has_its_own_target() {
    for bus in [block(4), overwrite(4)] {
        let mut receiver = bus.subscribe();
        publish_all(&bus, [0]);
        let mut first = spawn(bus.drained());
        publish_all(&bus, [1]);
        let mut second = spawn(bus.drained());
        assert_pending!(second.poll());
        assert_pending!(first.poll());
        assert_eq!(receiver.try_recv(), Ok(0));
        assert!(first.is_woken());
        assert_ready!(first.poll());
        assert_pending!(second.poll());
        assert_eq!(receiver.try_recv(), Ok(1));
        assert!(second.is_woken());
        assert_ready!(second.poll());
    }
}

#[test]
fn a_receiver_dropped_while_waited_for() {
    for bus in [block(4), overwrite(4)] {
        let (one, other) = (bus.subscribe(), bus.subscribe_lossy());
        publish_all(&bus, [0]);
        let mut drained = spawn(bus.drained());
        assert_pending!(drained.poll());
        drop(one);
        assert_pending!(drained.poll());
        drop(other);
        assert!(drained.is_woken());
        assert_ready!(drained.poll());
    }
}

#[test]
fn a_lapped_receiver_still_has_what_is_retained() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..5);
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    assert_eq!((receiver.try_recv(), receiver.missed()), (Ok(3), 3));
    assert_pending!(drained.poll());
    assert_eq!(receiver.try_recv(), Ok(4));
    assert!(drained.is_woken());
    assert_ready!(drained.poll());
}

#[test]
fn being_waited_for_changes_nothing_for_a_lapped_receiver() {
    let bus = overwrite(2);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    publish_all(&bus, 0..5);
    assert_pending!(spawn(bus.drained()).poll());
    publish_all(&bus, 5..6);
    for receiver in &mut receivers {
        assert_eq!(backlog(receiver), [Err(Lagged(4)), Ok(4), Ok(5)]);
        assert_eq!(receiver.missed(), 4);
    }
    assert_eq!(bus.stats().missed, 8);
}

/// What it has missed, it need not receive any more.
#[test]
fn a_receiver_lapped_while_waited_for() {
    for capacity in [1, 2, 3] {
        let bus = overwrite(capacity as usize);
        let mut receiver = bus.subscribe();
        publish_all(&bus, 0..capacity);
        let mut drained = spawn(bus.drained());
        assert_pending!(drained.poll());
        publish_all(&bus, capacity..2 * capacity - 1);
        assert_pending!(drained.poll());
        publish_all(&bus, [2 * capacity - 1]);
        assert!(drained.is_woken());
        assert_ready!(drained.poll());
        let mut expected = vec![Err(Lagged(capacity))];
        expected.extend((capacity..2 * capacity).map(Ok));
        assert_eq!(backlog(&mut receiver), expected);
    }
}

#[test]
fn a_receiver_lapped_by_a_batch_while_waited_for() {
    let bus = overwrite(3);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..2);
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    bus.publish_many_blocking(&mut (2..8).collect()).unwrap();
    assert!(drained.is_woken());
    assert_ready!(drained.poll());
    let lapped = [Err(Lagged(5)), Ok(5), Ok(6), Ok(7)];
    assert_eq!(backlog(&mut receiver), lapped);
}

#[test]
fn a_gating_receiver_in_the_past_is_waited_for() {
    let bus = with_history(4, 4, WaitStrategy::Block);
    publish_all(&bus, 0..4);
    let mut events = bus.subscribe_from(Start::Oldest).with_lag();
    publish_all(&bus, [4]);
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    assert_eq!(events.try_recv(), Ok(Err(Lagged(1))));
    let mut receiver = events.into_inner();
    for number in 1..5 {
        assert!(!drained.poll().is_ready());
        assert_eq!(receiver.try_recv(), Ok(number));
    }
    assert!(drained.is_woken());
    assert_ready!(drained.poll());
}

#[test]
fn a_gating_receiver_dropped_in_the_past_is_not() {
    let bus = with_history(4, 4, WaitStrategy::Block);
    publish_all(&bus, 0..4);
    let receiver = bus.subscribe_from(Start::Oldest);
    publish_all(&bus, [4]);
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    drop(receiver);
    assert!(drained.is_woken());
    assert_ready!(drained.poll());
}

#[test]
fn a_clone_made_meanwhile_is_waited_for_too() {
    for bus in [block(2), overwrite(2)] {
        let mut receiver = bus.subscribe();
        publish_all(&bus, [0]);
        let mut drained = spawn(bus.drained());
        assert_pending!(drained.poll());
        let mut copy = receiver.clone();
        receiver.try_recv().unwrap();
        assert_pending!(drained.poll());
        copy.try_recv().unwrap();
        assert!(drained.is_woken());
        assert_ready!(drained.poll());
    }
}

#[test]
fn room_and_drain_may_be_waited_for_at_once() {
    let bus = block(2);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    publish_all(&bus, 0..2);
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    let mut publish = spawn(bus.publish(2));
    assert_pending!(publish.poll());
    for receiver in &mut receivers {
        assert!(!publish.is_woken());
        receiver.try_recv().unwrap();
    }
    assert!(publish.is_woken());
    assert_ready!(publish.poll()).unwrap();
    assert_pending!(drained.poll());
    for receiver in &mut receivers {
        assert!(!drained.is_woken());
        receiver.try_recv().unwrap();
    }
    assert!(drained.is_woken());
    assert_ready!(drained.poll());
}

#[test]
fn a_dropped_drain_has_no_effect() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..2);
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    drop(drained);
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
    publish_all(&bus, 2..4);
    assert_eq!(backlog(&mut receiver), no_gaps(2..4));
}

#[test]
fn a_graceful_shutdown() {
    watched(|| {
        for round in 0..50 {
            let bus = EventBus::with_strategy(3, STRATEGIES[round % 3]);
            let sinks: Vec<_> = (0..3)
                .map(|_| {
                    let mut receiver = bus.subscribe();
                    thread::spawn(move || {
                        while receiver.recv_blocking().is_some() {}
                        receiver.position()
                    })
                })
                .collect();
            for number in 0..20 {
                let _ = bus.publish_blocking(number);
            }
            bus.close();
            tokio_test::block_on(bus.drained());
            assert!(bus.is_empty());
            let published = bus.stats().published;
            for sink in sinks {
                assert_eq!(sink.join().unwrap(), published);
            }
        }
    });
}
