//! Releasing values.

use super::*;

/// Catches: a value released while a publisher overwrites it, or left behind when all have it.
#[test]
fn release_lossy_while_publishing() {
    bounded(3, || {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut receivers = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let [first, second] = &mut receivers;
        let mut accounts = [Account::default(), Account::default()];
        accounts[0].drain(first);
        accounts[1].drain(second);
        publisher.join().unwrap();
        accounts[0].drain(first);
        accounts[1].drain(second);
        for account in accounts {
            account.assert_in_order(2);
        }
        assert_eq!(model.alive(), 0, "all have received all");
    });
}

/// Catches: the same, gating.
#[test]
fn release_gating_while_publishing() {
    bounded(3, || {
        let model = counted(1, WaitStrategy::Block);
        let mut receivers = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        let publisher = model.spawn(|model| {
            model.publish_blocking(0);
            model.publish_blocking(1);
        });
        let mut accounts = [Account::default(), Account::default()];
        for (account, receiver) in accounts.iter_mut().zip(&mut receivers) {
            account.wait(receiver);
            account.attempt(receiver);
        }
        publisher.join().unwrap();
        for (account, receiver) in accounts.iter_mut().zip(&mut receivers) {
            account.drain(receiver);
            assert_eq!(account.received, [0, 1]);
        }
        assert_eq!(model.alive(), 0, "all have received all");
    });
}

/// Catches: two receivers that get to the end at once, each leaving the release to the other.
///
/// Kills: `caught-up-acquire`, `caught-up-release`, `caught-up-rmw`, `only-receiver`, `release-on-empty`.
#[test]
fn release_by_the_last_to_catch_up() {
    loom::model(|| {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut receivers = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        model.publish(0);
        let [first, mut second] = receivers;
        let other = thread::spawn(move || {
            Account::default().drain(&mut second);
            second
        });
        let mut first = first;
        Account::default().drain(&mut first);
        receivers = [first, other.join().unwrap()];
        assert_eq!(model.alive(), 0);
        drop(receivers);
    });
}

/// Catches: a receiver at the end that leaves the release to one that just goes, and looks too early.
///
/// Kills: `caught-up-touch`.
#[test]
fn released_by_the_last_or_who_goes() {
    loom::model(|| {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut first = model.bus.subscribe().with_lag();
        let mut second = model.bus.subscribe().with_lag();
        model.publish(0);
        Account::default().attempt(&mut second);
        let going = thread::spawn(move || drop(second));
        Account::default().drain(&mut first);
        going.join().unwrap();
        assert_eq!(model.alive(), 0);
    });
}

/// Catches: a value that is taken for received by all, one of whom has gone, while another one clones it.
///
/// Kills: `all-locked`, `gone-unsure`.
#[test]
fn one_that_is_counted_goes_while_another_reads() {
    bounded(3, || {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut first = model.bus.subscribe().with_lag();
        let mut second = model.bus.subscribe().with_lag();
        let mut third = model.bus.subscribe().with_lag();
        model.publish(0);
        Account::default().drain(&mut first);
        Account::default().attempt(&mut second);
        let going = thread::spawn(move || drop(first));
        let reading = thread::spawn(move || {
            let mut account = Account::default();
            account.drain(&mut third);
            assert_eq!(account.received, [0]);
            third
        });
        Account::default().drain(&mut second);
        going.join().unwrap();
        let _third = reading.join().unwrap();
        assert_eq!(model.alive(), 0);
    });
}

/// Catches: a value that is taken for received by all, one of whom goes back to it.
///
/// Kills: `count-unsure`.
#[test]
fn one_that_is_counted_goes_back() {
    loom::model(|| {
        let model = counted(2, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        let mut other = model.bus.subscribe().with_lag();
        model.publish(0);
        assert_eq!(sink.try_recv().unwrap().number(), 0);
        assert!(sink.try_recv().is_err());
        Account::default().drain(&mut other);
        sink.rewind();
        assert_eq!(sink.try_recv().unwrap().number(), 0);
    });
}

/// Catches: a value that is taken for received by all, one of whom is counted as it comes, and again once it is
/// told that what it asked for is gone.
///
/// Kills: `counted-once`.
#[test]
fn one_that_is_counted_twice() {
    loom::model(|| {
        let model = counted(2, WaitStrategy::Block);
        let mut first = model.bus.subscribe().with_lag();
        model.publish(0);
        let newcomer = model.bus.receiver().start(Start::Last(1));
        let mut account = Account::default();
        account.drain(&mut newcomer.build().with_lag());
        assert_eq!((account.missed, account.received), (1, vec![]));
        let mut account = Account::default();
        account.drain(&mut first);
        assert_eq!(account.received, [0]);
    });
}

/// Catches: a value that a receiver missed, and that stays in a slot beyond the capacity.
///
/// Kills: `lapped-values`.
#[test]
fn what_was_missed_is_released() {
    loom::model(|| {
        let model = counted(3, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        (0..4).for_each(|event| model.publish(event));
        let mut account = Account::default();
        account.drain(&mut receiver);
        assert_eq!((account.missed, account.received), (1, vec![1, 2, 3]));
        assert_eq!(model.alive(), 0);
    });
}

/// Catches: two receivers at the end that both wait for a newcomer, which has nothing to read.
///
/// Kills: `caught-up-newcomer`.
#[test]
fn released_while_a_receiver_comes() {
    bounded(3, || {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut first = model.bus.subscribe().with_lag();
        let mut second = model.bus.subscribe().with_lag();
        model.publish(0);
        Account::default().drain(&mut first);
        let other = thread::spawn(move || {
            Account::default().drain(&mut second);
            second
        });
        let _newcomer = model.bus.subscribe();
        let _second = other.join().unwrap();
        assert_eq!(model.alive(), 0);
    });
}

/// Catches: values that stay because no receiver ever finds the ring empty; and ones that are released
/// while another receiver reads them, or a publisher overwrites them.
///
/// Kills: `release-on-the-way`.
#[test]
fn released_while_more_comes() {
    bounded(2, || {
        let model = counted(4, WaitStrategy::Block);
        let [mut first, mut second] = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        (0..3).for_each(|event| model.publish(event));
        let publisher = model.spawn(|model| {
            model.publish(3);
        });
        let other = thread::spawn(move || {
            let mut account = Account::default();
            account.attempt(&mut second);
            account.attempt(&mut second);
            assert_eq!(account.received, [0, 1]);
            second
        });
        let mut account = Account::default();
        account.attempt(&mut first);
        account.attempt(&mut first);
        assert_eq!(account.received, [0, 1]);
        let _second = other.join().unwrap();
        publisher.join().unwrap();
        assert_eq!(model.alive(), 2, "what nobody has received yet");
    });
}

/// Catches: a value that is committed just after the last receiver dropped, and stays behind.
///
/// Kills: `exclude-touch`, `release-after-commit`, `release-committed`, `release-on-drop`,
/// `slot-touch`, `slot-touch-acquire`, `slot-touch-release`.
#[test]
fn last_receiver_drops_while_a_publisher_commits() {
    loom::model(|| {
        let model = counted(2, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.publish(1);
        });
        drop(receiver);
        publisher.join().unwrap();
        assert_eq!(model.alive(), 0, "nobody can receive it");
    });
}

/// Catches: the same for a batch, and for two publishers that find nobody.
///
/// Kills: `bound-lower`, `exclude-gate`, `gate-readmit`.
#[test]
fn last_receiver_drops_while_publishers_commit() {
    bounded(2, || {
        let model = counted(2, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe().with_lag();
        let publishers = [
            model.spawn(|model| model.publish_many(0..2)),
            model.spawn(|model| {
                model.publish(2);
            }),
        ];
        drop(receiver);
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert_eq!(model.alive(), 0, "nobody can receive them");
    });
}

/// Catches: a value that is claimed with no receiver, committed with one, and stays behind since
/// that one starts after it.
///
/// Kills: `caught-up-newcomer`.
#[test]
fn first_receiver_comes_while_a_publisher_commits() {
    loom::model(|| {
        let model = counted(2, WaitStrategy::Overwrite);
        let publisher = model.spawn(|model| {
            model.publish(0);
        });
        let mut receiver = model.bus.subscribe().with_lag();
        publisher.join().unwrap();
        let received = receiver.try_recv().is_ok();
        assert_eq!(model.alive(), 0, "received: {received}");
    });
}

/// Catches: a value moved out by the only receiver while one that just dropped still clones it.
///
/// Kills: `receivers-load`, `receivers-shrink`.
#[test]
fn move_out_while_the_other_receiver_drops() {
    loom::model(|| {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        let mut other = model.bus.subscribe().with_lag();
        model.publish(0);
        let dropping = thread::spawn(move || {
            Account::default().attempt(&mut other);
            drop(other);
        });
        let mut account = Account::default();
        account.drain(&mut receiver);
        dropping.join().unwrap();
        assert_eq!(account.received, [0]);
        account.drain(&mut receiver);
        assert_eq!(model.alive(), 0);
    });
}

/// Catches: a value moved out under a receiver that just subscribed.
#[test]
fn move_out_while_another_subscribes() {
    bounded(2, || {
        let model = counted(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        let publisher = model.spawn(|model| {
            model.publish_blocking(0);
            model.publish_blocking(1);
        });
        let newcomer = model.spawn(|model| {
            let mut newcomer = model.bus.subscribe().with_lag();
            let start = newcomer.get_ref().position();
            let mut account = Account::default();
            account.attempt(&mut newcomer);
            assert!(account.received.iter().all(|number| *number == start));
        });
        receive_beside(&mut receiver, 1, [publisher, newcomer]).assert_in_order(2);
    });
}

/// Catches: a value moved out by the slowest of several receivers while another one still reads it, or
/// that another one still needs.
///
/// Kills: `others-are-past`.
#[test]
fn moved_out_by_the_last_that_needs_it() {
    bounded(3, || {
        let model = counted(4, WaitStrategy::Block);
        let [mut first, mut second] = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        (0..3).for_each(|event| model.publish(event));
        let other = thread::spawn(move || {
            let mut account = Account::default();
            account.drain(&mut second);
            assert_eq!(account.received, [0, 1, 2]);
            second
        });
        let mut account = Account::default();
        account.drain(&mut first);
        assert_eq!(account.received, [0, 1, 2]);
        let _second = other.join().unwrap();
        assert_eq!(model.alive(), 0);
    });
}

/// Catches: a receiver that moves out what its copy is to get.
///
/// Kills: `copy-needs-it-too`.
#[test]
fn a_copy_gets_what_only_its_original_needed() {
    loom::model(|| {
        let model = counted(4, WaitStrategy::Block);
        let [mut first, mut second] = [
            model.bus.subscribe().with_lag(),
            model.bus.subscribe().with_lag(),
        ];
        (0..3).for_each(|event| model.publish(event));
        Account::default().drain(&mut second);
        let mut account = Account::default();
        account.attempt(&mut first);
        account.attempt(&mut first);
        let mut copy = first.clone();
        let other = thread::spawn(move || {
            let mut account = Account::default();
            account.drain(&mut copy);
            assert_eq!(account.received, [2]);
            copy
        });
        account.drain(&mut first);
        assert_eq!(account.received, [0, 1, 2]);
        let _copy = other.join().unwrap();
        assert_eq!(model.alive(), 0);
    });
}
