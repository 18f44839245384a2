// Waiting.

use crate::common::watched;
use crate::support::{OnDrop, Woken, pin_poll_once, poll_dyn};
use broadcast::error::RecvError;
use broadcast::{Sender, channel};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// 10
#[test]
fn the_last_waker_is_woken() {
    let (sender, mut receiver) = channel(1);
    let (first, second) = (Woken::new(), Woken::new());
    let mut recv = pin!(receiver.recv());
    assert!(first.poll(recv.as_mut()).is_pending());
    assert!(second.poll(recv.as_mut()).is_pending());
    sender.send(0).unwrap();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(second.poll(recv), Poll::Ready(Ok(0)));
}

/// 10
#[test]
fn a_future_that_was_never_polled() {
    let (sender, mut receiver) = channel(1);
    let woken = Woken::new();
    let mut recv = pin!(receiver.recv());
    sender.send(0).unwrap();
    assert_eq!(woken.count(), 0);
    assert_eq!(woken.poll(recv.as_mut()), Poll::Ready(Ok(0)));
    assert_eq!(woken.count(), 0);
}

/// 11
#[test]
fn woken_but_not_polled_gets_the_first_value() {
    let (sender, mut receiver) = channel(4);
    let woken = Woken::new();
    {
        let mut recv = pin!(receiver.recv());
        assert!(woken.poll(recv.as_mut()).is_pending());
        for value in 0..3 {
            sender.send(value).unwrap();
        }
        assert_eq!(woken.count(), 1, "woken once");
        assert_eq!(woken.poll(recv), Poll::Ready(Ok(0)));
    }
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// 17, and cancel safety.
#[test]
fn a_cancelled_receive_leaves_nothing_behind() {
    let (sender, mut receiver) = channel(2);
    let mut other = sender.subscribe();
    let (cancelled, parked) = (Woken::new(), Woken::new());
    let mut recv = Box::pin(receiver.recv());
    assert!(cancelled.poll(recv.as_mut()).is_pending());
    let mut recv_other = Box::pin(other.recv());
    assert!(parked.poll(recv_other.as_mut()).is_pending());
    assert!(Arc::strong_count(&cancelled) > 1, "it keeps a waker");
    drop(recv);
    assert_eq!(Arc::strong_count(&cancelled), 1, "no waker is left");
    sender.send(0).unwrap();
    assert_eq!((cancelled.count(), parked.count()), (0, 1));
    drop(recv_other);
    assert_eq!(Arc::strong_count(&parked), 1);
    assert_eq!(receiver.try_recv(), Ok(0), "nothing was lost");
    assert_eq!(other.try_recv(), Ok(0));
}

/// 17: a receiver that was woken and then dropped takes nobody's wake-up with it.
#[test]
fn a_woken_receiver_that_is_dropped() {
    let (sender, first) = channel(2);
    let mut receivers = vec![first];
    receivers.extend((1..9).map(|_| sender.subscribe()));
    let woken: Vec<_> = (0..9).map(|_| Woken::new()).collect();
    for round in 0..3 {
        let mut futures: Vec<_> = receivers
            .iter_mut()
            .map(|one| Box::pin(one.recv()))
            .collect();
        for (recv, woken) in futures.iter_mut().zip(&woken) {
            assert!(woken.poll(recv.as_mut()).is_pending());
        }
        drop(futures.remove(round));
        sender.send(round).unwrap();
        drop(futures.remove(round));
        drop(futures);
        for (index, woken) in woken.iter().enumerate() {
            let skipped = (0..=round).filter(|skipped| *skipped == index).count();
            assert_eq!(
                woken.count(),
                round + 1 - skipped,
                "{index} in round {round}"
            );
        }
        for receiver in &mut receivers {
            assert_eq!(receiver.try_recv(), Ok(round));
        }
    }
    drop(receivers);
    assert!(woken.iter().all(|woken| Arc::strong_count(woken) == 1));
}

/// Receivers enough for each list of ours that there is for those who wait next.
fn wait_in_every_list(sender: &Sender<u8>) {
    for _ in 0..4 {
        assert!(pin_poll_once(sender.subscribe().recv()).is_pending());
    }
}

/// 7, #5578: the waker is replaced by another one, or dropped with its future, or after it was
/// woken.
#[test]
fn a_waker_whose_drop_sends() {
    watched(|| {
        let (sender, mut receiver) = channel::<u8>(8);
        let mut keep = sender.subscribe();
        let waker = |value: u8| {
            let sender = sender.clone();
            Waker::from(Arc::new(OnDrop::new(move || {
                sender.send(value).unwrap();
            })))
        };

        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker(0)).is_pending());
        // Replaced: the drop sends, to this very receiver.
        let replacing = Woken::new();
        let replaced = replacing.poll(recv.as_mut());
        assert!(replaced.is_pending() || replaced == Poll::Ready(Ok(0)));
        drop(recv);
        while receiver.try_recv().is_ok() {}

        // Woken, then dropped.
        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker(1)).is_pending());
        sender.send(2).unwrap();
        drop(recv);
        assert_eq!(receiver.try_recv(), Ok(2));
        assert_eq!(receiver.try_recv(), Ok(1));

        // Dropped with its future.
        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker(3)).is_pending());
        drop(recv);
        assert_eq!(receiver.try_recv(), Ok(3));

        let all = std::iter::from_fn(|| keep.try_recv().ok());
        assert_eq!(all.collect::<Vec<_>>(), [0, 2, 1, 3]);
    });
}

/// 7: the waker is dropped as it is woken, its future being gone by then: one that was woken before
/// it has dropped that. Nine receivers, so that some share a list.
#[test]
fn a_waker_whose_drop_sends_as_it_is_woken() {
    type Recv = Pin<Box<dyn Future<Output = Result<u8, RecvError>> + Send>>;
    struct Dropping(Arc<Mutex<Vec<Recv>>>);
    impl std::task::Wake for Dropping {
        fn wake(self: Arc<Self>) {
            let others = std::mem::take(&mut *self.0.lock().unwrap());
            drop(others);
        }
    }
    watched(|| {
        let (sender, mut first) = channel::<u8>(16);
        let mut keep = sender.subscribe();
        let others = Arc::new(Mutex::new(Vec::new()));
        let dropping = Waker::from(Arc::new(Dropping(Arc::clone(&others))));
        let mut recv = Box::pin(first.recv());
        assert!(poll_dyn(&mut recv, &dropping).is_pending());
        for value in 1..9 {
            let sender = sender.clone();
            let mut receiver = sender.subscribe();
            let mut other: Recv = Box::pin(async move { receiver.recv().await });
            let waker = Waker::from(Arc::new(OnDrop::new(move || {
                sender.send(value).unwrap();
                wait_in_every_list(&sender);
            })));
            assert!(poll_dyn(&mut other, &waker).is_pending());
            others.lock().unwrap().push(other);
        }
        sender.send(0).unwrap();
        assert!(others.lock().unwrap().is_empty());
        assert_eq!(poll_dyn(&mut recv, &dropping), Poll::Ready(Ok(0)));
        let mut sent: Vec<_> = std::iter::from_fn(|| keep.try_recv().ok()).collect();
        sent.sort();
        assert_eq!(sent, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    });
}

/// 16: wakers run with nothing held.
#[test]
fn a_waker_that_sends() {
    watched(|| {
        struct Sending(Sender<u8>);
        impl std::task::Wake for Sending {
            fn wake(self: Arc<Self>) {
                for value in 1..3 {
                    self.0.send(value).unwrap();
                    wait_in_every_list(&self.0);
                }
            }
        }
        let (sender, mut receiver) = channel(4);
        let waker = Waker::from(Arc::new(Sending(sender.clone())));
        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker).is_pending());
        sender.send(0).unwrap();
        assert_eq!(poll_dyn(&mut recv, &waker), Poll::Ready(Ok(0)));
        drop(recv);
        assert_eq!(receiver.try_recv(), Ok(1));
        assert_eq!(receiver.try_recv(), Ok(2));
    });
}

/// 16: nor is anything held when the last receiver goes.
#[test]
fn a_waker_that_uses_the_channel_when_the_last_receiver_goes() {
    struct Using(Sender<u8>);
    impl std::task::Wake for Using {
        fn wake(self: Arc<Self>) {
            let receiver = self.0.subscribe();
            assert!(pin_poll_once(self.0.closed()).is_pending());
            assert_eq!(self.0.send(0).unwrap(), 1);
            drop(receiver);
        }
    }
    watched(|| {
        let (sender, receiver) = channel(1);
        let waker = Waker::from(Arc::new(Using(sender.clone())));
        let mut closed = Box::pin(sender.closed());
        assert!(poll_dyn(&mut closed, &waker).is_pending());
        drop(receiver);
        assert!(poll_dyn(&mut closed, &waker).is_ready());
    });
}

/// 8: one that always finds a value lets others run.
#[tokio::test]
async fn receiving_takes_part_in_the_budget() {
    const VALUES: usize = 1024;
    let (sender, mut receiver) = channel(VALUES);
    for value in 0..VALUES {
        sender.send(value).unwrap();
    }
    let received = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&received);
    let busy = tokio::spawn(async move {
        for value in 0..VALUES {
            assert_eq!(receiver.recv().await, Ok(value));
            *counted.lock().unwrap() += 1;
        }
    });
    let seen = tokio::spawn(async move { *received.lock().unwrap() });
    let seen = seen.await.unwrap();
    assert!(
        (1..VALUES).contains(&seen),
        "another task ran after {seen} values"
    );
    busy.await.unwrap();
}

#[test]
fn blocking_recv_wakes_up() {
    watched(|| {
        let (sender, mut receiver) = channel(1);
        let blocked = std::thread::spawn(move || {
            let first = receiver.blocking_recv();
            (first, receiver.blocking_recv())
        });
        sender.send(0).unwrap();
        while !sender.is_empty() {
            std::thread::yield_now();
        }
        drop(sender);
        assert_eq!(blocked.join().unwrap(), (Ok(0), Err(RecvError::Closed)));
    });
}

/// With the text of tokio's.
#[test]
#[cfg(feature = "tokio")]
fn blocking_recv_in_a_task_panics() {
    let (sender, mut receiver) = broadcast::channel(4);
    sender.send(1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let blocking = runtime.spawn(async move { receiver.blocking_recv() });
    let panic = runtime.block_on(blocking).unwrap_err().into_panic();
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or(panic.downcast_ref::<String>().cloned()).unwrap();
    assert!(
        text.starts_with("Cannot block the current thread from within a runtime."),
        "{text}"
    );
}

#[test]
fn blocking_recv_beside_a_runtime() {
    let (sender, mut receiver) = broadcast::channel(4);
    sender.send(1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let blocking = runtime.spawn_blocking(move || receiver.blocking_recv());
    assert_eq!(runtime.block_on(blocking).unwrap(), Ok(1));
}
