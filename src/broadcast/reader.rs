//! A receiver's place in the channel, and how it reads (R1 to R4).

use super::channel::{Channel, Mark};
use super::error::{RecvError, TryRecvError};
use super::slot::Locked;
use super::words::Sequence;
use crate::sync::{Arc, Backoff, step};
use crate::wait::{List, Wait};
use std::cmp::Ordering as Is;
use std::mem::needs_drop;

pub(super) struct Reader<T> {
    channel: Arc<Channel<T>>,
    /// The sequence to read next.
    position: Sequence,
    /// Where it was when it last had to wait.
    waited: Sequence,
}

impl<T> Reader<T> {
    #[track_caller]
    pub(super) fn subscribe(channel: &Arc<Channel<T>>) -> Self {
        Self::at(channel.subscribe(), channel)
    }

    /// The one that the channel was made with.
    pub(super) fn first(channel: &Arc<Channel<T>>) -> Self {
        Self::at(Sequence::FIRST, channel)
    }

    /// A reader at the same position.
    #[track_caller]
    pub(super) fn duplicate(&self) -> Self {
        self.channel.duplicate(self.position);
        Self::at(self.position, &self.channel)
    }

    fn at(position: Sequence, channel: &Arc<Channel<T>>) -> Self {
        Self {
            channel: Arc::clone(channel),
            position,
            waited: position,
        }
    }

    pub(super) fn channel(&self) -> &Arc<Channel<T>> {
        &self.channel
    }

    pub(super) fn len(&self) -> usize {
        self.channel.since(self.position)
    }

    #[inline(always)]
    pub(super) fn try_receive<R>(
        &mut self,
        receive: impl FnOnce(&mut Batch<'_, T>) -> R,
    ) -> Result<R, TryRecvError> {
        let Self {
            channel, position, ..
        } = self;
        match channel.next(position) {
            Ok(first) => Ok(receive(&mut Batch {
                channel,
                position,
                first: Some(first),
            })),
            Err(Is::Greater) => Err(TryRecvError::Lagged(channel.lagged(position))),
            Err(_) if channel.is_ended(*position) => Err(TryRecvError::Closed),
            Err(_) => Err(TryRecvError::Empty),
        }
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        // Alone, it takes everything along; values go in their order.
        let shared = Arc::strong_count(&self.channel) > 1;
        if needs_drop::<T>() || (shared && step("leave-shared")) {
            self.channel.leave(self.position);
        }
    }
}

/// What is there to be received, the first value locked already. The reader is past a value before
/// user code sees it.
pub(super) struct Batch<'a, T> {
    channel: &'a Channel<T>,
    position: &'a mut Sequence,
    first: Option<Locked<'a, T>>,
}

impl<T> Batch<'_, T> {
    #[inline]
    pub(super) fn first<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        let first = self.first.take().expect("received once");
        first.read(read)
    }

    /// Up to `limit` values, at least one. How many.
    pub(super) fn many(&mut self, limit: usize, mut read: impl FnMut(&T)) -> usize {
        self.first(&mut read);
        let mut received = 1;
        while received < limit {
            let Ok(next) = self.channel.next(self.position) else {
                break;
            };
            next.read(&mut read);
            received += 1;
        }
        received
    }
}

/// Waiting to receive, in whatever way `receive` reads.
pub(super) struct Receive<'a, T, F> {
    pub(super) reader: &'a mut Reader<T>,
    pub(super) receive: F,
}

impl<T, R, F: FnMut(&mut Batch<'_, T>) -> R> Wait for Receive<'_, T, F> {
    type Output = Result<R, RecvError>;

    #[inline(always)]
    fn attempt(&mut self, listed: bool) -> Option<Self::Output> {
        if listed {
            return self.attempt_marked();
        }
        let Self { reader, receive } = self;
        match reader.try_receive(&mut *receive) {
            Ok(received) => Some(Ok(received)),
            Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
            Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
            Err(TryRecvError::Empty) => None,
        }
    }

    fn give_way(&mut self) -> bool {
        let Reader {
            channel,
            position,
            waited,
        } = &mut *self.reader;
        let since = position.since(std::mem::replace(waited, *position));
        // A run of values was worth a wake-up of its own.
        since <= 1 && channel.give_way()
    }

    fn list(&self, _: u64) -> List<'_> {
        List::All(self.reader.channel.waiting())
    }
}

impl<T, R, F: FnMut(&mut Batch<'_, T>) -> R> Receive<'_, T, F> {
    /// Leaves the mark, or waits for what is claimed: its publisher may have seen none.
    #[inline(never)]
    fn attempt_marked(&mut self) -> Option<Result<R, RecvError>> {
        let backoff = Backoff::new();
        loop {
            match self.reader.channel.mark(self.reader.position) {
                Mark::Set => return None,
                Mark::Closed => return Some(Err(RecvError::Closed)),
                Mark::Claimed => {}
            }
            if let Some(received) = self.attempt(false) {
                return Some(received);
            }
            backoff.snooze();
        }
    }
}
