//! A watermark and the future made of it.

use crate::bus::Outcome;
use crate::bus::script::MarkStep;
use crate::support::{Boxed, Payload, Wakers};
use eventring::{Gone, Watermark};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

pub(super) struct Mark<T> {
    pub(super) mark: Rc<Watermark<T>>,
    reaching: Option<Boxed<Result<(), Gone>>>,
}

impl<T: Payload + 'static> Mark<T> {
    pub(super) fn new(mark: Watermark<T>) -> Self {
        Self {
            mark: Rc::new(mark),
            reaching: None,
        }
    }

    pub(super) fn duplicate(&self) -> Self {
        Self::new(Watermark::clone(&self.mark))
    }

    pub(super) fn wait(&mut self, step: MarkStep, wakers: &Wakers) -> Outcome {
        let mark = &self.mark;
        let reached = match step {
            MarkStep::Reached(ahead, waker) => return self.poll(ahead, waker, wakers),
            MarkStep::Timeout(ahead) => mark.reached_timeout(mark.get() + ahead, Duration::ZERO),
            MarkStep::Blocking(ahead) => Some(mark.reached_blocking(mark.get() + ahead)),
            _ => {
                self.reaching = None;
                return Outcome::Done;
            }
        };
        reached.map_or(Outcome::Pending, Outcome::Reached)
    }

    fn poll(&mut self, ahead: u64, waker: usize, wakers: &Wakers) -> Outcome {
        let mark = &self.mark;
        let reaching = self.reaching.get_or_insert_with(|| {
            let (mark, sequence) = (Rc::clone(mark), mark.get() + ahead);
            Box::pin(async move { mark.reached(sequence).await })
        });
        match wakers.poll(waker, reaching) {
            Poll::Pending => Outcome::Pending,
            Poll::Ready(reached) => {
                self.reaching = None;
                Outcome::Reached(reached)
            }
        }
    }
}
