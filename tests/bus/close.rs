//! Closing: explicitly, by dropping the last handle, and what a weak handle can still do.

use crate::common::{
    STRATEGIES, backlog, block, drop_newest, no_gaps, overwrite, publish_all, watched,
};
use eventring::{EventBus, PublishError, TryRecvError};
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn receivers_drain_then_end() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(4, strategy);
        let mut receivers = [bus.subscribe(), bus.subscribe(), bus.subscribe_lossy()];
        publish_all(&bus, 0..3);
        bus.close();
        assert!(bus.is_closed());
        for receiver in &mut receivers {
            assert_eq!(backlog(receiver), no_gaps(0..3));
            for _ in 0..2 {
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
                let recv = spawn(receiver.recv()).poll();
                assert_ready_eq!(recv, None);
            }
        }
    }
}

#[test]
fn receivers_know_before_they_have_drained() {
    let bus = overwrite(2);
    let receiver = bus.subscribe();
    publish_all(&bus, [0]);
    assert!(!receiver.is_closed());
    drop(bus);
    assert!(receiver.is_closed() && !receiver.is_empty());
}

#[test]
fn closing_costs_no_slot() {
    for capacity in [1, 2, 3, 4] {
        for strategy in STRATEGIES {
            let bus = EventBus::with_strategy(capacity as usize, strategy);
            let mut receiver = bus.subscribe();
            publish_all(&bus, 0..capacity);
            drop(bus);
            assert_eq!(backlog(&mut receiver), no_gaps(0..capacity));
            assert_eq!(receiver.missed(), 0);
        }
    }
}

#[test]
fn closing_reaches_every_handle() {
    let bus = overwrite::<u64>(1);
    let (other, weak) = (bus.clone(), bus.downgrade());
    other.close();
    other.close();
    assert!(bus.is_closed() && weak.upgrade().unwrap().is_closed());
    assert_eq!(bus.publish_blocking(1), Err(PublishError::Closed(1)));
}

#[test]
fn closing_wakes_receivers_that_wait() {
    for capacity in [1, 2, 3] {
        let bus = overwrite::<u64>(capacity);
        let mut receivers: Vec<_> = (0..9).map(|_| bus.subscribe()).collect();
        let mut waiting: Vec<_> = receivers.iter_mut().map(|r| spawn(r.recv())).collect();
        for recv in &mut waiting {
            assert_pending!(recv.poll());
        }
        bus.close();
        for recv in &mut waiting {
            assert!(recv.is_woken());
            assert_ready_eq!(recv.poll(), None);
        }
    }
}

#[test]
fn closing_wakes_a_thread_that_waits() {
    watched(|| {
        for _ in 0..100 {
            let bus = overwrite::<u64>(1);
            let mut receiver = bus.subscribe();
            let receiving = thread::spawn(move || receiver.recv_blocking());
            drop(bus);
            assert_eq!(receiving.join().unwrap(), None);
        }
    });
}

#[test]
fn closing_hands_waiting_publishers_their_events() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut waiting: Vec<_> = (1..4).map(|n| (n, spawn(bus.publish(n)))).collect();
    for (_, publish) in &mut waiting {
        assert_pending!(publish.poll());
    }
    bus.close();
    for (number, publish) in &mut waiting {
        assert!(publish.is_woken());
        assert_ready_eq!(publish.poll(), Err(PublishError::Closed(*number)));
    }
    assert_eq!(backlog(&mut receiver), no_gaps([0]));
}

#[test]
fn room_after_the_close_is_no_room() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut publish = spawn(bus.publish(1));
    assert_pending!(publish.poll());
    bus.close();
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_ready_eq!(publish.poll(), Err(PublishError::Closed(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn dropping_the_last_handle_closes() {
    for bus in [block(2), drop_newest(2), overwrite(2)] {
        let other = bus.clone();
        let mut receiver = bus.subscribe();
        publish_all(&bus, [0]);
        drop(bus);
        publish_all(&other, [1]);
        let mut copy = receiver.clone();
        assert_eq!(backlog(&mut copy), no_gaps(0..2));
        let mut recv = spawn(copy.recv());
        assert_pending!(recv.poll());
        drop(other);
        assert!(recv.is_woken());
        assert_ready_eq!(recv.poll(), None);
        assert_eq!(backlog(&mut receiver), no_gaps(0..2));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn receivers_do_not_keep_the_bus_open() {
    let bus = overwrite::<u64>(1);
    let (receiver, weak) = (bus.subscribe(), bus.downgrade());
    drop(bus);
    assert!(weak.upgrade().is_none());
    let mut again = receiver.resubscribe();
    assert_eq!(again.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_weak_handle_opens_nothing_again() {
    let bus = overwrite::<u64>(1);
    let weak = bus.downgrade();
    let upgraded = weak.clone().upgrade().unwrap();
    assert!(upgraded.same_bus(&bus));
    assert_eq!(upgraded.strategy(), bus.strategy());
    drop(bus);
    assert!(!upgraded.is_closed(), "the upgraded handle keeps it open");
    publish_all(&upgraded, [0]);
    drop(upgraded);
    assert!(weak.upgrade().is_none());
}

#[test]
fn what_was_closed_stays_closed() {
    let bus = overwrite::<u64>(1);
    bus.close();
    let mut receiver = bus.downgrade().upgrade().unwrap().subscribe();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_bus_that_nobody_closed_is_open() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    drop(receiver.clone());
    receiver.try_recv().unwrap();
    drop(receiver);
    assert!(!bus.is_closed());
    publish_all(&bus, 1..5);
}
