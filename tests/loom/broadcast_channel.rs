//! tokio's shape over the same ring.

use super::*;

/// Catches: somebody who waits for the last receiver to go, and is not notified, or before the count
/// is zero.
///
/// Kills: `wake-deserted`.
#[test]
fn closed_while_the_last_receivers_drop() {
    bounded(2, || {
        let (sender, receiver) = broadcast::channel::<u64>(1);
        let droppings = [sender.subscribe(), receiver].map(|one| thread::spawn(move || drop(one)));
        loom::future::block_on(sender.closed());
        assert_eq!(sender.receiver_count(), 0);
        for dropping in droppings {
            dropping.join().unwrap();
        }
    });
}

/// Catches: somebody who is told that the last receiver is gone before its values are.
///
/// Kills: `told-after-release`.
#[test]
fn closed_after_the_values_are_released() {
    bounded(2, || {
        let token = Arc::new(());
        let (sender, receiver) = broadcast::channel(1);
        sender.send(Counted::new(0, &token)).unwrap();
        let dropping = thread::spawn(move || drop(receiver));
        let mut closed = std::pin::pin!(sender.closed());
        let mut told = false;
        loom::future::block_on(std::future::poll_fn(|cx| {
            // Not at the first poll: then it may find the count at zero before it is told.
            let polled = closed.as_mut().poll(cx);
            if polled.is_ready() && told {
                assert_eq!(Arc::strong_count(&token), 1, "the values are released");
            }
            told = true;
            polled
        }));
        dropping.join().unwrap();
    });
}

/// Catches: a value that was sent to nobody and stays, or that is neither handed back nor dropped;
/// a send that fails although there is a receiver.
///
/// Kills: `commit-acquire`, `count-arrivals`, `count-before-touch`.
#[test]
fn send_while_receivers_come_and_go() {
    bounded(2, || {
        let token = Arc::new(());
        let (sender, receiver) = broadcast::channel(1);
        let others = sender.clone();
        let coming = thread::spawn(move || {
            drop(receiver);
            others.subscribe()
        });
        let sent = sender.send(Counted::new(0, &token));
        if let Ok(receivers) = &sent {
            assert_eq!(*receivers, 1);
        }
        drop(sent);
        let mut receiver = coming.join().unwrap();
        let received = receiver.try_recv().is_ok();
        assert!(sender.is_empty() && receiver.is_empty(), "{received}");
        assert_eq!(Arc::strong_count(&token), 1, "nobody owns it any more");
    });
}
