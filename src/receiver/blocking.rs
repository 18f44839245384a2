//! Receiving on a thread that may wait: not there on targets where none can.

use super::Receiver;
use crate::error::RecvTimeoutError;
use crate::outcome::RecvError;
use crate::reader::Pinned;
use crate::wait::Limit;
use std::time::Duration;

impl<E> Receiver<E> {
    /// As [`recv`](Self::recv), blocking the thread instead of the task. In a `for` loop:
    /// [`blocking_iter`](Self::blocking_iter).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_blocking("event"));
    /// assert_eq!(receiver.recv_blocking(), Some("event"));
    /// assert_eq!(receiver.recv_blocking(), None);
    /// ```
    pub fn recv_blocking(&mut self) -> Option<E>
    where
        E: Clone,
    {
        self.block(|pinned| pinned.recv())
    }

    /// As [`recv_blocking`](Self::recv_blocking), waiting for at most `timeout`. A task puts its runtime's
    /// timeout around [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::Timeout`] if nothing came in time, [`RecvTimeoutError::Closed`] if nothing is
    /// going to.
    ///
    /// ```
    /// use eventring::{EventBus, RecvTimeoutError};
    /// use std::time::Duration;
    ///
    /// let bus = EventBus::<u32>::new(16);
    /// let mut receiver = bus.subscribe();
    /// let received = receiver.recv_timeout(Duration::from_millis(1));
    /// assert_eq!(received, Err(RecvTimeoutError::Timeout));
    /// ```
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<E, RecvTimeoutError>
    where
        E: Clone,
    {
        match self.block_within(Limit::Timeout(timeout), |pinned| pinned.recv()) {
            Some(Some(event)) => Ok(event),
            Some(None) => Err(RecvTimeoutError::Closed),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    /// As [`recv_many`](Self::recv_many), blocking the thread instead of the task.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_many_blocking(&mut vec!['a', 'b']));
    /// let mut batch = Vec::new();
    /// assert_eq!(receiver.recv_many_blocking(&mut batch, 10), 2);
    /// ```
    pub fn recv_many_blocking(&mut self, buffer: &mut Vec<E>, limit: usize) -> usize
    where
        E: Clone,
    {
        if limit == 0 {
            return 0;
        }
        self.block(|pinned| pinned.recv_many(buffer, limit))
            .unwrap_or_default()
    }

    /// As [`recv_with`](Self::recv_with), blocking the thread instead of the task.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_blocking(String::from("event")));
    /// assert_eq!(receiver.recv_with_blocking(|event| event.len()), Some(5));
    /// ```
    pub fn recv_with_blocking<R>(&mut self, read: impl FnOnce(&E) -> R) -> Option<R> {
        let mut read = Some(read);
        self.block(|pinned| pinned.read(read.take().expect("receives once")))
    }

    /// As [`recv_many_with`](Self::recv_many_with), blocking the thread instead of the task.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_many_blocking(&mut vec!["a", "bc"]));
    /// let mut bytes = 0;
    /// assert_eq!(receiver.recv_many_with_blocking(10, |event| bytes += event.len()), 2);
    /// assert_eq!(bytes, 3);
    /// ```
    pub fn recv_many_with_blocking(&mut self, limit: usize, mut read: impl FnMut(&E)) -> usize {
        if limit == 0 {
            return 0;
        }
        self.block(|pinned| pinned.read_many(limit, &mut read))
            .unwrap_or_default()
    }

    pub(crate) fn block<R>(&mut self, receive: impl FnMut(Pinned<'_, E>) -> R) -> Option<R> {
        self.block_within(Limit::Unlimited, receive)
            .expect("waits without a deadline")
    }

    /// The next event past any gap, or the end. `None`: neither within the limit.
    fn block_within<R>(
        &mut self,
        mut limit: Limit,
        mut receive: impl FnMut(Pinned<'_, E>) -> R,
    ) -> Option<Option<R>> {
        loop {
            match self.0.block(&mut limit, &mut receive)? {
                Ok(received) => return Some(Some(received)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Some(None),
            }
        }
    }
}
