//! Closing, draining, handles.

use super::*;

/// Catches: a receiver that registers just as the bus is closed, and sleeps for ever.
///
/// Kills: `close-notify`, `take-waiting`.
#[test]
fn close_while_a_receiver_registers() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        let closer = model.spawn(|model| model.bus.close());
        assert_eq!(receiver.recv_blocking(), None);
        closer.join().unwrap();
    });
}

/// Catches: an event published before the close that a receiver does not get before it ends.
///
/// Kills: `close-rmw`.
#[test]
fn close_after_an_event() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        let publisher = model.spawn(|model| {
            model.try_publish(0);
        });
        let closer = model.spawn(|model| model.bus.close());
        let mut account = Account::default();
        while !account.ended {
            account.wait(&mut receiver);
        }
        publisher.join().unwrap();
        closer.join().unwrap();
        account.assert_in_order(model.bus.stats().published);
    });
}

/// Catches: a close without Release, or a tail read without Acquire: who learns of the end must see
/// what was done before it.
///
/// Kills: `tail-close`, `tail-load`.
#[test]
fn close_shows_what_was_done_before() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        let done = loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let closer = {
            let (model, done) = (model.clone(), done.clone());
            thread::spawn(move || {
                done.store(1, Relaxed);
                model.bus.close();
            })
        };
        if receiver.try_recv() == Err(TryRecvError::Closed) {
            assert_eq!(done.load(Relaxed), 1);
        }
        closer.join().unwrap();
    });
}

/// Catches: a receiver that does not know of the end, after a publisher beside it was refused.
///
/// Kills: `closing-first`.
#[test]
fn close_refuses_before_it_ends() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        let closer = model.spawn(|model| model.bus.close());
        if model.bus.is_closed() {
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        }
        closer.join().unwrap();
    });
}

/// Catches: a publisher that goes to sleep just as the bus is closed.
///
/// Kills: `close-space`, `closed-refuses`, `mark-awaited`, `awaited-rmw`, `closed-unawaited`.
#[test]
fn close_while_a_publisher_waits() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let _receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let closer = model.spawn(|model| model.bus.close());
        let event = model.event(1);
        assert!(model.bus.publish_blocking(event).is_err());
        closer.join().unwrap();
    });
}

/// Catches: two last handles of which neither closes, or an upgrade from nothing.
///
/// Kills: `last-handle`, `upgrade-check`.
#[test]
fn weak_handle_while_the_last_one_drops() {
    loom::model(|| {
        let bus = EventBus::<u64>::new(1);
        let mut receiver = bus.subscribe().with_lag();
        let weak = bus.downgrade();
        let dropping = thread::spawn(move || drop(bus));
        if let Some(bus) = weak.upgrade() {
            assert_eq!(
                bus.try_publish(0),
                Ok(0),
                "an upgraded handle keeps it open"
            );
            assert_eq!(receiver.try_recv(), Ok(Ok(0)));
        }
        dropping.join().unwrap();
        assert!(weak.upgrade().is_none());
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    });
}

/// Catches: a count of handles that shows one gone, but not what was done by it.
///
/// Kills: `handle-drop`, `handles-load`.
#[test]
fn handles_show_what_was_done_before() {
    loom::model(|| {
        let (sender, _receiver) = broadcast::channel::<u64>(1);
        let other = sender.clone();
        let done = loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let dropping = {
            let done = done.clone();
            thread::spawn(move || {
                done.store(1, Relaxed);
                drop(other);
            })
        };
        if sender.strong_count() == 1 {
            assert_eq!(done.load(Relaxed), 1);
        }
        dropping.join().unwrap();
    });
}

/// Catches: the same for weak handles.
#[test]
fn weak_handles_show_what_was_done_before() {
    loom::model(|| {
        let (sender, _receiver) = broadcast::channel::<u64>(1);
        let weak = sender.downgrade();
        let done = loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let dropping = {
            let done = done.clone();
            thread::spawn(move || {
                done.store(1, Relaxed);
                drop(weak);
            })
        };
        if sender.weak_count() == 0 {
            assert_eq!(done.load(Relaxed), 1);
        }
        dropping.join().unwrap();
    });
}

/// Catches: a drain that is not notified by the gating receiver it waits for.
#[test]
fn drain_gating() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish_many(0..2);
        let reader = thread::spawn(move || {
            let mut account = Account::default();
            account.drain(&mut receiver);
            (receiver, account)
        });
        model.drained();
        let (_receiver, account) = reader.join().unwrap();
        assert_eq!(account.received, [0, 1]);
    });
}

/// Catches: a flag that a lossy receiver writes over at R4; a drain that is not passed on.
///
/// Kills: `flag-busy`, `flag-lossy`, `keep-flag`, `note-drain`, `pin-flagged`, `wake-drained`.
#[test]
fn drain_lossy() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let receivers = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        model.publish(0);
        let readers = receivers.map(|mut receiver| {
            thread::spawn(move || {
                let mut account = Account::default();
                account.drain(&mut receiver);
                assert_eq!(account.received, [0]);
                receiver
            })
        });
        model.drained();
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

/// Catches: a drain that does not hear of the eviction that settles it, or of the drop.
///
/// Kills: `attach-detached`, `evicted-flag`.
#[test]
fn drain_while_lapped_or_dropped() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let lapped = model.bus.subscribe().with_lag();
        let dropped = model.bus.subscribe().with_lag();
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.publish(1);
        });
        let dropping = thread::spawn(move || drop(dropped));
        model.drained();
        publisher.join().unwrap();
        dropping.join().unwrap();
        drop(lapped);
    });
}
