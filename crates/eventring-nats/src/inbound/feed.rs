//! The task.

use super::order::{Arrival, Gap, Next, Order};
use super::source::{Arrived, Pause, Source};
use super::stats::Counters;
use super::{Delivered, End, Origin, Undecodable, Undecoded};
use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::StreamMessage;
use async_nats::{Client, Subject};
use eventring::future::{Reached, Reserve};
use eventring::{EventBus, TryPublishError, Watermark};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::future::{Future, pending};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// So many messages are received before what is due is done.
const AT_ONCE: usize = 256;
/// How long the broker has at the end to say that it has the last acknowledgement.
const CONFIRM: Duration = Duration::from_secs(1);

type Error = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Hook = Box<dyn FnMut(&Undecodable<'_>) -> Undecoded + Send>;

pub(super) struct Feed<B, D> {
    pub(super) client: Client,
    pub(super) source: Source,
    pub(super) bus: EventBus<B>,
    /// Of the sink that has to commit first.
    pub(super) sink: Option<Watermark<B>>,
    pub(super) decode: D,
    pub(super) hook: Hook,
    pub(super) skipped_source: Option<String>,
    pub(super) ack_wait: Duration,
    pub(super) order: Order<Arrived>,
    /// The next one, decoded, if the bus had no room for it.
    pub(super) decoded: Option<B>,
    /// What is published, and not committed by the sink, in order.
    pub(super) uncommitted: VecDeque<Uncommitted>,
    /// What was published, and is not going to be committed.
    pub(super) left: usize,
    /// The last one, to be confirmed at the end.
    pub(super) acknowledged: Option<Subject>,
    pub(super) answers: Vec<(Subject, AckKind)>,
    pub(super) counters: Arc<Counters>,
    /// The source of the message before.
    pub(super) name: Arc<str>,
}

pub(super) struct Uncommitted {
    bus_sequence: u64,
    stream_sequence: u64,
    reply: Option<Subject>,
}

/// What has to be waited for, before the next event can be published.
enum Waits {
    Room,
    Answer(Gap),
    Message,
}

impl<B, E, D> Feed<B, D>
where
    B: From<Delivered<E>> + Send + Sync + 'static,
    D: FnMut(&StreamMessage) -> Result<E, Error> + Send,
{
    /// Until it ends, or is stopped and everything that is published is acknowledged.
    pub(super) async fn run(&mut self, mut stop: watch::Receiver<bool>) -> End {
        let bus = self.bus.clone();
        let sink = self.sink.clone();
        let mut room: Option<Reserve<'_, B>> = None;
        let mut committed: Option<Reached<'_, B>> = None;
        let mut answer: Option<BoxFuture<'_, _>> = None;
        let mut messages = None;
        let mut pause = Pause::default();
        let mut pulling = Some(self.source.pull(pause).boxed());
        let mut tick = interval((self.ack_wait / 3).max(Duration::from_millis(1)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = 0;
        let mut end = None;
        loop {
            if let Some(sink) = &sink {
                self.acknowledge_committed(sink.get());
            }
            if end.is_none() {
                match self.publish() {
                    Ok(Waits::Message) => {}
                    Ok(Waits::Room) => room = room.or_else(|| Some(bus.reserve())),
                    Ok(Waits::Answer(gap)) if answer.is_none() => {
                        tracing::debug!(gap.after, gap.upto, "reading what was not delivered");
                        answer = Some(self.source.first_after(gap).boxed());
                    }
                    Ok(Waits::Answer(_)) => {}
                    Err(because) => end = Some(because),
                }
            }
            if end.is_some() {
                (pulling, answer, room) = (None, None, None);
                if messages.take().is_some() {
                    // It unsubscribes by a task. What is refused is not to be delivered to it again.
                    yield_now().await;
                }
                self.refuse();
            }
            if let Err(closed) = self.answer().await {
                return closed;
            }
            self.counters
                .held
                .set((self.order.len() + self.uncommitted.len()) as u64);
            committed = match (&sink, self.uncommitted.front()) {
                (Some(sink), Some(first)) => {
                    committed.or_else(|| Some(sink.reached(first.bus_sequence)))
                }
                _ => None,
            };
            if let (Some(end), true) = (&mut end, self.uncommitted.is_empty()) {
                self.confirm().await;
                return std::mem::replace(end, End::Stopped);
            }
            select! {
                biased;
                () = stopped(&mut stop), if end.is_none() => end = Some(End::Stopped),
                reached = of(&mut committed) => {
                    committed = None;
                    if reached.is_err() {
                        let upto = sink.as_ref().map_or(0, Watermark::get);
                        self.acknowledge_committed(upto);
                        self.abandon();
                        end = Some(End::SinkGone);
                    }
                }
                permit = of(&mut room) => {
                    room = None;
                    match permit {
                        Ok(permit) => {
                            if let Some(event) = self.decoded.take() {
                                match permit.publish(event) {
                                    Ok(sequence) => self.published(sequence),
                                    Err(_) => end = Some(End::BusClosed),
                                }
                            }
                        }
                        Err(_) => end = Some(End::BusClosed),
                    }
                }
                (gap, found) = of(&mut answer) => {
                    answer = None;
                    match found {
                        Ok(found) => self.reread(gap, found),
                        Err(because) => return because,
                    }
                }
                opened = of(&mut pulling) => {
                    pulling = None;
                    self.counters.pulls.add(1);
                    match opened {
                        Ok(opened) => messages = Some(opened),
                        Err(because) => return because,
                    }
                }
                _ = tick.tick() => {
                    self.hold(seen);
                    seen = self.order.newest();
                }
                message = next(&mut messages) => match message {
                    Some(Ok(message)) => {
                        pause = Pause::default();
                        self.receive(message);
                        for _ in 1..AT_ONCE {
                            let Some(Some(Ok(message))) = next(&mut messages).now_or_never() else {
                                break;
                            };
                            self.receive(message);
                        }
                    }
                    _ => {
                        tracing::debug!("pulling again");
                        pause = pause.longer();
                        (messages, pulling) = (None, Some(self.source.pull(pause).boxed()));
                    }
                }
            }
        }
    }

    fn receive(&mut self, message: async_nats::jetstream::Message) {
        let Some((delivery, arrived)) = Arrived::of(message) else {
            return;
        };
        let reply = arrived.reply.clone();
        let taken = match self.order.arrive(delivery, arrived) {
            Arrival::Held => return,
            Arrival::Twice => false,
            Arrival::Taken => true,
        };
        self.counters.redelivered.add(1);
        let key = |waits: &Uncommitted| waits.stream_sequence;
        match self
            .uncommitted
            .binary_search_by_key(&delivery.sequence, key)
        {
            Ok(place) => self.uncommitted[place].reply = reply,
            Err(_) if taken => self.acknowledge(reply),
            Err(_) => {}
        }
    }

    fn reread(&mut self, gap: Gap, found: Option<StreamMessage>) {
        let found = found.map(|message| (message.sequence, Arrived::reread(message)));
        self.order.found(gap, found);
    }

    pub(super) fn unacknowledged(&self) -> usize {
        self.left + self.uncommitted.len()
    }

    /// Publishes what can be published now.
    fn publish(&mut self) -> Result<Waits, End> {
        loop {
            match self.order.next() {
                Next::Nothing => return Ok(Waits::Message),
                Next::Ask(gap) => return Ok(Waits::Answer(gap)),
                Next::Ready => {}
            }
            let event = match self.decoded.take() {
                Some(event) => event,
                None => match self.decode()? {
                    Some(event) => event,
                    None => continue,
                },
            };
            match self.bus.try_publish(event) {
                Ok(sequence) => self.published(sequence),
                Err(TryPublishError::Full(event)) => {
                    self.decoded = Some(event);
                    return Ok(Waits::Room);
                }
                Err(TryPublishError::Closed(_)) => return Err(End::BusClosed),
            }
        }
    }

    /// `None`: the next one is left out.
    fn decode(&mut self) -> Result<Option<B>, End> {
        let (stream_sequence, arrived) = self.order.head().expect("it is ready");
        let message = &arrived.message;
        let origin = Origin::of(&message.headers, &mut self.name);
        let own = origin.as_ref().map(|origin| &*origin.source);
        if own.is_some() && own == self.skipped_source.as_deref() {
            self.counters.own.add(1);
            let (_, arrived) = self.order.take().expect("it is there");
            self.acknowledge(arrived.reply);
            return Ok(None);
        }
        let error = match (self.decode)(message) {
            Ok(event) => {
                let delivered = Delivered {
                    stream_sequence,
                    origin,
                    event,
                };
                return Ok(Some(delivered.into()));
            }
            Err(error) => error,
        };
        let undecodable = Undecodable {
            message,
            error: &*error,
        };
        match (self.hook)(&undecodable) {
            Undecoded::Stop => Err(End::Undecodable {
                stream_sequence,
                error,
            }),
            Undecoded::Skip => {
                tracing::warn!(stream_sequence, %error, "a message is skipped");
                self.counters.undecoded.add(1);
                let (_, arrived) = self.order.take().expect("it is there");
                let reply = arrived.reply.map(|reply| (reply, AckKind::Term));
                self.answers.extend(reply);
                Ok(None)
            }
        }
    }

    fn published(&mut self, bus_sequence: u64) {
        let (stream_sequence, Arrived { reply, .. }) = self.order.take().expect("it is ready");
        self.counters.published.add(1);
        self.counters.reread.add(reply.is_none().into());
        self.counters.stream_sequence.set(stream_sequence);
        if self.sink.is_some() {
            self.uncommitted.push_back(Uncommitted {
                bus_sequence,
                stream_sequence,
                reply,
            });
        } else {
            self.acknowledge(reply);
        }
    }

    fn acknowledge_committed(&mut self, upto: u64) {
        while let Some(first) = self.uncommitted.front() {
            if first.bus_sequence >= upto {
                break;
            }
            let first = self.uncommitted.pop_front().expect("it is there");
            self.acknowledge(first.reply);
        }
    }

    fn acknowledge(&mut self, reply: Option<Subject>) {
        if let Some(reply) = reply {
            self.counters.acknowledged.add(1);
            self.acknowledged = Some(reply.clone());
            self.answers.push((reply, AckKind::Ack));
        }
    }

    /// Asks the broker to go on waiting for the messages that were there already at the tick before.
    fn hold(&mut self, seen: u64) {
        let held = self
            .order
            .iter()
            .map(|(sequence, held)| (sequence, &held.reply));
        let published = self.uncommitted.iter();
        let published = published.map(|waits| (waits.stream_sequence, &waits.reply));
        let old = published
            .chain(held)
            .filter(|(sequence, _)| *sequence <= seen);
        let before = self.answers.len();
        let replies = old.filter_map(|(_, reply)| reply.clone());
        self.answers
            .extend(replies.map(|reply| (reply, AckKind::Progress)));
        self.counters
            .in_progress
            .add((self.answers.len() - before) as u64);
    }

    /// What is not published is for who comes next, at once.
    fn refuse(&mut self) {
        while let Some((_, arrived)) = self.order.take() {
            self.give_up(arrived.reply);
        }
    }

    /// Nobody is going to commit it.
    fn abandon(&mut self) {
        self.left = self.uncommitted.len();
        for waits in take(&mut self.uncommitted) {
            self.give_up(waits.reply);
        }
    }

    fn give_up(&mut self, reply: Option<Subject>) {
        let reply = reply.map(|reply| (reply, AckKind::Nak(None)));
        self.answers.extend(reply);
    }

    /// Waits until the broker says that it has what was answered, if it does: it need not, when it has the
    /// acknowledgement already.
    async fn confirm(&mut self) {
        let confirmed = match self.acknowledged.take() {
            Some(last) => timeout(CONFIRM, self.client.request(last, AckKind::Ack.into())).await,
            None => return,
        };
        if !matches!(confirmed, Ok(Ok(_))) {
            tracing::debug!("the last acknowledgement is not confirmed");
        }
    }

    async fn answer(&mut self) -> Result<(), End> {
        for (reply, kind) in take(&mut self.answers) {
            if self.client.publish(reply, kind.into()).await.is_err() {
                return Err(End::Disconnected);
            }
        }
        Ok(())
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let gone = stop.wait_for(|stop| *stop).await.is_err();
    if gone {
        pending::<()>().await;
    }
}

async fn of<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

async fn next<S: futures_util::Stream + Unpin>(stream: &mut Option<S>) -> Option<S::Item> {
    match stream {
        Some(stream) => stream.next().await,
        None => pending().await,
    }
}
