// Sending and receiving.

use crate::support::{Woken, pin_poll_once};
use broadcast::error::{RecvError, SendError, TryRecvError};
use broadcast::{Receiver, Sender, channel};
use std::pin::pin;
use std::task::Poll;

#[test]
fn everybody_gets_everything_in_order() {
    let (sender, mut first) = channel(8);
    let mut second = sender.subscribe();
    for value in 0..5 {
        assert_eq!(sender.send(value).unwrap(), 2);
    }
    let mut late = sender.subscribe();
    assert_eq!(sender.send(5).unwrap(), 3);
    for value in 0..6 {
        assert_eq!(first.try_recv(), Ok(value));
        assert_eq!(second.try_recv(), Ok(value));
    }
    assert_eq!(late.try_recv(), Ok(5));
    for receiver in [&mut first, &mut second, &mut late] {
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

/// 12, #7629: without receivers nothing is sent nor stored, and no position is consumed.
#[test]
fn sending_to_nobody() {
    let sender = Sender::new(2);
    assert_eq!(sender.receiver_count(), 0);
    let SendError(value) = sender.send("failed").unwrap_err();
    assert_eq!(value, "failed");
    assert!(
        pin_poll_once(sender.closed()).is_ready(),
        "a new sender has no receivers"
    );

    let mut receiver = sender.subscribe();
    assert!(pin_poll_once(sender.closed()).is_pending());
    assert_eq!(receiver.len(), 0);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.send("sent").unwrap(), 1);
    assert_eq!(receiver.try_recv(), Ok("sent"));

    drop(receiver);
    assert_eq!(sender.send("failed again").unwrap_err().0, "failed again");
    let mut receiver = sender.subscribe();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send("sent again").unwrap();
    assert_eq!(receiver.try_recv(), Ok("sent again"));
}

/// 2: exact, reported once, then the oldest retained value; lagging again reports anew.
#[test]
fn lag() {
    let (sender, mut receiver) = channel(2);
    let send = |values: std::ops::Range<u32>| {
        for value in values {
            sender.send(value).unwrap();
        }
    };
    send(0..5);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!(receiver.try_recv(), Ok(3));
    send(5..7); // 4, 5, 6 unread
    assert_eq!(receiver.blocking_recv(), Err(RecvError::Lagged(1)));
    send(7..10); // told, but lagging again before reading
    assert_eq!(
        pin_poll_once(receiver.recv()),
        Poll::Ready(Err(RecvError::Lagged(3)))
    );
    assert_eq!(receiver.try_recv(), Ok(8));
    assert_eq!(receiver.try_recv(), Ok(9));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

/// 2: each receiver's lag is its own.
#[test]
fn lag_is_per_receiver() {
    let (sender, mut slow) = channel(2);
    let mut fast = sender.subscribe();
    for value in 0..4 {
        sender.send(value).unwrap();
        assert_eq!(fast.try_recv(), Ok(value));
    }
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(2)));
    assert_eq!(slow.try_recv(), Ok(2));
    assert_eq!(fast.try_recv(), Err(TryRecvError::Empty));
}

/// 3, for any pace of reading: received + lagged = sent.
#[test]
fn everything_is_accounted_for() {
    for capacity in 1..=9 {
        for pace in 1..=20 {
            let (sender, mut receiver) = channel(capacity);
            let (mut received, mut lagged, mut next) = (0, 0, 0);
            let mut drain = |receiver: &mut Receiver<u64>, attempts: usize| {
                for _ in 0..attempts {
                    match receiver.try_recv() {
                        Ok(value) => {
                            assert_eq!(value, next);
                            next += 1;
                            received += 1;
                        }
                        Err(TryRecvError::Lagged(missed)) => {
                            next += missed;
                            lagged += missed;
                        }
                        Err(_) => break,
                    }
                }
                received + lagged
            };
            for value in 0..100 {
                sender.send(value).unwrap();
                if value % pace == 0 {
                    drain(&mut receiver, (value % 5) as usize);
                }
            }
            drop(sender);
            assert_eq!(drain(&mut receiver, usize::MAX), 100);
        }
    }
}

/// 13
#[test]
fn capacity_is_rounded_up() {
    for (capacity, retained) in [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (9, 16)] {
        let (sender, mut receiver) = channel(capacity);
        for value in 0..retained {
            sender.send(value).unwrap();
        }
        assert_eq!(receiver.try_recv(), Ok(0), "{capacity} holds {retained}");

        let (sender, mut receiver) = channel(capacity);
        for value in 0..=retained {
            sender.send(value).unwrap();
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    }
}

/// 13
#[test]
fn capacity_of_one() {
    let (sender, mut receiver) = channel(1);
    let woken = Woken::new();
    {
        let mut recv = pin!(receiver.recv());
        assert!(woken.poll(recv.as_mut()).is_pending());
        sender.send(0).unwrap();
        assert_eq!(woken.count(), 1);
        assert_eq!(woken.poll(recv.as_mut()), Poll::Ready(Ok(0)));
    }
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    sender.send(3).unwrap();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    drop(sender);
    assert_eq!(receiver.try_recv(), Ok(3));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

/// 6: what some receiver still owes, at most the rounded capacity.
#[test]
fn lengths() {
    let (sender, mut first) = channel(3);
    let mut second = sender.subscribe();
    let check = |first: &Receiver<u32>, second: &Receiver<u32>, lengths: (usize, usize)| {
        assert_eq!((first.len(), second.len()), lengths);
        assert_eq!(first.is_empty(), lengths.0 == 0);
        assert_eq!(second.is_empty(), lengths.1 == 0);
        let owed = lengths.0.max(lengths.1).min(4);
        assert_eq!(sender.len(), owed);
        assert_eq!(sender.is_empty(), owed == 0);
    };
    check(&first, &second, (0, 0));
    sender.send(0).unwrap();
    sender.send(1).unwrap();
    check(&first, &second, (2, 2));
    first.try_recv().unwrap();
    check(&first, &second, (1, 2));
    second.try_recv().unwrap();
    second.try_recv().unwrap();
    check(&first, &second, (1, 0));
    for value in 2..7 {
        sender.send(value).unwrap();
    }
    check(&first, &second, (6, 5)); // both more than the capacity
    assert_eq!(first.try_recv(), Err(TryRecvError::Lagged(2)));
    check(&first, &second, (4, 5));
    drop(second);
    assert_eq!(sender.len(), 4);
    drop(first);
    assert_eq!((sender.len(), sender.is_empty()), (0, true));
}
