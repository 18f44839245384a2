//! Batches.
//!
//! Of numbers: what need not be dropped is committed by plain stores where that will do.

use super::*;

/// Catches: a batch whose first slot is committed first, or loses its WAITING bits.
///
/// Kills: `batch-first-last`.
#[test]
fn batch_with_a_waiting_receiver() {
    loom::model(|| {
        let bus = EventBus::<u64>::with_strategy(2, WaitStrategy::Block);
        let mut receiver = bus.subscribe();
        let publisher = thread::spawn(move || bus.try_publish_many(&mut vec![0, 1]).unwrap());
        assert_eq!(receiver.recv_blocking(), Some(0));
        assert_eq!(receiver.recv_blocking(), Some(1));
        assert_eq!(publisher.join().unwrap(), 2);
    });
}

/// Catches: a batch that does not evict up to its last sequence; a pin of several that protects
/// just the first.
///
/// Kills: `cursor-load`, `cursor-unpin`, `evict-busy`, `evict-lapped`, `evict-rmw`, `pin-rmw`.
#[test]
fn batch_with_a_lapped_receiver() {
    loom::model(|| {
        let bus = EventBus::<u64>::new(2);
        let mut receiver = bus.subscribe();
        bus.try_publish_many(&mut vec![0, 1]).unwrap();
        let publisher = thread::spawn(move || bus.try_publish_many(&mut vec![2, 3]).unwrap());
        let mut received = Vec::new();
        let _ = receiver.try_recv_many(&mut received, 2);
        publisher.join().unwrap();
        while receiver.try_recv_many(&mut received, 4).is_ok() {}
        assert_eq!(received.len() as u64 + receiver.missed(), 4);
        assert!(received.is_sorted(), "{received:?}");
    });
}

/// Catches: a batch that commits later slots by plain stores while a lapped receiver waits in the
/// middle of it, where re-attaching has put it: its WAITING bit would be lost.
///
/// Kills: `batch-overtaken`.
#[test]
fn batch_with_a_receiver_reattached_in_its_middle() {
    bounded(2, || {
        // Four slots for three events, so that the fifth event's slot is free.
        let model = numbers(3, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
        model.publish(0);
        let batch = model.spawn(|model| model.publish_many(1..4));
        model.publish(4);
        let mut account = Account::default();
        while account.total() < 5 {
            account.wait(&mut receiver);
        }
        batch.join().unwrap();
        account.assert(5);
    });
}

/// Catches: the same for a receiver that comes a lap later, before the batch is committed.
///
/// Kills: `batch-overtaken`, `batch-touch`.
#[test]
fn batch_with_a_receiver_that_comes_a_lap_later() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let batch = model.spawn(|model| model.publish_many(0..2));
        let other = model.spawn(|model| {
            model.publish(2);
            model.publish(3);
        });
        let mut receiver = model.bus.subscribe();
        if receiver.position() == 3 {
            assert_eq!(receiver.recv_blocking(), Some(3));
        }
        batch.join().unwrap();
        other.join().unwrap();
    });
}

/// A batch of two is published while a receiver starts there, and waits for what comes after.
fn receive_in_a_batch(model: &Model<u64>, start: Start) {
    let batch = model.spawn(|model| model.publish_many(0..2));
    let mut receiver = model.bus.subscribe_from(start).with_lag();
    let first = receiver.get_ref().position();
    let mut account = Account::default();
    while account.total() < 2 - first {
        account.wait(&mut receiver);
    }
    batch.join().unwrap();
    account.assert_in_order(2 - first);
}

/// Catches: the same for a receiver that starts there, in the history.
///
/// Kills: `batch-history`.
#[test]
fn batch_with_a_receiver_that_starts_in_its_middle() {
    bounded(2, || {
        receive_in_a_batch(&history(2, WaitStrategy::Block, 1), Start::Oldest);
    });
}

/// Catches: the same for one that asks for a past which is not kept, and must not wait there.
///
/// Kills: `claimed-for-others`, `commit-release`, `commit-rmw`, `stamp-load`.
#[test]
fn batch_with_a_receiver_that_asks_for_its_middle() {
    bounded(2, || {
        receive_in_a_batch(&numbers(2, WaitStrategy::Block), Start::Sequence(1));
    });
}

/// Catches: the plain store of a later slot without Release: who overwrites that slot has not seen
/// the first one, and so not the batch's write.
///
/// Kills: `await-previous`, `commit-unawaited`, `previous-load`.
#[test]
fn batch_overwritten_by_two_publishers() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let batch = model.spawn(|model| model.publish_many(0..2));
        let other = model.spawn(|model| model.publish(2));
        model.publish(3);
        batch.join().unwrap();
        other.join().unwrap();
        assert_eq!(model.bus.stats().published, 4);
    });
}

/// Catches: a batch that takes the lap before for read, which is not even committed: a receiver that came
/// later stands above it.
///
/// Kills: `read-from`, `read-upto-load`, `read-upto-raise`.
#[test]
fn batch_below_where_a_receiver_starts() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Block);
        let another = model.bus.subscribe();
        model.publish_many(0..2);
        drop(another);
        // There is no room for who comes after the receiver.
        let before = model.spawn(|model| {
            let _ = model.bus.try_publish(2);
        });
        let batch = model.spawn(|model| {
            let _ = model.bus.try_publish_many(&mut vec![3, 4]);
        });
        let _receiver = model.bus.subscribe();
        let _ = model.bus.try_publish(5);
        before.join().unwrap();
        batch.join().unwrap();
    });
}

/// Catches: the same where nobody stands, the last receiver being gone.
///
/// Kills: `read-by-nobody`.
#[test]
fn batch_past_what_nobody_has_read() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Block);
        drop(model.bus.subscribe());
        model.publish(0);
        let before = model.spawn(|model| model.publish(1));
        model.publish_many(2..4);
        before.join().unwrap();
    });
}

/// Catches: a batch that writes over what another publisher wrote, which it has never seen, before the
/// receiver that it goes by is done with it.
///
/// Kills: `cursor-advance`, `cursor-load`.
#[test]
fn batch_past_what_a_receiver_has_read() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        let other = model.spawn(|model| {
            let _ = model.bus.try_publish(0);
        });
        let reader = thread::spawn(move || {
            let _ = receiver.try_recv();
            let _ = receiver.try_recv();
        });
        model.publish(1);
        let _ = model.bus.try_publish_many(&mut vec![2, 3]);
        other.join().unwrap();
        reader.join().unwrap();
    });
}
