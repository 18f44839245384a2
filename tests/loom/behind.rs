//! Receivers that stay behind a committing one, and committing ones that start in the past.

use super::*;
use eventring::Receiver;
use loom::sync::atomic::AtomicU64;

fn commit_next(sink: &mut Receiver<u64>) {
    sink.try_recv_batch(1).unwrap().commit();
}

/// Catches: an event that is received before it is committed; a commit that does not wake who waits
/// for it.
///
/// Kills: `behind-leader`.
#[test]
fn behind_a_leader_that_commits() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut leader = model.bus.subscribe_committing();
        let mut behind = model.bus.subscribe_behind(&leader.watermark());
        model.publish(0);
        let stored = loom::sync::Arc::new(AtomicU64::new(0));
        let storing = loom::sync::Arc::clone(&stored);
        let leader = thread::spawn(move || {
            storing.store(1, Relaxed);
            commit_next(&mut leader);
            leader
        });
        assert_eq!(behind.recv_blocking(), Some(0));
        assert_eq!(stored.load(Relaxed), 1);
        leader.join().unwrap();
    });
}

/// Catches: what a leader that goes has committed lost, or an end that is not told.
#[test]
fn behind_a_leader_that_drops() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut leader = model.bus.subscribe_committing();
        let mut behind = model.bus.subscribe_behind(&leader.watermark());
        model.publish_many(0..2);
        let leader = thread::spawn(move || {
            commit_next(&mut leader);
            drop(leader);
        });
        assert_eq!(behind.recv_blocking(), Some(0));
        assert_eq!(behind.recv_blocking(), None);
        leader.join().unwrap();
    });
}

/// Catches: one that waits for its leader when the bus closes, and is not told.
///
/// Kills: `close-watched`, `mark-committing`.
#[test]
fn behind_a_leader_that_idles_while_the_bus_closes() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let leader = model.bus.subscribe_committing();
        let mut behind = model.bus.subscribe_behind(&leader.watermark());
        let closing = model.spawn(|model| model.bus.close());
        assert_eq!(behind.recv_blocking(), None);
        closing.join().unwrap();
    });
}

/// Catches: one that waits behind a leader which whoever closed the bus has not seen, and is not told.
#[test]
fn behind_a_leader_that_comes_while_the_bus_closes() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let closing = model.spawn(|model| model.bus.close());
        let leader = model.bus.subscribe_committing();
        let mut behind = model.bus.subscribe_behind(&leader.watermark());
        assert_eq!(behind.recv_blocking(), None);
        closing.join().unwrap();
    });
}

/// Catches: one that comes while its leader commits and a publisher laps, and finds a gap.
#[test]
fn subscribe_behind_while_the_leader_commits() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut leader = model.bus.subscribe_committing();
        let mark = leader.watermark();
        model.publish(0);
        let publisher = model.spawn_returning(|model| model.try_publish(1));
        let committing = thread::spawn(move || {
            commit_next(&mut leader);
            leader
        });
        let mut behind = model.bus.subscribe_behind(&mark);
        let start = behind.position();
        let mut received = Vec::new();
        received.extend(behind.try_recv());
        publisher.join().unwrap();
        let mut leader = committing.join().unwrap();
        leader.try_iter().count();
        leader.commit_all();
        received.extend(behind.try_iter());
        let end = model.bus.stats().next_sequence;
        assert!(received.into_iter().eq(start..end));
    });
}

/// Catches: a publisher that laps a committing receiver which comes to the past of the ring.
#[test]
fn committing_from_the_past_while_a_publisher_laps() {
    bounded(3, || {
        let model = history(2, WaitStrategy::Block, 2);
        model.publish_many(0..2);
        let publisher = model.spawn_returning(|model| model.try_publish(2));
        let mut sink = model
            .bus
            .receiver()
            .committing()
            .start(Start::Oldest)
            .build();
        let (start, batch) = (sink.position(), sink.try_recv_batch(1).unwrap());
        assert!(batch.iter().eq([(start, &start)]));
        publisher.join().unwrap();
        assert!(batch.iter().eq([(start, &start)]));
    });
}

/// Catches: one that holds what is to be overwritten by who has reserved room.
///
/// Kills: `past-to-reserved`.
#[test]
fn committing_from_the_past_while_a_permit_is_used() {
    bounded(3, || {
        let model = history(2, WaitStrategy::Block, 2);
        model.publish_many(0..2);
        let permit = loom::future::block_on(model.bus.clone().reserve_owned()).unwrap();
        let publisher = thread::spawn(move || permit.publish(2).unwrap());
        let mut sink = model
            .bus
            .receiver()
            .committing()
            .start(Start::Oldest)
            .build();
        let batch = sink.try_recv_batch(1).unwrap();
        assert!(batch.iter().all(|(sequence, event)| sequence == *event));
        publisher.join().unwrap();
        assert!(batch.iter().all(|(sequence, event)| sequence == *event));
    });
}
