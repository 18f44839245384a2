//! Publishing one event: `publish`, `try_publish`, `publish_blocking`, `publish_timeout`.

use crate::common::{
    STRATEGIES, backlog, block, drop_newest, no_gaps, overwrite, publish_all, times, watched,
};
use eventring::{EventBus, Lagged, PublishError, TryPublishError, WaitStrategy};
use std::thread;
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(1);

#[tokio::test]
async fn events_are_numbered_from_0_however_published() {
    let bus = overwrite(4);
    assert_eq!(bus.try_publish('a'), Ok(0));
    assert_eq!(bus.publish('b').await, Ok(1));
    assert_eq!(bus.publish_blocking('c'), Ok(2));
    assert_eq!(bus.publish_timeout('d', SHORT), Ok(3));
    bus.publish_many(&mut vec!['e', 'f']).await.unwrap();
    assert_eq!(bus.try_publish_many(&mut vec!['g']), Ok(1));
    bus.publish_many_blocking(&mut vec!['h']).unwrap();
    assert_eq!(bus.clone().publish('i').await, Ok(8));
}

#[test]
fn numbers_go_on_lap_after_lap() {
    for capacity in [1, 2, 3] {
        for strategy in STRATEGIES {
            let bus = EventBus::with_strategy(capacity, strategy);
            let mut receiver = bus.subscribe();
            for number in 0..20 {
                assert_eq!(bus.try_publish(number), Ok(number));
                assert_eq!(receiver.try_recv(), Ok(number));
            }
        }
    }
}

#[tokio::test]
async fn publishing_to_nobody_succeeds() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(2, strategy);
        for number in 0..5 {
            assert_eq!(bus.publish(number).await, Ok(number));
        }
        drop(bus.subscribe());
        assert_eq!(bus.publish(5).await, Ok(5));
        let stats = bus.stats();
        assert_eq!((stats.published, stats.dropped, stats.missed), (6, 0, 0));
    }
}

#[test]
fn nothing_published_to_nobody_is_seen_later() {
    let bus = block(4);
    publish_all(&bus, 0..3);
    let mut receiver = bus.subscribe();
    assert_eq!((receiver.position(), receiver.len()), (3, 0));
    publish_all(&bus, 3..5);
    assert_eq!(backlog(&mut receiver), no_gaps(3..5));
}

#[test]
fn try_publish_hands_back_when_full() {
    for bus in [block(2), drop_newest(2)] {
        let mut receiver = bus.subscribe();
        publish_all(&bus, 0..2);
        for _ in 0..3 {
            assert_eq!(bus.try_publish(2), Err(TryPublishError::Full(2)));
        }
        let stats = bus.stats();
        assert_eq!((stats.published, stats.dropped), (2, 0), "nothing lost");
        receiver.try_recv().unwrap();
        assert_eq!(bus.try_publish(2), Ok(2));
        assert_eq!(bus.try_publish(3), Err(TryPublishError::Full(3)));
        assert_eq!(backlog(&mut receiver), no_gaps(1..3));
    }
}

#[test]
fn overwrite_is_never_full() {
    let bus = overwrite(1);
    let receiver = bus.subscribe();
    publish_all(&bus, 0..10);
    assert_eq!(receiver.len(), 10);
}

#[tokio::test]
async fn a_closed_bus_hands_back() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(2, strategy);
        let mut receiver = bus.subscribe();
        bus.close();
        assert_eq!(bus.try_publish('a'), Err(TryPublishError::Closed('a')));
        assert_eq!(bus.publish('b').await, Err(PublishError::Closed('b')));
        assert_eq!(bus.publish_blocking('c'), Err(PublishError::Closed('c')));
        let timed = bus.publish_timeout('d', LONG);
        assert_eq!(timed, Err(TryPublishError::Closed('d')));
        assert_eq!(bus.stats().published, 0);
        assert_eq!(backlog(&mut receiver), []);
    }
}

#[test]
fn a_publish_that_was_never_polled_does_nothing() {
    let bus = overwrite(1);
    drop(bus.publish(0));
    assert_eq!(bus.stats().published, 0);
}

#[test]
fn a_second_waker_takes_the_place_of_the_first() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut publish = bus.publish(1);
    let mut poll = spawn(());
    assert_pending!(poll.enter(|cx, _| std::pin::Pin::new(&mut publish).poll(cx)));
    let mut publish = spawn(publish);
    assert_pending!(publish.poll());
    receiver.try_recv().unwrap();
    assert!(publish.is_woken() && !poll.is_woken());
    assert_ready_eq!(publish.poll(), Ok(1));
}

#[test]
#[should_panic(expected = "polled after completion")]
fn a_publish_resolves_once() {
    let bus = overwrite(1);
    let mut publish = spawn(bus.publish(0));
    assert_ready!(publish.poll()).unwrap();
    let _ = publish.poll();
}

#[test]
fn drop_newest_hands_back_at_once_and_counts() {
    let bus = drop_newest(2);
    let (mut slow, mut fast) = (bus.subscribe(), bus.subscribe());
    publish_all(&bus, 0..2);
    assert_eq!(backlog(&mut fast), no_gaps(0..2));
    let mut publish = spawn(bus.publish(2));
    assert_ready_eq!(publish.poll(), Err(PublishError::Dropped(2)));
    assert_eq!(bus.publish_blocking(3), Err(PublishError::Dropped(3)));
    let timed = bus.publish_timeout(4, LONG);
    assert_eq!(timed, Err(TryPublishError::Full(4)));
    let stats = bus.stats();
    assert_eq!((stats.published, stats.dropped), (2, 3));
    assert_eq!(backlog(&mut fast), [], "dropped for the fast one too");
    assert_eq!(slow.try_recv(), Ok(0));
    assert_eq!(bus.publish_blocking(5), Ok(2));
    assert_eq!(backlog(&mut fast), no_gaps([5]));
    assert_eq!(backlog(&mut slow), no_gaps([1, 5]));
}

#[test]
fn lossy_receivers_hold_nobody_up() {
    for bus in [block(2), drop_newest(2)] {
        let mut audit = bus.subscribe();
        let mut browser = bus.subscribe_lossy();
        for number in 0..7 {
            assert_eq!(bus.try_publish(number), Ok(number));
            assert_eq!(audit.try_recv(), Ok(number));
        }
        let lapped = [Err(Lagged(5)), Ok(5), Ok(6)];
        assert_eq!(backlog(&mut browser), lapped);
        assert_eq!((audit.missed(), browser.missed()), (0, 5));
    }
}

#[test]
fn publish_blocking_waits_for_room() {
    const EVENTS: u64 = times(1000);
    watched(|| {
        let bus = block(1);
        let mut receiver = bus.subscribe();
        let publisher = thread::spawn(move || {
            for number in 0..EVENTS {
                assert_eq!(bus.publish_blocking(number), Ok(number));
            }
        });
        for number in 0..EVENTS {
            assert_eq!(receiver.recv_blocking(), Some(number));
        }
        publisher.join().unwrap();
    });
}

#[test]
fn publish_timeout_returns_as_soon_as_there_is_room() {
    const EVENTS: u64 = times(1000);
    watched(|| {
        let bus = block(1);
        let mut receiver = bus.subscribe();
        let publisher = thread::spawn(move || {
            for number in 0..EVENTS {
                assert_eq!(bus.publish_timeout(number, LONG), Ok(number));
            }
        });
        for number in 0..EVENTS {
            assert_eq!(receiver.recv_timeout(LONG), Ok(number));
        }
        publisher.join().unwrap();
    });
}

#[test]
fn publish_timeout_hands_back_in_the_end() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    for timeout in [Duration::ZERO, SHORT] {
        let timed = bus.publish_timeout(1, timeout);
        assert_eq!(timed, Err(TryPublishError::Full(1)));
    }
    assert_eq!(bus.stats().dropped, 0, "the caller has it");
    receiver.try_recv().unwrap();
    assert_eq!(bus.publish_timeout(1, Duration::ZERO), Ok(1));
    receiver.try_recv().unwrap();
    assert_eq!(bus.publish_timeout(2, Duration::MAX), Ok(2));
}

#[test]
fn closing_ends_a_blocked_thread() {
    watched(|| {
        for round in 0..100 {
            let bus = block(1);
            let _receiver = bus.subscribe();
            publish_all(&bus, [0]);
            let handle = bus.clone();
            let publisher = thread::spawn(move || match round % 2 {
                0 => handle.publish_blocking(1).unwrap_err().into_event(),
                _ => handle.publish_timeout(1, LONG).unwrap_err().into_event(),
            });
            bus.close();
            assert_eq!(publisher.join().unwrap(), 1);
        }
    });
}

#[test]
fn what_is_published_by_one_comes_in_order() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(64, strategy);
        let mut receiver = bus.subscribe();
        for number in 0..64 {
            bus.publish_blocking(number).unwrap();
        }
        assert_eq!(backlog(&mut receiver), no_gaps(0..64));
    }
}

#[test]
fn strategy_decides_the_kind_of_receiver() {
    let lossy = |strategy| {
        EventBus::<u64>::with_strategy(1, strategy)
            .subscribe()
            .is_lossy()
    };
    assert!(!lossy(WaitStrategy::Block));
    assert!(!lossy(WaitStrategy::DropNewest));
    assert!(lossy(WaitStrategy::Overwrite));
}
