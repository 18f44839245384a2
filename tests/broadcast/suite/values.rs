// What becomes of the values.

use crate::common::watched;
use crate::support::{Counted, Fragile, alive, pin_poll_once};
use broadcast::channel;
use broadcast::error::TryRecvError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// 4: that value is consumed, nothing is poisoned. (Two receivers, so that both kinds of channel
/// clone.)
#[test]
fn a_clone_that_panics() {
    let (sender, mut receiver) = channel(4);
    let mut other = sender.subscribe();
    for value in 0..4 {
        sender.send(Fragile(value)).unwrap();
    }
    assert!(Fragile::clone_panics(|| receiver.try_recv()).is_none());
    assert_eq!(receiver.len(), 3);
    assert_eq!(receiver.try_recv(), Ok(Fragile(1)));
    assert!(Fragile::clone_panics(|| pin_poll_once(receiver.recv())).is_none());
    assert!(Fragile::clone_panics(|| receiver.blocking_recv()).is_none());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    for value in 0..4 {
        assert_eq!(other.try_recv(), Ok(Fragile(value)));
    }
    sender.send(Fragile(4)).unwrap();
    assert_eq!(receiver.try_recv(), Ok(Fragile(4)));
}

/// 5: with the sender alive.
#[test]
fn the_last_receiver_drops_what_is_unread() {
    let token = Arc::new(());
    let (sender, first) = channel(4);
    let second = sender.subscribe();
    for number in 0..3 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    drop(first);
    assert_eq!(alive(&token), 3);
    drop(second);
    assert_eq!(alive(&token), 0);
    drop(sender.send(Counted::new(3, &token)).unwrap_err());
    assert_eq!(alive(&token), 0);
}

/// 5: once all receivers have them, and have found nothing more.
#[test]
fn values_are_released_when_all_have_them() {
    let token = Arc::new(());
    let (sender, first) = channel(4);
    let mut receivers = [first, sender.subscribe(), sender.subscribe()];
    for round in 0..3 {
        for number in 0..3 {
            sender.send(Counted::new(number, &token)).unwrap();
        }
        for (received, receiver) in receivers.iter_mut().enumerate() {
            assert_eq!(
                alive(&token),
                3,
                "{received} receivers have them in round {round}"
            );
            for number in 0..3 {
                assert_eq!(receiver.try_recv().unwrap().number, number);
            }
            assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Empty);
        }
        assert_eq!(alive(&token), 0);
    }
}

/// 5: a receiver that goes without having read takes its share with it.
#[test]
fn values_are_released_when_the_laggard_drops() {
    let token = Arc::new(());
    let (sender, mut reading) = channel(4);
    let idle = sender.subscribe();
    for number in 0..6 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    assert_eq!(alive(&token), 4, "overwritten ones are gone");
    assert_eq!(reading.try_recv().unwrap_err(), TryRecvError::Lagged(2));
    for number in 2..6 {
        assert_eq!(reading.try_recv().unwrap().number, number);
    }
    assert_eq!(alive(&token), 4);
    drop(idle);
    assert_eq!(alive(&token), 0);
}

/// 5: the channel itself holds nothing back.
#[test]
fn everything_is_dropped_with_the_handles() {
    let token = Arc::new(());
    let (sender, receiver) = channel(4);
    let weak = sender.downgrade();
    for number in 0..6 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    drop(sender);
    assert_eq!(alive(&token), 4);
    drop(receiver);
    assert_eq!(alive(&token), 0);
    drop(weak);
}

/// 15, #3434: dropping with a backlog while another thread sends, and does not stop before that.
/// What others still need stays.
#[test]
fn dropping_with_a_backlog_while_somebody_sends() {
    watched(|| {
        for round in 0..100 {
            let capacity = [4, 64][round % 2];
            let token = Arc::new(());
            let (sender, receiver) = channel(capacity);
            let mut staying = sender.subscribe();
            for number in 0..3 {
                sender.send(Counted::new(number, &token)).unwrap();
            }
            assert_eq!(staying.try_recv().unwrap().number, 0);
            let dropped = AtomicBool::new(false);
            let sent = std::thread::scope(|scope| {
                let sending = scope.spawn(|| {
                    let mut number = 3;
                    while number < 40 || !dropped.load(Ordering::SeqCst) {
                        sender.send(Counted::new(number, &token)).unwrap();
                        number += 1;
                    }
                    number
                });
                drop(receiver);
                dropped.store(true, Ordering::SeqCst);
                sending.join().unwrap()
            });
            let oldest = sent.saturating_sub(capacity as u32).max(1);
            assert_eq!(sender.receiver_count(), 1);
            assert_eq!(sender.len(), (sent - oldest) as usize);
            if oldest > 1 {
                let lagged = TryRecvError::Lagged(u64::from(oldest) - 1);
                assert_eq!(staying.try_recv().unwrap_err(), lagged);
            }
            for number in oldest..sent {
                assert_eq!(staying.try_recv().unwrap().number, number);
            }
            assert_eq!(staying.try_recv().unwrap_err(), TryRecvError::Empty);
            assert_eq!(alive(&token), 0);
        }
    });
}
