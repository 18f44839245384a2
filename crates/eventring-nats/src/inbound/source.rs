//! The durable consumer, and the stream that it is of, as the feed asks them.

use super::End;
use super::order::{Delivery, Gap};
use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::{Config, Stream as Messages};
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::jetstream::{ErrorCode, Message};
use async_nats::{Client, Subject};
use futures_util::FutureExt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::Span;

const HEARTBEAT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A message, and where to acknowledge it: nowhere, if it was read from the stream.
pub(super) struct Arrived {
    pub(super) message: StreamMessage,
    pub(super) reply: Option<Subject>,
}

#[derive(Clone)]
pub(super) struct Source(Arc<Parts>);

struct Parts {
    client: Client,
    stream: Stream,
    consumer: Consumer<Config>,
    filter: String,
}

impl Source {
    pub(super) fn new(
        client: Client,
        stream: Stream,
        consumer: Consumer<Config>,
        filter: String,
    ) -> Self {
        Self(Arc::new(Parts {
            client,
            stream,
            consumer,
            filter,
        }))
    }

    pub(super) fn span(&self) -> Span {
        let info = self.0.consumer.cached_info();
        tracing::info_span!("feed", stream = %info.stream_name, durable = %info.name)
    }

    /// Pulls once the broker answers. Consumers are told apart by when they were made: one that was made
    /// anew has the name, but not what was acknowledged.
    pub(super) fn pull(
        &self,
        mut pause: Pause,
    ) -> impl Future<Output = Result<Messages, End>> + Send + use<> {
        let Self(parts) = self.clone();
        async move {
            loop {
                pause.wait().await;
                if parts.is_closed() {
                    return Err(End::Disconnected);
                }
                match parts.consumer.get_info().await {
                    Ok(info) if info.created != parts.consumer.cached_info().created => {
                        return Err(End::ConsumerDeleted);
                    }
                    Ok(info) => {
                        let batch = info.config.max_ack_pending.clamp(1, 1024);
                        let pulling = parts
                            .consumer
                            .stream()
                            .heartbeat(HEARTBEAT)
                            .max_messages_per_batch(batch as usize)
                            .messages();
                        if let Ok(messages) = pulling.await {
                            return Ok(messages);
                        }
                    }
                    Err(error) => match error.kind() {
                        ConsumerInfoErrorKind::NotFound => return Err(End::ConsumerDeleted),
                        ConsumerInfoErrorKind::StreamNotFound => return Err(End::StreamDeleted),
                        _ => {}
                    },
                }
            }
        }
    }

    /// The first message of the stream after the gap's begin, once the broker answers.
    pub(super) fn first_after(
        &self,
        gap: Gap,
    ) -> impl Future<Output = (Gap, Result<Option<StreamMessage>, End>)> + Send + use<> {
        let Self(parts) = self.clone();
        async move {
            let mut pause = Pause::default();
            loop {
                pause.wait().await;
                if parts.is_closed() {
                    return (gap, Err(End::Disconnected));
                }
                let request = parts.stream.raw_message_builder();
                let request = request
                    .sequence(gap.after + 1)
                    .next_by_subject(&parts.filter);
                let error = match request.send().await {
                    Ok(message) => return (gap, Ok(Some(message))),
                    Err(error) => error,
                };
                match error.kind() {
                    LastRawMessageErrorKind::NoMessageFound => return (gap, Ok(None)),
                    LastRawMessageErrorKind::JetStream(error)
                        if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                    {
                        return (gap, Err(End::StreamDeleted));
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Parts {
    /// It is drained, or has given up to reconnect.
    fn is_closed(&self) -> bool {
        let flushed = self.client.flush().now_or_never();
        flushed.is_some_and(|flushed| flushed.is_err())
    }
}

impl Arrived {
    pub(super) fn of(message: Message) -> Option<(Delivery, Self)> {
        let info = message.info().ok()?;
        let delivery = Delivery {
            sequence: info.stream_sequence,
            number: info.consumer_sequence,
            first: info.delivered == 1,
        };
        let time = info.published;
        let message = message.message;
        let arrived = Self {
            reply: message.reply,
            message: StreamMessage {
                subject: message.subject,
                sequence: delivery.sequence,
                headers: message.headers.unwrap_or_default(),
                payload: message.payload,
                time,
            },
        };
        Some((delivery, arrived))
    }

    pub(super) fn reread(message: StreamMessage) -> Self {
        Self {
            message,
            reply: None,
        }
    }
}

/// How long to wait before what has failed is tried again: longer each time.
#[derive(Clone, Copy, Default)]
pub(super) struct Pause(Duration);

impl Pause {
    async fn wait(&mut self) {
        if !self.0.is_zero() {
            sleep(self.0).await;
        }
        *self = self.longer();
    }

    pub(super) fn longer(self) -> Self {
        Self((self.0 * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE))
    }
}
