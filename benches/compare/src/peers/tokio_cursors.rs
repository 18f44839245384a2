//! tokio's channel, whose receivers have a word each where others could see how far they are and take them off,
//! as is needed of those who may hold a publisher back: what just that word takes.

use super::Tokio;
use crate::channel::{Channel, Open, Recv, Setup};
use crate::payload::Payload;
use crate::tally::Tally;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast::Receiver;

pub(crate) struct TokioCursors;

pub(crate) struct WithCursor<E> {
    pub(super) receiver: Receiver<E>,
    pub(super) cursor: Box<Cursor>,
}

impl<E> WithCursor<E> {
    pub(super) fn new(receiver: Receiver<E>) -> Self {
        Self {
            receiver,
            cursor: Box::default(),
        }
    }
}

/// Its word is in no line with that of another one.
#[derive(Default)]
#[repr(C)]
pub(super) struct Cursor {
    _before: [u64; 8],
    word: AtomicU64,
    _behind: [u64; 7],
}

impl Cursor {
    /// Pinned while an event is received, and moved on.
    #[inline]
    pub(super) fn advance(&self) {
        let at = self.word.load(Ordering::Relaxed);
        let pinned = self
            .word
            .compare_exchange(at, at | 1, Ordering::Relaxed, Ordering::Relaxed);
        assert!(pinned.is_ok(), "nobody takes it off");
        self.word.store(at + 2, Ordering::Release);
    }
}

impl<E: Payload> Channel<E> for TokioCursors {
    const PEER: &'static str = "tokio-cursors";
    type Sender = <Tokio as Channel<E>>::Sender;
    type Receiver = WithCursor<E>;

    fn open(setup: &Setup) -> Open<Self::Sender, Self::Receiver> {
        let Open {
            receivers,
            senders,
            driver,
        } = <Tokio as Channel<E>>::open(setup);
        Open {
            receivers: receivers.into_iter().map(WithCursor::new).collect(),
            senders,
            driver,
        }
    }
}

impl<E: Payload> Recv<E> for WithCursor<E> {
    type Received = <Receiver<E> as Recv<E>>::Received;

    fn recv(&mut self) -> impl Future<Output = Self::Received> + Send {
        Recv::recv(&mut self.receiver)
    }

    fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool {
        self.cursor.advance();
        self.receiver.count(received, tally)
    }
}
