//! Subscribing.

use super::*;

/// Catches: attaching by a plain load of the tail, or lowering the bound after it: a publisher
/// laps the newcomer without evicting it.
///
/// Kills: `subscribe-gate`, `subscribe-touch`, `tail-touch`.
#[test]
fn subscribe_lossy_in_a_burst() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let publisher = model.spawn(|model| {
            for number in 0..3 {
                model.publish(number);
            }
        });
        let mut receiver = model.bus.subscribe().with_lag();
        let start = receiver.get_ref().position();
        receive_beside(&mut receiver, 1, [publisher]).assert_in_order(3 - start);
    });
}

/// Catches: the same for a gating receiver: it would lose an event.
///
/// Kills: `check-limit`, `subscribe-limit`.
#[test]
fn subscribe_gating_in_a_burst() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let publisher = model.spawn(|model| {
            for number in 0..3 {
                model.try_publish(number);
            }
        });
        let mut receiver = model.bus.subscribe().with_lag();
        let start = receiver.get_ref().position();
        let account = receive_beside(&mut receiver, 1, [publisher]);
        account.assert_in_order(model.bus.stats().published - start);
        assert_eq!(account.missed, 0);
    });
}

/// Catches: a publisher that learns of the tail (P1), but not of the bound that was lowered before
/// the tail got there: it laps a gating newcomer.
///
/// Kills: `claim-lost`.
#[test]
fn subscribe_gating_between_two_publishers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let publishers = [0, 1].map(|number| {
            model.spawn(move |model| {
                model.try_publish(number);
            })
        });
        let mut receiver = model.bus.subscribe().with_lag();
        let start = receiver.get_ref().position();
        let account = receive_beside(&mut receiver, 0, publishers);
        account.assert(model.bus.stats().published - start);
        assert_eq!(account.missed, 0);
    });
}

/// Catches: a publisher that loses a claim (P3), and does not see the bound that was lowered before
/// the winner's.
#[test]
fn subscribe_gating_and_publish() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let publisher = model.spawn(|model| {
            model.try_publish(0);
        });
        let mut receiver = model.bus.subscribe().with_lag();
        let start = receiver.get_ref().position();
        model.try_publish(1);
        publisher.join().unwrap();
        let mut account = Account::default();
        account.drain(&mut receiver);
        account.assert(model.bus.stats().published - start);
        assert_eq!(account.missed, 0);
    });
}

/// Catches: a bound that is lowered without Release: a publisher that sees it has not seen what it
/// was raised by, and overwrites what it has not seen read.
///
/// Kills: `limit-load`, `limit-raise`.
#[test]
fn subscribe_again_while_another_publishes() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish_many(0..2);
        let publisher = model.spawn(|model| {
            model.try_publish(3);
        });
        let mut account = Account::default();
        account.drain(&mut receiver);
        drop(receiver);
        model.try_publish(2);
        let _again = model.bus.subscribe().with_lag();
        publisher.join().unwrap();
    });
}

/// Catches: a clone that is not bounded, or does not inherit a pending lag.
#[test]
fn clone_in_a_burst() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe().with_lag();
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let mut clone = receiver.clone();
        receive_beside(&mut clone, 1, [publisher]).assert_in_order(2);
    });
}

/// Catches: history overwritten under a receiver that starts in it; a gap or a duplicate between
/// the past and the present.
#[test]
fn history_lossy_while_lapped() {
    loom::model(|| {
        let model = history(2, WaitStrategy::Overwrite, 1);
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.publish(1);
            model.publish(2);
        });
        let mut receiver = model.bus.subscribe_from(Start::Last(1)).with_lag();
        let start = receiver.get_ref().position();
        receive_beside(&mut receiver, 1, [publisher]).assert_in_order(3 - start);
    });
}

/// Catches: a gating receiver that loses an event on its way from the past to the present.
///
/// Kills: `gate-clear`, `leave-past`.
#[test]
fn history_gating_while_lapped() {
    bounded(3, || {
        let model = history(1, WaitStrategy::Block, 1);
        model.publish(0);
        let publisher = model.spawn(|model| {
            for number in 1..4 {
                model.try_publish(number);
            }
        });
        let mut receiver = model.bus.subscribe_from(Start::Oldest).with_lag();
        let start = receiver.get_ref().position();
        let account = receive_beside(&mut receiver, 2, [publisher]);
        account.assert_in_order(model.bus.stats().published - start);
        assert!(
            account.missed <= 1,
            "only the past may be lapped: {account:?}"
        );
        // Nobody is left in the past.
        model.drained();
    });
}

/// Catches: a gating receiver that reads the past unprotected, where another one gives publishers room
/// beyond it.
///
/// Kills: `present-anchor`.
#[test]
fn history_gating_beside_another() {
    bounded(3, || {
        let model = history(2, WaitStrategy::Block, 2);
        model.publish(0);
        let _other = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            model.try_publish(1);
            model.try_publish(2);
        });
        let mut receiver = model.bus.subscribe_from(Start::Oldest).with_lag();
        let start = receiver.get_ref().position();
        let account = receive_beside(&mut receiver, 2, [publisher]);
        account.assert_in_order(model.bus.stats().published - start);
    });
}

/// Catches: a batch received across the end of the past: the gating cursor stays behind, and the
/// publisher waits for a receiver that waits for it.
///
/// Kills: `batch-to-anchor`.
#[test]
fn history_gating_in_batches() {
    bounded(2, || {
        let model = history(2, WaitStrategy::Block, 1);
        model.publish(0);
        let mut receiver = model.bus.subscribe_from(Start::Oldest).with_lag();
        model.publish(1);
        let publisher = model.spawn(|model| {
            model.publish_blocking(2);
            model.publish_blocking(3);
        });
        let mut account = Account::default();
        while account.total() < 4 {
            let reader = receiver.get_mut();
            let received = reader.recv_many(&mut account.received, 4);
            assert!(loom::future::block_on(received) > 0);
            account.missed = reader.missed();
        }
        publisher.join().unwrap();
        account.assert_in_order(4);
    });
}
