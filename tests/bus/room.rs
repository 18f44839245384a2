//! Waiting for room: first come, first served.

use crate::common::{backlog, block, no_gaps, publish_all, with_history};
use eventring::{Lagged, Start, TryPublishError, WaitStrategy};
use futures::FutureExt;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn publish_waits_for_room() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..2);
    let mut publish = spawn(bus.publish(2));
    assert_pending!(publish.poll());
    assert_eq!(bus.stats().published, 2, "nothing is claimed while waiting");
    assert!(!publish.is_woken());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Ok(2));
    assert_eq!(backlog(&mut receiver), no_gaps(1..3));
}

#[test]
fn waiting_publishers_are_served_in_order() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut waiting: Vec<_> = (1..5).map(|n| spawn(bus.publish(n))).collect();
    for publish in &mut waiting {
        assert_pending!(publish.poll());
    }
    while !waiting.is_empty() {
        receiver.try_recv().unwrap();
        let woken = waiting.iter().map(|publish| publish.is_woken());
        assert!(woken.eq((0..waiting.len()).map(|place| place == 0)));
        let (mut first, published) = (waiting.remove(0), bus.stats().published);
        assert_ready_eq!(first.poll(), Ok(published));
    }
    assert_eq!(bus.stats().published, 5);
}

#[test]
fn a_publisher_waits_for_the_slowest() {
    let bus = block(1);
    let mut receivers = [bus.subscribe(), bus.subscribe(), bus.subscribe()];
    publish_all(&bus, [0]);
    let mut publish = spawn(bus.publish(1));
    assert_pending!(publish.poll());
    for receiver in &mut receivers {
        assert!(!publish.is_woken());
        assert_pending!(publish.poll());
        assert_eq!(receiver.try_recv(), Ok(0));
    }
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Ok(1));
}

#[test]
fn room_that_is_waited_for_is_not_taken_by_another() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut publish = spawn(bus.publish(1));
    assert_pending!(publish.poll());
    receiver.try_recv().unwrap();
    assert_eq!(bus.try_publish(2), Err(TryPublishError::Full(2)));
    assert_ready_eq!(publish.poll(), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(bus.try_publish(2), Ok(2));
}

#[test]
fn a_cancelled_publisher_passes_its_turn_on() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut waiting = [1, 2, 3].map(|number| Some(spawn(bus.publish(number))));
    for publish in waiting.iter_mut().flatten() {
        assert_pending!(publish.poll());
    }
    waiting[1] = None; // while it waits
    receiver.try_recv().unwrap();
    waiting[0] = None; // after it was served
    let mut last = waiting[2].take().unwrap();
    assert!(last.is_woken());
    assert_ready_eq!(last.poll(), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(3));
}

#[test]
fn a_waiting_publisher_keeps_its_turn_with_another_waker() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut first = bus.publish(1);
    assert_eq!((&mut first).now_or_never(), None);
    let mut second = spawn(bus.publish(2));
    assert_pending!(second.poll());
    let mut first = spawn(first);
    assert_pending!(first.poll());
    receiver.try_recv().unwrap();
    assert!(first.is_woken() && !second.is_woken());
    assert_ready_eq!(first.poll(), Ok(1));
}

/// 100 publishers on a full bus, on two threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_publishers_get_equal_shares() {
    const PUBLISHERS: usize = 100;
    const EACH: usize = 50;
    let bus = block(16);
    let mut receiver = bus.subscribe();
    publish_all(&bus, (0..16).map(|_| PUBLISHERS as u64));
    // All stand in the queue before the first place is free.
    let publishers: Vec<_> = (0..PUBLISHERS as u64)
        .map(|number| {
            let bus = bus.clone();
            let mut first = Box::pin(async move { bus.publish(number).await.map(|_| bus) });
            assert!((&mut first).now_or_never().is_none());
            tokio::spawn(async move {
                let bus = first.await.unwrap();
                while bus.publish(number).await.is_ok() {}
            })
        })
        .collect();
    let mut shares = [0; PUBLISHERS];
    for _ in 0..PUBLISHERS * EACH {
        let number = receiver.recv().await.unwrap() as usize;
        if number < PUBLISHERS {
            shares[number] += 1;
        }
    }
    bus.close();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let fair = EACH / 2..=2 * EACH;
    assert!(
        shares.iter().all(|share| fair.contains(share)),
        "{shares:?}"
    );
}

#[test]
fn dropping_the_laggard_makes_room() {
    let bus = block(1);
    let (slow, mut fast) = (bus.subscribe(), bus.subscribe());
    publish_all(&bus, [0]);
    fast.try_recv().unwrap();
    let mut publish = spawn(bus.publish(1));
    assert_pending!(publish.poll());
    drop(slow);
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Ok(1));
    assert_eq!(backlog(&mut fast), no_gaps([1]));
}

#[test]
fn a_clone_of_the_laggard_is_waited_for_too() {
    let bus = block(1);
    let laggard = bus.subscribe();
    publish_all(&bus, [0]);
    let mut publish = spawn(bus.publish(1));
    assert_pending!(publish.poll());
    let mut copy = laggard.clone();
    drop(laggard);
    assert!(!publish.is_woken());
    assert_eq!(copy.try_recv(), Ok(0));
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Ok(1));
}

#[test]
fn a_laggard_that_comes_from_the_past_makes_room_in_the_present() {
    let bus = with_history(2, 2, WaitStrategy::Block);
    publish_all(&bus, 0..2);
    let mut events = bus.subscribe_from(Start::Oldest).with_lag();
    publish_all(&bus, 2..4);
    let mut publish = spawn(bus.publish(4));
    assert_pending!(publish.poll());
    assert_eq!(events.try_recv(), Ok(Err(Lagged(2))));
    assert!(!publish.is_woken());
    assert_eq!(events.try_recv(), Ok(Ok(2)));
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Ok(4));
    assert_eq!(backlog(events.get_mut()), no_gaps(3..5));
}

#[test]
fn a_cancelled_publish_leaves_no_hole() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut publish = spawn(bus.publish(99));
    assert_pending!(publish.poll());
    drop(publish);
    receiver.try_recv().unwrap();
    assert_eq!(bus.try_publish(1), Ok(1));
    assert_eq!(backlog(&mut receiver), no_gaps([1]));
}
