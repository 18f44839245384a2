//! Committing receivers.

use super::*;
use eventring::Receiver;

/// The numbers of the batch that is there, read twice, before it is committed.
fn commit_batch(sink: &mut Receiver<impl Event>) -> Vec<u64> {
    let Ok(batch) = sink.try_recv_batch(9) else {
        return Vec::new();
    };
    let numbers = || batch.iter().map(|(_, event)| event.number());
    let seen: Vec<_> = numbers().collect();
    thread::yield_now();
    assert!(numbers().eq(seen.iter().copied()), "{seen:?}");
    batch.commit();
    seen
}

/// Catches: a publisher that overwrites what is borrowed; a commit that does not release it.
#[test]
fn commit_while_a_publisher_laps() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        model.publish(0);
        let publisher = model.spawn_returning(|model| model.try_publish(1));
        let mut seen = commit_batch(&mut sink);
        let published = publisher.join().unwrap();
        seen.extend(commit_batch(&mut sink));
        assert_eq!(seen, [0, 1][..1 + usize::from(published)]);
    });
}

/// Catches: a receive that makes room for a publisher, so that there is nothing to rewind to.
///
/// Kills: `read-uncommitted`.
#[test]
fn rewind_while_a_publisher_laps() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        model.publish(0);
        let publisher = model.spawn_returning(|model| model.try_publish(1));
        for _ in 0..2 {
            assert_eq!(sink.try_recv(), Ok(0));
            sink.rewind();
        }
        assert!(!publisher.join().unwrap());
        assert_eq!(commit_batch(&mut sink), [0]);
        model.publish(1);
        assert_eq!(commit_batch(&mut sink), [1]);
    });
}

/// Catches: a commit that does not see that a publisher waits for it, or the other way round.
///
/// Kills: `cursor-load`.
#[test]
fn commit_while_a_publisher_comes_to_wait() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        sink.recv_blocking();
        sink.commit_all();
        sink.recv_batch_blocking(9).unwrap().commit();
        publisher.join().unwrap();
        assert_eq!(sink.committed(), 2);
    });
}

/// Catches: a flag that is lost between a receiver that commits and one that goes.
#[test]
fn commit_while_another_drops_and_a_publisher_waits() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        let mut other = sink.clone();
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let dropping = thread::spawn(move || {
            assert_eq!(other.try_recv(), Ok(0));
            drop(other);
        });
        assert_eq!(commit_batch(&mut sink), [0]);
        dropping.join().unwrap();
        publisher.join().unwrap();
        assert_eq!(commit_batch(&mut sink), [1]);
    });
}

/// Catches: a value that is released, or moved out, while it is borrowed, or never.
#[test]
fn commit_while_another_receives() {
    bounded(3, || {
        let model = counted(2, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        let mut other = model.bus.subscribe();
        model.publish(0);
        let receiving = thread::spawn(move || {
            assert_eq!(other.try_recv().unwrap().number(), 0);
            assert!(other.try_recv().is_err());
        });
        assert_eq!(commit_batch(&mut sink), [0]);
        assert_eq!(commit_batch(&mut sink), []);
        receiving.join().unwrap();
        assert_eq!(model.alive(), 0, "it is committed");
    });
}

/// Catches: a value that is moved out before it is committed, or stays once it is.
///
/// Kills: `keep-uncommitted`, `release-committed-values`.
#[test]
fn the_only_receiver_commits() {
    loom::model(|| {
        let model = counted(2, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        model.publish(0);
        assert_eq!(sink.try_recv().unwrap().number(), 0);
        assert!(sink.try_recv().is_err());
        assert_eq!(model.alive(), 1);
        sink.rewind();
        assert_eq!(commit_batch(&mut sink), [0]);
        assert_eq!(commit_batch(&mut sink), []);
        assert_eq!(model.alive(), 0);
    });
}
