//! What others see of a committing receiver.

use crate::common::{Wakes, block, publish_all};
use eventring::Gone;
use futures::FutureExt;
use std::task::Context;
use std::thread;
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn it_follows_the_commits() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    assert_eq!(stored.get(), 0);
    publish_all(&bus, 0..3);
    drop(sink.try_recv_batch(2).unwrap());
    assert_eq!(stored.get(), 0);
    sink.try_recv_batch(2).unwrap().commit();
    assert_eq!(
        (stored.get(), format!("{stored:?}")),
        (2, "Watermark(2)".into())
    );
    drop((bus, sink));
    assert_eq!(stored.clone().get(), 2, "and stays there");
}

#[test]
fn each_is_waited_for_by_itself() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    let mut waits: Vec<_> = (0..4).map(|event| spawn(stored.reached(event))).collect();
    publish_all(&bus, 0..4);
    for wait in &mut waits {
        assert_pending!(wait.poll());
    }
    for upto in 1..=4 {
        sink.try_recv().unwrap();
        sink.commit_all();
        let mut reached = waits.remove(0);
        assert!(reached.is_woken());
        assert!(waits.iter().all(|wait| !wait.is_woken()), "for nothing");
        assert_ready_eq!(reached.poll(), Ok(()));
        for wait in &mut waits {
            assert_pending!(wait.poll());
        }
        assert_eq!(stored.reached(upto - 1).now_or_never(), Some(Ok(())));
    }
}

#[test]
fn what_is_waited_for_no_more_is_forgotten_by_the_next_commit() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    let mut wait = spawn(stored.reached(u64::MAX));
    assert_pending!(wait.poll());
    let is_awaited = || bus.receivers()[0].awaited;
    for still in [true, false] {
        publish_all(&bus, 0..1);
        sink.try_recv().unwrap();
        sink.commit_all();
        assert_eq!(is_awaited(), still);
        if still {
            wait = spawn(stored.reached(0)); // in its place
        }
    }
    assert_ready_eq!(wait.poll(), Ok(()));
}

#[test]
fn a_commit_short_of_it_wakes_nobody() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    let mut wait = spawn(stored.reached(2));
    publish_all(&bus, 0..3);
    assert_pending!(wait.poll());
    for upto in 1..=2 {
        sink.try_recv().unwrap();
        sink.commit(upto);
        assert!(!wait.is_woken());
    }
    sink.try_recv().unwrap();
    sink.commit_all();
    assert!(wait.is_woken());
    assert_ready_eq!(wait.poll(), Ok(()));
}

#[test]
fn a_receiver_that_goes() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    let mut waits = [0, 1, u64::MAX].map(|event| spawn(stored.reached(event)));
    publish_all(&bus, 0..2);
    waits
        .iter_mut()
        .for_each(|wait| assert_pending!(wait.poll()));
    sink.try_recv_many(&mut Vec::new(), 9).unwrap();
    sink.commit(1);
    let clone = sink.clone();
    drop(sink);
    let [first, second, last] = &mut waits;
    assert_ready_eq!(first.poll(), Ok(()));
    for wait in [second, last] {
        assert!(wait.is_woken());
        assert_ready_eq!(wait.poll(), Err(Gone));
    }
    assert_eq!(clone.watermark().get(), 1, "a clone has its own");
    assert_eq!(stored.reached_blocking(0), Ok(()));
    assert_eq!(stored.reached_blocking(1), Err(Gone));
    assert_eq!(stored.reached_timeout(1, Duration::ZERO), Some(Err(Gone)));
    // The number of the one that went is used again.
    let other = bus.subscribe_committing();
    assert_eq!(stored.reached_blocking(1), Err(Gone));
    assert_eq!(other.watermark().get(), 2);
}

#[test]
fn threads_wait_too() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    assert_eq!(stored.reached_timeout(0, Duration::from_millis(1)), None);
    thread::scope(|scope| {
        let waits = [0, 1, 2].map(|event| {
            let stored = &stored;
            scope.spawn(move || stored.reached_blocking(event))
        });
        publish_all(&bus, 0..2);
        sink.recv_batch_blocking(1).unwrap().commit();
        sink.recv_batch_blocking(1).unwrap().commit();
        drop(sink);
        let waited = waits.map(|wait| wait.join().unwrap());
        assert_eq!(waited, [Ok(()), Ok(()), Err(Gone)]);
    });
}

#[test]
fn a_wait_that_is_cancelled() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    let (wakes, waker) = Wakes::new();
    let mut wait = stored.reached(0);
    assert_pending!(wait.poll_unpin(&mut Context::from_waker(&waker)));
    drop(wait);
    publish_all(&bus, [0]);
    sink.try_recv_batch(1).unwrap().commit();
    assert_eq!(wakes.count(), 0);
}

#[test]
fn who_waits_on_a_closed_bus_is_not_woken_by_closing_it_again() {
    let bus = block::<u64>(4);
    let sink = bus.subscribe_committing();
    let stored = sink.watermark();
    bus.close();
    let mut reached = spawn(stored.reached(0));
    assert_pending!(reached.poll());
    bus.close();
    drop(bus);
    assert!(!reached.is_woken());
    drop(sink);
    assert_ready_eq!(reached.poll(), Err(Gone));
}

#[test]
fn publishers_and_drains_wait_beside() {
    let bus = block(2);
    let mut sink = bus.subscribe_committing();
    let stored = sink.watermark();
    publish_all(&bus, 0..2);
    let mut reached = spawn(stored.reached(1));
    let mut drained = spawn(bus.drained());
    let mut publish = spawn(bus.publish(2));
    assert_pending!(reached.poll());
    assert_pending!(drained.poll());
    assert_pending!(publish.poll());
    sink.try_recv_batch(1).unwrap().commit();
    assert!(publish.is_woken() && !reached.is_woken() && !drained.is_woken());
    assert_ready_eq!(publish.poll(), Ok(2));
    sink.try_recv_batch(1).unwrap().commit();
    assert!(reached.is_woken() && drained.is_woken());
    assert_ready_eq!(reached.poll(), Ok(()));
    assert_ready_eq!(drained.poll(), ());
}
