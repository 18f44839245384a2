//! Receiving one by one, by value and in place; lag; the accounts.

use crate::common::{
    Ledger, STRATEGIES, Wakes, backlog, block, drop_newest, no_gaps, overwrite, publish_all, times,
    watched,
};
use eventring::{EventBus, Lagged, RecvTimeoutError, TryRecvError, WaitStrategy};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(1);

/// Not `Clone`.
#[derive(Debug, PartialEq)]
struct Single(u64);

#[test]
fn every_receiver_gets_every_event_in_order() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(4, strategy);
        let mut receivers: Vec<_> = (0..6).map(|_| bus.subscribe()).collect();
        receivers.push(bus.subscribe_lossy());
        for lap in 0..5 {
            let numbers = lap * 4..lap * 4 + 4;
            publish_all(&bus, numbers.clone());
            for receiver in &mut receivers {
                assert_eq!(backlog(receiver), no_gaps(numbers.clone()));
            }
        }
    }
}

#[test]
fn recv_waits_for_an_event() {
    for capacity in [1, 2, 3] {
        let bus = overwrite(capacity);
        let mut receiver = bus.subscribe();
        for number in 0..10 {
            let mut recv = spawn(receiver.recv());
            assert_pending!(recv.poll());
            assert!(!recv.is_woken());
            publish_all(&bus, [number]);
            assert!(recv.is_woken());
            assert_ready_eq!(recv.poll(), Some(number));
        }
    }
}

#[test]
fn all_who_wait_are_woken() {
    for bus in [overwrite(2), block(2)] {
        let mut receivers: Vec<_> = (0..9).map(|_| bus.subscribe()).collect();
        let mut waiting: Vec<_> = receivers.iter_mut().map(|r| spawn(r.recv())).collect();
        for recv in &mut waiting {
            assert_pending!(recv.poll());
        }
        publish_all(&bus, [0]);
        for recv in &mut waiting {
            assert!(recv.is_woken());
            assert_ready_eq!(recv.poll(), Some(0));
        }
    }
}

#[test]
fn a_recv_that_was_never_polled_is_not_woken_and_ready_at_once() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    let mut recv = spawn(receiver.recv());
    publish_all(&bus, [0]);
    assert!(!recv.is_woken());
    assert_ready_eq!(recv.poll(), Some(0));
}

#[test]
fn woken_but_not_polled_gets_the_first_event() {
    for bus in [overwrite(3), block(3), drop_newest(3)] {
        let mut receiver = bus.subscribe();
        let mut recv = spawn(receiver.recv());
        assert_pending!(recv.poll());
        publish_all(&bus, 0..3);
        assert_ready_eq!(recv.poll(), Some(0));
    }
}

#[test]
fn woken_but_lapped_goes_on_with_the_oldest() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    let mut recv = spawn(receiver.recv());
    assert_pending!(recv.poll());
    publish_all(&bus, 0..3);
    assert_ready_eq!(recv.poll(), Some(1));
    drop(recv);
    assert_eq!(receiver.missed(), 1);
    assert_eq!(backlog(&mut receiver), no_gaps(2..3));
}

#[test]
fn woken_but_lapped_with_lag_learns_of_it() {
    let bus = overwrite(2);
    let mut events = bus.subscribe().with_lag();
    let mut recv = spawn(events.recv());
    assert_pending!(recv.poll());
    publish_all(&bus, 0..3);
    assert_ready_eq!(recv.poll(), Some(Err(Lagged(1))));
    drop(recv);
    assert_eq!(backlog(events.get_mut()), no_gaps(1..3));
}

#[test]
fn try_recv_says_what_there_is() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    publish_all(&bus, 0..2);
    assert_eq!((receiver.try_recv(), receiver.missed()), (Ok(1), 1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    bus.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn lag_is_exact_whatever_the_capacity() {
    for capacity in [1, 2, 3, 5, 8] {
        for published in capacity..4 * capacity {
            let bus = overwrite(capacity as usize);
            let mut receiver = bus.subscribe();
            publish_all(&bus, 0..published);
            let lag = published - capacity;
            let mut expected = no_gaps(lag..published);
            if lag > 0 {
                expected.insert(0, Err(Lagged(lag)));
            }
            assert_eq!(backlog(&mut receiver), expected, "{capacity} {published}");
            assert_eq!((receiver.missed(), bus.stats().missed), (lag, lag));
        }
    }
}

#[test]
fn lag_is_reported_once_and_never_added_up() {
    let bus = overwrite(2);
    let mut events = bus.subscribe().with_lag();
    publish_all(&bus, 0..3);
    assert_eq!(events.try_recv(), Ok(Err(Lagged(1))));
    publish_all(&bus, 3..6);
    assert_eq!(events.try_recv(), Ok(Err(Lagged(3))));
    assert_eq!(events.try_recv(), Ok(Ok(4)));
    publish_all(&bus, 6..7);
    let mut receiver = events.into_inner();
    assert_eq!(backlog(&mut receiver), no_gaps(5..7));
    assert_eq!(receiver.missed(), 4);
}

#[test]
fn positions_tell_what_comes_next() {
    let bus = overwrite(2);
    let mut events = bus.subscribe().with_lag();
    publish_all(&bus, 0..5);
    let receiver = events.get_ref();
    assert_eq!((receiver.position(), receiver.len()), (0, 5), "not told");
    assert_eq!(events.try_recv(), Ok(Err(Lagged(3))));
    let mut receiver = events.into_inner();
    assert_eq!((receiver.position(), receiver.len()), (3, 2));
    receiver.try_recv().unwrap();
    assert_eq!((receiver.position(), receiver.len()), (4, 1));
    assert!(!receiver.is_empty());
    receiver.try_recv().unwrap();
    assert_eq!((receiver.position(), receiver.len()), (5, 0));
    assert!(receiver.is_empty());
}

#[test]
fn accounts_add_up() {
    let bus = overwrite(3);
    let mut receivers = [bus.subscribe(), bus.subscribe(), bus.subscribe()];
    let mut received = [0; 3];
    for number in 0..100 {
        publish_all(&bus, [number]);
        for (index, receiver) in receivers.iter_mut().enumerate() {
            if number % (1 + 4 * index as u64) == 0 {
                received[index] += receiver.try_recv().is_ok() as u64;
            }
        }
    }
    for (index, receiver) in receivers.iter_mut().enumerate() {
        received[index] += backlog(receiver).iter().filter(|got| got.is_ok()).count() as u64;
        assert_eq!(received[index] + receiver.missed(), 100);
    }
    let missed = receivers.iter().map(|receiver| receiver.missed()).sum();
    let stats = bus.stats();
    assert_eq!((stats.published, stats.missed), (100, missed));
    assert!(missed > 0);
}

#[test]
fn a_second_waker_takes_the_place_of_the_first() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    let ((first, one), (second, two)) = (Wakes::new(), Wakes::new());
    assert_pending!(receiver.poll_recv(&mut Context::from_waker(&one)));
    assert_pending!(receiver.poll_recv(&mut Context::from_waker(&two)));
    publish_all(&bus, [0]);
    assert_eq!((first.count(), second.count()), (0, 1));
    let polled = receiver.poll_recv(&mut Context::from_waker(&one));
    assert_eq!(polled, Poll::Ready(Some(0)));
}

#[test]
fn polling_again_with_the_same_waker_wakes_it_once() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    let (wakes, waker) = Wakes::new();
    for _ in 0..5 {
        assert_pending!(receiver.poll_recv(&mut Context::from_waker(&waker)));
    }
    publish_all(&bus, [0]);
    assert_eq!(wakes.count(), 1);
}

#[test]
fn another_future_may_be_polled_in_between() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    assert_pending!(spawn(receiver.recv()).poll());
    let mut buffer = Vec::new();
    assert_pending!(spawn(receiver.recv_many(&mut buffer, 2)).poll());
    let mut recv = spawn(receiver.recv_with(|number| number + 1));
    assert_pending!(recv.poll());
    publish_all(&bus, [0]);
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll(), Some(1));
}

#[test]
fn events_that_cannot_be_cloned_are_read_in_place() {
    let bus = overwrite(2);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    bus.try_publish(Single(0)).unwrap();
    bus.try_publish(Single(1)).unwrap();
    for receiver in &mut receivers {
        assert_eq!(receiver.try_recv_with(|event| event.0), Ok(0));
        assert_ready_eq!(spawn(receiver.recv_with(|event| event.0)).poll(), Some(1));
        let none = receiver.try_recv_with(|event| event.0);
        assert_eq!(none, Err(TryRecvError::Empty));
    }
    for number in 2..5 {
        bus.try_publish(Single(number)).unwrap();
    }
    let [mut one, mut other] = receivers;
    let lapped = one.try_recv_with(|event| event.0);
    assert_eq!((lapped, one.missed()), (Ok(3), 1));
    assert_ready_eq!(spawn(other.recv_with(|event| event.0)).poll(), Some(3));
    assert_eq!(other.missed(), 1);
    let mut batch = Vec::new();
    assert_eq!(
        one.try_recv_many_with(9, |event| batch.push(event.0)),
        Ok(1)
    );
    assert_eq!(batch, [4]);
}

#[test]
fn recv_with_waits_and_then_calls_once() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    let mut calls = 0;
    let mut recv = spawn(receiver.recv_with(|event: &Single| {
        calls += 1;
        event.0
    }));
    assert_pending!(recv.poll());
    assert_pending!(recv.poll());
    bus.try_publish(Single(7)).unwrap();
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll(), Some(7));
    drop(recv);
    assert_eq!(calls, 1);
}

#[test]
fn recv_with_blocking_does_as_recv_with() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    for number in 0..2 {
        bus.try_publish(Single(number)).unwrap();
    }
    assert_eq!(receiver.recv_with_blocking(|event| event.0), Some(1));
    assert_eq!(receiver.missed(), 1);
    watched(move || {
        let publisher = bus.clone();
        let publisher = thread::spawn(move || publisher.publish_blocking(Single(2)).unwrap());
        assert_eq!(receiver.recv_with_blocking(|event| event.0), Some(2));
        publisher.join().unwrap();
        bus.close();
        assert_eq!(receiver.recv_with_blocking(|event| event.0), None);
    });
}

#[test]
fn recv_with_goes_on_after_lag() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..3);
    let mut calls = 0;
    let mut recv = spawn(receiver.recv_with(|number| {
        calls += 1;
        *number
    }));
    assert_ready_eq!(recv.poll(), Some(2));
    drop(recv);
    assert_eq!((calls, receiver.missed()), (1, 2));
}

#[test]
fn recv_timeout_gives_up_in_the_end() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    for timeout in [Duration::ZERO, SHORT] {
        let received = receiver.recv_timeout(timeout);
        assert_eq!(received, Err(RecvTimeoutError::Timeout));
    }
    publish_all(&bus, 0..2);
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(1));
    assert_eq!(receiver.missed(), 1);
    bus.close();
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Closed));
    assert_eq!(receiver.recv_blocking(), None);
}

#[test]
fn a_blocked_thread_gets_the_event() {
    const EVENTS: u64 = times(500);
    watched(|| {
        let (there, back) = (block(1), block(1));
        let (mut pings, mut pongs) = (there.subscribe(), back.subscribe());
        let echo = thread::spawn(move || {
            while let Some(number) = pings.recv_blocking() {
                back.publish_blocking(number).unwrap();
            }
        });
        let mut batch = Vec::new();
        for number in 0..EVENTS {
            there.publish_blocking(number).unwrap();
            match number % 3 {
                0 => assert_eq!(pongs.recv_blocking(), Some(number)),
                1 => assert_eq!(pongs.recv_timeout(LONG), Ok(number)),
                _ => assert_eq!(pongs.recv_many_blocking(&mut batch, 9), 1),
            }
        }
        drop(there);
        echo.join().unwrap();
        assert_eq!(batch, (2..EVENTS).step_by(3).collect::<Vec<_>>());
    });
}

#[test]
fn a_future_that_was_not_polled_leaves_the_waker_of_poll_recv() {
    let bus = overwrite(4);
    let mut receiver = bus.subscribe();
    let (wakes, waker) = Wakes::new();
    let polled = receiver.poll_recv(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(receiver.recv());
    publish_all(&bus, [0]);
    assert_eq!(wakes.count(), 1);
}

/// Neither ever finds the bus empty: without that nothing would be released before it is overwritten.
#[test]
fn what_all_have_received_is_released_on_the_way() {
    let ledger = Ledger::default();
    let bus = EventBus::with_strategy(1024, WaitStrategy::Block);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    bus.publish_many_blocking(&mut ledger.events(0..2)).unwrap();
    for number in 2..1000 {
        bus.publish_many_blocking(&mut ledger.events(number..number + 1))
            .unwrap();
        for receiver in &mut receivers {
            assert!(receiver.try_recv().is_ok());
        }
        assert!(
            ledger.alive() <= 2 + 64,
            "{} after {number}",
            ledger.alive()
        );
    }
    drop(receivers);
    assert_eq!(ledger.alive(), 0);
}
