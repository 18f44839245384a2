//! The same hostilities on `eventring::broadcast`, as far as the suite that it shares with tokio's
//! channel (`tests/broadcast`) has none: that one may deadlock or be poisoned where this must not.

use crate::common::{Hooked, HookedWaker, Ledger, Wakes, panic_of, watched};
use eventring::broadcast::error::{RecvError, TryRecvError};
use eventring::broadcast::{Receiver, Sender, channel};
use futures::FutureExt;
use std::mem::forget;
use std::task::{Context, Waker};
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

fn undroppable(number: u64) -> Hooked {
    Hooked::on_drop(number, || panic!("drop"))
}

fn bomb() -> Waker {
    HookedWaker::on_wake(|| panic!("wake"))
}

fn park<T: Clone>(receiver: &mut Receiver<T>, waker: &Waker) {
    assert_pending!(
        receiver
            .poll_recv(&mut Context::from_waker(waker))
            .map(drop)
    );
}

/// All get what comes next.
fn assert_usable(sender: &Sender<Hooked>, receivers: &mut [Receiver<Hooked>]) {
    for number in 100..120 {
        assert_eq!(sender.send(Hooked::tame(number)).unwrap(), receivers.len());
        for receiver in receivers.iter_mut() {
            assert_eq!(receiver.try_recv().unwrap().number, number);
        }
    }
}

#[test]
fn a_value_whose_drop_panics_when_overwritten() {
    for capacity in [1, 2] {
        let (sender, first) = channel(capacity);
        let mut receivers = [first, sender.subscribe()];
        sender.send(undroppable(0)).unwrap();
        for number in 1..capacity as u64 {
            sender.send(Hooked::tame(number)).unwrap();
        }
        let last = capacity as u64;
        assert_eq!(panic_of(|| sender.send(Hooked::tame(last))), "drop");
        for receiver in &mut receivers {
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
            for number in 1..=last {
                assert_eq!(receiver.try_recv().unwrap().number, number);
            }
        }
        assert_usable(&sender, &mut receivers);
    }
}

#[test]
fn a_value_whose_drop_panics_when_released() {
    let (sender, first) = channel(4);
    let mut receivers = [first, sender.subscribe()];
    sender.send(undroppable(0)).unwrap();
    assert_eq!(receivers[0].try_recv().unwrap().number, 0);
    assert_eq!(panic_of(|| receivers[1].try_recv()), "drop");
    assert_usable(&sender, &mut receivers);
}

#[test]
fn a_value_whose_drop_panics_when_the_last_receiver_goes() {
    let (sender, receiver) = channel(4);
    sender.send(undroppable(0)).unwrap();
    let mut closed = spawn(sender.closed());
    assert_pending!(closed.poll());
    assert_eq!(panic_of(|| drop(receiver)), "drop");
    assert!(closed.is_woken());
    assert_ready!(closed.poll());
    assert_usable(&sender, &mut [sender.subscribe()]);
}

#[test]
fn a_waker_that_panics_in_a_send() {
    let (sender, first) = channel(2);
    let mut receivers: Vec<_> = (0..5).map(|_| sender.subscribe()).collect();
    receivers.push(first);
    let ((wakes, waker), bomb) = (Wakes::new(), bomb());
    for (index, receiver) in receivers.iter_mut().enumerate() {
        park(receiver, if index == 2 { &bomb } else { &waker });
    }
    assert_eq!(panic_of(|| sender.send(Hooked::tame(0))), "wake");
    assert_eq!(wakes.count(), 5, "the others are woken");
    for receiver in &mut receivers {
        assert_eq!(receiver.try_recv().unwrap().number, 0);
    }
    assert_usable(&sender, &mut receivers);
}

#[test]
fn a_waker_that_panics_when_the_last_sender_goes() {
    let (sender, first) = channel::<u8>(2);
    let mut receivers = [first, sender.subscribe()];
    let (wakes, waker) = Wakes::new();
    park(&mut receivers[0], &bomb());
    park(&mut receivers[1], &waker);
    assert_eq!(panic_of(|| drop(sender)), "wake");
    assert_eq!(wakes.count(), 1);
    for receiver in &mut receivers {
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn a_waker_that_panics_when_the_last_receiver_goes() {
    let ledger = Ledger::default();
    let (sender, receiver) = channel(2);
    sender.send(ledger.event(0)).unwrap();
    let bomb = bomb();
    let mut closed = sender.closed();
    assert_pending!(closed.poll_unpin(&mut Context::from_waker(&bomb)));
    let mut other = spawn(sender.closed());
    assert_pending!(other.poll());
    assert_eq!(panic_of(|| drop(receiver)), "wake");
    assert!(other.is_woken());
    assert_eq!((sender.receiver_count(), ledger.alive()), (0, 0));
}

#[test]
fn a_sender_thread_that_is_killed() {
    watched(|| {
        let (sender, first) = channel(1);
        let mut receivers = [first, sender.subscribe()];
        sender.send(undroppable(0)).unwrap();
        let doomed = sender.clone();
        let killed = thread::spawn(move || drop(doomed.send(Hooked::tame(1)))).join();
        assert!(killed.is_err());
        assert_eq!(sender.strong_count(), 1);
        for receiver in &mut receivers {
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
            assert_eq!(receiver.try_recv().unwrap().number, 1);
        }
        assert_usable(&sender, &mut receivers);
    });
}

#[test]
fn a_forgotten_closed() {
    let (sender, receiver) = channel::<u8>(1);
    let mut forgotten = spawn(sender.closed());
    assert_pending!(forgotten.poll());
    forget(forgotten);
    let mut closed = spawn(sender.closed());
    assert_pending!(closed.poll());
    drop(receiver);
    assert!(closed.is_woken());
    assert_ready!(closed.poll());
}

#[test]
fn a_leaked_receiver_holds_nobody_up() {
    let (sender, mut receiver) = channel(2);
    let (_, waker) = Wakes::new();
    let mut parked = sender.subscribe();
    park(&mut parked, &waker);
    forget(parked);
    forget(receiver.clone());
    for number in 0..20 {
        assert_eq!(sender.send(number).unwrap(), 3);
        assert_eq!(receiver.try_recv(), Ok(number));
    }
    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_receiver_polled_by_two_tasks_in_turn() {
    let (sender, mut receiver) = channel(4);
    let (wakes, wakers): (Vec<_>, Vec<_>) = (0..2).map(|_| Wakes::new()).unzip();
    for lap in 0..10 {
        let (one, other) = (lap % 2, (lap + 1) % 2);
        park(&mut receiver, &wakers[one]);
        park(&mut receiver, &wakers[other]);
        let before = [wakes[0].count(), wakes[1].count()];
        sender.send(lap).unwrap();
        assert_eq!(wakes[one].count(), before[one]);
        assert_eq!(wakes[other].count(), before[other] + 1);
        assert_ready_eq!(spawn(receiver.recv()).poll(), Ok(lap));
    }
    drop(sender);
    assert_ready_eq!(spawn(receiver.recv()).poll(), Err(RecvError::Closed));
}
