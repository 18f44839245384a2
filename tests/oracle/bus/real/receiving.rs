//! A receiver and the future that has it, if any.

// It is lent to one future, and until that is gone only asked by `try_borrow`.
#![allow(clippy::await_holding_refcell_ref)]

use super::publishing::numbers;
use crate::bus::script::{Take, Way, passes};
use crate::bus::{Outcome, ReaderSeen};
use crate::support::{Boxed, Payload, Wakers, guarded, user_code};
use eventring::{Lagged, Receiver, RecvError, TryRecvError};
use futures_core::{FusedStream, Stream};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The numbers of the events, or why there are none.
type Received<E> = Result<Vec<u64>, E>;

pub(super) struct Reading<T> {
    /// Shared with the future, if there is one; not here while it is wrapped.
    receiver: Rc<RefCell<Option<Receiver<T>>>>,
    future: Option<Boxed<Received<RecvError>>>,
    batch: Rc<Batch<T>>,
}

/// What a batch has come to so far, also if user code panicked then.
struct Batch<T> {
    appended: RefCell<Vec<T>>,
    read: RefCell<Vec<u64>>,
}

impl<T: Payload> Batch<T> {
    fn read(&self, event: &T) {
        let number = read(event);
        self.read.borrow_mut().push(number);
    }

    fn numbers(&self) -> Vec<u64> {
        let mut numbers = numbers(&self.appended);
        numbers.append(&mut self.read.borrow_mut());
        numbers
    }

    /// It must be as many as the call says.
    fn counted<E>(&self, result: Result<usize, E>) -> Received<E> {
        let numbers = self.numbers();
        let count = result?;
        assert_eq!(count, numbers.len());
        Ok(numbers)
    }
}

fn read<T: Payload>(event: &T) -> u64 {
    user_code();
    event.number()
}

impl<T: Payload + 'static> Reading<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self {
            receiver: Rc::new(RefCell::new(Some(receiver))),
            future: None,
            batch: Rc::new(Batch {
                appended: RefCell::default(),
                read: RefCell::default(),
            }),
        }
    }

    /// Uses the receiver. A future that has it is cancelled.
    pub(super) fn with<R>(&mut self, run: impl FnOnce(&mut Receiver<T>) -> R) -> R {
        self.cancel();
        run(self.receiver.borrow_mut().as_mut().expect("not wrapped"))
    }

    pub(super) fn cancel(&mut self) {
        self.future = None;
    }

    pub(super) fn take(&mut self, take: Take, fuse: u8) -> Outcome {
        let batch = Rc::clone(&self.batch);
        let many = |receive: &mut dyn FnMut(&mut Vec<T>) -> Result<usize, TryRecvError>| {
            let result = receive(&mut batch.appended.borrow_mut());
            batch.counted(result)
        };
        let each = |event: &T| batch.read(event);
        let one = |event: T| vec![event.number()];
        let received = self.with(|receiver| {
            guarded(fuse, || match take {
                Take::TryRecv => receiver.try_recv().map(one),
                Take::TryRecvWith => receiver.try_recv_with(read).map(|number| vec![number]),
                Take::TryRecvMany(limit) => many(&mut |batch| receiver.try_recv_many(batch, limit)),
                Take::TryRecvManyWith(limit) => {
                    batch.counted(receiver.try_recv_many_with(limit, each))
                }
                Take::RecvBlocking => Ok(one(receiver.recv_blocking()?)),
                Take::RecvWithBlocking => Ok(vec![receiver.recv_with_blocking(read)?]),
                Take::RecvManyBlocking(limit) => {
                    many(&mut |batch| Ok(receiver.recv_many_blocking(batch, limit)?))
                }
                Take::RecvManyWithBlocking(limit) => {
                    batch.counted(Ok(receiver.recv_many_with_blocking(limit, each)?))
                }
                Take::RecvTimeout => receiver.recv_timeout(Duration::ZERO).map(one),
            })
        });
        self.outcome(received.map(Poll::Ready))
    }

    pub(super) fn poll(&mut self, way: Way, waker: usize, fuse: u8, wakers: &Wakers) -> Outcome {
        let polled = wakers.with(waker, |cx| {
            if way.is_future() {
                let future = self.future.get_or_insert_with(|| {
                    future(way, Rc::clone(&self.receiver), Rc::clone(&self.batch))
                });
                guarded(fuse, || future.as_mut().poll(cx))
            } else {
                self.cancel();
                let receiver = self.receiver.take().expect("not wrapped");
                let (receiver, polled) = poll_wrapped(receiver, way, fuse, cx);
                self.receiver.replace(Some(receiver));
                polled
            }
        });
        if !matches!(polled, Some(Poll::Pending)) {
            self.cancel();
        }
        self.outcome(polled.map(|poll| poll.map_err(TryRecvError::from)))
    }

    fn outcome(&self, received: Option<Poll<Received<TryRecvError>>>) -> Outcome {
        match received {
            Some(Poll::Ready(received)) => Outcome::Received(received),
            Some(Poll::Pending) => Outcome::Pending,
            None => Outcome::Panicked(self.batch.numbers()),
        }
    }

    pub(super) fn seen(&self) -> Option<ReaderSeen> {
        let receiver = self.receiver.try_borrow().ok()?;
        let receiver = receiver.as_ref().expect("not wrapped");
        let len = receiver.len();
        assert_eq!(receiver.is_empty(), len == 0);
        Some(ReaderSeen {
            position: receiver.position(),
            len,
            missed: receiver.missed(),
            lossy: receiver.is_lossy(),
            closed: receiver.is_closed(),
            ended: receiver.is_terminated(),
        })
    }
}

fn future<T: Payload + 'static>(
    way: Way,
    receiver: Rc<RefCell<Option<Receiver<T>>>>,
    batch: Rc<Batch<T>>,
) -> Boxed<Received<RecvError>> {
    Box::pin(async move {
        let mut receiver = receiver.borrow_mut();
        let receiver = receiver.as_mut().expect("not wrapped");
        match way {
            Way::RecvWith => Ok(vec![receiver.recv_with(read).await?]),
            Way::RecvMany(limit) => {
                let mut appended = batch.appended.borrow_mut();
                let result = receiver.recv_many(&mut appended, limit).await;
                drop(appended);
                batch.counted(result)
            }
            Way::RecvManyWith(limit) => {
                let result = receiver.recv_many_with(limit, |event| batch.read(event));
                batch.counted(result.await)
            }
            _ => Ok(vec![receiver.recv().await?.number()]),
        }
    })
}

/// Polls what is not a future of its own, and gives the receiver back.
fn poll_wrapped<T: Payload>(
    mut receiver: Receiver<T>,
    way: Way,
    fuse: u8,
    cx: &mut Context<'_>,
) -> (Receiver<T>, Option<Poll<Received<RecvError>>>) {
    let event = |event: T| vec![event.number()];
    match way {
        Way::Stream => {
            let polled = guarded(fuse, || Pin::new(&mut receiver).poll_next(cx));
            let item = |item: Option<T>| item.map(event).ok_or(RecvError::Closed);
            (receiver, polled.map(|poll| poll.map(item)))
        }
        Way::WithLag => {
            let mut stream = receiver.with_lag();
            let polled = guarded(fuse, || Pin::new(&mut stream).poll_next(cx));
            let item = |item: Option<Result<T, Lagged>>| match item {
                Some(Ok(received)) => Ok(event(received)),
                Some(Err(Lagged(missed))) => Err(RecvError::Lagged(missed)),
                None => Err(RecvError::Closed),
            };
            (stream.into_inner(), polled.map(|poll| poll.map(item)))
        }
        Way::FilterMapRef => {
            let filter = |event: &T| Some(read(event)).filter(|number| passes(*number));
            let mut stream = receiver.filter_map_ref(filter);
            let polled = guarded(fuse, || Pin::new(&mut stream).poll_next(cx));
            let item = |item: Option<u64>| Ok(vec![item.ok_or(RecvError::Closed)?]);
            (stream.into_inner(), polled.map(|poll| poll.map(item)))
        }
        _ => {
            let polled = guarded(fuse, || receiver.poll_recv(cx));
            (receiver, polled.map(|poll| poll.map_ok(event)))
        }
    }
}
