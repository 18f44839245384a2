//! The channel in tokio's shape: claim, lock, subscribe, leave, clone, wait, close. Every channel wraps
//! around the end of its sequences after two values.

use super::*;
use broadcast::error::{RecvError, TryRecvError};
use broadcast::{Receiver, Sender, channel};
use loom::sync::atomic::AtomicUsize;

/// One attempt: a value, or nothing.
fn attempt(receiver: &mut Receiver<Counted>, received: &mut Vec<u64>, missed: &mut u64) -> bool {
    match receiver.try_recv() {
        Ok(value) => received.push(value.number),
        Err(TryRecvError::Lagged(lag)) => {
            assert!(lag > 0, "a lag of nothing");
            *missed += lag;
        }
        Err(TryRecvError::Empty | TryRecvError::Closed) => return false,
    }
    true
}

/// Some attempts beside others, then joins them, then all that is left: sent = received + missed.
fn account(
    receiver: &mut Receiver<Counted>,
    others: Vec<thread::JoinHandle<()>>,
    sent: u64,
) -> Vec<u64> {
    let (mut received, mut missed) = (Vec::new(), 0);
    attempt(receiver, &mut received, &mut missed);
    attempt(receiver, &mut received, &mut missed);
    for other in others {
        other.join().unwrap();
    }
    while attempt(receiver, &mut received, &mut missed) {}
    assert_eq!(received.len() as u64 + missed, sent, "{received:?}");
    received
}

fn send(sender: &Sender<Counted>, number: u64, token: &Arc<()>) {
    let _ = sender.send(Counted::new(number, token));
}

/// Catches: a value that is read before it is written, or written while it is read; a lag that is not
/// counted exactly; all over the wrap.
///
/// Kills: `slot-load`, `commit-store`, `slot-lock`.
#[test]
fn a_receiver_is_lapped() {
    bounded(3, || {
        let token = Arc::new(());
        let (sender, mut receiver) = channel(1);
        let others = token.clone();
        let sending = thread::spawn(move || (0..3).for_each(|n| send(&sender, n, &others)));
        let received = account(&mut receiver, vec![sending], 3);
        assert!(received.is_sorted());
        drop(receiver);
        assert_eq!(Arc::strong_count(&token), 1);
    });
}

/// Catches: a value that two receivers look at in the same moment, or that goes before both have it, or
/// stays after; a next lap that is written without seeing that it was taken.
///
/// Kills: `slot-lock`, `unlock-store`.
#[test]
fn two_receivers_take_turns() {
    bounded(3, || {
        let token = Arc::new(());
        let (sender, mut first) = channel(1);
        let mut second = sender.subscribe();
        send(&sender, 0, &token);
        let receiving = thread::spawn(move || {
            drop(second.recv_blocking_once());
            second
        });
        drop(first.recv_blocking_once());
        let second = receiving.join().unwrap();
        assert_eq!(Arc::strong_count(&token), 1, "the last one takes it out");
        send(&sender, 1, &token);
        drop((first, second));
        assert_eq!(Arc::strong_count(&token), 1);
    });
}

/// What both must find there.
trait Once {
    fn recv_blocking_once(&mut self) -> Counted;
}

impl Once for Receiver<Counted> {
    fn recv_blocking_once(&mut self) -> Counted {
        self.try_recv().expect("it was sent before")
    }
}

/// Catches: two senders with one sequence; one that writes before the other has committed the lap
/// before.
///
/// Kills: `claim-word`, `await-lap`.
#[test]
fn two_senders() {
    bounded(2, || {
        let token = Arc::new(());
        let (sender, mut receiver) = channel(1);
        let sending = (0..2).map(|number| {
            let (sender, token) = (sender.clone(), token.clone());
            thread::spawn(move || send(&sender, number, &token))
        });
        let sending = sending.collect();
        account(&mut receiver, sending, 2);
        drop(receiver);
        assert_eq!(Arc::strong_count(&token), 1);
    });
}

/// Catches: a count of receivers that is not that of the claim: a value that stays, or goes too early;
/// a sender that is told of another number than got it.
///
/// Kills: `pay-owed`, `await-commit`.
#[test]
fn send_while_receivers_come_and_go() {
    bounded(3, || {
        let token = Arc::new(());
        let (sender, receiver) = channel(2);
        let others = sender.clone();
        let coming = thread::spawn(move || {
            drop(receiver);
            others.subscribe()
        });
        let sent = sender.send(Counted::new(0, &token));
        let counted = sent.as_ref().map_or(0, |&receivers| receivers);
        drop(sent);
        let mut receiver = coming.join().unwrap();
        match receiver.try_recv() {
            Ok(value) => assert_eq!((value.number, counted), (0, 1)),
            Err(error) => assert_eq!(error, TryRecvError::Empty),
        }
        assert!(sender.is_empty() && receiver.is_empty());
        assert_eq!(Arc::strong_count(&token), 1, "nobody owns it any more");
    });
}

/// Catches: one that leaves and takes a value with it that another one still needs, or leaves one that
/// nobody does.
///
/// Kills: `pay-owed`.
#[test]
fn one_leaves_and_one_receives() {
    bounded(3, || {
        let token = Arc::new(());
        let (sender, mut stays) = channel(2);
        let goes = sender.subscribe();
        send(&sender, 0, &token);
        let going = thread::spawn(move || drop(goes));
        let others = token.clone();
        let sending = thread::spawn(move || send(&sender, 1, &others));
        let received = account(&mut stays, vec![going, sending], 2);
        assert_eq!(received, [0, 1]);
        assert_eq!(Arc::strong_count(&token), 1);
    });
}

/// Catches: a clone that is not counted, so that the value goes before the clone has it.
///
/// Kills: `share-owed`, `await-commit`.
#[test]
fn a_receiver_is_cloned() {
    bounded(3, || {
        let token = Arc::new(());
        let (sender, mut receiver) = channel(2);
        let others = token.clone();
        let sending = thread::spawn(move || send(&sender, 0, &others));
        let mut clone = receiver.clone();
        assert_eq!(account(&mut receiver, vec![sending], 1), [0]);
        assert_eq!(account(&mut clone, Vec::new(), 1), [0]);
        assert_eq!(Arc::strong_count(&token), 1);
    });
}

/// Catches: a clone that another receiver of the same value does not see counted.
#[test]
fn a_receiver_is_cloned_while_another_receives() {
    bounded(3, || {
        let token = Arc::new(());
        let (sender, mut receiver) = channel(2);
        let mut other = sender.subscribe();
        send(&sender, 0, &token);
        let receiving = thread::spawn(move || drop(other.recv_blocking_once()));
        let mut clone = receiver.clone();
        receiving.join().unwrap();
        assert_eq!(account(&mut receiver, Vec::new(), 1), [0]);
        assert_eq!(account(&mut clone, Vec::new(), 1), [0]);
        assert_eq!(Arc::strong_count(&token), 1);
    });
}

/// Its clones change it, which `Send` without `Sync` allows.
struct Changing(loom::cell::UnsafeCell<()>);

impl Clone for Changing {
    fn clone(&self) -> Self {
        self.0.with_mut(|_| ());
        Self(loom::cell::UnsafeCell::new(()))
    }
}

/// Catches: a value that two receivers clone, the second without having seen what the first did to it,
/// since a clone of a third one made the count what it was.
///
/// Kills: `lock-acquire`, `share-store`.
#[test]
fn a_receiver_is_cloned_between_two_that_receive() {
    bounded(3, || {
        let (sender, mut first) = channel(1);
        let (mut second, third) = (sender.subscribe(), sender.subscribe());
        let value = Changing(loom::cell::UnsafeCell::new(()));
        assert!(sender.send(value).is_ok());
        let receiving = thread::spawn(move || {
            assert!(first.try_recv().is_ok());
            [third.clone(), third, first]
        });
        assert!(second.try_recv().is_ok());
        drop(receiving.join().unwrap());
    });
}

trait Blocking {
    fn recv_blocking(&mut self) -> Result<u64, RecvError>;
}

impl Blocking for Receiver<Counted> {
    fn recv_blocking(&mut self) -> Result<u64, RecvError> {
        self.blocking_recv().map(|value| value.number)
    }
}

/// Catches: a receiver that sleeps although the value was sent, or the channel closed.
///
/// Kills: `wait-word`, `send-notify`, `end-notify`.
#[test]
fn wait_for_a_value_and_for_the_end() {
    bounded(3, || {
        let token = Arc::new(());
        let (sender, mut receiver) = channel(1);
        let others = token.clone();
        let sending = thread::spawn(move || {
            send(&sender, 0, &others);
        });
        assert_eq!(receiver.recv_blocking(), Ok(0));
        assert_eq!(receiver.recv_blocking(), Err(RecvError::Closed));
        sending.join().unwrap();
    });
}

/// Catches: one of two waiters that is forgotten, or sleeps because the other's mark was taken off.
#[test]
fn two_wait_for_one_sender() {
    bounded(1, || {
        let token = Arc::new(());
        let (sender, mut first) = channel(2);
        let mut second = sender.subscribe();
        let waiting = thread::spawn(move || assert_eq!(second.recv_blocking(), Ok(0)));
        let others = token.clone();
        let sending = thread::spawn(move || send(&sender, 0, &others));
        assert_eq!(first.recv_blocking(), Ok(0));
        waiting.join().unwrap();
        sending.join().unwrap();
        assert_eq!(Arc::strong_count(&token), 1);
    });
}

/// Catches: what was done before the last sender went that is not seen at the end.
///
/// Kills: `end-release`, `end-acquire`.
#[test]
fn the_end_is_seen_with_what_was_before() {
    bounded(3, || {
        let (sender, mut receiver) = channel::<u64>(1);
        let done = Arc::new(AtomicUsize::new(0));
        let doing = done.clone();
        let closing = thread::spawn(move || {
            doing.store(1, Relaxed);
            drop(sender);
        });
        if receiver.try_recv() == Err(TryRecvError::Closed) {
            assert_eq!(done.load(Relaxed), 1);
        }
        closing.join().unwrap();
    });
}

/// Catches: what a receiver did before it went that is not seen by who sees it gone.
///
/// Kills: `leave-release`, `count-acquire`.
#[test]
fn going_is_seen_with_what_was_before() {
    bounded(3, || {
        let (sender, receiver) = channel::<u64>(1);
        let done = Arc::new(AtomicUsize::new(0));
        let doing = done.clone();
        let going = thread::spawn(move || {
            doing.store(1, Relaxed);
            drop(receiver);
        });
        if sender.receiver_count() == 0 {
            assert_eq!(done.load(Relaxed), 1);
        }
        going.join().unwrap();
    });
}

/// Catches: somebody who waits for the last receiver to go, and is not notified, or before the count
/// is zero.
///
/// Kills: `last-notify`, `watch-word`.
#[test]
fn closed_while_the_last_receivers_drop() {
    bounded(2, || {
        let (sender, receiver) = channel::<u64>(1);
        let droppings = [sender.subscribe(), receiver].map(|one| thread::spawn(move || drop(one)));
        loom::future::block_on(sender.closed());
        assert_eq!(sender.receiver_count(), 0);
        for dropping in droppings {
            dropping.join().unwrap();
        }
    });
}
