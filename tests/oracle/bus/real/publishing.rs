//! A handle of the bus and the futures made of it.

// A batch is lent to one future until that is gone.
#![allow(clippy::await_holding_refcell_ref)]

use crate::bus::Outcome;
use crate::bus::script::PublishStep;
use crate::support::{Boxed, Payload, Wakers};
use eventring::{EventBus, PublishError, TryPublishError};
use std::cell::RefCell;
use std::fmt::Display;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// A batch that a future works on.
pub(super) type Batch<T> = Rc<RefCell<Vec<T>>>;

/// Empties a batch.
pub(super) fn numbers<T: Payload>(batch: &RefCell<Vec<T>>) -> Vec<u64> {
    let events = batch.take();
    events.iter().map(Payload::number).collect()
}

pub(super) struct Handle<T> {
    pub(super) bus: Rc<EventBus<T>>,
    publishing: Option<Publishing<T>>,
    draining: Option<Boxed<()>>,
    attending: Option<Boxed<()>>,
}

struct Publishing<T> {
    future: Boxed<Outcome>,
    /// Where it leaves its events when it is cancelled.
    left: Batch<T>,
}

impl<T: Payload + 'static> Handle<T> {
    pub(super) fn new(bus: EventBus<T>) -> Self {
        Self {
            bus: Rc::new(bus),
            publishing: None,
            draining: None,
            attending: None,
        }
    }

    /// `event` makes the so-many-th event.
    pub(super) fn publish(
        &mut self,
        step: PublishStep,
        event: impl Fn(usize) -> T,
        wakers: &Wakers,
    ) -> Outcome {
        let bus = &self.bus;
        let batch = |count| (0..count).map(&event).collect::<Vec<_>>();
        match step {
            PublishStep::Try => one(bus.try_publish(event(0)), TryPublishError::into_event),
            PublishStep::TryMany(count) => {
                let mut events = batch(count);
                let result = bus.try_publish_many(&mut events);
                many(result.map(|count| Some(count as u64)), &events.into())
            }
            PublishStep::Blocking => one(bus.publish_blocking(event(0)), PublishError::into_event),
            PublishStep::ManyBlocking(count) => {
                let mut events = batch(count);
                let result = bus.publish_many_blocking(&mut events);
                many(result.map(|()| None), &events.into())
            }
            PublishStep::Timeout => {
                let result = bus.publish_timeout(event(0), Duration::ZERO);
                one(result, TryPublishError::into_event)
            }
            PublishStep::Poll(waker) => self.poll(waker, wakers, |bus| publish_one(bus, event(0))),
            PublishStep::PollMany(count, waker) => {
                self.poll(waker, wakers, |bus| publish_many(bus, batch(count)))
            }
            PublishStep::PollReserve(waker) => {
                self.poll(waker, wakers, |bus| publish_reserved(bus, event(0)))
            }
            PublishStep::Cancel => {
                let publishing = self.publishing.take().expect("as specified");
                drop(publishing.future);
                Outcome::HandedBack(numbers(&publishing.left))
            }
        }
    }

    fn poll(
        &mut self,
        waker: usize,
        wakers: &Wakers,
        publish: impl FnOnce(Rc<EventBus<T>>) -> Publishing<T>,
    ) -> Outcome {
        let bus = Rc::clone(&self.bus);
        let publishing = self.publishing.get_or_insert_with(|| publish(bus));
        match wakers.poll(waker, &mut publishing.future) {
            Poll::Pending => Outcome::Pending,
            Poll::Ready(outcome) => {
                self.publishing = None;
                outcome
            }
        }
    }

    pub(super) fn poll_drained(&mut self, waker: usize, wakers: &Wakers) -> Outcome {
        let bus = Rc::clone(&self.bus);
        let draining = self
            .draining
            .get_or_insert_with(|| Box::pin(async move { bus.drained().await }));
        match wakers.poll(waker, draining) {
            Poll::Pending => Outcome::Pending,
            Poll::Ready(()) => {
                self.draining = None;
                Outcome::Done
            }
        }
    }

    pub(super) fn cancel_drained(&mut self) {
        self.draining = None;
    }

    pub(super) fn poll_attended(
        &mut self,
        wanted: Option<usize>,
        waker: usize,
        wakers: &Wakers,
    ) -> Outcome {
        let bus = Rc::clone(&self.bus);
        let attending = self.attending.get_or_insert_with(|| match wanted {
            Some(count) => Box::pin(async move { bus.receivers_at_least(count).await }),
            None => Box::pin(async move { bus.deserted().await }),
        });
        match wakers.poll(waker, attending) {
            Poll::Pending => Outcome::Pending,
            Poll::Ready(()) => {
                self.attending = None;
                Outcome::Done
            }
        }
    }

    pub(super) fn cancel_attended(&mut self) {
        self.attending = None;
    }
}

fn publish_one<T: Payload + 'static>(bus: Rc<EventBus<T>>, event: T) -> Publishing<T> {
    Publishing {
        future: Box::pin(async move { one(bus.publish(event).await, PublishError::into_event) }),
        left: Batch::default(),
    }
}

fn publish_reserved<T: Payload + 'static>(bus: Rc<EventBus<T>>, event: T) -> Publishing<T> {
    let future = Box::pin(async move {
        let permit = match bus.reserve().await {
            Ok(permit) => permit,
            Err(error) => return Outcome::Published(Err(error.to_string()), vec![event.number()]),
        };
        let mut held = false;
        poll_fn(|_| match std::mem::replace(&mut held, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })
        .await;
        one(permit.publish(event), PublishError::into_event)
    });
    Publishing {
        future,
        left: Batch::default(),
    }
}

fn publish_many<T: Payload + 'static>(bus: Rc<EventBus<T>>, events: Vec<T>) -> Publishing<T> {
    let left = Rc::new(RefCell::new(events));
    let lent = Rc::clone(&left);
    let future = Box::pin(async move {
        let result = bus.publish_many(&mut lent.borrow_mut()).await;
        many(result.map(|()| None), &lent)
    });
    Publishing { future, left }
}

fn one<T: Payload, E: Display>(result: Result<u64, E>, into_event: fn(E) -> T) -> Outcome {
    match result {
        Ok(sequence) => Outcome::Published(Ok(Some(sequence)), Vec::new()),
        Err(error) => {
            let text = error.to_string();
            Outcome::Published(Err(text), vec![into_event(error).number()])
        }
    }
}

fn many<T: Payload>(result: Result<Option<u64>, impl Display>, left: &RefCell<Vec<T>>) -> Outcome {
    Outcome::published(result, numbers(left))
}
