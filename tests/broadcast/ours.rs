//! What is stronger than tokio's channel, or different from it, on purpose.

use crate::common::watched;
use crate::support::{OnDrop, Woken};
use eventring::broadcast::error::{BroadcastStreamRecvError, RecvError, TryRecvError};
use eventring::broadcast::{BroadcastStream, Closed, Receiver, Sender, WeakSender, channel};
use futures::StreamExt as _;
use futures::stream::FusedStream as _;
use std::future::Future as _;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

trait Otherwise {
    const SEND: bool = false;
}
impl<H> Otherwise for H {}
struct Is<H>(PhantomData<H>);
#[allow(dead_code)] // which of them is meant depends on the bound
impl<H: Send> Is<H> {
    const SEND: bool = true;
}

/// tokio #7232: receivers read in turn, so a `!Sync` value may cross threads; a `!Send` one not.
#[test]
fn crossing_threads_needs_send_only() {
    const {
        assert!(Is::<Sender<std::cell::Cell<u8>>>::SEND);
        assert!(Is::<Receiver<std::cell::Cell<u8>>>::SEND);
        assert!(!Is::<Sender<std::rc::Rc<u8>>>::SEND);
        assert!(!Is::<Receiver<std::rc::Rc<u8>>>::SEND);
    }
    fn wrapper<S: Send + Sync + Unpin>() {}
    wrapper::<BroadcastStream<std::cell::Cell<u8>>>();
    wrapper::<Closed<'_, std::cell::Cell<u8>>>();
}

#[test]
fn a_receiver_is_small() {
    assert!(size_of::<Receiver<u64>>() <= 64);
}

/// As tokio's are, unless its feature `parking_lot` is on.
#[test]
fn handles_are_unwind_safe() {
    fn unwind_safe<H: UnwindSafe + RefUnwindSafe>() {}
    unwind_safe::<Sender<std::cell::Cell<u8>>>();
    unwind_safe::<WeakSender<std::cell::Cell<u8>>>();
    unwind_safe::<Receiver<std::cell::Cell<u8>>>();
}

/// 16: tokio drops it under its lock.
#[test]
fn a_value_whose_drop_sends() {
    watched(|| {
        #[derive(Clone)]
        struct Sending(#[allow(dead_code)] Arc<OnDrop>); // held to be dropped
        impl Sending {
            fn to(sender: &Sender<Self>) -> Self {
                let weak = sender.downgrade();
                Self(Arc::new(OnDrop::new(move || {
                    if let Some(sender) = weak.upgrade() {
                        drop(sender.send(Self(Arc::new(OnDrop::new(|| {})))));
                        drop(sender.subscribe());
                    }
                })))
            }
        }
        for receivers in 1..=3 {
            let (sender, first) = channel(2);
            let mut all = vec![first];
            all.resize_with(receivers, || sender.subscribe());
            // Overwritten, one with two others that overwrites; released; dropped unread.
            for _ in 0..5 {
                sender.send(Sending::to(&sender)).ok().unwrap();
            }
            for receiver in &mut all {
                while !matches!(receiver.try_recv(), Err(TryRecvError::Empty)) {}
            }
            sender.send(Sending::to(&sender)).ok().unwrap();
            drop(all);
            assert_eq!(sender.receiver_count(), 0);
        }
    });
}

/// 16: `clone` runs under the lock of its value alone, so it may do anything but receive that value
/// again, or send so much that its slot is needed.
#[test]
fn a_value_whose_clone_uses_the_channel() {
    watched(|| {
        struct Using(Sender<Self>);
        impl Clone for Using {
            fn clone(&self) -> Self {
                let subscribed = self.0.subscribe();
                assert!(self.0.receiver_count() >= 3);
                assert!(self.0.len() <= 4);
                drop(subscribed);
                Self(self.0.clone())
            }
        }
        let (sender, mut first) = channel(4);
        let mut second = sender.subscribe();
        sender.send(Using(sender.clone())).ok().unwrap();
        assert!(first.try_recv().is_ok());
        assert!(second.try_recv().is_ok());
    });
}

/// 17: a wait that nobody ends holds nothing that its receiver does not give back.
#[test]
fn a_receiver_dropped_while_it_waits_leaks_nothing() {
    let (sender, mut receiver) = channel::<u8>(1);
    let mut other = sender.subscribe();
    let (forgotten, parked) = (Woken::new(), Woken::new());
    assert!(forgotten.poll(pin!(receiver.next())).is_pending());
    let mut recv_other = pin!(other.recv());
    assert!(parked.poll(recv_other.as_mut()).is_pending());
    drop(receiver);
    assert_eq!(Arc::strong_count(&forgotten), 1);
    sender.send(0).unwrap();
    assert_eq!((forgotten.count(), parked.count()), (0, 1));
}

#[test]
fn a_clone_stands_at_the_same_position() {
    let (sender, mut receiver) = channel(2);
    for value in 0..3 {
        sender.send(value).unwrap();
    }
    let mut clone = receiver.clone();
    assert!(clone.same_channel(&receiver));
    assert_eq!((clone.len(), sender.receiver_count()), (3, 2));
    for receiver in [&mut receiver, &mut clone] {
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
        assert_eq!(receiver.try_recv(), Ok(1));
    }
}

#[test]
fn poll_recv_keeps_its_waker() {
    let (sender, mut receiver) = channel(2);
    let woken = Woken::new();
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    assert!(receiver.poll_recv(&mut context).is_pending());
    sender.send(0).unwrap();
    assert_eq!(woken.count(), 1);
    assert_eq!(receiver.poll_recv(&mut context), Poll::Ready(Ok(0)));
}

#[test]
fn recv_many() {
    futures::executor::block_on(async {
        let (sender, mut receiver) = channel(2);
        let mut batch = vec![9];
        assert_eq!(receiver.recv_many(&mut batch, 0).await, Ok(0));
        for value in 0..3 {
            sender.send(value).unwrap();
        }
        let lagged = receiver.recv_many(&mut batch, 5).await;
        assert_eq!(lagged, Err(RecvError::Lagged(1)));
        assert_eq!(receiver.recv_many(&mut batch, 5).await, Ok(2));
        assert_eq!(batch, [9, 1, 2]);
        drop(sender);
        let closed = receiver.recv_many(&mut batch, 5).await;
        assert_eq!(closed, Err(RecvError::Closed));
    });
}

#[test]
fn streams() {
    let (sender, receiver) = channel(2);
    let mut plain = receiver.clone();
    let mut wrapped: BroadcastStream<u32> = receiver.into();
    for value in 0..3 {
        sender.send(value).unwrap();
    }
    assert_eq!(wrapped.as_ref().len(), 3);
    let lagged = wrapped.as_mut().try_recv();
    assert_eq!(lagged, Err(TryRecvError::Lagged(1)));
    drop(sender);
    futures::executor::block_on(async {
        assert_eq!(wrapped.next().await, Some(Ok(1)));
        assert!(!wrapped.is_terminated());
        assert_eq!(wrapped.next().await, Some(Ok(2)));
        assert_eq!(wrapped.next().await, None);
        assert_eq!(wrapped.next().await, None);
        let lagged = Err(BroadcastStreamRecvError::Lagged(1));
        assert_eq!(
            plain.by_ref().collect::<Vec<_>>().await,
            [lagged, Ok(1), Ok(2)]
        );
    });
    assert!(wrapped.is_terminated() && plain.is_terminated());
    assert_eq!(format!("{wrapped:?}"), "BroadcastStream");
    assert_eq!(wrapped.into_inner().try_recv(), Err(TryRecvError::Closed));
    let error = BroadcastStreamRecvError::Lagged(7);
    assert_eq!(error.to_string(), "channel lagged by 7");
}

/// No bound but `Clone`: neither `Send` nor `'static`.
#[test]
fn a_stream_of_borrowed_local_values() {
    let local = String::from("local");
    let (sender, receiver) = channel(2);
    sender.send((&local, std::rc::Rc::new(1))).unwrap();
    let mut stream = BroadcastStream::new(receiver);
    let next = pin!(stream.next()).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(next, Poll::Ready(Some(Ok((text, _)))) if text == "local"));
}

#[cfg(feature = "tokio")]
#[test]
fn errors_convert_both_ways() {
    use eventring::broadcast::error::SendError;
    use tokio::sync::broadcast::error as tokio;

    fn moved_over() -> Result<(), RecvError> {
        Err(tokio::RecvError::Lagged(3))?
    }
    fn not_yet() -> Result<(), tokio::TryRecvError> {
        Err(TryRecvError::Empty)?
    }
    assert_eq!(moved_over(), Err(RecvError::Lagged(3)));
    assert_eq!(not_yet(), Err(tokio::TryRecvError::Empty));
    assert_eq!(
        tokio::RecvError::from(RecvError::Closed),
        tokio::RecvError::Closed
    );
    assert_eq!(
        tokio::RecvError::from(RecvError::Lagged(1)),
        tokio::RecvError::Lagged(1)
    );
    assert_eq!(RecvError::from(tokio::RecvError::Closed), RecvError::Closed);
    for error in [
        TryRecvError::Empty,
        TryRecvError::Closed,
        TryRecvError::Lagged(2),
    ] {
        assert_eq!(
            TryRecvError::from(tokio::TryRecvError::from(error.clone())),
            error
        );
    }
    let SendError(value) = tokio::SendError('a').into();
    assert_eq!(tokio::SendError::from(SendError(value)).0, 'a');
}
