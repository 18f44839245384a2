//! Publishing batches: order, what is left in the vector, and how it is counted.

use crate::common::{
    HookedWaker, STRATEGIES, backlog, block, drop_newest, no_gaps, overwrite, publish_all, times,
    watched,
};
use eventring::{EventBus, Lagged, PublishError, TryPublishError};
use std::task::Context;
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[tokio::test]
async fn a_batch_comes_in_order() {
    for strategy in STRATEGIES {
        for capacity in [3, 4, 8] {
            let bus = EventBus::with_strategy(capacity, strategy);
            let mut receiver = bus.subscribe();
            for lap in 0..5 {
                let numbers = lap * 3..lap * 3 + 3;
                let mut events = numbers.clone().collect();
                bus.publish_many(&mut events).await.unwrap();
                assert!(events.is_empty());
                assert_eq!(backlog(&mut receiver), no_gaps(numbers));
            }
        }
    }
}

#[tokio::test]
async fn an_empty_batch_is_nothing() {
    let bus = block::<u64>(1);
    bus.publish_many(&mut Vec::new()).await.unwrap();
    bus.publish_many_blocking(&mut Vec::new()).unwrap();
    assert_eq!(bus.try_publish_many(&mut Vec::new()), Ok(0));
    assert_eq!(bus.stats().published, 0);
}

#[test]
fn the_vector_keeps_its_allocation() {
    let bus = overwrite(8);
    let mut events = Vec::with_capacity(100);
    events.extend(0..8);
    bus.publish_many_blocking(&mut events).unwrap();
    assert!(events.is_empty() && events.capacity() >= 100);
}

#[test]
fn a_batch_larger_than_the_ring_waits_as_often_as_it_takes() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    let mut events = (0..7).collect();
    let mut publish = spawn(bus.publish_many(&mut events));
    let mut received = Vec::new();
    while publish.poll().is_pending() {
        assert!(!publish.is_woken());
        received.extend(backlog(&mut receiver));
        assert!(publish.is_woken());
    }
    received.extend(backlog(&mut receiver));
    assert_eq!(received, no_gaps(0..7));
}

#[test]
fn a_batch_takes_the_room_there_is() {
    let bus = block(3);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut events = (1..6).collect();
    let mut publish = spawn(bus.publish_many(&mut events));
    assert_pending!(publish.poll());
    assert_eq!(bus.stats().published, 3);
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(publish.is_woken());
    assert_pending!(publish.poll());
    assert_eq!(bus.stats().published, 4);
}

#[test]
fn a_cancelled_batch_leaves_the_rest_in_the_vector() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    let mut events = (0..5).collect();
    let mut publish = spawn(bus.publish_many(&mut events));
    assert_pending!(publish.poll());
    drop(publish);
    assert_eq!(events, [2, 3, 4]);
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
    drop(bus.publish_many(&mut events));
    assert_eq!(events, [2, 3, 4], "never polled");
    bus.publish_many_blocking(&mut vec![2]).unwrap();
    assert_eq!(backlog(&mut receiver), no_gaps([2]));
}

#[test]
fn closing_leaves_the_rest_in_the_vector() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    let mut events = (0..5).collect();
    let mut publish = spawn(bus.publish_many(&mut events));
    assert_pending!(publish.poll());
    bus.close();
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Err(PublishError::Closed(())));
    drop(publish);
    assert_eq!(events, [2, 3, 4]);
    let again = bus.publish_many_blocking(&mut events);
    assert_eq!(again, Err(PublishError::Closed(())));
    let tried = bus.try_publish_many(&mut events);
    assert_eq!(tried, Err(TryPublishError::Closed(())));
    assert_eq!(events, [2, 3, 4]);
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
}

#[test]
fn drop_newest_leaves_the_rest_in_the_vector_and_counts_it() {
    let bus = drop_newest(2);
    let mut receiver = bus.subscribe();
    let mut events = (0..5).collect();
    let mut publish = spawn(bus.publish_many(&mut events));
    assert_ready_eq!(publish.poll(), Err(PublishError::Dropped(())));
    drop(publish);
    assert_eq!(events, [2, 3, 4]);
    let stats = bus.stats();
    assert_eq!((stats.published, stats.dropped), (2, 3));
    let again = bus.publish_many_blocking(&mut events);
    assert_eq!(again, Err(PublishError::Dropped(())));
    assert_eq!((events.len(), bus.stats().dropped), (3, 6));
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
}

#[test]
fn overwrite_takes_any_batch() {
    for capacity in [1, 2, 3] {
        let bus = overwrite(capacity);
        let mut receiver = bus.subscribe();
        bus.publish_many_blocking(&mut (0..10).collect()).unwrap();
        let retained = 10 - capacity as u64;
        let mut expected = vec![Err(Lagged(retained))];
        expected.extend((retained..10).map(Ok));
        assert_eq!(backlog(&mut receiver), expected);
    }
}

#[test]
fn try_publish_many_takes_what_fits() {
    for bus in [block(3), drop_newest(3)] {
        let mut receiver = bus.subscribe();
        let mut events = (0..5).collect();
        assert_eq!(bus.try_publish_many(&mut events), Ok(3));
        assert_eq!(events, [3, 4]);
        let full = bus.try_publish_many(&mut events);
        assert_eq!(full, Err(TryPublishError::Full(())));
        assert_eq!(events, [3, 4]);
        assert_eq!(bus.stats().dropped, 0, "the caller has them");
        assert_eq!(receiver.try_recv(), Ok(0));
        assert_eq!(bus.try_publish_many(&mut events), Ok(1));
        assert_eq!(events, [4]);
        assert_eq!(backlog(&mut receiver), no_gaps(1..4));
    }
}

#[test]
fn try_publish_many_takes_all_with_overwrite() {
    let bus = overwrite(2);
    let _receiver = bus.subscribe();
    let mut events = (0..5).collect::<Vec<_>>();
    assert_eq!(bus.try_publish_many(&mut events), Ok(5));
    assert!(events.is_empty());
}

#[test]
fn a_batch_wakes_each_waiting_receiver_once() {
    let bus = overwrite(8);
    let mut receivers: Vec<_> = (0..6).map(|_| bus.subscribe()).collect();
    let mut waiting: Vec<_> = receivers.iter_mut().map(|r| spawn(r.recv())).collect();
    for recv in &mut waiting {
        assert_pending!(recv.poll());
    }
    bus.publish_many_blocking(&mut (0..4).collect()).unwrap();
    for recv in &mut waiting {
        assert!(recv.is_woken());
        assert_ready_eq!(recv.poll(), Some(0));
    }
    drop(waiting);
    for receiver in &mut receivers {
        assert_eq!(backlog(receiver), no_gaps(1..4));
    }
}

/// What is claimed must not depend on when a publisher last looked where the receivers stand.
#[test]
fn a_batch_for_which_there_is_room_is_one_run() {
    let bus = block(5);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..3);
    assert_eq!(backlog(&mut receiver), no_gaps(0..3));
    let interloper = bus.clone();
    let waker = HookedWaker::on_wake(move || publish_all(&interloper, [99]));
    let polled = receiver.poll_recv(&mut Context::from_waker(&waker));
    assert_pending!(polled);
    bus.publish_many_blocking(&mut (3..7).collect()).unwrap();
    assert_eq!(backlog(&mut receiver), no_gaps([3, 4, 5, 6, 99]));
}

#[test]
fn runs_of_two_publishers_are_not_mixed() {
    const BATCH: u64 = 4;
    const BATCHES: u64 = times(200);
    watched(|| {
        let bus = block(4 * BATCH as usize);
        let mut receiver = bus.subscribe();
        let publishers: Vec<_> = (0..2)
            .map(|_| {
                let bus = bus.clone();
                thread::spawn(move || {
                    for _ in 0..BATCHES {
                        // Room for a batch of each, whatever the other one does meanwhile.
                        while bus.len() as u64 > 2 * BATCH {
                            thread::yield_now();
                        }
                        let mut batch = (0..BATCH).collect();
                        bus.publish_many_blocking(&mut batch).unwrap();
                    }
                })
            })
            .collect();
        drop(bus);
        let mut received = Vec::new();
        while let Some(number) = receiver.recv_blocking() {
            received.push(number);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert_eq!(received.len() as u64, 2 * BATCHES * BATCH);
        for run in received.chunks(BATCH as usize) {
            assert_eq!(run, [0, 1, 2, 3]);
        }
    });
}
