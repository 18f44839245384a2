//! Waiting to publish.

use super::*;

/// Catches: no FLAGGED hand-over; a flag that is not checked again after it was set; a bound that
/// is stored but not notified.
///
/// Kills: `advance-rmw`, `cursor-advance`, `flag-check`, `flag-laggard`, `hand-over`, `wake-served`.
#[test]
fn blocked_publisher_one_receiver() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let mut account = Account::default();
        account.wait(&mut receiver);
        publisher.join().unwrap();
        account.drain(&mut receiver);
        assert_eq!(account.received, [0, 1]);
    });
}

/// Catches: a flag that is not passed on to the next laggard.
///
/// Kills: `pass-flag-on`.
#[test]
fn blocked_publisher_two_receivers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receivers = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let [first, mut second] = receivers;
        receivers = {
            let other = thread::spawn(move || {
                Account::default().wait(&mut second);
                second
            });
            let mut first = first;
            Account::default().wait(&mut first);
            [first, other.join().unwrap()]
        };
        publisher.join().unwrap();
        for receiver in &mut receivers {
            let mut account = Account::default();
            account.drain(receiver);
            assert_eq!(account.received, [1]);
        }
    });
}

/// Catches: the same with a longer chain.
#[test]
fn blocked_publisher_three_receivers() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let receivers = [(); 3].map(|()| model.bus.subscribe().with_lag());
        model.publish(0);
        let others = receivers.map(|mut receiver| {
            thread::spawn(move || {
                Account::default().wait(&mut receiver);
                receiver
            })
        });
        model.publish_blocking(1);
        for other in others {
            let mut account = Account::default();
            account.drain(&mut other.join().unwrap());
            assert_eq!(account.received, [1]);
        }
    });
}

/// Catches: a flagged receiver that takes its flag with it when it is dropped.
///
/// Kills: `removed-flag`.
#[test]
fn blocked_publisher_receiver_drops() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let flagged = model.bus.subscribe().with_lag();
        let mut other = model.bus.subscribe().with_lag();
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let mut account = Account::default();
        account.attempt(&mut other);
        drop(flagged);
        publisher.join().unwrap();
        account.drain(&mut other);
        assert_eq!(account.received, [0, 1]);
    });
}

/// Catches: a hand-over that does not see that a `try_publish` took part of the room.
#[test]
fn blocked_publisher_part_of_the_room_taken() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        model.publish(1);
        let publishers = [
            model.spawn(|model| model.publish_blocking(2)),
            model.spawn(|model| {
                model.try_publish(3);
            }),
        ];
        // Both at once: the other publisher comes between the step and the hand-over, raises the
        // bound by two, and leaves room for one.
        let mut account = Account::default();
        let received = receiver.get_mut().try_recv_many(&mut account.received, 2);
        assert_eq!(received, Ok(2));
        for publisher in publishers {
            publisher.join().unwrap();
        }
        account.drain(&mut receiver);
        account.assert(model.bus.stats().published);
    });
}

/// Catches: room that only one of several sleeping publishers hears of.
#[test]
fn blocked_publishers_two_asleep() {
    bounded(1, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let publishers =
            [1, 2].map(|number| model.spawn(move |model| model.publish_blocking(number)));
        let mut account = Account::default();
        for _ in 0..3 {
            account.wait(&mut receiver);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        account.assert(3);
    });
}

/// Catches: a cancelled publisher that leaves a hole, or takes a wake-up with it.
#[test]
fn blocked_publisher_cancelled() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let cancelled = model.spawn(|model| {
            let _ = loom::future::block_on(std::future::poll_fn(|cx| {
                let mut publish = std::pin::pin!(model.bus.publish(model.event(1)));
                std::task::Poll::Ready(publish.as_mut().poll(cx).map(drop))
            }));
        });
        let publisher = model.spawn(|model| model.publish_blocking(2));
        let mut account = Account::default();
        account.wait(&mut receiver);
        account.wait(&mut receiver);
        cancelled.join().unwrap();
        account.drain(&mut receiver);
        // The cancelled one may have got through; what is left then is for the other.
        publisher.join().unwrap();
        account.drain(&mut receiver);
        account.assert(model.bus.stats().published);
    });
}
