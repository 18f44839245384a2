//! Permits, and the queue of those who wait for room.

use super::*;
use eventring::OwnedPermit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Polls once, without anybody to be woken.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A permit to be used in another thread.
fn owned(model: &Model<u64>) -> OwnedPermit<u64> {
    loom::future::block_on(model.bus.clone().reserve_owned()).unwrap()
}

/// All that was published comes, and none of it is missed.
fn assert_lossless(receiver: &mut WithLag<u64>, mut account: Account, published: u64) {
    account.drain(receiver);
    account.assert(published);
    assert_eq!(account.missed, 0);
}

/// Catches: a claim that has seen the limit before room was taken back: it takes the place of a
/// permit, which laps the receiver.
///
/// Kills: `take-back`, `take-back-turn`, `tail-turn`.
#[test]
fn permit_against_a_claim() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.try_publish(2);
        });
        if let Ok(permit) = model.bus.try_reserve() {
            permit.publish(1).unwrap();
        }
        publisher.join().unwrap();
        assert_lossless(
            &mut receiver,
            Account::default(),
            model.bus.stats().published,
        );
    });
}

/// Catches: room that was given up, raised by one and taken back again at the same tail, so that
/// the claim of another that has seen all of it before succeeds.
///
/// Kills: `claim-what-was-raised`.
#[test]
fn permit_against_a_claim_that_was_late() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let publishers = [2, 3].map(|number| {
            model.spawn(move |model| {
                model.try_publish(number);
            })
        });
        drop(model.bus.try_reserve());
        if let Ok(permit) = model.bus.try_reserve() {
            permit.publish(1).unwrap();
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert_lossless(
            &mut receiver,
            Account::default(),
            model.bus.stats().published,
        );
    });
}

/// Catches: a gating receiver that comes while a permit is out, and is lapped by who publishes
/// beside it, having seen that there was nobody.
///
/// Kills: `subscribe-limit`.
#[test]
fn permit_while_a_receiver_comes() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let permit = model.bus.try_reserve().unwrap();
        let publisher = model.spawn(|model| {
            model.try_publish(0);
        });
        let mut receiver = model.bus.subscribe().with_lag();
        let start = receiver.get_ref().position();
        permit.publish(1).unwrap();
        publisher.join().unwrap();
        let published = model.bus.stats().published;
        assert_lossless(&mut receiver, Account::default(), published - start);
    });
}

/// Catches: a permit that overwrites what it has not seen read.
#[test]
fn permit_for_what_was_just_read() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let publisher = model.spawn(|model| {
            if let Ok(permit) = model.bus.try_reserve() {
                permit.publish(1).unwrap();
            }
        });
        let mut account = Account::default();
        account.attempt(&mut receiver);
        publisher.join().unwrap();
        assert_lossless(&mut receiver, account, model.bus.stats().published);
    });
}

/// Catches: a place that is granted to one who gives up, and is not passed on; one who has given
/// up, and is granted a place.
///
/// Kills: `leave-queue`, `pass-turn-on`.
#[test]
fn permit_granted_and_given_up() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let mut first = Box::pin({
            let bus = model.bus.clone();
            async move { bus.publish(9).await }
        });
        assert!(poll_once(first.as_mut()).is_pending());
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let giving_up = thread::spawn(move || drop(first));
        let mut account = Account::default();
        account.wait(&mut receiver);
        giving_up.join().unwrap();
        publisher.join().unwrap();
        account.drain(&mut receiver);
        assert_eq!(account.received, [0, 1]);
    });
}

/// Catches: two who wait, and one place: just one is woken, and the other is covered by a flag.
/// A third one that does not wait takes nothing from them.
///
/// Kills: `queue-first`.
#[test]
fn permits_are_granted_in_turn() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let mut first = pin!(model.bus.publish(1));
        let mut second = pin!(model.bus.publish(2));
        assert!(poll_once(first.as_mut()).is_pending());
        assert!(poll_once(second.as_mut()).is_pending());
        let other = model.spawn(|model| assert!(!model.try_publish(9)));
        let mut account = Account::default();
        account.wait(&mut receiver);
        other.join().unwrap();
        assert!(poll_once(second.as_mut()).is_pending());
        assert!(poll_once(first.as_mut()).is_ready());
        account.wait(&mut receiver);
        assert!(poll_once(second.as_mut()).is_ready());
        account.drain(&mut receiver);
        assert_eq!(account.received, [0, 1, 2]);
    });
}

/// Catches: a grant that outlives the closing, or one who waits and is not told.
///
/// Kills: `closed-while-waiting`.
#[test]
fn permit_granted_while_the_bus_closes() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let closer = model.spawn(|model| model.bus.close());
        let waiting = model.spawn(|model| {
            if let Ok(permit) = loom::future::block_on(model.bus.reserve()) {
                let _ = permit.publish(1);
            }
        });
        let mut account = Account::default();
        account.wait(&mut receiver);
        closer.join().unwrap();
        waiting.join().unwrap();
        assert_lossless(&mut receiver, account, model.bus.stats().published);
    });
}

/// Catches: one who waits for a permit to be used, and goes on waiting when a receiver comes.
#[test]
fn permit_awaited_while_a_receiver_comes() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let permit = model.bus.try_reserve().unwrap();
        let waiting = model.spawn(|model| {
            let permit = model.bus.reserve_blocking().unwrap();
            permit.publish(1).unwrap();
        });
        let mut receiver = model.bus.subscribe().with_lag();
        permit.publish(0).unwrap();
        let mut account = Account::default();
        account.wait(&mut receiver);
        waiting.join().unwrap();
        assert_lossless(&mut receiver, account, 2);
    });
}

/// Catches: the last receiver that goes while two wait.
#[test]
fn permits_awaited_while_the_last_receiver_goes() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let receiver = model.bus.subscribe();
        model.publish(0);
        let publishers =
            [1, 2].map(|number| model.spawn(move |model| model.publish_blocking(number)));
        drop(receiver);
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert_eq!(model.bus.stats().published, 3);
    });
}

/// Catches: a permit that is counted twice while it is used, so that there seems to be no room.
///
/// Kills: `permit-begin`, `permits-again`.
#[test]
fn permit_used_beside_one_that_finds_room() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        let permit = owned(&model);
        let publisher = model.spawn(|model| assert!(model.try_publish(1)));
        permit.publish(0).unwrap();
        publisher.join().unwrap();
        assert_lossless(&mut receiver, Account::default(), 2);
    });
}

/// Catches: a permit that is used behind one who found room without: it fills a slot that it has not
/// seen read, as only the other one has.
///
/// Kills: `claim-release`.
#[test]
fn permit_used_behind_one_that_finds_room() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let permit = owned(&model);
        let user = thread::spawn(move || _ = permit.publish(2).unwrap());
        let publisher = model.spawn(|model| {
            model.try_publish(1);
        });
        let account = receive_beside(&mut receiver, 1, [user, publisher]);
        assert_lossless(&mut receiver, account, model.bus.stats().published);
    });
}

/// Catches: a permit that is counted no more, while its claim is not seen: its place is granted again.
///
/// Kills: `permits-load`, `permit-used`.
#[test]
fn permit_used_beside_one_that_finds_none() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let _receiver = model.bus.subscribe();
        let permit = owned(&model);
        let other = model.spawn(|model| assert!(model.bus.try_reserve().is_err()));
        permit.publish(0).unwrap();
        other.join().unwrap();
    });
}

/// Catches: a permit that is out for ever, as it was used while another one was given back.
///
/// Kills: `permits-rmw`.
#[test]
fn permit_used_beside_one_that_is_given_back() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let _receiver = model.bus.subscribe();
        let permits = [owned(&model), owned(&model)];
        let [used, given_back] = permits;
        let other = thread::spawn(move || drop(given_back));
        used.publish(0).unwrap();
        other.join().unwrap();
        assert!(model.try_publish(1) && !model.try_publish(2));
    });
}

/// Catches: one who waits for a permit to be used, and is not told.
///
/// Kills: `permits-awaited`.
#[test]
fn permit_used_while_it_is_awaited() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let permit = owned(&model);
        let waiting = model.spawn(|model| {
            let permit = model.bus.reserve_blocking().unwrap();
            permit.publish(1).unwrap();
        });
        permit.publish(0).unwrap();
        waiting.join().unwrap();
        assert_eq!(model.bus.stats().published, 2);
    });
}

/// Catches: one who was served, and overwrites what he has not seen read.
///
/// Kills: `served-load`, `served-store`.
#[test]
fn permit_granted_for_what_was_just_read() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let mut waiting = Box::pin({
            let bus = model.bus.clone();
            async move { bus.publish(1).await }
        });
        assert!(poll_once(waiting.as_mut()).is_pending());
        let publisher = thread::spawn(move || {
            let polled = poll_once(waiting.as_mut()).is_ready();
            (polled, waiting)
        });
        let mut account = Account::default();
        account.attempt(&mut receiver);
        let (published, mut waiting) = publisher.join().unwrap();
        assert!(published || poll_once(waiting.as_mut()).is_ready());
        assert_lossless(&mut receiver, account, 2);
    });
}
