//! One client that takes part: what it says, and what it is sent, in one stream.

use crate::events::Events;
use crate::proto::{Event, Send, send};
use crate::room::Member;
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tonic::{Status, Streaming};

/// The response stream of `Chat`. tonic polls it, and it polls the requests: there is no task that
/// could outlive the client. When tonic drops it, the member leaves.
///
/// It hears one message, then sends an event before it hears the next. So a client is heard as fast
/// as it listens: one that floods the room misses nothing by that, and one that stops reading is
/// not heard.
#[derive(Debug)]
pub struct Session {
    events: Events,
    requests: Streaming<Send>,
    /// Until it has left.
    member: Option<Member>,
    /// It has heard a message since it last sent an event.
    has_heard: bool,
    end: Option<End>,
}

#[derive(Debug)]
struct End {
    /// The sequence number of the last event to be sent: the client's own LEAVE.
    last: u64,
    /// What comes after it, if the client did something wrong.
    fault: Option<Status>,
}

impl Session {
    pub(crate) fn new(member: Member, events: Events, requests: Streaming<Send>) -> Self {
        Self {
            events,
            requests,
            member: Some(member),
            has_heard: false,
            end: None,
        }
    }

    fn hear(&mut self, cx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        let Poll::Ready(message) = self.requests.poll_next_unpin(cx) else {
            return;
        };
        self.has_heard = true;
        let fault = match message {
            Some(Ok(Send {
                what: Some(send::What::Say(text)),
            })) => {
                // Fails only if the room is closed, and then the events end too.
                let _ = member.say(text);
                return;
            }
            Some(Ok(_)) => Some(Status::invalid_argument(
                "after the first message, each has to be `say`",
            )),
            Some(Err(status)) => Some(status),
            None => None,
        };
        if let Some(Ok(last)) = self.member.take().map(Member::leave) {
            self.end = Some(End { last, fault });
        }
    }
}

impl Stream for Session {
    type Item = Result<Event, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if !this.has_heard {
            this.hear(cx);
        }
        if let Some(end) = &mut this.end
            && this.events.position() > end.last
        {
            return Poll::Ready(end.fault.take().map(Err));
        }
        let event = ready!(this.events.poll_next_unpin(cx));
        this.has_heard = false;
        Poll::Ready(event)
    }
}
