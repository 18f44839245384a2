// Closing.

use crate::support::{Counted, Woken, alive, pin_poll_once, poll_dyn};
use broadcast::channel;
use broadcast::error::{RecvError, TryRecvError};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// 1, #2425: with the channel exactly full.
#[test]
fn closing_costs_no_slot() {
    for capacity in [1, 2, 4] {
        let (sender, mut receiver) = channel(capacity);
        for value in 0..capacity {
            sender.send(value).unwrap();
        }
        drop(sender);
        assert!(receiver.is_closed());
        assert_eq!(receiver.len(), capacity);
        for value in 0..capacity {
            assert_eq!(receiver.try_recv(), Ok(value));
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(receiver.blocking_recv(), Err(RecvError::Closed));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn only_the_last_sender_closes() {
    let (sender, mut receiver) = channel::<u8>(1);
    let clone = sender.clone();
    let woken = Woken::new();
    let mut recv = pin!(receiver.recv());
    assert!(woken.poll(recv.as_mut()).is_pending());
    drop(sender);
    assert_eq!(woken.count(), 0);
    drop(clone);
    assert_eq!(woken.count(), 1);
    assert_eq!(woken.poll(recv), Poll::Ready(Err(RecvError::Closed)));
}

/// 12, #4814
#[test]
fn resubscribing_to_a_closed_channel() {
    let (sender, mut receiver) = channel(2);
    sender.send(0).unwrap();
    drop(sender);
    let mut fresh = receiver.resubscribe();
    assert_eq!(fresh.len(), 0);
    assert!(fresh.is_closed());
    assert_eq!(fresh.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(fresh.blocking_recv(), Err(RecvError::Closed));
    assert_eq!(
        pin_poll_once(fresh.recv()),
        Poll::Ready(Err(RecvError::Closed))
    );
    assert_eq!(receiver.try_recv(), Ok(0));
}

#[test]
fn resubscribing_starts_at_the_tail() {
    let (sender, receiver) = channel(4);
    for value in 0..3 {
        sender.send(value).unwrap();
    }
    let mut fresh = receiver.resubscribe();
    assert_eq!((receiver.len(), fresh.len()), (3, 0));
    sender.send(3).unwrap();
    assert_eq!(fresh.try_recv(), Ok(3));
}

/// 9
#[test]
fn closed_waits_for_the_last_receiver() {
    let (sender, first) = channel::<u8>(1);
    let second = sender.subscribe();
    let woken = Woken::new();
    let mut closed = Box::pin(sender.closed());
    assert!(woken.poll(closed.as_mut()).is_pending());
    drop(first);
    assert_eq!(woken.count(), 0, "not the last one");
    assert!(woken.poll(closed.as_mut()).is_pending());
    drop(second);
    assert_eq!(woken.count(), 1);
    let third = sender.subscribe();
    assert!(
        woken.poll(closed.as_mut()).is_pending(),
        "subscribed meanwhile"
    );
    drop(third);
    assert_eq!(woken.count(), 2);
    assert!(woken.poll(closed.as_mut()).is_ready());
    assert!(pin_poll_once(sender.closed()).is_ready());
}

#[test]
fn closed_wakes_everybody_who_waits() {
    let (sender, receiver) = channel::<u8>(1);
    let clone = sender.clone();
    let (one, two, never) = (Woken::new(), Woken::new(), Woken::new());
    let mut first = Box::pin(sender.closed());
    let mut second = Box::pin(clone.closed());
    let mut cancelled = Box::pin(sender.closed());
    assert!(one.poll(first.as_mut()).is_pending());
    assert!(two.poll(second.as_mut()).is_pending());
    assert!(never.poll(cancelled.as_mut()).is_pending());
    drop(cancelled);
    drop(receiver);
    assert_eq!((one.count(), two.count(), never.count()), (1, 1, 0));
}

/// By the time somebody is woken, what the last receiver had not received is gone.
#[test]
fn closed_wakes_after_the_values_are_dropped() {
    struct Looking(Arc<()>, Mutex<Option<usize>>);
    impl std::task::Wake for Looking {
        fn wake(self: Arc<Self>) {
            *self.1.lock().unwrap() = Some(alive(&self.0) - 1); // its own token aside
        }
    }
    let token = Arc::new(());
    let (sender, receiver) = channel(4);
    for number in 0..3 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    let looking = Arc::new(Looking(Arc::clone(&token), Mutex::new(None)));
    let waker = Waker::from(Arc::clone(&looking));
    let mut closed = Box::pin(sender.closed());
    assert!(poll_dyn(&mut closed, &waker).is_pending());
    drop(receiver);
    assert_eq!(*looking.1.lock().unwrap(), Some(0));
}
