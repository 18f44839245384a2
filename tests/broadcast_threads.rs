//! `eventring::broadcast` under real threads: every receiver accounts for every value, whatever the
//! others do, and nobody waits for ever. Time only matters to the watchdog, which ends a hang.
#![cfg(not(eventring_loom))]

mod common;

use common::{times, watched};
use eventring::broadcast::error::{RecvError, TryRecvError};
use eventring::broadcast::{Receiver, Sender, channel};

/// A value: who sent it, and its number among those of that sender. It needs to be dropped, so
/// that values are moved out and released under the same strain.
type Value = (usize, u64, Option<Box<u64>>);

/// What one receiver has got.
struct Account {
    /// By sender: the number that is next, at least.
    next: Vec<u64>,
    received: u64,
    lagged: u64,
}

impl Account {
    fn new(senders: usize) -> Self {
        Self {
            next: vec![0; senders],
            received: 0,
            lagged: 0,
        }
    }

    fn receive(&mut self, (sender, number, boxed): Value) {
        assert!(number >= self.next[sender], "in order");
        assert_eq!(boxed.as_deref(), Some(&number), "whole");
        if self.next.len() == 1 && self.received > 0 {
            assert!(number - self.next[0] <= self.lagged, "no gap but by lag");
        }
        self.next[sender] = number + 1;
        self.received += 1;
    }

    fn lag(&mut self, missed: u64) {
        assert!(missed > 0);
        self.lagged += missed;
    }

    /// One step, by one of the ways to receive. Whether there is more.
    fn step(&mut self, receiver: &mut Receiver<Value>, way: usize) -> bool {
        let received = match way % 3 {
            0 => receiver.blocking_recv(),
            1 => futures::executor::block_on(receiver.recv()),
            _ => match receiver.try_recv() {
                Ok(value) => Ok(value),
                Err(TryRecvError::Empty) => {
                    std::thread::yield_now();
                    return true;
                }
                Err(TryRecvError::Closed) => Err(RecvError::Closed),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
            },
        };
        match received {
            Ok(value) => self.receive(value),
            Err(RecvError::Lagged(missed)) => self.lag(missed),
            Err(RecvError::Closed) => return false,
        }
        true
    }
}

fn send_all(sender: &Sender<Value>, number: usize, values: u64) {
    for value in 0..values {
        let receivers = sender.send((number, value, Some(Box::new(value))));
        assert!(receivers.is_ok_and(|receivers| receivers > 0));
    }
}

/// Received + lagged = sent, for every receiver that is there from the beginning to the end, beside
/// others that come and go, with a backlog or without.
fn account(capacity: usize, senders: usize, receivers: usize, values: u64) {
    let (sender, first) = channel(capacity);
    let mut staying = vec![first];
    staying.extend((1..receivers).map(|_| sender.subscribe()));
    let fleeting = sender.downgrade();
    std::thread::scope(|scope| {
        for (index, mut receiver) in staying.into_iter().enumerate() {
            scope.spawn(move || {
                let mut account = Account::new(senders);
                let mut way = index;
                while account.step(&mut receiver, way) {
                    way += 1;
                }
                let sent = senders as u64 * values;
                assert_eq!(account.received + account.lagged, sent, "receiver {index}");
                assert!(receiver.is_closed() && receiver.is_empty());
            });
        }
        scope.spawn(move || {
            let mut stay = 0;
            while let Some(sender) = fleeting.upgrade() {
                let mut receiver = sender.subscribe();
                drop(sender);
                let mut account = Account::new(senders);
                for _ in 0..stay {
                    account.step(&mut receiver, 2);
                }
                stay = (stay + 1) % 7;
            }
        });
        for number in 0..senders {
            let sender = sender.clone();
            scope.spawn(move || send_all(&sender, number, values));
        }
        drop(sender);
    });
}

#[test]
fn everything_is_accounted_for() {
    watched(|| {
        for capacity in [1, 2, 3, 16, 1024] {
            for senders in [1, 2, 4] {
                for receivers in [1, 3, 8] {
                    account(capacity, senders, receivers, times(2_000));
                }
            }
        }
    });
}

/// Nobody is left, and nothing: receivers go while values are sent, the last of them too, and
/// come back.
#[test]
fn receivers_come_and_go() {
    watched(|| {
        let token = std::sync::Arc::new(());
        let sender = Sender::new(4);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..times(10_000) {
                        let _ = sender.send(std::sync::Arc::clone(&token));
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    for round in 0..times(10_000) {
                        let mut receiver = sender.subscribe();
                        for _ in 0..round % 3 {
                            let _ = receiver.try_recv();
                        }
                    }
                });
            }
        });
        assert_eq!((sender.receiver_count(), sender.len()), (0, 0));
        assert_eq!(std::sync::Arc::strong_count(&token), 1, "nothing is left");
    });
}

/// Whoever waits for the last receiver to go is told, however many go at once.
#[test]
fn closed_is_told() {
    watched(|| {
        for _ in 0..times(300) {
            let (sender, receiver) = channel::<u8>(1);
            let receivers = [receiver, sender.subscribe(), sender.subscribe()];
            std::thread::scope(|scope| {
                for receiver in receivers {
                    scope.spawn(move || drop(receiver));
                }
                futures::executor::block_on(sender.closed());
            });
        }
    });
}
