//! Futures and receivers that are leaked with `mem::forget` while they wait, or cancelled.

use crate::common::{
    STRATEGIES, Wakes, backlog, block, drop_newest, no_gaps, overwrite, publish_all, watched,
};
use eventring::{EventBus, PublishError, TryPublishError};
use futures::FutureExt;
use std::mem::forget;
use std::task::Context;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn a_forgotten_recv() {
    watched(|| {
        for strategy in STRATEGIES {
            for capacity in [1, 2] {
                let bus = EventBus::with_strategy(capacity, strategy);
                let (mut receiver, mut other) = (bus.subscribe(), bus.subscribe());
                let (wakes, waker) = Wakes::new();
                for lap in 0..5 {
                    let mut recv = receiver.recv();
                    assert_pending!(recv.poll_unpin(&mut Context::from_waker(&waker)));
                    forget(recv);
                    let mut recv = spawn(other.recv());
                    assert_pending!(recv.poll());
                    publish_all(&bus, [lap]);
                    assert!(recv.is_woken());
                    assert_ready_eq!(recv.poll(), Some(lap));
                    assert_eq!(wakes.count() as u64, lap + 1, "it was never cancelled");
                    assert_eq!(backlog(&mut receiver), no_gaps([lap]));
                }
            }
        }
    });
}

#[test]
fn the_receiver_of_a_forgotten_recv_waits_anew() {
    watched(|| {
        let bus = overwrite(1);
        let mut receiver = bus.subscribe();
        let (wakes, waker) = Wakes::new();
        let mut recv = receiver.recv();
        assert_pending!(recv.poll_unpin(&mut Context::from_waker(&waker)));
        forget(recv);
        let mut recv = spawn(receiver.recv());
        assert_pending!(recv.poll());
        publish_all(&bus, [0]);
        assert!(recv.is_woken());
        assert_eq!(wakes.count(), 0, "the later one took its place");
        assert_ready_eq!(recv.poll(), Some(0));
    });
}

#[test]
fn a_forgotten_publish_keeps_its_turn() {
    watched(|| {
        let bus = block(2);
        let mut receiver = bus.subscribe();
        publish_all(&bus, 0..2);
        let mut forgotten = spawn(bus.publish(99));
        assert_pending!(forgotten.poll());
        forget(forgotten);
        assert_eq!(backlog(&mut receiver), no_gaps(0..2));
        // Others have the rest of the room.
        for number in 2..6 {
            publish_all(&bus, [number]);
            let mut publish = spawn(bus.publish(98));
            assert_pending!(publish.poll());
            drop(publish);
            assert_eq!(backlog(&mut receiver), no_gaps([number]));
        }
    });
}

#[test]
fn a_forgotten_permit_holds_its_room_for_ever() {
    watched(|| {
        let bus = block(2);
        let mut receiver = bus.subscribe();
        forget(bus.try_reserve().unwrap());
        for number in 0..4 {
            publish_all(&bus, [number]);
            assert!(bus.try_publish(99).is_err());
            assert_eq!(backlog(&mut receiver), no_gaps([number]));
        }
    });
}

#[test]
fn a_forgotten_publish_many_keeps_the_rest() {
    watched(|| {
        let bus = block(2);
        let mut receiver = bus.subscribe();
        let mut events = (0..5).collect();
        let mut forgotten = spawn(bus.publish_many(&mut events));
        assert_pending!(forgotten.poll());
        forget(forgotten);
        assert!(events.is_empty());
        // It is granted the first place that is free.
        assert_eq!(receiver.try_recv(), Ok(0));
        events.extend(2..4);
        let mut publish = spawn(bus.publish_many(&mut events));
        assert_pending!(publish.poll());
        assert_eq!(backlog(&mut receiver), no_gaps([1]));
        assert!(publish.is_woken());
        assert_pending!(publish.poll());
        assert_eq!(backlog(&mut receiver), no_gaps([2]));
        assert_ready_eq!(publish.poll(), Ok(()));
        assert_eq!(backlog(&mut receiver), no_gaps([3]));
    });
}

#[test]
fn a_forgotten_drain() {
    watched(|| {
        for bus in [block(2), overwrite(2)] {
            let mut receiver = bus.subscribe();
            publish_all(&bus, [0]);
            let mut forgotten = spawn(bus.drained());
            assert_pending!(forgotten.poll());
            forget(forgotten);
            let mut drained = spawn(bus.drained());
            assert_pending!(drained.poll());
            assert_eq!(receiver.try_recv(), Ok(0));
            assert!(drained.is_woken());
            assert_ready!(drained.poll());
            publish_all(&bus, [1]);
            assert_eq!(backlog(&mut receiver), no_gaps([1]));
        }
    });
}

#[test]
fn a_leaked_lossy_receiver_holds_nobody_up() {
    watched(|| {
        for bus in [overwrite(2), block(2), drop_newest(2)] {
            let mut parked = bus.subscribe_lossy();
            let (_, waker) = Wakes::new();
            assert_pending!(parked.poll_recv(&mut Context::from_waker(&waker)));
            forget(parked);
            forget(bus.subscribe_lossy());
            let mut receiver = bus.subscribe();
            for number in 0..20 {
                assert_eq!(bus.publish_blocking(number), Ok(number));
                assert_eq!(receiver.try_recv(), Ok(number));
            }
        }
    });
}

#[test]
fn a_leaked_gating_receiver_holds_all_up_for_ever() {
    watched(|| {
        let bus = drop_newest(2);
        forget(bus.subscribe());
        publish_all(&bus, 0..2);
        for number in 2..5 {
            let dropped = bus.publish_blocking(number);
            assert_eq!(dropped, Err(PublishError::Dropped(number)));
        }
        assert_eq!(bus.stats().dropped, 3);
        let bus = block(2);
        forget(bus.subscribe());
        publish_all(&bus, 0..2);
        assert_eq!(bus.try_publish(2), Err(TryPublishError::Full(2)));
        let mut publish = spawn(bus.publish(2));
        assert_pending!(publish.poll());
        bus.close();
        assert_ready_eq!(publish.poll(), Err(PublishError::Closed(2)));
    });
}

#[test]
fn a_receiver_polled_by_two_tasks_in_turn() {
    let bus = overwrite(4);
    let mut receiver = bus.subscribe();
    let (wakes, wakers): (Vec<_>, Vec<_>) = (0..2).map(|_| Wakes::new()).unzip();
    for lap in 0..10 {
        let (one, other) = (lap % 2, (lap + 1) % 2);
        for index in [one, other] {
            assert_pending!(receiver.poll_recv(&mut Context::from_waker(&wakers[index])));
        }
        let before = [wakes[0].count(), wakes[1].count()];
        publish_all(&bus, [lap as u64]);
        assert_eq!(wakes[one].count(), before[one]);
        assert_eq!(wakes[other].count(), before[other] + 1);
        let polled = receiver.poll_recv(&mut Context::from_waker(&wakers[one]));
        assert_ready_eq!(polled, Some(lap as u64));
    }
}

#[test]
fn cancelled_after_its_wake_nothing_is_lost() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(2, strategy);
        let (mut receiver, mut other) = (bus.subscribe(), bus.subscribe());
        for lap in 0..5 {
            let mut recv = spawn(receiver.recv());
            assert_pending!(recv.poll());
            publish_all(&bus, [lap]);
            assert!(recv.is_woken());
            drop(recv);
            assert_eq!(backlog(&mut receiver), no_gaps([lap]));
            assert_eq!(backlog(&mut other), no_gaps([lap]));
        }
    }
}

/// Its room goes to the other publisher that waits.
#[test]
fn a_publisher_cancelled_after_its_wake_keeps_nobody_asleep() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut cancelled = spawn(bus.publish(99));
    let mut other = spawn(bus.publish(1));
    assert_pending!(cancelled.poll());
    assert_pending!(other.poll());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(cancelled.is_woken());
    drop(cancelled);
    assert!(other.is_woken());
    assert_ready_eq!(other.poll(), Ok(1));
}

#[test]
fn a_parked_receiver_that_is_dropped_keeps_nobody_asleep() {
    for capacity in [1, 2] {
        let bus = overwrite(capacity);
        let mut receivers: Vec<_> = (0..8).map(|_| bus.subscribe()).collect();
        let (wakes, waker) = Wakes::new();
        for receiver in &mut receivers {
            assert_pending!(receiver.poll_recv(&mut Context::from_waker(&waker)));
        }
        let mut left: Vec<_> = receivers.into_iter().step_by(2).collect();
        publish_all(&bus, [0]);
        assert_eq!(wakes.count(), 4);
        for receiver in &mut left {
            assert_eq!(backlog(receiver), no_gaps([0]));
        }
    }
}
