//! Waiting for a committing receiver.

use super::*;
use eventring::{Gone, Receiver};
use loom::sync::atomic::AtomicU64;

fn commit_next(sink: &mut Receiver<u64>) {
    sink.try_recv_batch(1).unwrap().commit();
}

/// Catches: a commit that is seen before what it stands for; one that does not wake who waits for it.
///
/// Kills: `mark-watched`, `tell-watchers`, `watermark-load`, `watch-mark`.
#[test]
fn watermark_while_the_receiver_commits() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        let watermark = sink.watermark();
        model.publish(0);
        let stored = loom::sync::Arc::new(AtomicU64::new(0));
        let storing = loom::sync::Arc::clone(&stored);
        let sink = thread::spawn(move || {
            storing.store(1, Relaxed);
            commit_next(&mut sink);
            sink
        });
        stored.load(Relaxed); // loom lets the sink run first only where something was done before
        if watermark.get() == 1 {
            assert_eq!(stored.load(Relaxed), 1);
        }
        assert_eq!(watermark.reached_blocking(0), Ok(()));
        assert_eq!(stored.load(Relaxed), 1);
        sink.join().unwrap();
    });
}

/// Catches: a mark that comes off with the first of two commits, and is not set again.
///
/// Kills: `keep-watched`.
#[test]
fn watermark_of_two_commits() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        let watermark = sink.watermark();
        model.publish_many(0..2);
        let other = watermark.clone();
        let waiting = thread::spawn(move || other.reached_blocking(0));
        let sink = thread::spawn(move || {
            commit_next(&mut sink);
            commit_next(&mut sink);
            sink
        });
        assert_eq!(watermark.reached_blocking(1), Ok(()));
        assert_eq!(waiting.join().unwrap(), Ok(()));
        sink.join().unwrap();
    });
}

/// Catches: a receiver that goes without a word to who waits for it.
///
/// Kills: `mark-gone`, `tell-gone`.
#[test]
fn watermark_while_the_receiver_drops() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut sink = model.bus.subscribe_committing();
        let watermark = sink.watermark();
        model.publish_many(0..2);
        let sink = thread::spawn(move || {
            commit_next(&mut sink);
            drop(sink);
        });
        assert_eq!(watermark.reached_blocking(1), Err(Gone));
        assert_eq!(watermark.get(), 1);
        sink.join().unwrap();
    });
}
