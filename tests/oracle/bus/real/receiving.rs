//! A receiver and the future that has it, if any.

// It is lent to one future, and until that is gone only asked by `try_borrow`.
#![allow(clippy::await_holding_refcell_ref)]

use super::publishing::numbers;
use crate::bus::script::{CommitStep, Take, Way, passes};
use crate::bus::{Nothing, Outcome, ReaderSeen};
use crate::support::{Boxed, Payload, Wakers, guarded, user_code};
use eventring::{Batch as Held, Lagged, Receiver, RecvTimeoutError, TryRecvError, stream::WithLag};
use futures_core::{FusedStream, Stream};
use std::cell::{RefCell, RefMut};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The numbers of the events, or why there are none.
type Received = Result<Vec<u64>, Nothing>;

impl From<TryRecvError> for Nothing {
    fn from(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::Empty,
            TryRecvError::Closed => Self::Closed,
        }
    }
}

impl From<RecvTimeoutError> for Nothing {
    fn from(error: RecvTimeoutError) -> Self {
        match error {
            RecvTimeoutError::Timeout => Self::Empty,
            RecvTimeoutError::Closed => Self::Closed,
        }
    }
}

impl From<Lagged> for Nothing {
    fn from(Lagged(missed): Lagged) -> Self {
        Self::Lagged(missed)
    }
}

fn received(number: Option<u64>) -> Received {
    Ok(vec![number.ok_or(Nothing::Closed)?])
}

/// With lag.
fn told<T: Payload>(event: Option<Result<T, Lagged>>) -> Received {
    received(event.transpose()?.map(|event| event.number()))
}

pub(super) struct Reading<T> {
    /// Shared with the future, if there is one; not here while it is wrapped.
    receiver: Rc<RefCell<Option<Receiver<T>>>>,
    future: Option<Boxed<Received>>,
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

    /// Reads what a receiver holds, and commits it if that is asked for.
    fn hold(&self, held: Held<'_, T>, commits: bool) -> Vec<u64> {
        assert_eq!(held.iter().len(), held.len());
        assert!(
            held.iter()
                .map(|(sequence, _)| sequence)
                .eq(held.sequences())
        );
        for (_, event) in &held {
            self.read(event);
        }
        if commits {
            held.commit();
        }
        self.numbers()
    }

    /// It must be as many as the call says: none at the end, unless none were asked for.
    fn counted(&self, limit: usize, count: usize) -> Received {
        let numbers = self.numbers();
        assert_eq!(count, numbers.len());
        match count {
            0 if limit > 0 => Err(Nothing::Closed),
            _ => Ok(numbers),
        }
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
        let each = |event: &T| batch.read(event);
        let one = |event: T| vec![event.number()];
        if let Take::TryRecvWithLag = take {
            self.cancel();
            let mut events = self.receiver.take().expect("not wrapped").with_lag();
            let received = guarded(fuse, || told(Some(events.try_recv()?)));
            self.receiver.replace(Some(events.into_inner()));
            return self.outcome(received.map(Poll::Ready));
        }
        let received = self.with(|receiver| {
            guarded(fuse, || match take {
                Take::TryRecv => Ok(one(receiver.try_recv()?)),
                Take::TryRecvWithLag => unreachable!("needs the receiver itself"),
                Take::TryRecvWith => Ok(vec![receiver.try_recv_with(read)?]),
                Take::TryRecvMany(limit) => {
                    let appended = &mut batch.appended.borrow_mut();
                    let count = receiver.try_recv_many(appended, limit)?;
                    assert_eq!(count, appended.len());
                    Ok(appended.drain(..).map(|event| event.number()).collect())
                }
                Take::TryRecvManyWith(limit) => {
                    batch.counted(limit, receiver.try_recv_many_with(limit, each)?)
                }
                Take::RecvBlocking => {
                    received(receiver.recv_blocking().map(|event| event.number()))
                }
                Take::RecvWithBlocking => received(receiver.recv_with_blocking(read)),
                Take::RecvManyBlocking(limit) => {
                    let count =
                        receiver.recv_many_blocking(&mut batch.appended.borrow_mut(), limit);
                    batch.counted(limit, count)
                }
                Take::RecvManyWithBlocking(limit) => {
                    batch.counted(limit, receiver.recv_many_with_blocking(limit, each))
                }
                Take::RecvTimeout => Ok(one(receiver.recv_timeout(Duration::ZERO)?)),
            })
        });
        self.outcome(received.map(Poll::Ready))
    }

    pub(super) fn poll(&mut self, way: Way, waker: usize, fuse: u8, wakers: &Wakers) -> Outcome {
        let polled = wakers.with(waker, |cx| {
            if way.is_future() {
                let (receiver, batch) = (Rc::clone(&self.receiver), Rc::clone(&self.batch));
                let future = self.future.get_or_insert_with(|| match way {
                    Way::RecvWithLag => future_with_lag(receiver),
                    _ => future(way, receiver, batch),
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
        self.outcome(polled)
    }

    pub(super) fn commit(&mut self, step: CommitStep, wakers: &Wakers) -> Outcome {
        let batch = Rc::clone(&self.batch);
        let received = match step {
            CommitStep::PollBatch(limit, commits, waker, fuse) => {
                return self.poll(Way::RecvBatch(limit, commits), waker, fuse, wakers);
            }
            CommitStep::Batch(limit, commits, fuse) => self.with(|receiver| {
                let held = || Ok(batch.hold(receiver.try_recv_batch(limit)?, commits));
                guarded(fuse, held)
            }),
            CommitStep::BatchBlocking(limit, commits, fuse) => self.with(|receiver| {
                guarded(fuse, || {
                    let held = receiver.recv_batch_blocking(limit).ok_or(Nothing::Closed)?;
                    Ok(batch.hold(held, commits))
                })
            }),
            step => {
                self.with(|receiver| match step {
                    CommitStep::Some(count) => {
                        let upto = receiver.committed() + count;
                        receiver.commit(upto.min(receiver.position()));
                    }
                    CommitStep::All => receiver.commit_all(),
                    _ => receiver.rewind(),
                });
                return Outcome::Done;
            }
        };
        self.outcome(received.map(Poll::Ready))
    }

    fn outcome(&self, received: Option<Poll<Received>>) -> Outcome {
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
            committed: receiver.committed(),
            len,
            hint: receiver.size_hint(),
            missed: receiver.missed(),
            lossy: receiver.is_lossy(),
            evicted: receiver.evicted(),
            closed: receiver.is_closed(),
            ended: receiver.is_terminated(),
        })
    }
}

fn future<T: Payload + 'static>(
    way: Way,
    receiver: Rc<RefCell<Option<Receiver<T>>>>,
    batch: Rc<Batch<T>>,
) -> Boxed<Received> {
    Box::pin(async move {
        let mut receiver = receiver.borrow_mut();
        let receiver = receiver.as_mut().expect("not wrapped");
        match way {
            Way::RecvWith => received(receiver.recv_with(read).await),
            Way::RecvMany(limit) => {
                let mut appended = batch.appended.borrow_mut();
                let count = receiver.recv_many(&mut appended, limit).await;
                drop(appended);
                batch.counted(limit, count)
            }
            Way::RecvManyWith(limit) => {
                let count = receiver.recv_many_with(limit, |event| batch.read(event));
                batch.counted(limit, count.await)
            }
            Way::RecvBatch(limit, commits) => {
                let held = receiver.recv_batch(limit).await.ok_or(Nothing::Closed)?;
                Ok(batch.hold(held, commits))
            }
            _ => received(receiver.recv().await.map(|event| event.number())),
        }
    })
}

/// The receiver is wrapped while it waits, and put back however that ends.
struct Wrapped<'a, T>(RefMut<'a, Option<Receiver<T>>>, Option<WithLag<T>>);

impl<T> Drop for Wrapped<'_, T> {
    fn drop(&mut self) {
        *self.0 = self.1.take().map(WithLag::into_inner);
    }
}

fn future_with_lag<T: Payload + 'static>(
    receiver: Rc<RefCell<Option<Receiver<T>>>>,
) -> Boxed<Received> {
    Box::pin(async move {
        let mut lent = receiver.borrow_mut();
        let events = lent.take().expect("not wrapped").with_lag();
        let mut wrapped = Wrapped(lent, Some(events));
        told(wrapped.1.as_mut().expect("wrapped").recv().await)
    })
}

/// Polls what is not a future of its own, and gives the receiver back.
fn poll_wrapped<T: Payload>(
    mut receiver: Receiver<T>,
    way: Way,
    fuse: u8,
    cx: &mut Context<'_>,
) -> (Receiver<T>, Option<Poll<Received>>) {
    let event = |event: Option<T>| received(event.map(|event| event.number()));
    match way {
        Way::Stream => {
            let polled = guarded(fuse, || Pin::new(&mut receiver).poll_next(cx));
            (receiver, polled.map(|poll| poll.map(event)))
        }
        Way::WithLag => {
            let mut stream = receiver.with_lag();
            let polled = guarded(fuse, || Pin::new(&mut stream).poll_next(cx));
            (stream.into_inner(), polled.map(|poll| poll.map(told)))
        }
        Way::FilterMapRef => {
            let filter = |event: &T| Some(read(event)).filter(|number| passes(*number));
            let mut stream = receiver.filter_map_ref(filter);
            let polled = guarded(fuse, || Pin::new(&mut stream).poll_next(cx));
            (stream.into_inner(), polled.map(|poll| poll.map(received)))
        }
        _ => {
            let polled = guarded(fuse, || receiver.poll_recv(cx));
            (receiver, polled.map(|poll| poll.map(event)))
        }
    }
}
