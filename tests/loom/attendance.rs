//! Waiting for receivers to come, and for the last one to go.

use super::*;

/// Catches: somebody who waits for the last receiver to go, and is not notified, or before the count
/// is zero.
///
/// Kills: `note-watch`, `wake-deserted`.
#[test]
fn deserted_while_the_last_receivers_drop() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let receivers = [(); 2].map(|()| model.bus.subscribe());
        let droppings = receivers.map(|one| thread::spawn(move || drop(one)));
        loom::future::block_on(model.bus.deserted());
        assert_eq!(model.bus.receiver_count(), 0);
        for dropping in droppings {
            dropping.join().unwrap();
        }
    });
}

/// Catches: somebody who is told that the last receiver is gone before its events are.
///
/// Kills: `told-after-release`.
#[test]
fn deserted_after_the_events_are_released() {
    bounded(2, || {
        let model = counted(1, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe();
        model.publish(0);
        let dropping = thread::spawn(move || drop(receiver));
        let mut deserted = std::pin::pin!(model.bus.deserted());
        let mut told = false;
        loom::future::block_on(std::future::poll_fn(|cx| {
            // Not at the first poll: then it may find the count at zero before it is told.
            let polled = deserted.as_mut().poll(cx);
            if polled.is_ready() && told {
                assert_eq!(model.alive(), 0, "the events are released");
            }
            told = true;
            polled
        }));
        dropping.join().unwrap();
    });
}

/// Catches: an event that was published for nobody and stays.
///
/// Kills: `commit-acquire`, `count-arrivals`, `count-before-touch`.
#[test]
fn publish_while_receivers_come_and_go() {
    bounded(2, || {
        let model = counted(1, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe();
        let coming = model.spawn_returning(move |model| {
            drop(receiver);
            model.bus.subscribe()
        });
        model.publish(0);
        let mut receiver = coming.join().unwrap();
        let received = receiver.try_recv().is_ok();
        assert!(model.bus.is_empty() && receiver.is_empty(), "{received}");
        assert_eq!(model.alive(), 0, "nobody owns it any more");
    });
}

/// Catches: somebody who waits for receivers, and is not notified, or is told of one before that gets
/// what is published.
///
/// Kills: `note-watch`, `wake-attended`.
#[test]
fn attended_while_receivers_come() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let first = model.bus.subscribe();
        let coming = model.spawn_returning(|model| model.bus.subscribe());
        let copying = thread::spawn(move || (first.clone(), first));
        loom::future::block_on(model.bus.receivers_at_least(3));
        model.publish(0);
        let (copy, first) = copying.join().unwrap();
        for mut receiver in [first, copy, coming.join().unwrap()] {
            assert_eq!(receiver.try_recv(), Ok(0));
        }
    });
}
