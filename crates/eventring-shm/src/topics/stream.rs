//! Waiting for events of a topic.

use super::{TopicEvent, decode, frame};
use crate::receiver::Receiver;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream of events with their topics. Gaps are left out, but counted.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct TopicStream {
    receiver: Receiver,
    topic: Option<String>,
}

impl TopicStream {
    pub(super) fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            topic: None,
        }
    }

    /// Only of this topic: others are not copied.
    pub fn topic(self, topic: &str) -> Self {
        let hash = frame::topic_hash(topic.as_bytes());
        Self {
            receiver: self.receiver.filter(move |head| head.ext[0] == hash),
            topic: Some(topic.to_owned()),
        }
    }

    /// How many events were lost, of any topic.
    pub fn lagged(&self) -> u64 {
        self.receiver.missed()
    }
}

impl Stream for TopicStream {
    type Item = TopicEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TopicEvent>> {
        let Self { receiver, topic } = &mut *self;
        loop {
            let event = match ready!(receiver.poll_with(cx, decode)) {
                Some(event) => event,
                None => return Poll::Ready(None),
            };
            // A hash says no for certain, but not yes.
            match event {
                Some(event) if topic.as_ref().is_none_or(|topic| event.topic == *topic) => {
                    return Poll::Ready(Some(event));
                }
                _ => {}
            }
        }
    }
}
