//! Wakers that call back into the bus when they are woken, replaced or dropped.

use crate::common::{
    HookedWaker, STRATEGIES, Wakes, backlog, block, overwrite, publish_all, watched,
};
use eventring::{EventBus, Receiver, WeakEventBus};
use futures::FutureExt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

type Bus = EventBus<u64>;

type Deed = fn(&Bus, &Mutex<Receiver<u64>>);

/// What a waker may do to the bus.
const DEEDS: [Deed; 5] = [
    |bus, _| _ = bus.try_publish(100),
    |bus, _| _ = bus.try_publish_many(&mut vec![100, 101]),
    |bus, _| drop((bus.subscribe(), bus.subscribe_lossy())),
    |_, receiver| _ = receiver.lock().unwrap().try_recv(),
    |bus, receiver| {
        let mut receiver = receiver.lock().unwrap();
        *receiver = receiver.clone();
        assert!(bus.len() <= bus.capacity());
    },
];

/// Runs the scene with a waker for each deed, on buses of each strategy and of capacity 1 and 2.
fn for_all_deeds(
    waker: fn(Box<dyn Fn() + Send + Sync>) -> Waker,
    scene: impl Fn(Bus, Waker) + Send + 'static,
) {
    watched(move || {
        for strategy in STRATEGIES {
            for capacity in [1, 2] {
                for deed in DEEDS {
                    let bus = Bus::with_strategy(capacity, strategy);
                    // Lossy, so that it does not hold publishers back.
                    let receiver = Mutex::new(bus.subscribe_lossy());
                    let weak: WeakEventBus<u64> = bus.downgrade();
                    let act = move || {
                        if let Some(bus) = weak.upgrade() {
                            deed(&bus, &receiver);
                        }
                    };
                    scene(bus, waker(Box::new(act)));
                }
            }
        }
    });
}

fn on_drop(act: Box<dyn Fn() + Send + Sync>) -> Waker {
    HookedWaker::on_drop(act)
}

fn on_wake(act: Box<dyn Fn() + Send + Sync>) -> Waker {
    HookedWaker::on_wake(act)
}

/// Nobody is stuck, and whoever comes next is served.
fn assert_usable(bus: &Bus, receivers: &mut [Receiver<u64>]) {
    for receiver in receivers.iter_mut() {
        backlog(receiver);
    }
    let published = bus.try_publish(7).unwrap();
    for receiver in receivers {
        assert_eq!(receiver.position(), published);
        assert_eq!(backlog(receiver), [Ok(7)]);
    }
}

#[test]
fn a_waker_that_acts_when_woken() {
    for_all_deeds(on_wake, |bus, waker| {
        let mut receivers = [bus.subscribe(), bus.subscribe(), bus.subscribe_lossy()];
        let (wakes, counting) = Wakes::new();
        let [first, second, third] = &mut receivers;
        assert_pending!(first.poll_recv(&mut Context::from_waker(&waker)));
        assert_pending!(second.poll_recv(&mut Context::from_waker(&counting)));
        assert_pending!(third.poll_recv(&mut Context::from_waker(&counting)));
        publish_all(&bus, [0]);
        assert_eq!(wakes.count(), 2);
        assert_usable(&bus, &mut receivers);
    });
}

#[test]
fn wakers_that_act_when_woken_by_a_batch() {
    for_all_deeds(on_wake, |bus, waker| {
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        for receiver in &mut receivers {
            assert_pending!(receiver.poll_recv(&mut Context::from_waker(&waker)));
        }
        bus.try_publish_many(&mut vec![0, 1]).unwrap();
        assert_usable(&bus, &mut receivers);
    });
}

#[test]
fn a_waker_that_acts_when_dropped_after_its_wake() {
    for_all_deeds(on_drop, |bus, waker| {
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        assert_pending!(receivers[0].poll_recv(&mut Context::from_waker(&waker)));
        drop(waker);
        publish_all(&bus, [0]);
        assert_usable(&bus, &mut receivers);
    });
}

#[test]
fn a_waker_that_acts_when_replaced() {
    for_all_deeds(on_drop, |bus, waker| {
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        let (_, other) = Wakes::new();
        assert_pending!(receivers[0].poll_recv(&mut Context::from_waker(&waker)));
        drop(waker);
        let _ = receivers[0].poll_recv(&mut Context::from_waker(&other));
        assert_usable(&bus, &mut receivers);
    });
}

/// The publish that the dropped waker does must wake the one that took its place.
#[test]
fn a_waker_that_publishes_when_replaced_wakes_its_successor() {
    watched(|| {
        for capacity in [1, 2] {
            let bus = overwrite(capacity);
            let mut receiver = bus.subscribe();
            let handle = bus.clone();
            let old = HookedWaker::on_drop(move || publish_all(&handle, [5]));
            assert_pending!(receiver.poll_recv(&mut Context::from_waker(&old)));
            drop(old);
            let mut recv = spawn(receiver.recv());
            if recv.poll().is_pending() {
                assert!(recv.is_woken());
                assert_ready_eq!(recv.poll(), Some(5));
            }
        }
    });
}

#[test]
fn a_waker_that_acts_when_its_recv_is_dropped() {
    for_all_deeds(on_drop, |bus, waker| {
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        let mut recv = receivers[0].recv();
        assert_pending!(recv.poll_unpin(&mut Context::from_waker(&waker)));
        drop(waker);
        drop(recv);
        assert_usable(&bus, &mut receivers);
    });
}

#[test]
fn a_waker_that_acts_when_its_receiver_is_dropped() {
    for_all_deeds(on_drop, |bus, waker| {
        let (mut gone, other) = (bus.subscribe(), bus.subscribe());
        assert_pending!(gone.poll_recv(&mut Context::from_waker(&waker)));
        drop(waker);
        drop(gone);
        assert_usable(&bus, &mut [other]);
    });
}

#[test]
fn a_waker_that_acts_when_its_drain_is_dropped() {
    for_all_deeds(on_drop, |bus, waker| {
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        publish_all(&bus, [0]);
        let mut drained = bus.drained();
        assert_pending!(drained.poll_unpin(&mut Context::from_waker(&waker)));
        drop(waker);
        drop(drained);
        assert_usable(&bus, &mut receivers);
    });
}

#[test]
fn a_publishers_waker_that_acts_when_woken() {
    watched(|| {
        for deed in DEEDS {
            let bus = block(1);
            let mut receiver = bus.subscribe();
            publish_all(&bus, [0]);
            let (handle, lossy) = (bus.clone(), Mutex::new(bus.subscribe_lossy()));
            let waker = HookedWaker::on_wake(move || deed(&handle, &lossy));
            let mut publish = bus.publish(1);
            assert_pending!(publish.poll_unpin(&mut Context::from_waker(&waker)));
            let mut other = spawn(bus.publish(2));
            assert_pending!(other.poll());
            assert_eq!(receiver.try_recv(), Ok(0));
            drop(publish);
            assert!(other.is_woken());
            drop(other);
            assert_usable(&bus, &mut [receiver]);
        }
    });
}

#[test]
fn a_publishers_waker_that_acts_when_dropped() {
    watched(|| {
        for deed in DEEDS {
            for cancelled in [false, true] {
                let bus = block(1);
                let mut receiver = bus.subscribe();
                publish_all(&bus, [0]);
                let (handle, lossy) = (bus.clone(), Mutex::new(bus.subscribe_lossy()));
                let waker = HookedWaker::on_drop(move || deed(&handle, &lossy));
                let mut publish = bus.publish(1);
                assert_pending!(publish.poll_unpin(&mut Context::from_waker(&waker)));
                drop(waker);
                if !cancelled {
                    assert_eq!(receiver.try_recv(), Ok(0));
                }
                drop(publish);
                assert_usable(&bus, &mut [receiver]);
            }
        }
    });
}

#[test]
fn a_waker_that_drops_a_receiver_or_the_bus_when_woken() {
    watched(|| {
        let bus = overwrite(1);
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        let doomed = Mutex::new(Some((bus.subscribe(), bus.clone())));
        let waker = HookedWaker::on_wake(move || drop(doomed.lock().unwrap().take()));
        let (wakes, counting) = Wakes::new();
        assert_pending!(receivers[0].poll_recv(&mut Context::from_waker(&waker)));
        assert_pending!(receivers[1].poll_recv(&mut Context::from_waker(&counting)));
        publish_all(&bus, [0]);
        assert_eq!((wakes.count(), bus.receiver_count()), (1, 2));
        drop(bus);
        for receiver in &mut receivers {
            assert_eq!(backlog(receiver), [Ok(0)]);
        }
    });
}

/// A chain: each wake publishes to the next bus, the last one to the first again.
#[test]
fn wakers_that_publish_in_a_circle() {
    watched(|| {
        let buses: Vec<Bus> = (0..3).map(|_| overwrite(4)).collect();
        let mut receivers: Vec<_> = buses.iter().map(|bus| bus.subscribe()).collect();
        for (index, receiver) in receivers.iter_mut().enumerate() {
            let next = buses[(index + 1) % 3].clone();
            let waker = HookedWaker::on_wake(move || publish_all(&next, [index as u64]));
            assert_pending!(receiver.poll_recv(&mut Context::from_waker(&waker)));
        }
        publish_all(&buses[0], [9]);
        assert_eq!(backlog(&mut receivers[0]), [Ok(9), Ok(2)]);
        assert_eq!(backlog(&mut receivers[1]), [Ok(0)]);
        assert_eq!(backlog(&mut receivers[2]), [Ok(1)]);
    });
}

#[test]
fn a_cancelled_recv_leaves_no_waker_behind() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..3 {
        assert_pending!(receiver.recv().poll_unpin(&mut cx));
        assert_pending!(receiver.recv_with(|_| ()).poll_unpin(&mut cx));
        assert_pending!(receiver.recv_many(&mut Vec::new(), 1).poll_unpin(&mut cx));
        assert_pending!(receiver.recv_many_with(1, |_| ()).poll_unpin(&mut cx));
        assert_eq!(Arc::strong_count(&wakes), 2, "the test's own");
    }
    publish_all(&bus, [0]);
    assert_eq!(wakes.count(), 0);
    assert_eq!(backlog(&mut receiver), [Ok(0)]);
}

#[test]
fn a_cancelled_publish_or_drain_leaves_no_waker_behind() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..3 {
        assert_pending!(bus.publish(1).poll_unpin(&mut cx));
        assert_pending!(bus.publish_many(&mut vec![1]).poll_unpin(&mut cx));
        assert_pending!(bus.drained().poll_unpin(&mut cx));
        assert_eq!(Arc::strong_count(&wakes), 2, "the test's own");
    }
    assert_eq!(backlog(&mut receiver), [Ok(0)]);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn a_receiver_keeps_a_waker_only_while_it_waits() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    for wait in 1..=3 {
        assert_pending!(receiver.poll_recv(&mut cx));
        assert_eq!(Arc::strong_count(&wakes), 3);
        publish_all(&bus, [0]);
        assert_eq!((Arc::strong_count(&wakes), wakes.count()), (2, wait));
        assert!(receiver.poll_recv(&mut cx).is_ready());
    }
    assert_pending!(receiver.poll_recv(&mut cx));
    let (others, other) = Wakes::new();
    assert_pending!(receiver.poll_recv(&mut Context::from_waker(&other)));
    assert_eq!(
        (Arc::strong_count(&wakes), Arc::strong_count(&others)),
        (2, 3)
    );
    drop(receiver);
    assert_eq!(Arc::strong_count(&others), 2);
}
