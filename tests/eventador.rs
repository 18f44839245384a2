//! The defects of Eventador, the nearest relative, each as a regression test.
#![cfg(not(eventring_loom))]

mod common;

use common::{Wakes, backlog, block, no_gaps, overwrite, publish_all, watched};
use eventring::TryPublishError;
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use futures::{FutureExt, StreamExt};
use std::cell::Cell;
use std::rc::Rc;
use std::task::Context;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn a_dropped_subscriber_blocks_nobody() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    let dropped = bus.subscribe();
    publish_all(&bus, 0..2);
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
    let mut publish = spawn(bus.publish(2));
    assert_pending!(publish.poll());
    drop(dropped);
    assert_ready_eq!(publish.poll(), Ok(2));
    drop(receiver);
    publish_all(&bus, 3..20);
}

#[test]
fn of_two_subscribers_at_the_same_position_both_gate() {
    for slow in [0, 1] {
        let bus = block(1);
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        publish_all(&bus, [0]);
        receivers[1 - slow].try_recv().unwrap();
        assert_eq!(bus.try_publish(1), Err(TryPublishError::Full(1)));
        assert_eq!(receivers[slow].try_recv(), Ok(0));
        publish_all(&bus, [1]);
    }
}

#[test]
fn of_two_subscribers_at_the_same_position_one_may_go() {
    for gone in [0, 1] {
        let bus = block(1);
        let mut receivers = vec![bus.subscribe(), bus.subscribe()];
        drop(receivers.remove(gone));
        publish_all(&bus, [0]);
        assert_eq!(bus.try_publish(1), Err(TryPublishError::Full(1)));
        assert_eq!(backlog(&mut receivers[0]), no_gaps([0]));
        publish_all(&bus, [1]);
    }
}

#[test]
fn a_publish_does_not_wait_for_parked_subscribers_to_be_polled() {
    let bus = block(2);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    let mut waiting: Vec<_> = receivers.iter_mut().map(|r| spawn(r.recv())).collect();
    for recv in &mut waiting {
        assert_pending!(recv.poll());
    }
    for number in 0..2 {
        assert_ready_eq!(spawn(bus.publish(number)).poll(), Ok(number));
    }
    for recv in &mut waiting {
        assert!(recv.is_woken());
        assert_ready_eq!(recv.poll(), Some(0));
    }
}

#[test]
fn publisher_and_subscribers_share_a_single_thread() {
    const EVENTS: u64 = 100;
    watched(|| {
        for capacity in [1, 2, 3] {
            let bus = block(capacity);
            let mut pool = LocalPool::new();
            let received = Rc::new(Cell::new(0));
            for _ in 0..3 {
                let (stream, received) = (bus.subscribe(), Rc::clone(&received));
                let sum = stream.for_each(move |number| {
                    received.set(received.get() + number);
                    async {}
                });
                pool.spawner().spawn_local(sum).unwrap();
            }
            let publish = async move {
                for number in 0..EVENTS {
                    bus.publish(number).await.unwrap();
                }
            };
            pool.spawner().spawn_local(publish).unwrap();
            pool.run();
            assert_eq!(received.get(), 3 * EVENTS * (EVENTS - 1) / 2);
        }
    });
}

#[test]
fn a_publish_after_a_cancelled_receive_does_not_spin() {
    watched(|| {
        for bus in [block(1), overwrite(1)] {
            let mut receiver = bus.subscribe();
            for number in 0..10 {
                let mut recv = spawn(receiver.recv());
                assert_pending!(recv.poll());
                drop(recv);
                assert_eq!(bus.publish_blocking(number), Ok(number));
                assert_eq!(receiver.try_recv(), Ok(number));
            }
        }
    });
}

#[tokio::test]
async fn an_asynchronous_batch_goes_out_in_order() {
    let bus = block(16);
    let mut receiver = bus.subscribe();
    bus.publish_many(&mut (0..16).collect()).await.unwrap();
    let mut batch = Vec::new();
    assert_eq!(receiver.recv_many(&mut batch, 16).await, 16);
    assert_eq!(batch, (0..16).collect::<Vec<_>>());
}

#[test]
fn a_stream_ends_once_the_bus_is_closed() {
    watched(|| {
        for explicitly in [false, true] {
            let bus = block(4);
            let mut pool = LocalPool::new();
            let stream = bus.subscribe();
            let (still_open, closing) = if explicitly {
                (Some(bus.clone()), bus)
            } else {
                (None, bus)
            };
            let close = async move {
                publish_all(&closing, 0..4);
                closing.close();
            };
            pool.spawner().spawn_local(close).unwrap();
            let received: Vec<_> = pool.run_until(stream.collect());
            assert_eq!(received, [0, 1, 2, 3]);
            drop(still_open);
        }
    });
}

/// It is woken once, when there is room: not by the passage of time, nor by receivers that are not
/// in its way.
#[test]
fn a_blocked_publisher_sleeps_until_there_is_room() {
    let bus = block(4);
    let (mut slow, mut fast) = (bus.subscribe(), bus.subscribe());
    let mut lossy = bus.subscribe_lossy();
    publish_all(&bus, 0..4);
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    let mut publish = bus.publish(4);
    assert_pending!(publish.poll_unpin(&mut cx));
    assert_eq!(backlog(&mut fast), no_gaps(0..4));
    assert_eq!(backlog(&mut lossy), no_gaps(0..4));
    drop((fast.clone(), lossy.clone(), bus.subscribe()));
    assert_eq!(bus.try_publish(9), Err(TryPublishError::Full(9)));
    assert_eq!(wakes.count(), 0);
    assert_eq!(slow.try_recv(), Ok(0));
    assert_eq!(wakes.count(), 1);
    assert_eq!(backlog(&mut slow), no_gaps(1..4));
    assert_eq!(wakes.count(), 1);
    assert_ready_eq!(publish.poll_unpin(&mut cx), Ok(4));
}

#[test]
fn blocked_publishers_are_polled_as_often_as_there_is_room() {
    const EVENTS: u64 = 50;
    watched(|| {
        let bus = block(1);
        let mut receiver = bus.subscribe();
        let (wakes, waker) = Wakes::new();
        let mut cx = Context::from_waker(&waker);
        publish_all(&bus, [0]);
        for number in 1..EVENTS {
            let mut publish = bus.publish(number);
            assert_pending!(publish.poll_unpin(&mut cx));
            assert_eq!(receiver.try_recv(), Ok(number - 1));
            assert_eq!(wakes.count() as u64, number);
            assert_ready_eq!(publish.poll_unpin(&mut cx), Ok(number));
        }
    });
}
