//! Several events at once.

use super::{Receiver, Step};
use crate::error::TryRecvError;
use crate::event::{Event, EventRef};
use std::future::poll_fn;
use std::task::{Poll, ready};

impl Receiver {
    /// Receives up to `limit` events, at least one, and tells their number. 0: nothing will come any
    /// more (or `limit` is 0).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use eventring::Start;
    /// use eventring_shm::{EventRing, Kind};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let mut receiver = ring.subscribe(Start::Oldest);
    /// ring.publisher()?.publish_many([(Kind(1), "a"), (Kind(1), "b"), (Kind(1), "c")])?;
    /// let mut batch = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut batch, 2).await, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn recv_many(&mut self, buffer: &mut Vec<Event>, limit: usize) -> usize {
        self.recv_many_with(limit, |event| buffer.push(event.to_event()))
            .await
    }

    /// The same for what is there.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv); nothing is appended then.
    pub fn try_recv_many(
        &mut self,
        buffer: &mut Vec<Event>,
        limit: usize,
    ) -> Result<usize, TryRecvError> {
        self.try_recv_many_with(limit, |event| buffer.push(event.to_event()))
    }

    /// As [`recv_many`](Self::recv_many), blocking the thread instead of the task.
    pub fn recv_many_blocking(&mut self, buffer: &mut Vec<Event>, limit: usize) -> usize {
        self.recv_many_with_blocking(limit, |event| buffer.push(event.to_event()))
    }

    /// Calls the closure with up to `limit` events, at least one, and tells their number. 0: nothing
    /// will come any more (or `limit` is 0).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received and the closure was not called.
    pub async fn recv_many_with(
        &mut self,
        limit: usize,
        mut read: impl FnMut(EventRef<'_>),
    ) -> usize {
        if limit == 0 {
            return 0;
        }
        poll_fn(|cx| {
            loop {
                match ready!(self.poll_step(cx)) {
                    Step::Event(head) => {
                        read(self.event(head));
                        return Poll::Ready(1 + self.rest(limit - 1, &mut read));
                    }
                    Step::End(_) => return Poll::Ready(0),
                    _ => {}
                }
            }
        })
        .await
    }

    /// The same for what is there.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv); the closure is not called then.
    pub fn try_recv_many_with(
        &mut self,
        limit: usize,
        mut read: impl FnMut(EventRef<'_>),
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        self.try_recv_with(&mut read)?;
        Ok(1 + self.rest(limit - 1, &mut read))
    }

    /// As [`recv_many_with`](Self::recv_many_with), blocking the thread instead of the task.
    pub fn recv_many_with_blocking(
        &mut self,
        limit: usize,
        mut read: impl FnMut(EventRef<'_>),
    ) -> usize {
        if limit == 0 || self.recv_with_blocking(&mut read).is_none() {
            return 0;
        }
        1 + self.rest(limit - 1, &mut read)
    }

    /// What else is there, up to a gap.
    fn rest(&mut self, limit: usize, read: &mut impl FnMut(EventRef<'_>)) -> usize {
        for count in 0..limit {
            match self.step() {
                Step::Event(head) => read(self.event(head)),
                _ => return count,
            }
        }
        limit
    }
}
