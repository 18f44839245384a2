//! What a client is sent.

use crate::proto::Event;
use crate::room::Room;
use eventring::stream::WithLag;
use eventring::{Lagged, Receiver};
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;
use tonic::Status;

/// The members present, INITIALIZED, then what happens: the bus's receiver as a response stream.
///
/// After a gap, a list of members that the client keeps would be wrong. So it is told of the gap,
/// and everything starts over, from the present.
#[derive(Debug)]
pub struct Events {
    room: Room,
    present: vec::IntoIter<Event>,
    live: WithLag<Event>,
}

impl Events {
    pub(crate) fn new(room: Room, present: Vec<Event>, live: Receiver<Event>) -> Self {
        Self {
            room,
            present: present.into_iter(),
            live: live.with_lag(),
        }
    }

    /// The sequence number of the event that comes next.
    pub fn position(&self) -> u64 {
        self.live.get_ref().position()
    }

    /// Skips to the present, and counts what is still in the ring among the missed.
    fn start_over(&mut self, missed: u64) -> Event {
        let behind = self.position();
        let (present, live) = self.room.snapshot();
        let skipped = live.position() - behind;
        self.present = present.into_iter();
        self.live = live.with_lag();
        Event::lagged(missed + skipped)
    }
}

impl Stream for Events {
    type Item = Result<Event, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(event) = self.present.next() {
            return Poll::Ready(Some(Ok(event)));
        }
        Poll::Ready(match ready!(self.live.poll_next_unpin(cx)) {
            Some(Ok(event)) => Some(Ok(event)),
            Some(Err(Lagged(missed))) => Some(Ok(self.start_over(missed))),
            None => None,
        })
    }
}
