//! What is said to the broker, and what it says.

use super::{Order, Rejection};
use crate::identity::Origin;
use async_nats::client::PublishError;
use async_nats::header::{
    NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID,
};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, HeaderMap, Message, StatusCode, Subject, Subscriber};
use eventring::Receiver;
use serde::Deserialize;
use std::fmt::Write;
use std::future::pending;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// So much room two numbers take, and a dot before each.
const NUMBERS: usize = 2 * (1 + 20);

pub(super) struct Broker {
    pub(super) client: Client,
    pub(super) stream: Stream,
    pub(super) subject: Subject,
    pub(super) source: String,
    pub(super) epoch: u64,
    /// Where acknowledgements come: `INBOX.ATTEMPT.SEQUENCE`.
    pub(super) inbox: String,
    pub(super) acks: Subscriber,
}

/// What a message has to follow, for the broker to take it.
pub(super) enum After {
    /// The message of this place in the stream, as the last one of the subject. 0: none.
    Place(u64),
    /// The event of this number, as the last message of the stream.
    Event(u64),
}

/// An event is stored.
pub(super) struct Stored {
    /// Where, in the stream.
    pub(super) place: u64,
    /// The broker had it already.
    pub(super) duplicate: bool,
}

/// What the broker answers. Of all that async-nats makes of it nothing else is needed, and for each event it takes
/// longer.
#[derive(Deserialize)]
struct Answer {
    seq: Option<u64>,
    #[serde(default)]
    duplicate: bool,
    error: Option<jetstream::Error>,
}

/// Why the relay has to resume.
#[derive(Debug)]
pub(super) enum Trouble {
    /// An acknowledgement is late.
    Late,
    /// The connection is another one: what was sent by the last one may be lost.
    Reconnected,
    /// The message before it is not the one expected.
    OutOfTurn,
    /// The broker does not take this event.
    Rejected(u64, Rejection),
    /// It says no, for a reason that may pass.
    Refused(#[allow(dead_code, reason = "it is logged")] String),
}

impl Broker {
    pub(super) async fn send(
        &self,
        attempt: u64,
        sequence: u64,
        after: After,
        payload: Vec<u8>,
    ) -> Result<(), PublishError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, self.id(sequence));
        match after {
            After::Place(place) => {
                headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, place.to_string());
            }
            After::Event(event) => headers.insert(NATS_EXPECTED_LAST_MESSAGE_ID, self.id(event)),
        }
        let mut reply = String::with_capacity(self.inbox.len() + NUMBERS);
        let _ = write!(reply, "{}.{attempt}.{sequence}", self.inbox);
        let subject = self.subject.clone();
        let sent =
            self.client
                .publish_with_reply_and_headers(subject, reply, headers, payload.into());
        sent.await
    }

    fn id(&self, sequence: u64) -> String {
        let origin = Origin {
            source: &self.source,
            epoch: self.epoch,
            sequence,
        };
        let mut id = String::with_capacity(self.source.len() + NUMBERS);
        let _ = write!(id, "{origin}");
        id
    }

    /// The last message of the subject.
    pub(super) async fn last(
        &self,
        limit: Duration,
    ) -> Result<Option<StreamMessage>, async_nats::Error> {
        last(&self.stream, &self.subject, limit).await
    }

    /// How often the client has connected.
    pub(super) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }
}

/// The last message of the subject, as the stream's leader knows it.
pub(super) async fn last(
    stream: &Stream,
    subject: &str,
    limit: Duration,
) -> Result<Option<StreamMessage>, async_nats::Error> {
    let asked = stream.get_last_raw_message_by_subject(subject);
    match timeout(limit, asked).await? {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the broker says to the event of this number, if it was sent by this attempt.
pub(super) fn answer(message: &Message, attempt: u64) -> Option<(u64, Result<Stored, Trouble>)> {
    let mut tokens = message.subject.rsplit('.');
    let mut number = || tokens.next()?.parse::<u64>().ok();
    let sequence = number()?;
    if number()? != attempt {
        return None;
    }
    let answer = if message.status == Some(StatusCode::NO_RESPONDERS) {
        Err(Trouble::Refused("there is no such stream".into()))
    } else {
        match serde_json::from_slice(&message.payload) {
            Ok(Answer {
                error: Some(error), ..
            }) => Err(refused(sequence, &error)),
            Ok(Answer {
                seq: Some(place),
                duplicate,
                ..
            }) => Ok(Stored { place, duplicate }),
            Ok(_) => Err(Trouble::Refused("it says nothing".into())),
            Err(error) => Err(Trouble::Refused(error.to_string())),
        }
    };
    Some((sequence, answer))
}

fn refused(sequence: u64, error: &jetstream::Error) -> Trouble {
    let text = error.to_string();
    match error.error_code() {
        ErrorCode::STREAM_WRONG_LAST_MESSAGE_ID => Trouble::OutOfTurn,
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM => {
            Trouble::Rejected(sequence, Rejection::TooLarge)
        }
        // "maximum messages exceeded", or bytes, or messages per subject.
        ErrorCode::STREAM_STORE_FAILED if text.starts_with("maximum ") => {
            Trouble::Rejected(sequence, Rejection::Full)
        }
        _ => Trouble::Refused(text),
    }
}

/// How far to go: until it is told to stop, without end.
pub(super) struct Upto {
    /// `None`: there are no more.
    orders: Option<watch::Receiver<Order>>,
    end: u64,
}

impl Upto {
    pub(super) fn new(orders: watch::Receiver<Order>) -> Self {
        Self {
            orders: Some(orders),
            end: u64::MAX,
        }
    }

    /// The sequence number before which all is to be stored. Told to stop, it is that of the next event.
    pub(super) fn end<E>(&mut self, receiver: &Receiver<E>) -> u64 {
        if let Some(orders) = &mut self.orders {
            let changed = orders.has_changed();
            if let Ok(false) = changed {
                return self.end;
            }
            let stop = orders.borrow_and_update().stop;
            if stop {
                self.end = receiver.position() + receiver.len() as u64;
            }
            // Or nobody can tell it any more.
            if stop || changed.is_err() {
                self.orders = None;
            }
        }
        self.end
    }

    /// Resolves when there is another end, maybe.
    pub(super) async fn changed(&self) {
        match &self.orders {
            Some(orders) => {
                let _ = orders.clone().changed().await;
            }
            None => pending().await,
        }
    }
}
