//! Claim, commit, pin, evict, re-attach.

use super::*;

/// Catches: not evicting, or not waiting for a busy receiver (P4); an unchecked pin (R2); Release
/// or Acquire missing at P7, R1 or R4; re-attaching without lowering the gate, or by a plain load.
#[test]
fn overwrite_one_publisher() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        let publisher = model.spawn(|model| {
            for number in 0..3 {
                model.publish(number);
            }
        });
        let account = receive_beside(&mut receiver, 2, [publisher]);
        account.assert_in_order(3);
        assert_eq!(model.bus.stats().missed, account.missed);
    });
}

/// Catches: a publisher that fills a slot whose former publisher has not committed (P5); a claim
/// that two publishers win (P3).
#[test]
fn overwrite_two_publishers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        let publishers = [0, 1].map(|number| {
            model.spawn(move |model| {
                model.publish(number);
                model.publish(number);
            })
        });
        receive_beside(&mut receiver, 2, publishers).assert(4);
    });
}

/// Catches: evicting just one of several, or leaving `gate` above one that stays.
#[test]
fn overwrite_two_receivers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receivers = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let [first, second] = &mut receivers;
        let mut other = Account::default();
        other.attempt(second);
        receive_beside(first, 1, [publisher]).assert_in_order(2);
        other.drain(second);
        other.assert_in_order(2);
    });
}

/// Catches: a bound that one publisher raises without Release, or another uses without Acquire:
/// the other one overwrites what it has not seen read.
#[test]
fn hold_raised_by_one_used_by_another() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let publishers = [1, 2].map(|number| {
            model.spawn(move |model| {
                model.try_publish(number);
            })
        });
        let account = receive_beside(&mut receiver, 1, publishers);
        account.assert(model.bus.stats().published);
    });
}

/// Catches: the same for `gate`. (Two events are read at once, so that the bound leaps by two and
/// the second publisher has nothing to evict.)
///
/// Kills: `claim-rmw`, `claim-won`, `gate-after-claim`, `gate-load`, `gate-raise`, `reattach-gate`,
/// `reattach-touch`.
#[test]
fn gate_raised_by_one_used_by_another() {
    bounded(1, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish_many(0..2);
        let publishers = [2, 3].map(|number| model.spawn(move |model| model.publish(number)));
        let mut account = Account::default();
        let reader = receiver.get_mut();
        assert!(reader.try_recv_many(&mut account.received, 2).is_ok());
        account.missed = reader.missed();
        for publisher in publishers {
            publisher.join().unwrap();
        }
        account.drain(&mut receiver);
        account.assert(4);
    });
}

/// Catches: bounds mixed up between the kinds; a lossy receiver that holds publishers back.
#[test]
fn gating_and_lossy_together() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut gating = model.bus.subscribe().with_lag();
        let mut lossy = model.bus.subscribe_lossy().with_lag();
        let publisher = model.spawn(|model| {
            model.publish_blocking(0);
            model.publish_blocking(1);
        });
        let reader = thread::spawn(move || {
            let mut account = Account::default();
            account.wait(&mut gating);
            account.wait(&mut gating);
            assert_eq!(account.received, [0, 1]);
        });
        receive_beside(&mut lossy, 1, [publisher, reader]).assert_in_order(2);
    });
}
