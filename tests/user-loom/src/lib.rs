//! What a user of eventring does who checks code of his own with loom. `--cfg loom` is for that code:
//! eventring has to be the same with it, outside of models and inside.

#![cfg(all(test, loom))]

use eventring::broadcast::{self, error::RecvError};
use eventring::{EventBus, WaitStrategy};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;

fn events_get_through() {
    let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    for number in 0..10 {
        bus.try_publish(number).expect("room");
        for receiver in &mut receivers {
            assert_eq!(receiver.try_recv(), Ok(number));
        }
    }
    drop(bus);
    assert!(receivers[0].try_recv().is_err());
}

#[test]
fn in_an_ordinary_test() {
    events_get_through();
    let (sender, mut receiver) = broadcast::channel(4);
    sender.send("event").expect("a receiver");
    let receiving =
        std::thread::spawn(move || (receiver.blocking_recv(), receiver.blocking_recv()));
    drop(sender);
    let received = receiving.join().expect("no panic");
    assert_eq!(received, (Ok("event"), Err(RecvError::Closed)));
}

#[test]
fn in_a_model() {
    loom::model(|| {
        // What is modelled is the user's.
        let count = Arc::new(AtomicUsize::new(0));
        let (sender, mut receiver) = broadcast::channel(4);
        let counting = thread::spawn({
            let count = Arc::clone(&count);
            move || {
                count.fetch_add(1, Relaxed);
                sender.send("counted").expect("a receiver");
            }
        });
        let received = loom::future::block_on(receiver.recv());
        assert_eq!(received, Ok("counted"));
        assert_eq!(count.load(Relaxed), 1);
        counting.join().expect("no panic");
    });
}

#[test]
fn native_in_a_model() {
    loom::model(events_get_through);
}

#[test]
fn errors_convert() {
    let theirs = tokio::sync::broadcast::error::RecvError::Lagged(3);
    assert_eq!(RecvError::from(theirs.clone()), RecvError::Lagged(3));
    assert_eq!(theirs, RecvError::Lagged(3).into());
}
