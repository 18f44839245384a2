//! Receivers as streams.

use super::{Receiver, Step};
use crate::event::Event;
use eventring::Lagged;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Stream for Receiver {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(cx)
    }
}

/// Stream of [`Receiver::with_lag`]: events, and gaps in their places.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct WithLag(Receiver);

impl WithLag {
    pub(super) fn new(receiver: Receiver) -> Self {
        Self(receiver)
    }

    /// The receiver, to ask for its position or how much it missed.
    pub fn get_ref(&self) -> &Receiver {
        &self.0
    }

    /// The receiver, to receive from it in another way in between.
    pub fn get_mut(&mut self) -> &mut Receiver {
        &mut self.0
    }

    /// The receiver, no longer wrapped. Nothing is lost by that.
    pub fn into_inner(self) -> Receiver {
        self.0
    }

    /// The next event or gap, blocking the thread instead of the task.
    pub fn next_blocking(&mut self) -> Option<Result<Event, Lagged>> {
        loop {
            match self.0.block(None) {
                Some(Step::Event(head)) => return Some(Ok(self.0.event(head).to_event())),
                Some(Step::Lag(missed)) => return Some(Err(Lagged(missed))),
                Some(Step::End(_)) => return None,
                _ => {}
            }
        }
    }
}

impl Stream for WithLag {
    type Item = Result<Event, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(self.0.poll_step(cx)) {
                Step::Event(head) => Some(Ok(self.0.event(head).to_event())),
                Step::Lag(missed) => Some(Err(Lagged(missed))),
                Step::End(_) => None,
                Step::Skipped | Step::Empty => continue,
            });
        }
    }
}
